"""A program in a real pseudo terminal whose screen can be read: pyte, which scripts/test installs into build/clients."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from support.process import ROOT, clean_environment, slowness

SITE = Path(os.environ.get("PLIMSOLL_TEST_CLIENTS", ROOT / "build" / "clients")) / "python"
if SITE.is_dir():
    sys.path.insert(0, str(SITE))
import pyte  # noqa: E402


class Screen(pyte.Screen):
    """With what xterm's description has and pyte has not: repeated characters, and scrolling of a part."""

    last = " "

    def draw(self, data):
        self.last = data[-1]
        super().draw(data)

    def repeat(self, count=1):
        self.draw(self.last * (count or 1))

    def scroll_up(self, count=1):
        self.scroll(self.delete_lines, count)

    def scroll_down(self, count=1):
        self.scroll(self.insert_lines, count)

    def scroll(self, how, count):
        line, column = self.cursor.y, self.cursor.x
        self.cursor.y = self.margins.top if self.margins else 0
        how(count or 1)
        self.cursor.y, self.cursor.x = line, column


class Stream(pyte.ByteStream):
    more = {"b": "repeat", "S": "scroll_up", "T": "scroll_down"}
    csi = {**pyte.ByteStream.csi, **more}
    events = pyte.ByteStream.events | set(more.values())


class Terminal:
    def __init__(self, *command, columns: int = 100, lines: int = 30, env: dict | None = None):
        self.screen = Screen(columns, lines)
        self.stream = Stream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self._set_size(columns, lines)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**clean_environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})})
        self.slave = slave  # held open, so that its state can be read when the program has ended

    def _set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)

    def press(self, keys: str):
        os.write(self.master, keys.encode())

    def read(self, timeout: float = 0.05):
        while select.select([self.master], [], [], timeout)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            self.stream.feed(data)
            timeout = 0

    def read_frame(self):
        """A frame may come in pieces: until nothing comes for a moment, but not for ever."""
        end = time.monotonic() + 2
        while time.monotonic() < end and select.select([self.master], [], [], 0.1 * slowness())[0]:
            before = len(self.raw)
            self.read(0)
            if len(self.raw) == before:
                return  # the program has ended

    def lines(self) -> list[str]:
        self.read(0)
        return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait_for(self, what, timeout: float = 20):
        """Until the text, or what a function of the text says, is there."""
        condition = what if callable(what) else lambda text: what in text
        end = time.monotonic() + timeout * slowness()
        while True:
            self.read()
            text = self.text()
            if condition(text):
                self.read_frame()
                text = self.text()
            if condition(text):
                return text
            if time.monotonic() > end:
                raise AssertionError(f"not on the screen within {timeout} s: {what}\n{text}")

    def wait_for_end(self, timeout: float = 20) -> int:
        end = time.monotonic() + timeout * slowness()
        while self.process.poll() is None:
            self.read()
            if time.monotonic() > end:
                raise AssertionError(f"does not end\n{self.text()}")
        self.read(0)
        return self.process.returncode

    def colours(self) -> set:
        return {cell.fg for line in self.screen.buffer.values() for cell in line.values()}

    def is_as_before(self) -> bool:
        """Echo and line mode are back, the cursor is seen, and the other screen is left."""
        left = self.raw.rfind(b"\x1b[?1049l") > self.raw.rfind(b"\x1b[?1049h")
        shown = self.raw.rfind(b"\x1b[?25l") < max(self.raw.rfind(b"\x1b[?25h"), self.raw.rfind(b"\x1b[?12l\x1b[?25h"),
                                                   self.raw.rfind(b"\x1b[?12;25h"))
        return termios.tcgetattr(self.slave) == self.before and left and shown

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        os.close(self.slave)
        os.close(self.master)
