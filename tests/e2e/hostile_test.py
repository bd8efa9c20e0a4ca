"""Slow and hostile clients beside normal ones, and a daemon that runs out of descriptors. Bounds are wide: the figures
are bench/hostile/hostile.py's."""

import json
import socket
import ssl
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support.process import Serve, Sim, post, slowness, wait_for
from support.tls import Authority

MODEL = "gemma3:270m"
SLOW = 300
NORMAL = 20

HEADS = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class SlowClients:
    """Connections that each send a few bytes a second of a head, or of a body, or read an answer like that."""

    def __init__(self, port: int, kind: str, count: int):
        self.connections = []
        self.kind = kind
        self._stop = threading.Event()
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), 30)
            if kind == "read":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                # More than the kernel keeps for us, and little work to make.
                connection.sendall(b"GET /plimsoll/v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8)
            elif kind == "body":
                connection.sendall(HEADS + b"Content-Length: 100000\r\n\r\n{")
            elif kind == "head":
                connection.sendall(HEADS)
            else:  # a handshake that does not go on
                connection.sendall(b"\x16\x03\x01\x02\x00\x01")
            connection.setblocking(False)
            self.connections.append(connection)
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self):
        while not self._stop.wait(0.5):
            for connection in self.connections:
                try:
                    if self.kind == "read":
                        connection.recv(16)
                    else:
                        connection.send(b"X-a: b\r\n" if self.kind == "head" else b" ")
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        for connection in self.connections:
            connection.close()


def generate(port: int, context: ssl.SSLContext | None) -> float:
    """One request on a connection of its own; how long it took."""
    body = json.dumps({"model": MODEL, "prompt": "hi", "stream": False, "options": {"num_predict": 4}}).encode()
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 60) as plain:
        client = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        client.sendall(HEADS + b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = b""
        while got := client.recv(65536):
            answer += got
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise AssertionError(answer[:200])
    return time.monotonic() - begin


def slowest(port: int, context: ssl.SSLContext | None, rounds: int = 5) -> float:
    """The longest of many requests by normal clients."""
    times, failures = [], []

    def client():
        try:
            for _ in range(rounds):
                times.append(generate(port, context))
        except Exception as failure:  # noqa: BLE001: told below
            failures.append(repr(failure))

    threads = [threading.Thread(target=client) for _ in range(NORMAL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures or len(times) != NORMAL * rounds:
        raise AssertionError(f"{len(times)} answers; {failures[:3]}")
    return max(times)


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Sim("--tokens-per-second", "2000", "--parallel", "32", "--load-bandwidth", "64GiB"))

    def check(self, serve, context, kinds):
        generate(serve.port, context)  # the model is loaded now
        quiet = slowest(serve.port, context)
        for kind in kinds:
            with self.subTest(kind), SlowClients(serve.port, kind, SLOW):
                self.wait_quiet(serve)  # what they asked for at once is done
                among = slowest(serve.port, context)
                self.assertLess(among, 20 * quiet + 2 * slowness(), f"quiet {quiet:.3f} s, among {SLOW} slow ones {among:.3f} s")

    def wait_quiet(self, serve):
        def is_quiet():
            before = serve.cpu_seconds()
            time.sleep(0.5)
            return serve.cpu_seconds() - before < 0.1

        wait_for(is_quiet, 120, "quiet", serve.output)

    def test_plain(self):
        with Serve(self.sim.url) as serve:
            self.check(serve, None, ("head", "body", "read"))
            self.assertEqual(0, serve.stop())

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(Path(folder))
            certificate, key = authority.make("server")
            config = Path(folder) / "plimsoll.toml"
            config.write_text(f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n')
            with Serve(self.sim.url, "--config", str(config)) as serve:
                self.check(serve, authority.client(), ("handshake",))
                self.assertEqual(0, serve.stop())

    def test_out_of_descriptors(self):
        with Serve(self.sim.url, most_files=64) as serve:
            serve.wait_ready()
            held = [socket.create_connection(("127.0.0.1", serve.port), 30) for _ in range(200)]
            wait_for(lambda: "accepting pauses" in serve.output(), 30, "short of descriptors", serve.output)
            before = serve.cpu_seconds()
            time.sleep(3)  # the time in which a loop would spin
            self.assertLess(serve.cpu_seconds() - before, 1.5, "it works although it can do nothing")
            for connection in held:
                connection.close()
            wait_for(lambda: post(serve.url + "/api/generate", {"model": MODEL, "prompt": "hi", "stream": False}).status
                     == 200, 30, "serving again", serve.output)
            self.assertEqual(1, sum("accepting pauses" in line for line in serve.lines), "said once, not each time")
            self.assertEqual(0, serve.stop())


if __name__ == "__main__":
    unittest.main()
