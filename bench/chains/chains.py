#!/usr/bin/env python3
"""What runs of chains cost beside the models themselves: the dead time of a swap that is ours, how much of the loads is hidden by
looking ahead, and what other clients feel of twenty runs at once. The real binary in front of `plimsoll sim`, whose loads and
answers take known times; nothing is faster than real time.

usage: chains.py [--binary build/release/plimsoll] [--swaps 20] [--seconds 40]
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from support.process import Serve, Sim, get_json, post, wait_for  # noqa: E402

GIB = 1 << 30
PER_SECOND = 40  # tokens
BANDWIDTH = 8  # GiB/s


def catalogue(count, size):
    weights, models = [], []
    for i in range(count):
        weights.append({"id": f"w{i}", "file_bytes": size, "layers": 32,
                        "memory": {"device_bytes": size, "kv_per_token": 65536}})
        models.append({"name": f"m{i}:1b", "weights": f"w{i}", "capabilities": ["completion"]})
    return {"weights": weights, "models": models}


class Bench:
    """A simulated server with equal models, and Plimsoll in front of it."""

    def __init__(self, models, size, budget, parallel=1):
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "catalogue.json"
        file.write_text(json.dumps(catalogue(models, size)))
        self.sim = Sim("--models", str(file), "--vram", "256GiB", "--load-bandwidth", f"{BANDWIDTH}GiB",
                       "--tokens-per-second", str(PER_SECOND), "--max-loaded", "20", "--parallel", str(parallel))
        self.serve = Serve(self.sim.url, "--max-loaded", "20", "--parallel", str(parallel), budget=str(budget))
        self.serve.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.serve.stop()
        self.serve.__exit__()
        self.sim.kill()
        self.folder.cleanup()

    def stream(self, document):
        """The events of a run with the time at which each came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.serve.port, timeout=600)
        body = json.dumps({"chain": document, "input": "x", "stream": True})
        connection.request("POST", "/plimsoll/v1/chains/run", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        events = []
        while line := answer.readline():
            events.append((time.monotonic(), json.loads(line)))
        connection.close()
        if events[-1][1]["status"] != "succeeded":
            raise SystemExit(f"the run failed: {events[-1][1]}")
        return events


def steps(models, tokens):
    return [{"model": {"name": model, "params": {"options": {"num_predict": tokens}}}, "instruction": "{input}"}
            for model in models]


def gaps(events):
    """From each step's end to the first token of the next."""
    out, end = [], None
    for at, event in events:
        if event["event"] == "step_finished":
            end = at
        elif event["event"] == "token" and end is not None:
            out.append(at - end)
            end = None
    return out


def durations(log, begin, end):
    """By the simulator's books: how long each took, in seconds."""
    out, since = [], {}
    for entry in log:
        if entry["what"] == begin:
            since[entry["model"]] = entry["t_ms"]
        elif entry["what"] == end and entry["model"] in since:
            out.append((entry["t_ms"] - since.pop(entry["model"])) / 1000)
    return out


def dead_time(swaps):
    """Two models that do not fit together take turns; against the same steps on one model, which needs no swap."""
    with Bench(2, 4 * GIB, 7 * GIB) as bench:
        still = statistics.median(gaps(bench.stream({"steps": steps(["m0:1b"] * 6, 8)})))
        bench.sim.reset_books()
        turns = [f"m{i % 2}:1b" for i in range(swaps + 1)]
        swapped = gaps(bench.stream({"steps": steps(turns, 8)}))
        loads = durations(bench.sim.books()["log"], "load_start", "load")
    load = statistics.median(loads[1:])
    ours = [gap - load - still for gap in swapped]
    print(f"dead time of a swap that is ours, {len(ours)} swaps: median {1000 * statistics.median(ours):.1f} ms, "
          f"largest {1000 * max(ours):.1f} ms (aim 50; load {1000 * load:.0f} ms, the same model again {1000 * still:.1f} ms)")


def foresight():
    """Models that all fit: the next load is hidden behind the answer at hand."""
    names = [f"m{i}:1b" for i in range(6)]
    with Bench(6, 8 * GIB, 60 * GIB) as bench:
        events = bench.stream({"steps": steps(names, 80)})
        loads = durations(bench.sim.books()["log"], "load_start", "load")
    finished = [event for _, event in events if event["event"] == "step_finished"]
    answers = [event["seconds"] - event["waited_seconds"] for event in finished]
    wall = finished[-1]["elapsed_seconds"]
    least = loads[0] + sum(answers) + sum(max(0, load - answer) for load, answer in zip(loads[1:], answers))
    print(f"six models that fit: {wall:.2f} s, {wall / least:.3f} of answers and what of the loads cannot be hidden "
          f"(aim 1.05; all loads one after another would be {(sum(answers) + sum(loads)) / least:.3f})")


def ask(port, source, tokens):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600, source_address=(source, 0))
    body = json.dumps({"model": "m0:1b", "prompt": "x", "stream": False, "options": {"num_predict": tokens}})
    began = time.monotonic()
    connection.request("POST", "/api/generate", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"a client was answered {answer.status}")
    return time.monotonic() - began


def clients_for(bench, seconds, clients=8, tokens=20):
    """Eight clients with addresses of their own, asking again and again; all their times."""
    ends = time.monotonic() + seconds
    taken, lock = [], threading.Lock()

    def loop(number):
        while time.monotonic() < ends:
            took = ask(bench.serve.port, f"127.0.0.{number + 2}", tokens)
            with lock:
                taken.append(took)

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(taken)


def p99(values):
    return values[min(len(values) - 1, int(0.99 * len(values)))]


def neighbours(seconds, is_async):
    """Twenty runs over a model that others use and two that take turns beside it: two of the three fit."""
    with Bench(3, 4 * GIB, 14 * GIB, parallel=4) as bench:
        ask(bench.serve.port, "127.0.0.2", 1)
        alone = clients_for(bench, seconds)
        document = {"steps": steps(["m0:1b", "m1:1b", "m0:1b", "m2:1b"] * 3, 20)}
        ended = []
        if is_async:
            urls = [post(bench.serve.url + "/plimsoll/v1/chains/run", {"chain": document, "input": "x"},
                         headers={"Prefer": "respond-async"}).json()["url"] for _ in range(20)]
        else:
            threads = [threading.Thread(target=lambda: ended.append(bench.stream(document))) for _ in range(20)]
            for thread in threads:
                thread.start()
        beside = clients_for(bench, seconds)
        if is_async:
            left = sum(get_json(bench.serve.url + url)["status"] == "running" for url in urls)
            for url in urls:
                wait_for(lambda: get_json(bench.serve.url + url)["status"] != "running", 600, "ended")
                if get_json(bench.serve.url + url)["status"] != "succeeded":
                    raise SystemExit(f"a run failed: {get_json(bench.serve.url + url)}")
        else:
            left = 20 - len(ended)
            for thread in threads:
                thread.join()
    print(f"other clients' p99 beside 20 runs that {'nobody waits' if is_async else 'clients wait'} for: {p99(beside):.2f} s, "
          f"alone {p99(alone):.2f} s: {p99(beside) / p99(alone):.2f} x (aim 1.5; medians {statistics.median(beside):.2f} and "
          f"{statistics.median(alone):.2f} s; {left} of 20 still went on at the end)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build" / "release" / "plimsoll"))
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    os.environ["PLIMSOLL_TEST_BIN"] = arguments.binary
    dead_time(arguments.swaps)
    foresight()
    neighbours(arguments.seconds, True)
    neighbours(arguments.seconds, False)


if __name__ == "__main__":
    main()
