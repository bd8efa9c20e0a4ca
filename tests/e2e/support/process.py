"""Starts and ends the real programs: `plimsoll sim` and `plimsoll serve`, each on a port of the system's choice.

Every process is ended by its id, at the latest when its context manager is left. What a program wrote is kept and is
part of the message when a test fails.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LISTENS = re.compile(r"listens on ((?:https?://|unix:)\S+)")


def binary() -> str:
    """The program under test: PLIMSOLL_TEST_BIN, else the release build."""
    path = os.environ.get("PLIMSOLL_TEST_BIN", str(ROOT / "build" / "release" / "plimsoll"))
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"no program at {path}: build it (scripts/run --build) or set PLIMSOLL_TEST_BIN")
    return path


def launcher() -> list[str]:
    """What comes before the program: nothing, or what takes on the system call filter of PLIMSOLL_TEST_FILTER."""
    filter_file = os.environ.get("PLIMSOLL_TEST_FILTER")
    if not filter_file:
        return []
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("unit_filter.py")), "run", filter_file]


def slowness() -> float:
    """By how much the program under test is slower than a release build (sanitizers); stretches limits of waiting."""
    return float(os.environ.get("PLIMSOLL_TEST_SLOWNESS", "1"))


def clean_environment() -> dict:
    """Without our own variables: to the program every PLIMSOLL_* is a setting, and an unknown one an error."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PLIMSOLL_")}


class Program:
    """One running `plimsoll` with its output collected."""

    def __init__(self, *args: str, env: dict | None = None, port_line: bool = True, most_files: int | None = None):
        self.args = [*launcher(), binary(), *args]
        self.lines: list[str] = []
        self.url = ""
        self._listening = threading.Event()
        self.process = subprocess.Popen(
            self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env={**clean_environment(), **(env or {})},
            preexec_fn=most_files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if port_line and not (self._listening.wait(20 * slowness()) and self.url):
            self.kill()
            raise AssertionError(f"{' '.join(self.args)} did not say where it listens:\n{self.output()}")

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = LISTENS.search(line)
            if found and not self.url:
                self.url = found.group(1).rstrip(".,")
                self._listening.set()
        self.process.stdout.close()
        self._listening.set()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self, last: int = 60) -> str:
        return "\n".join(self.lines[-last:])

    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait(self, timeout: float = 30) -> int:
        code = self.process.wait(timeout * slowness())
        self._reader.join(5)
        return code

    def signal(self, number: int):
        self.process.send_signal(number)

    def stop(self, timeout: float = 30) -> int:
        """SIGTERM and the exit code; SIGKILL if it does not end in time."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {timeout} s of SIGTERM:\n{self.output()}") from None

    def kill(self):
        if self.is_running():
            self.process.kill()
        self.process.wait(30)
        self._reader.join(5)

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        # Its own word: to other processes of a user the daemon shows nothing under /proc/PID/fd.
        return get_json(self.url + "/plimsoll/v1/status")["process"]["open_files"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Sim(Program):
    """The simulated Ollama, with its faults and its books."""

    def __init__(self, *args: str, listen: str = "127.0.0.1:0", **kwargs):
        super().__init__("sim", "--listen", listen, *args, **kwargs)

    def books(self) -> dict:
        return get_json(self.url + "/sim/v1/books")

    def reset_books(self):
        post_json(self.url + "/sim/v1/books/reset", {})

    def fault(self, kind: str, **members) -> dict:
        return post_json(self.url + "/sim/v1/faults", {"kind": kind, **members})

    def clear_faults(self):
        request("DELETE", self.url + "/sim/v1/faults")


class Serve(Program):
    """Plimsoll itself; its state lies in a folder of its own that goes away with it."""

    def __init__(self, upstream: str, *args: str, budget: str = "16GiB", listen: str = "127.0.0.1:0",
                 state: str | None = None, env: dict | None = None, most_files: int | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="plimsoll-e2e-")
        self.state = state or str(Path(self._folder.name) / "state.db")
        env = {"XDG_CONFIG_HOME": self._folder.name, "XDG_STATE_HOME": self._folder.name, **(env or {})}
        # An empty budget leaves upstream and budget to a configuration file.
        flags = ["--upstream", upstream, "--budget", budget] if budget else []
        super().__init__("serve", "--listen", listen, "--state", self.state, *flags, *args, env=env,
                         most_files=most_files)

    def wait_ready(self, timeout: float = 20):
        wait_for(lambda: request("GET", self.url + "/readyz").status == 200, timeout, "ready", self.output)

    def status(self) -> dict:
        return get_json(self.url + "/plimsoll/v1/status")

    def models(self) -> list:
        return get_json(self.url + "/plimsoll/v1/models")["models"]

    def queue(self) -> list:
        return get_json(self.url + "/plimsoll/v1/queue")["waiting"]

    def __exit__(self, *_):
        super().__exit__()
        self._folder.cleanup()


class Answer:
    def __init__(self, status: int, headers, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def request(method: str, url: str, body: bytes | None = None, headers: dict | None = None,
            timeout: float = 60) -> Answer:
    """One request; error statuses are answers, not exceptions."""
    made = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(made, timeout=timeout * slowness()) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def post(url: str, value, timeout: float = 60, headers: dict | None = None) -> Answer:
    return request("POST", url, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})},
                   timeout)


def post_json(url: str, value, timeout: float = 60):
    answer = post(url, value, timeout)
    if answer.status >= 300:
        raise AssertionError(f"POST {url} {value}: {answer.status} {answer.body[:500]!r}")
    return json.loads(answer.body or b"null")


def get_json(url: str, timeout: float = 20):
    answer = request("GET", url, timeout=timeout)
    if answer.status != 200:
        raise AssertionError(f"GET {url}: {answer.status} {answer.body[:500]!r}")
    return answer.json()


def wait_for(condition, timeout: float, what: str, detail=lambda: ""):
    """Waits for something that must come soon; the limit only ends a hang."""
    end = time.monotonic() + timeout * slowness()
    while True:
        try:
            if condition():
                return
        except (OSError, AssertionError, urllib.error.URLError):
            pass
        if time.monotonic() > end:
            raise AssertionError(f"not {what} within {timeout} s\n{detail()}")
        time.sleep(0.02)
