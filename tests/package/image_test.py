"""The root of the container image, as scripts/image-root makes it for the Dockerfile: run as the image is, without a
network of its own name, as its user, on a read-only root, without capabilities.

No image is pulled: what is tested is what the Dockerfile copies into the empty image, with the settings that it gives.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ["PLIMSOLL_TEST_BIN"]
USER = "65532"
WAIT = 60


def instruction(name: str) -> str:
    """The last one of that name of the Dockerfile, its lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)$", text, re.M)[-1]


def environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", instruction("ENV")))


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for tool in ("bwrap", "curl"):
            if not shutil.which(tool):
                raise unittest.SkipTest(f"{tool} is not installed")
        if os.geteuid() != 0:
            raise unittest.SkipTest("files of another user can be made by root only")
        cls.folder = Path(tempfile.mkdtemp(prefix="plimsoll-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        cls.image = cls.folder / "image"
        subprocess.run([str(ROOT / "scripts/image-root"), str(cls.image), BINARY], check=True, timeout=WAIT)

    def words(self, *command: str) -> list[str]:
        state = self.folder / "state"
        if not state.exists():
            state.mkdir()
            os.chown(state, int(USER), int(USER))
        # The network is this one's, as with --network=host; ports are of the system's choice.
        settings = [word for name, value in environment().items() for word in ("--setenv", name, value)]
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--ro-bind", str(self.image), "/",
                "--bind", str(state), "/var/lib/plimsoll", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
                "--die-with-parent", "--cap-drop", "ALL", "--clearenv", *settings, *command]

    def run_in(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.words(*command), capture_output=True, text=True, timeout=WAIT)

    def start(self, *command: str) -> tuple[subprocess.Popen, str]:
        """A program that says where it listens, and where."""
        program = subprocess.Popen(self.words(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(program.stdout.close)
        self.addCleanup(program.wait, WAIT)
        self.addCleanup(program.kill)
        said = ""
        for line in program.stdout:
            said += line
            if found := re.search(r"listens on http://[^ ]*:(\d+)", line):
                return program, found[1]
        raise AssertionError(f"{command} ended:\n{said}")

    def test_holds_no_shell_and_nothing_that_the_program_does_not_need(self):
        programs = [file for file in self.image.rglob("*")
                    if file.is_file() and os.access(file, os.X_OK) and ".so" not in file.name]
        self.assertEqual([str(file.relative_to(self.image)) for file in programs], ["usr/bin/plimsoll"])
        self.assertEqual({entry.name for entry in self.image.iterdir()} - {"lib", "lib64", "dev", "proc", "sys"},
                         {"etc", "tmp", "usr", "var"})
        setuid = [file for file in self.image.rglob("*") if file.is_file() and file.stat().st_mode & 0o6000]
        self.assertEqual(setuid, [])
        size = sum(file.stat().st_size for file in self.image.rglob("*") if file.is_file())
        print(f"image root {size / 1e6:.1f} MB", file=sys.stderr)
        self.assertLessEqual((self.image / "usr/bin/plimsoll").stat().st_size, 15_000_000)

    def test_the_user_is_not_root(self):
        self.assertEqual(instruction("USER"), f"{USER}:{USER}")
        self.assertIn(f"plimsoll:x:{USER}:{USER}:", (self.image / "etc/passwd").read_text())

    def test_its_settings_would_let_it_start(self):
        checked = self.run_in(instruction("ENTRYPOINT").strip('[]"'), "config", "check")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_serves_a_request_on_a_read_only_root_and_calls_itself_healthy(self):
        health = [word.strip().strip('"') for word in instruction("HEALTHCHECK").split("CMD [")[1].rstrip("]").split(",")]
        entry = instruction("ENTRYPOINT").strip('[]"')
        self.assertEqual(self.run_in(*health, "--url", "http://127.0.0.1:1").returncode, 1)
        _, sim = self.start(entry, "sim", "--listen", "127.0.0.1:0", "--time-scale", "20")
        serve, port = self.start(entry, "serve", "--listen", "127.0.0.1:0", "--upstream", f"http://localhost:{sim}",
                                 "--budget", "16GiB")
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + WAIT
        while self.run_in(*health, "--ready", "--url", url).returncode != 0:
            self.assertLess(time.monotonic(), end, "not ready")
        answer = subprocess.run(["curl", "-sf", f"{url}/api/generate", "-d",
                                 '{"model": "gemma3:270m", "prompt": "x", "stream": false}'], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn('"done":true', answer.stdout.replace(" ", ""))
        self.assertEqual(self.run_in(*health, "--url", url).returncode, 0)
        self.assertTrue((self.folder / "state/state.db").exists())
        serve.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
