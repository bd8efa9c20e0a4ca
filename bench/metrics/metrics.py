#!/usr/bin/env python3
"""What metrics cost: CPU per small POST while nobody reads them and while somebody reads ten times a second, interleaved with
another build where one is given; and what a read costs with 50 models in memory and 1,000 requests waiting.

usage: metrics.py [--binary build/release/plimsoll] [--baseline OTHER] [--rounds 5] [--seconds 3] [--only post,read]

Needs nginx and wrk for the first (as bench/relay); timed figures are no tests.
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
sys.path.insert(0, str(ROOT / "bench" / "relay"))
from contestants import QUESTION, start_plimsoll, start_upstream  # noqa: E402
from relay import WRK_SCRIPT, wrk  # noqa: E402
from support.process import Serve, Sim, post_json, request, wait_for  # noqa: E402
from support.prometheus import Scrape  # noqa: E402
from support.raw import RawClient, post_bytes  # noqa: E402

GIB = 1 << 30


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Reader:
    """Reads /metrics ten times a second while it lives."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.ends = threading.Event()
        self.count = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ends.wait(0.1):
            self.connection.request("GET", "/metrics")
            self.connection.getresponse().read()
            self.count += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        self.connection.close()


def posts(arguments):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "post.lua"
        script.write_text(WRK_SCRIPT % json.dumps(QUESTION))
        started = []
        contestants = {}
        for which, program in (("baseline", arguments.baseline), ("metrics", arguments.binary)):
            if program:
                (folder / which).mkdir()
                upstream = start_upstream(folder / which)
                contestants[which] = start_plimsoll(folder / which, upstream.port, program)
                started += [upstream, contestants[which]]
        figures: dict[str, list] = {}

        def measure(label, process):
            before = process.cpu_seconds()
            row = wrk(process.port, 32, arguments.seconds, script)
            figures.setdefault(label, []).append((process.cpu_seconds() - before) / row["requests"] * 1e6)

        try:
            for process in contestants.values():
                wrk(process.port, 32, arguments.seconds, script)  # loaded, and warm
            for _ in range(arguments.rounds):
                for which, process in contestants.items():
                    measure(which, process)
                with Reader(contestants["metrics"].port) as reader:
                    measure("metrics, read 10 times a second", contestants["metrics"])
                if not reader.count:
                    raise SystemExit("nothing was read")
        finally:
            for process in reversed(started):
                process.stop()
    for label, rows in figures.items():
        print(f"CPU per small POST at 32 connections, {label}: median {statistics.median(rows):.2f} µs "
              f"(least {min(rows):.2f}, most {max(rows):.2f}, {len(rows)} rounds)")


def catalogue(count):
    weights = [{"id": f"w{i}", "file_bytes": GIB, "layers": 32, "memory": {"device_bytes": GIB, "kv_per_token": 4096}}
               for i in range(count)]
    models = [{"name": f"m{i}:1b", "weights": f"w{i}", "capabilities": ["completion"]} for i in range(count)]
    return {"weights": weights, "models": models}


def reads(models, waiting):
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "catalogue.json"
        file.write_text(json.dumps(catalogue(models)))
        with Sim("--models", str(file), "--vram", "512GiB", "--load-bandwidth", "400GiB", "--tokens-per-second", "1",
                 "--max-loaded", str(models)) as sim, \
                Serve(sim.url, "--max-loaded", str(models), "--log-level", "error", budget="500GiB") as serve:
            serve.wait_ready()
            for i in range(models):
                post_json(serve.url + "/plimsoll/v1/models/load", {"model": f"m{i}:1b"})
            one_read(serve, f"{models} models, nobody waits")
            clients = []
            for i in range(models + waiting):  # the first of each model takes its slot
                client = RawClient(serve.port)
                client.send(post_bytes("/api/generate", {"model": f"m{i % models}:1b", "prompt": "hi",
                                                         "options": {"num_predict": 100000}}))
                clients.append(client)
            wait_for(lambda: Scrape(serve.url).value("plimsoll_queue_length") == waiting, 120, "all wait")
            one_read(serve, f"{models} models, {waiting} wait")
            for client in clients:
                client.close()


def one_read(serve, label, count=50):
    times = []
    size = 0
    before = cpu_seconds(serve.pid)
    for _ in range(count):
        begin = time.monotonic()
        size = len(request("GET", serve.url + "/metrics").body)
        times.append((time.monotonic() - begin) * 1000)
    cpu = (cpu_seconds(serve.pid) - before) / count * 1000
    print(f"a read with {label}: {cpu:.1f} ms of CPU, {size / 1000:.0f} kB, {len(Scrape(serve.url).samples)} samples, "
          f"median {statistics.median(times):.1f} ms for whoever reads")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "build" / "release" / "plimsoll"))
    parser.add_argument("--baseline")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="post,read")
    arguments = parser.parse_args()
    os.environ["PLIMSOLL_TEST_BIN"] = arguments.binary
    if "post" in arguments.only:
        posts(arguments)
    if "read" in arguments.only:
        reads(50, 1000)


if __name__ == "__main__":
    main()
