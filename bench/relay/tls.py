#!/usr/bin/env python3
"""TLS in front of the relay, against nginx as a TLS proxy with the same certificate and upstream: CPU per handshake (a
connection and one request each), and CPU per request on connections that stay. Interleaved in one run, medians.

    bench/relay/tls.py [--rounds 5] [--seconds 3] [--json FILE] [--program FILE] [--before FILE]

--before: another program of ours, for its plain CPU per request beside that of --program (neither with TLS).
Needs nginx, wrk, the openssl program and the release build.
"""

import argparse
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from contestants import NGINX_PROXY, QUESTION, Process, free_port, start_nginx, start_plimsoll, start_upstream
from relay import WRK_SCRIPT

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.tls import Authority  # noqa: E402

NGINX_TLS = """
 listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
 ssl_session_tickets on; ssl_session_cache off; {proxy}"""


def wrk(proxy, url: str, script: Path, seconds: int, *headers: str) -> float:
    """Microseconds of the proxy's CPU per request."""
    before = proxy.cpu_seconds()
    out = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(script), *headers, url], capture_output=True,
                         text=True, check=True).stdout
    found = re.search(r"RESULT requests=(\d+) errors=(\d+)", out)
    if not found or int(found[1]) == 0 or int(found[2]) > int(found[1]) // 100:
        raise RuntimeError(out)
    return (proxy.cpu_seconds() - before) / int(found[1]) * 1e6


def wait_model(proxy: Process, is_tls: bool):
    """Until the upstream is known and the model loaded."""
    context = ssl._create_unverified_context() if is_tls else None
    url = f"{'https' if is_tls else 'http'}://127.0.0.1:{proxy.port}/v1/chat/completions"
    for _ in range(100):
        asked = urllib.request.Request(url, QUESTION.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30, context=context) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"port {proxy.port} does not answer")


def start_ours(folder: Path, target: int, program: str, certificate: str, key: str) -> Process:
    port = free_port()
    config = folder / "plimsoll.toml"
    config.write_text(f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n')
    return Process("plimsoll", port, [
        program, "serve", "--config", str(config), "--listen", f"127.0.0.1:{port}", "--upstream",
        f"http://127.0.0.1:{target}", "--budget", "640GiB", "--parallel", "64", "--log-level", "warning",
        "--state", str(folder / "tls.db")])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--program", default=str(ROOT / "build/release/plimsoll"))
    parser.add_argument("--before")
    options = parser.parse_args()

    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)
        certificate, key = Authority(folder).make("server")
        script = folder / "post.lua"
        script.write_text(WRK_SCRIPT % json.dumps(QUESTION))
        running = []
        try:
            upstream = start_upstream(folder)
            running.append(upstream)
            ours = start_ours(folder, upstream.port, options.program, certificate, key)
            running.append(ours)
            port = free_port()
            nginx = start_nginx("nginx-tls", folder, upstream.port, NGINX_TLS.format(
                port=port, certificate=certificate, key=key, proxy=NGINX_PROXY))
            running.append(nginx)
            secure = [("plimsoll", ours, ours.port), ("nginx", nginx, port)]
            plain = []
            programs = {"plain": options.program} | ({"plain before": options.before} if options.before else {})
            for label, program in programs.items():
                place = folder / label.replace(" ", "-")
                place.mkdir(mode=0o755)
                # Each of ours has an upstream of its own: they would unload each other's model.
                running.append(start_upstream(place))
                plain.append((label, start_plimsoll(place, running[-1].port, program)))
                running.append(plain[-1][1])
            for proxy in [ours, *(each for _, each in plain)]:
                wait_model(proxy, proxy is ours)
            for _ in range(options.rounds):
                for label, proxy, at in secure:
                    url = f"https://127.0.0.1:{at}/v1/chat/completions"
                    rows.setdefault(f"{label} request", []).append(wrk(proxy, url, script, options.seconds))
                    rows.setdefault(f"{label} handshake and request", []).append(
                        wrk(proxy, url, script, options.seconds, "-H", "Connection: close"))
                for label, proxy in plain:
                    url = f"http://127.0.0.1:{proxy.port}/v1/chat/completions"
                    rows.setdefault(f"{label} request", []).append(wrk(proxy, url, script, options.seconds))
        finally:
            for process in reversed(running):
                process.stop()

    medians = {what: statistics.median(values) for what, values in rows.items()}
    for what, value in medians.items():
        print(f"{what:32} {value:8.1f} us of CPU")
    for what in ("request", "handshake and request"):
        print(f"{what:32} {medians['plimsoll ' + what] / medians['nginx ' + what]:8.2f} x nginx")
    if options.before:
        print(f"{'plain request':32} {medians['plain request'] / medians['plain before request']:8.3f} x before")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
