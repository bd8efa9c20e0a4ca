#!/usr/bin/env python3
"""Normal clients beside slow ones: 200 clients ask at a steady pace while slowhttptest holds 1,000 connections open with
slow heads (-H), slow bodies (-B) or slow reading (-X). What counts is the p99 of the normal ones as a multiple of the same
without slow ones, in the same run; with and without TLS.

    bench/hostile/hostile.py [--seconds 12] [--rounds 3] [--program FILE] [--json FILE]

Needs slowhttptest (Debian: slowhttptest), the openssl program and the release build.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.process import Serve, Sim  # noqa: E402
from support.tls import Authority  # noqa: E402

CLIENTS = 200
PAUSE = 2.0  # seconds between two requests of one client
SLOW = 1000
LIMIT = 2.0
MODEL = "gemma3:270m"
MODES = {
    "-H": ["-H", "-i", "2", "-x", "24"],
    "-B": ["-B", "-i", "2", "-s", "100000", "-f", "application/json", "-x", "10"],
    "-X": ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32", "-k", "3"],
}
BODY = json.dumps({"model": MODEL, "prompt": "hi", "stream": False, "options": {"num_predict": 4}}).encode()
REQUEST = (b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
           % len(BODY)) + BODY


async def one_client(port, context, number, until, times):
    await asyncio.sleep(PAUSE * number / CLIENTS)  # spread evenly
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context,
                                                   server_hostname="localhost" if context else None)
    first = True  # with a handshake before it; not counted
    while time.monotonic() < until:
        begin = time.monotonic()
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head)
        size = re.search(rb"(?i)content-length: (\d+)", head)
        await (reader.readexactly(int(size[1])) if size else reader.readuntil(b"0\r\n\r\n"))
        if not first:
            times.append(time.monotonic() - begin)
        first = False
        await asyncio.sleep(max(0.0, begin + PAUSE - time.monotonic()))
    writer.close()


def normal_clients(port, context, seconds) -> dict:
    times = []

    async def run():
        until = time.monotonic() + seconds
        await asyncio.gather(*(one_client(port, context, i, until, times) for i in range(CLIENTS)))

    asyncio.run(run())
    times.sort()
    return {"requests": len(times), "p50_ms": times[len(times) // 2] * 1000,
            "p99_ms": times[int(len(times) * 0.99)] * 1000}


def slow_clients(url, mode, seconds):
    # Slow reading wants an answer that is larger than what the kernels hold for it.
    path = "/plimsoll/v1/openapi.yaml" if mode == "-X" else "/api/generate"
    return subprocess.Popen(
        ["slowhttptest", *MODES[mode], "-c", str(SLOW), "-r", "500", "-l", str(seconds), "-p", "30", "-v", "0",
         *(["-t", "GET"] if mode == "-X" else []), "-u", url + path],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_idle(serve):
    """Until all slow connections stand: with TLS the attacker needs a while for its handshakes."""
    time.sleep(3)
    for _ in range(60):
        before = serve.cpu_seconds()
        time.sleep(1)
        if serve.cpu_seconds() - before < 0.04:
            return


def measure(serve, url, context, rounds, seconds) -> dict:
    rows = {mode: [] for mode in ["quiet", *MODES]}
    for _ in range(rounds):
        rows["quiet"].append(normal_clients(serve.port, context, seconds))
        for mode in MODES:
            slow = slow_clients(url, mode, seconds + 75)
            try:
                wait_idle(serve)
                row = normal_clients(serve.port, context, seconds)
            finally:
                slow.terminate()
                slow.wait(30)
            rows[mode].append(row)
            time.sleep(2)
    out = {mode: {"requests": sum(row["requests"] for row in all_), "p50_ms": statistics.median(row["p50_ms"] for row in all_),
                  "p99_ms": statistics.median(row["p99_ms"] for row in all_)} for mode, all_ in rows.items()}
    for mode in MODES:
        out[mode]["ratio"] = out[mode]["p99_ms"] / out["quiet"]["p99_ms"]
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / "build/release/plimsoll"))
    parser.add_argument("--only", default="plain,tls")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ["PLIMSOLL_TEST_BIN"] = options.program
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))

    results = {}
    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-") as name, \
            Sim("--tokens-per-second", "5000", "--parallel", "64", "--load-bandwidth", "64GiB") as sim:
        folder = Path(name)
        authority = Authority(folder)
        certificate, key = authority.make("server")
        config = folder / "plimsoll.toml"
        for kind in options.only.split(","):
            tls = f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n' if kind == "tls" else ""
            config.write_text(tls + f'[[upstream]]\nurl = "{sim.url}"\nbudget = "16GiB"\nparallel = 64\n')
            context = authority.client() if kind == "tls" else None
            with Serve("", "--config", str(config), budget="") as serve:
                normal_clients(serve.port, context, 3 * PAUSE)  # loads the model
                url = f"{'https' if kind == 'tls' else 'http'}://localhost:{serve.port}"
                results[kind] = measure(serve, url, context, options.rounds, options.seconds)
                assert serve.stop() == 0

    print(json.dumps(results, indent=1))
    failed = 0
    for kind, rows in results.items():
        for mode in MODES:
            ratio = rows[mode]["ratio"]
            failed += ratio > LIMIT
            print(f"{kind:6} slowhttptest {mode}  p99 / quiet {ratio:6.2f}  limit {LIMIT:g}  "
                  f"{'ok' if ratio <= LIMIT else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
