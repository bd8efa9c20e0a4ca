"""The Debian package on a clean Debian: installed, booted, upgraded, removed and purged.

PLIMSOLL_TEST_PACKAGES names the folder with the package, PLIMSOLL_TEST_ROOTS one for roots (the template is kept
there). The steps are one story, told in order.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import root as roots

DEB = next(Path(os.environ["PLIMSOLL_TEST_PACKAGES"]).glob("plimsoll_*.deb"))
FOLDER = Path(os.environ["PLIMSOLL_TEST_ROOTS"])
TEMPLATE = "systemd,systemd-sysv,dbus,ca-certificates"
CONFIG = "etc/plimsoll/plimsoll.toml"
MEBIBYTE = 1 << 20
WAIT = 120  # only ends a hang


def wait_for(condition, what: str, detail=lambda: ""):
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not {what} within {WAIT} s\n{detail()}")
        time.sleep(0.2)


class Lint(unittest.TestCase):
    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_lintian_finds_nothing(self):
        user = ["--allow-root"] if os.geteuid() == 0 else []
        found = subprocess.run(["lintian", *user, "--fail-on", "error,warning", "--tag-display-limit", "0", str(DEB)],
                               capture_output=True, text=True, timeout=600)
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)
        self.assertEqual(re.findall(r"^[EW]: .*", found.stdout, re.M), [])

    def test_installed_size_is_at_most_15_mb(self):
        size = int(roots.run("dpkg-deb", "-f", str(DEB), "Installed-Size").stdout) * 1024
        print(f"installed size {size / 1e6:.1f} MB", file=sys.stderr)
        self.assertLessEqual(size, 15_000_000)


class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        template = FOLDER / "template"
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
            roots.make(template, TEMPLATE)
        except roots.Unable as reason:
            raise unittest.SkipTest(str(reason)) from None
        cls.folder = Path(tempfile.mkdtemp(prefix="plimsoll-package-", dir=FOLDER))
        cls.root = roots.Root(template, cls.folder)
        cls.addClassCleanup(cls.root.close)
        cls.is_booted = False
        shutil.copy(DEB, cls.root.path / "root/plimsoll.deb")

    def inside(self, path: str) -> Path:
        return self.root.path / path

    def exists(self, path: str) -> bool:
        return self.root.run("test", "-e", "/" + path, check=False).returncode == 0

    def show(self, *properties: str, unit: str = "plimsoll.service") -> dict[str, str]:
        text = self.root.run("systemctl", "show", unit, "-p", ",".join(properties)).stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    def journal(self) -> str:
        return self.root.run("journalctl", "--no-pager", "-o", "cat", "-n", "60", check=False).stdout

    def need_boot(self):
        if not self.is_booted:
            self.skipTest("the root was not booted")

    def test_1_installs_with_what_it_names_as_dependencies(self):
        self.root.run("apt-get", "-q", "-o", "Acquire::Retries=3", "update")
        self.root.run("apt-get", "-q", "-o", "Acquire::Retries=3", "install", "-y", "--no-install-recommends",
                      "/root/plimsoll.deb")
        self.assertRegex(self.root.run("plimsoll", "version").stdout, r"^plimsoll \d")
        self.root.run("plimsoll", "config", "check", "--config", "/" + CONFIG)
        for path in ("lib/systemd/system/plimsoll.service", "lib/systemd/system/plimsoll.socket",
                     "usr/share/doc/plimsoll/examples/plimsoll.service.d/gpu.conf", "usr/share/doc/plimsoll/copyright",
                     "usr/share/man/man1/plimsoll.1.gz", "usr/share/bash-completion/completions/plimsoll",
                     "usr/share/zsh/vendor-completions/_plimsoll", "usr/share/fish/vendor_completions.d/plimsoll.fish"):
            # A minimal Debian may leave documentation out.
            listed = self.root.run("dpkg", "-L", "plimsoll").stdout.split()
            self.assertIn("/" + path, listed)
        self.assertEqual(self.root.run("systemctl", "is-enabled", "plimsoll.service", check=False).stdout, "enabled\n")
        self.assertEqual(self.root.run("systemctl", "is-enabled", "plimsoll.socket", check=False).stdout, "disabled\n")
        self.assertEqual(self.root.run("dpkg", "--verify", "plimsoll").stdout, "")

    def install_ollama(self):
        """A stand-in as a service, that listens where OLLAMA_HOST says."""
        program = self.inside("usr/local/bin/ollama")
        program.write_text('#!/bin/sh\nexec plimsoll sim --listen "${OLLAMA_HOST:-127.0.0.1:11434}"\n')
        program.chmod(0o755)
        self.inside("etc/systemd/system/ollama.service").write_text(
            "[Unit]\nDescription=A stand-in\n[Service]\nExecStart=/usr/local/bin/ollama serve\n"
            "[Install]\nWantedBy=multi-user.target\n")
        self.root.run("systemctl", "daemon-reload")
        self.root.run("systemctl", "start", "ollama.service")

    def test_2_boots_and_is_ready(self):
        try:
            self.root.boot(WAIT)
        except roots.Unable as reason:
            self.skipTest(str(reason))
        type(self).is_booted = True
        wait_for(lambda: self.show("ActiveState")["ActiveState"] == "active", "active", self.journal)
        # No upstream yet: it is up all the same, and says so.
        self.assertIn("upstream ollama at http://127.0.0.1:11434 is down", self.show("StatusText")["StatusText"])
        self.root.run("plimsoll", "health")
        self.assertEqual(self.root.run("plimsoll", "health", "--ready", check=False).returncode, 1)
        self.install_ollama()
        wait_for(lambda: self.root.run("plimsoll", "health", "--ready", check=False).returncode == 0, "ready",
                 self.journal)
        self.root.run("plimsoll", "load", "gemma3:270m")
        wait_for(lambda: self.show("StatusText")["StatusText"].startswith("1 model takes"), "told",
                 lambda: str(self.show("StatusText")))
        self.assertEqual(self.show("User", "DynamicUser")["DynamicUser"], "yes")
        self.assertTrue(self.exists("var/lib/private/plimsoll/state.db"))
        verified = self.root.run("systemd-analyze", "verify", "--man=no", "plimsoll.service", "plimsoll.socket")
        self.assertNotIn("plimsoll", verified.stderr)

    def test_3_takes_little_memory_when_idle(self):
        self.need_boot()
        self.root.run("plimsoll", "unload", "gemma3:270m")
        self.root.run("systemctl", "restart", "plimsoll.service")
        wait_for(lambda: self.root.run("plimsoll", "health", "--ready", check=False).returncode == 0, "ready",
                 self.journal)
        pid = self.show("MainPID")["MainPID"]
        status = self.root.run("cat", f"/proc/{pid}/status").stdout
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        print(f"resident when idle {resident / 1e6:.1f} MB", file=sys.stderr)
        self.assertLessEqual(resident, 15_000_000)

    def test_4_reloads(self):
        self.need_boot()
        pid = self.show("MainPID")
        self.root.run("systemctl", "reload", "plimsoll.service")
        wait_for(lambda: self.show("ActiveState")["ActiveState"] == "active", "active again", self.journal)
        wait_for(lambda: "Configuration reloaded" in self.journal(), "reloaded", self.journal)
        self.assertEqual(self.show("MainPID"), pid)

    def test_4b_takes_a_certificate_that_only_root_may_read(self):
        self.need_boot()
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        certificate, key = self.inside("etc/plimsoll/server.crt"), self.inside("etc/plimsoll/server.key")
        roots.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                  "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key),
                  "-out", str(certificate))
        key.chmod(0o600)
        # As docs/service.md has it.
        guide = (Path(__file__).resolve().parents[2] / "docs/service.md").read_text()
        drop_in = self.inside("etc/systemd/system/plimsoll.service.d/tls.conf")
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(re.search(r"```\n# systemctl edit plimsoll\n(.*?)```", guide, re.S)[1])
        self.root.run("systemctl", "daemon-reload")
        self.root.run("systemctl", "restart", "plimsoll.service")
        self.root.run("plimsoll", "health", "--url", "https://localhost:11435",
                      env={"PLIMSOLL_CA_FILE": "/etc/plimsoll/server.crt"})
        self.assertEqual(self.root.run("plimsoll", "health", check=False).returncode, 1)
        for file in (drop_in, certificate, key):
            file.unlink()
        self.root.run("systemctl", "daemon-reload")
        self.root.run("systemctl", "restart", "plimsoll.service")

    def test_4c_is_started_by_the_first_connection_to_its_socket(self):
        self.need_boot()
        self.root.run("systemctl", "stop", "plimsoll.service")
        self.root.run("systemctl", "start", "plimsoll.socket")
        self.assertEqual(self.show("ActiveState")["ActiveState"], "inactive")
        self.root.run("plimsoll", "health")
        # It answers as soon as it takes connections, and is active once it has asked its upstream.
        wait_for(lambda: self.show("ActiveState")["ActiveState"] == "active", "active", self.journal)
        self.root.run("systemctl", "stop", "plimsoll.socket", "plimsoll.service")
        self.root.run("systemctl", "start", "plimsoll.service")

    def test_4d_takes_keys_that_root_makes(self):
        self.need_boot()
        secret = self.root.run("plimsoll", "key", "create", "me", "--role", "admin").stdout.strip()
        self.root.run("systemctl", "reload", "plimsoll.service")
        wait_for(lambda: self.root.run("plimsoll", "status", check=False).returncode != 0, "closed", self.journal)
        self.root.run("plimsoll", "status", env={"PLIMSOLL_KEY": secret})
        self.root.run("systemctl", "restart", "plimsoll.service")
        self.root.run("plimsoll", "health")
        self.root.run("plimsoll", "status", env={"PLIMSOLL_KEY": secret})
        owner, mode = self.root.run("stat", "-c", "%u %a", "/var/lib/plimsoll/keys.toml").stdout.split()
        self.assertNotEqual(owner, "0")
        self.assertEqual(mode, "600")
        self.root.run("rm", "/var/lib/plimsoll/keys.toml")
        self.root.run("systemctl", "restart", "plimsoll.service")
        self.root.run("plimsoll", "status")

    def below_etc(self) -> dict[str, tuple]:
        """Files and folders with their mode and content; what systemd keeps of its own is left out."""
        etc = self.inside("etc")
        return {str(path.relative_to(etc)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
                for path in etc.rglob("*") if not path.is_symlink()}

    def upstream_at(self, url: str) -> str:
        report = json.loads(self.root.run("plimsoll", "doctor", "--json", "--url", url, check=False).stdout)
        return next(one["text"] for one in report["findings"] if one["check"] == "upstream")

    def takeover(self, *words: str) -> str:
        return self.root.run("plimsoll", "takeover", *words).stdout

    def test_4e_takes_over_from_ollama_and_goes_back(self):
        self.need_boot()
        front, own = "http://127.0.0.1:11434", "http://127.0.0.1:11435"
        for socket in (False, True):
            with self.subTest(socket=socket):
                if socket:
                    self.root.run("systemctl", "stop", "plimsoll.service")
                    self.root.run("systemctl", "start", "plimsoll.socket")
                    self.root.run("plimsoll", "health", "--url", own)
                wait_for(lambda: self.root.run("plimsoll", "health", "--ready", "--url", own, check=False).returncode == 0,
                         "ready", self.journal)
                before = self.below_etc()
                self.takeover("--dry-run")
                self.assertEqual(self.below_etc(), before)

                self.assertIn("Done: Plimsoll answers at 127.0.0.1:11434", self.takeover())
                self.assertIn("answers at http://127.0.0.1:11433", self.upstream_at(front))
                self.root.run("plimsoll", "load", "gemma3:270m", "--url", front)
                self.assertEqual(self.root.run("plimsoll", "health", "--url", own, check=False).returncode, 1)
                # As after a boot.
                self.root.run("systemctl", "restart", "ollama.service", "plimsoll.service")
                wait_for(lambda: self.root.run("plimsoll", "health", "--ready", "--url", front, check=False).returncode == 0,
                         "ready after a restart", self.journal)

                self.assertIn("Undone: Ollama listens at 127.0.0.1:11434", self.takeover("--undo"))
                self.assertEqual(self.below_etc(), before)
                self.assertIn("answers at " + front, self.upstream_at(own))
        self.root.run("systemctl", "stop", "plimsoll.socket", "plimsoll.service")
        self.root.run("systemctl", "start", "plimsoll.service")

    def test_5_is_restarted_when_its_loop_hangs(self):
        self.need_boot()
        drop_in = self.inside("etc/systemd/system/plimsoll.service.d/short.conf")
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text("[Service]\nWatchdogSec=2s\nRestartSec=1s\n")
        self.root.run("systemctl", "daemon-reload")
        self.root.run("systemctl", "restart", "plimsoll.service")
        before = self.show("MainPID", "NRestarts")
        # It hangs in opening a configuration that nobody writes; the new process finds the old one again.
        config = self.inside(CONFIG)
        text = config.read_text()
        config.unlink()
        os.mkfifo(config)
        try:
            self.root.run("systemctl", "--no-block", "reload", "plimsoll.service")
            wait_for(lambda: self.show("StatusText")["StatusText"] == "Reading the configuration", "hanging",
                     self.journal)
        finally:
            config.unlink()
            config.write_text(text)
        wait_for(lambda: int(self.show("NRestarts")["NRestarts"]) > int(before["NRestarts"]), "restarted", self.journal)
        self.assertIn("Watchdog timeout", self.journal())
        wait_for(lambda: self.show("ActiveState")["ActiveState"] == "active", "active", self.journal)
        self.assertNotEqual(self.show("MainPID")["MainPID"], before["MainPID"])
        drop_in.unlink()
        self.root.run("systemctl", "daemon-reload")

    def test_6_upgrade_keeps_the_configuration_and_restarts(self):
        config = self.inside(CONFIG)
        with config.open("a") as out:
            out.write("\n# mine\n")
        with tempfile.TemporaryDirectory() as folder:
            roots.run("dpkg-deb", "-R", str(DEB), folder)
            control = Path(folder) / "DEBIAN/control"
            control.write_text(re.sub(r"^Version: .*$", r"Version: 9.9-1", control.read_text(), flags=re.M))
            roots.run("dpkg-deb", "--root-owner-group", "-b", folder, str(self.inside("root/newer.deb")))
        before = self.show("MainPID") if self.is_booted else None
        self.root.run("apt-get", "-q", "install", "-y", "--no-install-recommends", "/root/newer.deb")
        self.assertEqual(self.root.run("dpkg-query", "-W", "-f", "${Version}", "plimsoll").stdout, "9.9-1")
        self.assertTrue(config.read_text().endswith("# mine\n"))
        if self.is_booted:
            wait_for(lambda: self.show("ActiveState")["ActiveState"] == "active", "active", self.journal)
            self.assertNotEqual(self.show("MainPID"), before)

    def test_7_remove_leaves_configuration_and_state(self):
        if self.is_booted:
            self.takeover()
        self.root.run("apt-get", "-q", "remove", "-y", "plimsoll")
        self.assertFalse(self.exists("usr/bin/plimsoll"))
        self.assertTrue(self.exists(CONFIG))
        if self.is_booted:
            self.assertTrue(self.exists("var/lib/private/plimsoll/state.db"))
            self.assertNotEqual(self.show("ActiveState")["ActiveState"], "active")
            # Ollama is where it was.
            self.assertEqual(self.show("Environment", unit="ollama.service")["Environment"], "")
            self.assertFalse(self.exists("etc/systemd/system/ollama.service.d"))
            self.assertFalse(self.exists("etc/plimsoll/takeover.json"))

    def test_8_purge_leaves_nothing(self):
        if not self.is_booted:
            self.inside("var/lib/private/plimsoll").mkdir(parents=True)
            self.inside("var/lib/plimsoll").symlink_to("private/plimsoll")
        self.root.run("apt-get", "-q", "purge", "-y", "plimsoll")
        left = self.root.run("find", "/", "-xdev", "-name", "*plimsoll*", "-not", "-path", "/root/*", "-not", "-path",
                             "/proc/*", "-not", "-path", "/tmp/*", "-not", "-path", "/run/*").stdout
        self.assertEqual(left, "")


if __name__ == "__main__":
    unittest.main()
