"""A stand-in for systemd: the socket on which a service says how it stands."""

import os
import socket
import tempfile
import time
from pathlib import Path


class Manager:
    def __init__(self, watchdog_seconds: float = 0):
        self._folder = tempfile.TemporaryDirectory(prefix="plimsoll-notify-")
        self.path = str(Path(self._folder.name) / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self.watchdog_seconds = watchdog_seconds
        self.heard: list[dict[str, str]] = []

    def environment(self) -> dict[str, str]:
        out = {"NOTIFY_SOCKET": self.path}
        if self.watchdog_seconds:
            out["WATCHDOG_USEC"] = str(int(self.watchdog_seconds * 1e6))
        return out

    def hear(self, timeout: float) -> dict[str, str] | None:
        """The next message, NAME to value; None if none comes in time."""
        self._socket.settimeout(timeout)
        try:
            text = self._socket.recv(65536).decode()
        except TimeoutError:
            return None
        message = dict(line.split("=", 1) for line in text.split("\n"))
        self.heard.append(message)
        return message

    def hear_until(self, wanted, timeout: float, what: str) -> dict[str, str]:
        """The first message from now on of which `wanted` holds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            message = self.hear(end - time.monotonic())
            if message is not None and wanted(message):
                return message
        raise AssertionError(f"{what} was not told within {timeout} s; told: {self.heard}")

    def forget(self):
        """What has come by now is not looked at."""
        while self.hear(0.001) is not None:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._folder.cleanup()


def monotonic_microseconds() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
