#!/usr/bin/env python3
"""The relay against nginx and HAProxy: CPU per request, delays, memory. All contestants run interleaved in one run;
what counts is the median of the ratios' parts, not any single figure.

    bench/relay/relay.py [--rounds 5] [--seconds 3] [--json FILE] [--only P1,P3,P4,P6,P7]

Needs nginx, haproxy and wrk (Debian: nginx-light haproxy wrk) and the release build with its bench_stream.
"""

import argparse
import http.client
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contestants import QUESTION, start_haproxy, start_nginx, start_plimsoll, start_upstream, NGINX_PROXY

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"P1": 1.5, "P3": 1.5, "P4": 1.3, "P6": 4096, "P7": 1.15, "RSS": 15e6}


def wrk(port: int, connections: int, seconds: float, script: Path) -> dict:
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script),
         f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT requests=(\d+) errors=(\d+) p50=([\d.]+) p99=([\d.]+)", out)
    if not found:
        raise RuntimeError(f"wrk printed no result:\n{out}")
    requests, errors, p50, p99 = int(found[1]), int(found[2]), float(found[3]), float(found[4])
    if errors:
        raise RuntimeError(f"port {port}: {errors} of {requests} requests failed")
    return {"requests": requests, "p50": p50, "p99": p99}


WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = %s
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT requests=%%d errors=%%d p50=%%.1f p99=%%.1f\\n", summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def measure_requests(proxies, upstream, rounds, seconds, folder):
    """P1: CPU per request at 32 connections. P3: added p50 delay at one connection."""
    script = folder / "post.lua"
    script.write_text(WRK_SCRIPT % json.dumps(QUESTION))
    busy = {p.name: [] for p in proxies}
    quiet = {name: [] for name in [*busy, "direct"]}
    for _ in range(rounds):
        for proxy in proxies:
            before = proxy.cpu_seconds()
            row = wrk(proxy.port, 32, seconds, script)
            row["cpu"] = (proxy.cpu_seconds() - before) / row["requests"] * 1e6
            busy[proxy.name].append(row)
        for target in [upstream, *proxies]:
            name = "direct" if target is upstream else target.name
            quiet[name].append(wrk(target.port, 1, seconds, script))
    direct = median(quiet["direct"], "p50")
    return {
        name: {"cpu_us": median(rows, "cpu"), "rps": median(rows, "requests") / seconds,
               "added_p50_us": median(quiet[name], "p50") - direct}
        for name, rows in busy.items()
    } | {"direct": {"p50_us": direct}}


def measure_streams(proxies, rounds, probe):
    """P4 (many short rounds: one that meets a busy moment of the machine is off by half): delay of each chunk of 50 streams, one chunk every 10 ms, against the same streams without a proxy."""
    delays = {name: [] for name in ["direct", *[p.name for p in proxies]]}
    for _ in range(rounds):
        for name, port in [("direct", probe.port), *[(p.name, p.stream_port) for p in proxies]]:
            out = subprocess.run([probe.program, "client", str(port), "50", "100"], capture_output=True, text=True,
                                 check=True, timeout=120).stdout
            delays[name].append(json.loads(out))
    direct = median(delays["direct"], "p50_us")
    return {name: {"p50_us": median(rows, "p50_us"), "p99_us": median(rows, "p99_us"),
                   "added_p50_us": median(rows, "p50_us") - direct} for name, rows in delays.items()}


def measure_idle(proxies, count=4000):
    """P6: Pss of an idle keep-alive connection, after one request on each."""
    result = {}
    head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(QUESTION)}\r\n\r\n{QUESTION}").encode()
    for proxy in proxies:
        before = proxy.memory("Pss")
        sockets = []
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", proxy.port))
            s.sendall(head)
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
                got = s.recv(65536)
                if not got:
                    raise RuntimeError(f"{proxy.name} closed an idle connection: {answer[:200]!r}")
                answer += got
            sockets.append(s)
        time.sleep(2)
        result[proxy.name] = {"bytes": (proxy.memory("Pss") - before) / count}
        for s in sockets:
            s.close()
        time.sleep(1)
    return result


def measure_big_body(proxies, megabytes=50):
    """P7: growth of the peak resident size over one large POST, as a multiple of the body."""
    body = json.dumps({"model": "bench:1b", "messages": [{"role": "user", "content": "x" * (megabytes << 20)}]}).encode()
    result = {}
    for proxy in proxies:
        proxy.reset_peak()
        before = proxy.memory("VmRSS", "status")
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{proxy.name} answered {answer.status} to {len(body)} bytes")
        connection.close()
        result[proxy.name] = {"growth": (proxy.memory("VmHWM", "status") - before) / len(body)}
    return result


class Probe:
    """The stamped stream's upstream, and where its client program is."""

    def __init__(self, program: str):
        self.program = program
        self.child = subprocess.Popen([program, "server"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def stop(self):
        self.child.terminate()
        self.child.wait(10)


def verdicts(results: dict) -> list[tuple]:
    rows = []
    if "requests" in results:
        r = results["requests"]
        rows.append(("P1", "CPU per request / HAProxy", r["plimsoll"]["cpu_us"] / r["haproxy"]["cpu_us"], LIMITS["P1"]))
        rows.append(("P3", "added p50 / HAProxy", r["plimsoll"]["added_p50_us"] / r["haproxy"]["added_p50_us"], LIMITS["P3"]))
    if "streams" in results:
        s = results["streams"]
        slower = max(s["nginx"]["added_p50_us"], s["haproxy"]["added_p50_us"])
        rows.append(("P4", "added chunk p50 / slower of both", s["plimsoll"]["added_p50_us"] / slower, LIMITS["P4"]))
    if "idle" in results:
        rows.append(("P6", "bytes of an idle connection", results["idle"]["plimsoll"]["bytes"], LIMITS["P6"]))
    if "big_body" in results:
        rows.append(("P7", "peak growth / body", results["big_body"]["plimsoll"]["growth"], LIMITS["P7"]))
    rows.append(("RSS", "idle resident bytes", results["idle_rss"], LIMITS["RSS"]))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="P1,P4,P6,P7")
    parser.add_argument("--program", default=str(ROOT / "build/release/plimsoll"))
    options = parser.parse_args()
    only = set(options.only.replace("P3", "P1").split(","))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))

    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        running = []
        try:
            upstream = start_upstream(folder)
            running.append(upstream)
            plimsoll = start_plimsoll(folder, upstream.port, options.program)
            time.sleep(1)
            results = {"idle_rss": plimsoll.memory("VmRSS", "status")}
            proxies = [plimsoll, start_haproxy(folder, upstream.port), start_nginx("nginx", folder, upstream.port, NGINX_PROXY)]
            running += proxies
            if "P1" in only:
                results["requests"] = measure_requests(proxies, upstream, options.rounds, options.seconds, folder)
            if "P4" in only:
                probe = Probe(str(Path(options.program).parent / "bench_stream"))
                running.append(probe)
                (folder / "s").mkdir(exist_ok=True)
                streams = [start_plimsoll(folder / "s", probe.port, options.program),
                           start_haproxy(folder / "s", probe.port),
                           start_nginx("nginx", folder / "s", probe.port, NGINX_PROXY)]
                running += streams
                for proxy in streams:
                    proxy.stream_port = proxy.port
                results["streams"] = measure_streams(streams, 3 * options.rounds, probe)
            if "P6" in only:
                results["idle"] = measure_idle(proxies)
            if "P7" in only:
                results["big_body"] = measure_big_body(proxies)
        finally:
            for process in reversed(running):
                process.stop()

    print(json.dumps(results, indent=1))
    failed = 0
    for goal, what, value, limit in verdicts(results):
        good = value <= limit
        failed += not good
        print(f"{goal:4} {what:36} {value:14.3f}  limit {limit:g}  {'ok' if good else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
