"""Where the daemon listens: Unix sockets, a listener for administration, and sockets that systemd would open for it."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, get_json, request, wait_for

# What systemd does between fork and exec: descriptors from 3 on, and who they are for.
ACTIVATE = """
import os, sys
names, count = sys.argv[1], int(sys.argv[2])
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=names)
os.execv(sys.argv[3], sys.argv[3:])
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def get_unix(path: str, target: str):
    connection = UnixConnection(path)
    connection.request("GET", target)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


class ListenersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="plimsoll-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.sim = Sim()
        self.addCleanup(self.sim.kill)

    def test_admin_listener_on_a_unix_socket(self):
        path = self.folder / "admin.sock"
        config = self.folder / "plimsoll.toml"
        config.write_text(f'[admin]\nlisten = "unix:{path}"\n')
        with Serve(self.sim.url, "--config", str(config)) as serve:
            self.assertIn(f", for administration on unix:{path}, in front of", serve.lines[0])
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
            status, answer = get_unix(str(path), "/plimsoll/v1/status")
            self.assertEqual(status, 200)
            self.assertEqual(answer["upstreams"][0]["name"], "ollama")
            done = subprocess.run([binary(), "status", "--url", f"unix:{path}"], capture_output=True, text=True,
                                  timeout=60, env=clean_environment())
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("ollama", done.stdout)
            serve.wait_ready()
            # Administration is there only; health and the models' own API are for everybody.
            for path_of_ours in ("/plimsoll/v1/status", "/plimsoll/", "/metrics"):
                refused = request("GET", serve.url + path_of_ours)
                self.assertEqual(refused.status, 404)
                self.assertIn("admin listener", refused.json()["error"])
            for open_path in ("/healthz", "/readyz", "/api/tags"):
                self.assertEqual(request("GET", serve.url + open_path).status, 200)
            self.assertEqual(serve.stop(), 0)
        self.assertFalse(path.exists())

    def test_public_listener_on_a_unix_socket_survives_a_kill(self):
        path = self.folder / "public.sock"
        for _ in range(2):
            with Serve(self.sim.url, listen=f"unix:{path}") as serve:
                self.assertIn(f"listens on unix:{path} in front of", serve.lines[0])
                self.assertEqual(get_unix(str(path), "/healthz")[0], 200)
                serve.kill()
            self.assertTrue(path.exists())

    def test_a_second_daemon_leaves_the_socket_of_the_first(self):
        path = self.folder / "public.sock"
        with Serve(self.sim.url, listen=f"unix:{path}"):
            second = subprocess.run(
                [binary(), "serve", "--listen", f"unix:{path}", "--upstream", self.sim.url, "--budget", "1GiB",
                 "--state", str(self.folder / "second.db")],
                capture_output=True, text=True, timeout=60, env=clean_environment(),
            )
            self.assertEqual(second.returncode, 1)
            self.assertIn("another program listens there", second.stderr)
            self.assertEqual(get_unix(str(path), "/healthz")[0], 200)

    def test_socket_activation(self):
        public = socket.create_server(("127.0.0.1", 0))
        path = str(self.folder / "admin.sock")
        admin = socket.socket(socket.AF_UNIX)
        admin.bind(path)
        admin.listen(16)
        port = public.getsockname()[1]

        def pass_on():
            # Both above what they are moved to, or one move would overwrite the other.
            first, second = os.dup2(public.fileno(), 100), os.dup2(admin.fileno(), 101)
            os.dup2(first, 3)
            os.dup2(second, 4)

        daemon = subprocess.Popen(
            [sys.executable, "-c", ACTIVATE, "plimsoll.socket:admin", "2", binary(), "serve", "--listen", "127.0.0.1:0",
             "--upstream", self.sim.url, "--budget", "1GiB", "--state", str(self.folder / "state.db")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment(), preexec_fn=pass_on,
            close_fds=False,
        )
        try:
            # Before the daemon is up, clients wait in the queue of the socket and are not refused.
            early = get_json(f"http://127.0.0.1:{port}/healthz", timeout=60)
            self.assertEqual(early["status"], "ok")
            status, answer = get_unix(path, "/plimsoll/v1/status")
            self.assertEqual(status, 200)
            self.assertEqual(answer["upstreams"][0]["name"], "ollama")
            line = daemon.stdout.readline()
            self.assertIn(f"listens on http://127.0.0.1:{port}, for administration on unix:{path}, in front of", line)
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(60), 0)
        finally:
            daemon.kill()
            daemon.wait(30)
            daemon.stdout.close()
        # They are not ours to take away: systemd starts the next daemon with them.
        self.assertTrue(os.path.exists(path))
        public.close()
        admin.close()

    def test_reload_names_an_admin_listener_that_needs_a_restart(self):
        config = self.folder / "plimsoll.toml"
        config.write_text("")
        with Serve(self.sim.url, "--config", str(config)) as serve:
            config.write_text('[admin]\nlisten = "127.0.0.1:0"\n')
            serve.signal(signal.SIGHUP)
            wait_for(lambda: "needs a restart: [admin] listen: none stays, 127.0.0.1:0 is wanted" in serve.output(),
                     20, "told", serve.output)
            self.assertEqual(serve.stop(), 0)


if __name__ == "__main__":
    unittest.main()
