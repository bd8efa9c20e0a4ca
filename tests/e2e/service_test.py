"""The daemon as a service: what it tells the service manager, and what the unit allows it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
from pathlib import Path
from unittest import mock

from support import process
from support.manager import Manager, monotonic_microseconds
from support.process import ROOT, Serve, Sim, binary, post, request, slowness, wait_for

SYSTEMD = ROOT / "systemd"
DROP_INS = ("gpu", "mcp", "lan")
WAIT = 20 * slowness()


def is_ready(message) -> bool:
    return message.get("READY") == "1"


class Readiness(unittest.TestCase):
    def test_is_told_once_it_listens_and_the_upstream_is_adopted(self):
        with Manager() as manager, Sim() as sim, Serve(sim.url, env=manager.environment()) as serve:
            ready = manager.hear_until(is_ready, WAIT, "readiness")
            self.assertEqual(request("GET", serve.url + "/readyz").status, 200)
            self.assertRegex(ready["STATUS"], r"^0 models take .* of 16 GiB, 0 requests wait$")

    def test_is_not_told_while_the_upstream_has_not_answered(self):
        with Manager() as manager, socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with Serve(url, env=manager.environment()):
                starting = manager.hear_until(lambda m: "STATUS" in m, WAIT, "the start")
                self.assertIn("has not answered yet", starting["STATUS"])
                asked, _ = silent.accept()  # the question is there, the answer is not
                self.assertIsNone(manager.hear(1))
                asked.close()
                silent.close()  # and nobody will answer the next one
                ready = manager.hear_until(is_ready, WAIT, "readiness")
                self.assertIn("is down", ready["STATUS"])

    def test_is_told_without_an_upstream_and_the_status_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with Manager() as manager, Serve(f"http://127.0.0.1:{port}", env=manager.environment()) as serve:
            ready = manager.hear_until(is_ready, WAIT, "readiness")
            self.assertIn(f"upstream ollama at http://127.0.0.1:{port} is down", ready["STATUS"])
            self.assertEqual(request("GET", serve.url + "/readyz").status, 503)
            with Sim(listen=f"127.0.0.1:{port}"):
                manager.hear_until(lambda m: "down" not in m.get("STATUS", "down"), WAIT, "the upstream's return")

    def test_is_not_told_by_a_daemon_that_cannot_listen(self):
        with Manager() as manager, Sim() as sim, Serve(sim.url) as first:
            second = subprocess.run(
                [binary(), "serve", "--listen", f"127.0.0.1:{first.port}", "--state", ""],
                env={**process.clean_environment(), **manager.environment()}, capture_output=True, timeout=WAIT)
            self.assertEqual(second.returncode, 1)
            self.assertIsNone(manager.hear(0.05))


class Status(unittest.TestCase):
    def test_follows_what_is_loaded(self):
        with Manager() as manager, Sim("--time-scale", "20") as sim, Serve(sim.url, env=manager.environment()) as serve:
            manager.hear_until(is_ready, WAIT, "readiness")
            post(serve.url + "/api/generate", {"model": "gemma3:270m", "prompt": "x", "stream": False})
            manager.hear_until(lambda m: m.get("STATUS", "").startswith("1 model takes"), WAIT, "the loaded model")

    def test_of_a_reload(self):
        with tempfile.TemporaryDirectory() as folder, Manager() as manager, Sim() as sim:
            config = Path(folder) / "plimsoll.toml"
            config.write_text("[scheduler]\nkeep_alive = \"5m\"\n")
            with Serve(sim.url, "--config", str(config), env=manager.environment()) as serve:
                manager.hear_until(is_ready, WAIT, "readiness")
                before = monotonic_microseconds()
                serve.signal(signal.SIGHUP)
                reloading = manager.hear_until(lambda m: m.get("RELOADING") == "1", WAIT, "the reload")
                self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= monotonic_microseconds())
                manager.hear_until(is_ready, WAIT, "the end of the reload")

                config.write_text("[scheduler]\nkeep_alife = 1\n")
                serve.signal(signal.SIGHUP)
                manager.hear_until(is_ready, WAIT, "the end of the reload")
                manager.hear_until(lambda m: "the last reload failed with 1 problem," in m.get("STATUS", ""), WAIT,
                                   "what is wrong")

    def test_of_the_end_asks_for_the_time_that_it_takes(self):
        with tempfile.TemporaryDirectory() as folder, Manager() as manager, Sim() as sim:
            config = Path(folder) / "plimsoll.toml"
            config.write_text("[server]\ndrain_timeout = \"10m\"\n")
            with Serve(sim.url, "--config", str(config), env=manager.environment()) as serve:
                manager.hear_until(is_ready, WAIT, "readiness")
                self.assertEqual(serve.stop(), 0)
                ending = manager.hear_until(lambda m: m.get("STOPPING") == "1", WAIT, "the end")
                self.assertGreaterEqual(int(ending["EXTEND_TIMEOUT_USEC"]), 600_000_000)


class Watchdog(unittest.TestCase):
    def test_a_hung_loop_gives_no_sign_of_life(self):
        interval = 0.4
        with tempfile.TemporaryDirectory() as folder, Manager(interval) as manager, Sim() as sim:
            config = Path(folder) / "plimsoll.toml"
            config.write_text("")
            with Serve(sim.url, "--config", str(config), env=manager.environment()) as serve:
                manager.hear_until(is_ready, WAIT, "readiness")
                for _ in range(3):
                    manager.hear_until(lambda m: m.get("WATCHDOG") == "1", WAIT, "a sign of life")

                # The loop hangs for real: it opens a configuration that nobody writes.
                config.unlink()
                os.mkfifo(config)
                serve.signal(signal.SIGHUP)
                manager.hear_until(lambda m: m.get("RELOADING") == "1", WAIT, "the reload")
                with self.assertRaises((TimeoutError, urllib.error.URLError)):
                    request("GET", serve.url + "/healthz", timeout=1 / slowness())
                self.assertIsNone(manager.hear(10 * interval), "a sign of life of a loop that hangs")

                config.write_text("")  # opens the other end
                manager.hear_until(lambda m: m.get("WATCHDOG") == "1", WAIT, "a sign of life")
                self.assertEqual(request("GET", serve.url + "/healthz").status, 200)


class Health(unittest.TestCase):
    def health(self, *args: str):
        return subprocess.run([binary(), "health", *args], env=process.clean_environment(), capture_output=True,
                              text=True, timeout=WAIT)

    def test_the_exit_status_tells(self):
        with Sim() as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            self.assertEqual(self.health("--url", serve.url).returncode, 0)
            self.assertEqual(self.health("--url", serve.url, "--ready").returncode, 0)
            sim.kill()
            post(serve.url + "/api/generate", {"model": "gemma3:270m", "prompt": "x"})
            wait_for(lambda: request("GET", serve.url + "/readyz").status == 503, 20, "unready")
            self.assertEqual(self.health("--url", serve.url).returncode, 0)
            unready = self.health("--url", serve.url, "--ready")
            self.assertEqual(unready.returncode, 1)
            self.assertIn("is not ready: upstream ollama at", unready.stderr)
            url = serve.url
        gone = self.health("--url", url)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("plimsoll: ", gone.stderr)
        self.assertEqual(self.health("--url", "nonsense").returncode, 2)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Unit(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="plimsoll-unit-")
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)

    def copy(self, *drop_ins: str) -> Path:
        """The unit of a folder of its own, so that just these drop-ins count, with the program where it is."""
        unit = self.folder / "plimsoll.service"
        unit.write_text((SYSTEMD / "plimsoll.service").read_text().replace("/usr/bin/plimsoll", binary()))
        shutil.copy(SYSTEMD / "plimsoll.socket", self.folder)
        shutil.rmtree(self.folder / "plimsoll.service.d", ignore_errors=True)
        for name in drop_ins:
            (self.folder / "plimsoll.service.d").mkdir(exist_ok=True)
            shutil.copy(SYSTEMD / "plimsoll.service.d" / f"{name}.conf", self.folder / "plimsoll.service.d")
        return unit

    def analyze(self, *args: str):
        return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=WAIT, cwd=self.folder)

    def exposure(self, *drop_ins: str) -> str:
        answer = self.analyze("security", "--offline=true", "--no-pager", str(self.copy(*drop_ins)))
        return re.search(r"Overall exposure level for plimsoll.service: ([0-9.]+)", answer.stdout)[1]

    def test_exposure_is_at_most_1_and_as_the_files_say(self):
        within = self.analyze("security", "--offline=true", "--no-pager", "--threshold=10", str(self.copy()))
        self.assertEqual(within.returncode, 0, within.stdout + within.stderr)
        tighter = self.analyze("security", "--offline=true", "--no-pager", "--threshold=5", str(self.copy()))
        self.assertNotEqual(tighter.returncode, 0, "the threshold does not count")
        stated = {"": (SYSTEMD / "plimsoll.service").read_text()}
        stated |= {name: (SYSTEMD / "plimsoll.service.d" / f"{name}.conf").read_text() for name in DROP_INS}
        guide = (ROOT / "docs" / "service.md").read_text()
        for name, text in stated.items():
            with self.subTest(name or "plimsoll.service"):
                said = re.search(r"^# Exposure: ([0-9.]+)$", text, re.M)[1]
                self.assertEqual(self.exposure(*([name] if name else [])), said)
                self.assertRegex(guide, rf"\| `{name or 'plimsoll.service'}[^|]*\|[^\n]*\| {re.escape(said)} \|")

    def test_every_drop_in_is_known_here(self):
        self.assertEqual({file.stem for file in (SYSTEMD / "plimsoll.service.d").iterdir()}, set(DROP_INS))

    def test_systemd_finds_nothing_wrong(self):
        for drop_ins in ((), DROP_INS):
            with self.subTest(drop_ins):
                unit = self.copy(*drop_ins)
                answer = self.analyze("verify", "--man=no", str(unit), str(unit.with_suffix(".socket")))
                # Of the machine's own units it complains too.
                ours = [line for line in answer.stderr.splitlines() if "plimsoll" in line]
                self.assertEqual(ours, [])
                self.assertEqual(answer.returncode, 0, answer.stderr)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
@unittest.skipUnless(os.uname().machine == "x86_64", "the filter is compiled for x86_64 only")
class Filter(unittest.TestCase):
    """scripts/check-syscalls runs all end-to-end tests so; here the life of one daemon."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="plimsoll-filter-")
        self.addCleanup(folder.cleanup)
        self.filter = Path(folder.name) / "filter"
        tool = Path(process.__file__).with_name("unit_filter.py")
        with self.filter.open("wb") as out:
            subprocess.run([sys.executable, str(tool), "compile", str(SYSTEMD / "plimsoll.service")], stdout=out,
                           check=True, timeout=WAIT)
        # The search for leaks at the end of a sanitized build traces its own threads, which the filter forbids.
        changed = mock.patch.dict(os.environ, PLIMSOLL_TEST_FILTER=str(self.filter), ASAN_OPTIONS="detect_leaks=0")
        changed.start()
        self.addCleanup(changed.stop)

    def test_the_filter_bites(self):
        forbidden = subprocess.run([*process.launcher(), shutil.which("unshare"), "--uts", "true"], capture_output=True)
        self.assertEqual(forbidden.returncode, -signal.SIGSYS)

    def test_a_daemon_lives_and_ends_within_it(self):
        with Manager(1) as manager, Sim("--time-scale", "20") as sim, Serve(sim.url, env=manager.environment()) as serve:
            manager.hear_until(is_ready, WAIT, "readiness")
            answers = []
            threads = [threading.Thread(target=lambda model=model: answers.append(post(
                serve.url + "/api/generate", {"model": model, "prompt": "x", "stream": False}).status))
                for model in ("gemma3:270m", "gemma3:4b", "gemma3:270m")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(answers, [200, 200, 200])
            serve.signal(signal.SIGHUP)
            manager.hear_until(lambda m: m.get("RELOADING") == "1", WAIT, "the reload")
            manager.hear_until(lambda m: m.get("WATCHDOG") == "1", WAIT, "a sign of life")
            self.assertEqual(serve.status()["instances"], 2)
            self.assertEqual(serve.stop(), 0)


if __name__ == "__main__":
    unittest.main()
