#!/usr/bin/env python3
"""`plimsoll top` in a real pseudo terminal: what it shows, what its keys do, and how it leaves the terminal."""

import signal
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, post_json, slowness, wait_for
from support.terminal import Terminal

UP, ESCAPE = "\x1bOA", "\x1b"


class Top(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(Sim("--vram", "24GiB", "--load-bandwidth", "16GiB", "--tokens-per-second", "50"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url, budget="12GiB"))
        cls.serve.wait_ready()

    def setUp(self):
        for model in self.serve.models():
            if model["pinned"]:
                post_json(self.serve.url + "/plimsoll/v1/models/unpin", {"model": model["name"]})
        post_json(self.serve.url + "/plimsoll/v1/cleanup", {})

    def load(self, *models):
        for model in models:
            post_json(self.serve.url + "/plimsoll/v1/models/load", {"model": model})

    def names(self):
        return sorted(m["name"] for m in self.serve.models() if m["state"] == "ready")

    def top(self, *args, url=None, **kwargs):
        return self.enterContext(Terminal(binary(), "top", "--url", url or self.serve.url, *args, **kwargs))

    def plain(self, *args, env=None, url=None):
        return subprocess.run([binary(), "top", "--url", url or self.serve.url, *args], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60 * slowness(), env={**clean_environment(), **(env or {})})

    def test_what_it_shows(self):
        self.load("llama3.1:8b", "nomic-embed-text:latest")
        top = self.top()
        text = top.wait_for("DECISIONS")
        text = top.wait_for(lambda t: "loaded" in t and "nomic-embed-text:latest" in t)
        self.assertIn(self.serve.url, text)
        self.assertIn("live", text)
        self.assertIn("of 12 GiB", text)
        self.assertIn("█", text)
        self.assertIn("MODELS 2", text)
        self.assertRegex(text, r"llama3.1:8b +ready +[\d.]+ GiB")
        self.assertEqual(30, len(top.lines()))
        self.assertIn("q quit", top.lines()[-1])
        self.assertIn("green", top.colours())
        post_json(self.serve.url + "/plimsoll/v1/models/unload", {"model": "nomic-embed-text:latest"})
        top.wait_for("MODELS 1")
        top.press("q")
        self.assertEqual(0, top.wait_for_end())
        self.assertTrue(top.is_as_before())

    def test_keys_act(self):
        self.load("llama3.1:8b", "nomic-embed-text:latest")
        top = self.top()
        top.wait_for("MODELS 2")
        top.press("j")
        top.press("p")
        top.wait_for("pinning nomic-embed-text:latest")
        wait_for(lambda: [m["name"] for m in self.serve.models() if m["pinned"]] == ["nomic-embed-text:latest"], 20, "pinned")
        top.wait_for(lambda t: "pinned" in t.split("DECISIONS")[0])
        top.press("u")
        top.wait_for("failed:")  # it is pinned
        top.press("p")
        wait_for(lambda: not any(m["pinned"] for m in self.serve.models()), 20, "unpinned")
        top.wait_for("unpinning nomic-embed-text:latest: done")
        top.press("\x1b[A" + "j" + UP)  # as both kinds of terminals send it
        top.press("u")
        wait_for(lambda: self.names() == ["nomic-embed-text:latest"], 20, "unloaded")
        top.press("l")
        top.wait_for("Load which model?")
        top.press("qwen3:8\x7f8b\r")
        wait_for(lambda: "qwen3:8b" in self.names(), 20, "loaded")
        top.press("lnothing-there\r")
        top.wait_for("loading nothing-there failed")
        top.press("f")
        top.press("QWEN")
        top.wait_for('MODELS 1 of 2 with "QWEN"')
        top.press("\r" + ESCAPE)
        top.wait_for("MODELS 2 ")
        top.press("?")
        top.wait_for("Any key goes back")
        top.press("q")
        top.wait_for("MODELS 2")
        top.press("cn")
        top.wait_for("nothing was unloaded")
        self.assertEqual(2, len(self.names()))
        top.press("cy")
        wait_for(lambda: self.names() == [], 20, "cleaned up")
        top.wait_for("nothing is in memory")

    def test_the_queue_with_its_reason(self):
        self.load("llama3.1:8b")
        clients = []
        for model in ("llama3.1:8b", "qwen3:8b", "qwen3:8b"):
            client = threading.Thread(target=post, args=(self.serve.url + "/api/generate", {
                "model": model, "prompt": "hi", "stream": False, "options": {"num_predict": 200}}))
            client.start()
            clients.append(client)
        top = self.top()
        text = top.wait_for("QUEUE")
        self.assertRegex(text, r"qwen3:8b +\d")
        for client in clients:
            client.join(60 * slowness())
        top.wait_for(lambda t: "QUEUE" not in t)

    def test_resizing_narrow_and_small_terminals(self):
        self.load("llama3.1:8b")
        top = self.top(columns=120, lines=40)
        top.wait_for("EXPIRES")
        top.resize(44, 14)
        text = top.wait_for(lambda t: "MODELS" in t and "EXPIRES" not in t)
        self.assertIn("llama3.1:8b", text)
        top.resize(20, 6)
        top.wait_for("too small")
        top.resize(100, 30)
        top.wait_for("EXPIRES")

    def test_without_colours_and_without_utf8(self):
        self.load("llama3.1:8b")
        top = self.top(env={"NO_COLOR": "1", "LC_ALL": "C", "LANG": "C"})
        text = top.wait_for("MODELS 1")
        self.assertEqual({"default"}, top.colours())
        self.assertTrue(text.isascii(), text)
        self.assertIn("#", text)

    def test_signals_leave_the_terminal_as_it_was(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGSEGV, -11)):
            with self.subTest(number), Terminal(binary(), "top", "--url", self.serve.url) as top:
                top.wait_for("MODELS")
                top.signal(number)
                self.assertEqual(code, top.wait_for_end())
                self.assertTrue(top.is_as_before())
        with Terminal(binary(), "top", "--url", self.serve.url) as top:
            top.wait_for("MODELS")
            top.press("\x03")
            self.assertEqual(130, top.wait_for_end())

    def test_the_daemon_restarts(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        listen = f"127.0.0.1:{port}"
        with Serve(self.sim.url, listen=listen, budget="12GiB") as first:
            first.wait_ready()
            top = self.top(url=first.url)
            top.wait_for("live")
            first.stop()
        text = top.wait_for("No answer from Plimsoll for ")
        self.assertIn("trying again: cannot connect", text)
        with Serve(self.sim.url, listen=listen, budget="12GiB"):
            top.wait_for("answers again")
            self.assertIn("live", top.text())

    def test_a_daemon_with_keys(self):
        with tempfile.TemporaryDirectory(prefix="plimsoll-top-") as folder:
            keys, file = Path(folder) / "keys.toml", Path(folder) / "key"
            made = subprocess.run([binary(), "key", "create", "me", "--role", "operator", "--file", str(keys)], check=True,
                                  capture_output=True, text=True, timeout=60 * slowness(), env=clean_environment())
            file.write_text(made.stdout)
            with Serve(self.sim.url, env={"PLIMSOLL_ACCESS_KEY_FILE": str(keys)}) as serve:
                refused = self.plain("--once", url=serve.url)
                self.assertEqual(1, refused.returncode, refused)
                self.assertIn("--key-file", refused.stderr)
                top = self.top("--key-file", str(file), url=serve.url)
                top.wait_for("upstream_up")
                top.press("lnomic-embed-text\r")
                top.wait_for("MODELS 1")

    def test_terminals_that_cannot_be_drawn_on(self):
        for env in ({"TERM": "dumb"}, {"TERM": "no-such-terminal"}):
            with self.subTest(env), Terminal(binary(), "top", "--url", self.serve.url, env=env) as top:
                self.assertEqual(1, top.wait_for_end())
                self.assertIn("--once", " ".join(top.text().split()))
        done = self.plain()
        self.assertEqual(1, done.returncode)
        self.assertIn("needs a terminal", done.stderr)

    def test_once(self):
        self.load("llama3.1:8b")
        done = self.plain("--once")
        self.assertEqual(0, done.returncode, done)
        self.assertIn("MODELS 1 ", done.stdout)
        self.assertIn("Loaded llama3.1:8b in", done.stdout.split("DECISIONS")[1])
        self.assertNotIn("\x1b", done.stdout)
        narrow = self.plain("--once", env={"COLUMNS": "50", "LC_ALL": "C"})
        self.assertTrue(narrow.stdout.isascii(), narrow.stdout)
        self.assertLessEqual(max(map(len, narrow.stdout.splitlines())), 50)

    def test_no_daemon_and_wrong_words(self):
        done = self.plain(url="http://127.0.0.1:1")
        self.assertEqual(1, done.returncode)
        self.assertIn("plimsoll serve", done.stderr)
        for wrong in (["--interval", "1h"], ["--interval", "x"], ["--intervall", "1s"]):
            self.assertEqual(2, self.plain(*wrong).returncode, wrong)


if __name__ == "__main__":
    unittest.main()
