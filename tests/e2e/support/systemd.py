"""A host with systemd, in a folder: units, files under root/, and a `systemctl` in its PATH that really starts them."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from support.process import binary, clean_environment, request, slowness, wait_for

STAND_IN = Path(__file__).with_name("fake_systemctl.py")


def free_port() -> int:
    """Not one of those that the kernel gives for port 0: it is let go and taken again, while other tests run."""
    while True:
        try:
            with socket.create_server(("127.0.0.1", random.randrange(15000, 30000))) as probe:
                return probe.getsockname()[1]
        except OSError:
            pass


class Host:
    def __init__(self, ollama: dict | None = None, plimsoll: dict | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="plimsoll-systemd-")
        self.folder = Path(self._folder.name)
        self.root = self.folder / "root"
        for folder in ("run/systemd/system", "etc/systemd/system"):
            (self.root / folder).mkdir(parents=True)
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        systemctl = bin_folder / "systemctl"
        systemctl.write_text(f'#!/bin/sh\nexec {sys.executable} -B {STAND_IN} "$@"\n')
        systemctl.chmod(0o755)
        self.ollama_port, self.behind_port, self.own_port = free_port(), free_port(), free_port()
        self.environment = {**clean_environment(), "PATH": f"{bin_folder}:{os.environ['PATH']}",
                            "FAKE_SYSTEMD": str(self.folder), "XDG_CONFIG_HOME": str(self.folder),
                            "XDG_STATE_HOME": str(self.folder), "OLLAMA_HOST": ""}
        self.units = {
            "ollama.service": ollama or {
                "command": [binary(), "sim", "--listen", "{OLLAMA_HOST}", "--load-bandwidth", "64GiB"],
                "environment": {"OLLAMA_HOST": f"127.0.0.1:{self.ollama_port}"}},
            "plimsoll.service": plimsoll or {
                "command": [binary(), "serve", "--budget", "16GiB", "--state", str(self.folder / "state.db")],
                "environment": {"PLIMSOLL_LISTEN": f"127.0.0.1:{self.own_port}",
                                "PLIMSOLL_UPSTREAM": f"http://127.0.0.1:{self.ollama_port}",
                                "XDG_CONFIG_HOME": str(self.folder)}}}
        self.save_units()

    def save_units(self):
        (self.folder / "units.json").write_text(json.dumps(self.units))

    def systemctl(self, *words):
        subprocess.run(["systemctl", *words], env=self.environment, check=True, timeout=60 * slowness())

    def start(self):
        self.systemctl("start", *self.units)
        self.wait_for_ollama(self.ollama_port)
        if "plimsoll.service" in self.units:
            self.wait_for_plimsoll()

    def wait_for_plimsoll(self):
        wait_for(lambda: request("GET", f"http://127.0.0.1:{self.own_port}/readyz").status == 200, 20, "ready",
                 lambda: self.log("plimsoll.service"))

    def wait_for_ollama(self, port):
        wait_for(lambda: request("GET", f"http://127.0.0.1:{port}/sim/v1/books").status == 200, 20, "Ollama there",
                 lambda: self.log("ollama.service"))

    def run(self, *args):
        return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=120 * slowness(),
                              env=self.environment)

    def takeover(self, *args):
        return self.run("takeover", "--root", str(self.root), "--ollama-port", str(self.behind_port), "--timeout",
                        f"{int(20 * slowness())}s", *args)

    def command(self, name, call):
        """The next systemctl with exactly these words fails, or kills who called it."""
        (self.folder / name).write_text(call)

    def calls(self):
        return [line for line in (self.folder / "calls").read_text().splitlines() if not line.startswith("show")]

    def forget_calls(self):
        (self.folder / "calls").write_text("")

    def files(self):
        """All that lies under /etc, with its text."""
        return {str(file.relative_to(self.root)): file.read_text() for file in sorted((self.root / "etc").rglob("*"))
                if file.is_file()}

    def folders(self):
        return sorted(str(file.relative_to(self.root)) for file in (self.root / "etc").rglob("*") if file.is_dir())

    def log(self, unit):
        file = self.folder / f"{unit}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in self.folder.glob("*.pid"):
            try:
                os.kill(int(file.read_text()), signal.SIGKILL)
            except (ProcessLookupError, ValueError):
                pass
        self._folder.cleanup()
