#!/usr/bin/env python3
"""The same traffic through the scheduler alone and through the whole daemon: how many loads each needs.

    bench/schedule/agreement.py [--requests 200] [--seed 1] [--scale 20] [--json FILE]

`plimsoll serve` stands in front of `plimsoll sim`, both on loopback, with time running `scale` times as fast. Requests come at
set moments; afterwards `plimsoll simulate` gets the same arrivals, with the load times and the lengths of answers that were
seen, as they were: both sides run fast, since the scheduler's own constants do not. Both are ended by this script.
"""

import argparse
import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.process import Serve, Sim, binary, get_json, post_json  # noqa: E402

import subprocess  # noqa: E402

MODELS = 6
TOKENS_PER_SECOND = 50
PATIENCE = 15  # seconds, of the normal class


def pick_models(url: str) -> list[dict]:
    """Chat models of 4 to 9 GiB, the smallest first. Names of equal size share their weights, and so an instance."""
    tags = get_json(url + "/api/tags")["models"]
    fitting = {m["size"]: m for m in tags
               if not m.get("remote_host") and "completion" in m.get("capabilities", []) and 4 << 30 < m["size"] < 9 << 30}
    return sorted(fitting.values(), key=lambda m: m["size"])[:MODELS]


def traffic(names: list[str], count: int, seed: int, scale: float) -> list[tuple[float, str, int]]:
    """(second of arrival, model, tokens): a little more than one answer at a time, some models asked for more."""
    rng = random.Random(seed)
    weights = [1 / (i + 1) ** 0.8 for i in range(len(names))]
    at, out = 0.0, []
    for _ in range(count):
        at += rng.expovariate(1 / 7)
        out.append((at / scale, rng.choices(names, weights)[0], rng.randint(50, 500)))
    return out


class Run:
    def __init__(self, serve: Serve):
        self.serve = serve
        self.lock = threading.Lock()
        self.seconds: dict[int, float] = {}
        self.failures: list[str] = []

    def ask(self, index: int, model: str, tokens: int):
        try:
            answer = post_json(self.serve.url + "/api/generate",
                               {"model": model, "prompt": "Count.", "stream": False, "options": {"num_predict": tokens}}, 600)
            took = answer["total_duration"] - answer.get("load_duration", 0)
            with self.lock:
                self.seconds[index] = took / 1e9
        except Exception as error:  # noqa: BLE001 - told at the end, with all others
            with self.lock:
                self.failures.append(f"{model}: {error}")

    def all(self, requests: list[tuple[float, str, int]]):
        start = time.monotonic()
        threads = []
        for index, (at, model, tokens) in enumerate(requests):
            time.sleep(max(0.0, start + at - time.monotonic()))
            threads.append(threading.Thread(target=self.ask, args=(index, model, tokens)))
            threads[-1].start()
        for thread in threads:
            thread.join(600)
        if self.failures:
            raise SystemExit(f"{len(self.failures)} of {len(requests)} requests failed, the first: {self.failures[0]}")


def warm_up(serve: Serve, names: list[str]) -> dict[str, dict]:
    """Each model is loaded and unloaded three times, so that the daemon knows the times as they are here."""
    seen: dict[str, dict] = {}
    for name in names * 3:
        began = time.monotonic()
        instance = post_json(serve.url + "/plimsoll/v1/models/load", {"model": name})
        post_json(serve.url + "/plimsoll/v1/models/unload", {"model": name})
        took = time.monotonic() - began
        entry = seen.setdefault(name, {"charge": instance["charge_bytes"], "loads": [], "unloads": []})
        entry["charge"] = instance["charge_bytes"]
        entry["loads"].append(instance["load_seconds"])
        entry["unloads"].append(took - instance["load_seconds"])
    return seen


def core_alone(requests, seconds, seen, budget: int, patience: str) -> dict:
    lines = ["time,model,seconds,size,load_seconds,unload_seconds,client"]
    for index, (at, model, _) in enumerate(requests):
        facts = seen[model]
        lines.append(f"{at:.6f},{model},{seconds[index]:.6f},{facts['charge']}B,{statistics.median(facts['loads']):.6f},"
                     f"{statistics.median(facts['unloads']):.6f},one")
    out = subprocess.run([binary(), "simulate", "-", "--budget", f"{budget}B", "--keep-alive", "-1", "--patience",
                          patience, "--json"],
                         input="\n".join(lines), capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise SystemExit(out.stderr)
    return json.loads(out.stdout)["variants"][0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with Sim("--vram", "1TiB", "--time-scale", str(options.scale), "--tokens-per-second", str(TOKENS_PER_SECOND)) as sim:
        models = pick_models(sim.url)
        names = [m["name"] for m in models]
        budget = round(2.6 * models[-1]["size"])
        patience = f"{PATIENCE / options.scale * 1000:.0f}ms"
        with Serve(sim.url, "--keep-alive", "-1", budget=f"{budget}B",
                   env={"PLIMSOLL_SCHEDULER_PATIENCE_NORMAL": patience}) as serve:
            serve.wait_ready()
            seen = warm_up(serve, names)
            sim.reset_books()
            requests = traffic(names, options.requests, options.seed, options.scale)
            run = Run(serve)
            run.all(requests)
            loads = sim.books()["loads"]
            longest = serve.status()["upstreams"][0]["longest_wait_seconds"] * options.scale
    alone = core_alone(requests, run.seconds, seen, budget, patience)
    result = {"requests": len(requests), "daemon_loads": loads, "core_loads": alone["loads"],
              "ratio": loads / alone["loads"], "daemon_longest_wait_seconds": longest,
              "core_longest_wait_seconds": alone["longest_wait_seconds"] * options.scale}
    print(f"{len(requests)} requests: {loads} loads by the daemon, {alone['loads']} by the scheduler alone, ratio "
          f"{result['ratio']:.3f}; longest wait {longest:.0f} s and {result['core_longest_wait_seconds']:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
