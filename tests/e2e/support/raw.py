"""Requests on bare sockets: half-finished, segmented, cut off; what client libraries do not let one do."""

import json
import socket
import struct
import threading
import time


def post_bytes(path: str, value, host: str = "127.0.0.1", extra: str = "") -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class RawClient:
    """One connection."""

    def __init__(self, port: int, timeout: float = 60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self, data: bytes, segment: int | None = None):
        for at in range(0, len(data), segment or len(data) or 1):
            self.socket.sendall(data[at:at + (segment or len(data))])

    def read_until(self, mark: bytes, limit: int = 1 << 22) -> bytes:
        while mark not in self.received and len(self.received) < limit:
            got = self.socket.recv(65536)
            if not got:
                break
            self.received += got
        return self.received

    def read_all(self) -> bytes:
        """Up to the peer's close; a reset counts as one."""
        try:
            while got := self.socket.recv(65536):
                self.received += got
        except ConnectionResetError:
            pass
        return self.received

    def read_answer(self):
        """One whole answer with its framing: (status, fields, body)."""
        head, _, rest = self.read_until(b"\r\n\r\n").partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        if fields.get("transfer-encoding") == "chunked":
            body, rest = self._read_chunks(rest)
        else:
            size = int(fields.get("content-length", 0))
            while len(rest) < size:
                got = self.socket.recv(65536)
                if not got:
                    raise AssertionError(f"the answer ended after {len(rest)} of {size} bytes")
                rest += got
            body, rest = rest[:size], rest[size:]
        self.received = rest
        return status, fields, body

    def _read_chunks(self, rest: bytes):
        body = b""

        def more():
            nonlocal rest
            got = self.socket.recv(65536)
            if not got:
                raise AssertionError("the chunked answer was cut off")
            rest += got

        while True:
            while b"\r\n" not in rest:
                more()
            line, _, rest = rest.partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            while len(rest) < size + 2:
                more()
            body, rest = body + rest[:size], rest[size + 2:]
            if size == 0:
                return body, rest

    def close(self, reset: bool = False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Background:
    """Calls a function again and again in a thread until told to stop; keeps the times of its calls and any failure."""

    def __init__(self, function, pause: float = 0):
        self.done: list[float] = []
        self.failure: BaseException | None = None
        self._function, self._pause = function, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.is_set():
                self._function()
                self.done.append(time.monotonic())
                if self._pause:
                    self._stop.wait(self._pause)
        except BaseException as failure:  # noqa: BLE001: handed to the test
            self.failure = failure

    def stop(self, timeout: float = 120):
        self._stop.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise AssertionError("a client hangs")
        if self.failure:
            raise self.failure

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        if kind is None:
            self.stop()
