#!/usr/bin/env python3
"""What goes wrong by a person's hand: each case one clear sentence with its numbers, the right status, nothing lost,
and the daemon goes on."""

import json
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, request, slowness, wait_for
from support.raw import RawClient, post_bytes


def run(*args, **kwargs):
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=60 * slowness(),
                          env=clean_environment(), **kwargs)


class AtStart(unittest.TestCase):
    def test_a_wrong_configuration_names_file_line_and_the_right_key(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "plimsoll.toml"
            file.write_text('[server]\nlisten = "127.0.0.1:0"\n\n[[upstream]]\nbudgett = "22GiB"\nreserve = "much"\n')
            for command in (["serve", "--config", str(file)], ["config", "check", "--config", str(file)]):
                with self.subTest(command[0]):
                    done = run(*command)
                    self.assertEqual(2, done.returncode, done)
                    self.assertIn(f"{file}:5", done.stderr)
                    self.assertIn('"budget"', done.stderr)
                    self.assertIn(f"{file}:6", done.stderr)  # every problem at once

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("serve", "--listen", f"127.0.0.1:{port}", "--upstream", "http://127.0.0.1:1", "--budget", "8GiB",
                       "--state", "")
            self.assertEqual(1, done.returncode, done)
            self.assertIn(f"127.0.0.1 port {port}", done.stderr)
            self.assertIn("in use", done.stderr)

    def test_the_daemon_is_not_running(self):
        done = run("status", "--url", "http://127.0.0.1:1")
        self.assertEqual(1, done.returncode)
        self.assertEqual(1, len(done.stderr.strip().splitlines()), done.stderr)
        self.assertIn("plimsoll serve", done.stderr)

    def test_the_upstream_is_down_at_start_and_comes_later(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with Serve(f"http://127.0.0.1:{port}") as serve:
            self.assertEqual(200, request("GET", serve.url + "/healthz").status)
            ready = request("GET", serve.url + "/readyz")
            self.assertEqual(503, ready.status)
            self.assertIn(str(port), ready.body.decode())
            passive = request("GET", serve.url + "/api/tags")
            self.assertEqual(502, passive.status)
            self.assertIn("error", passive.json())
            with Sim("--load-bandwidth", "64GiB", listen=f"127.0.0.1:{port}"):
                serve.wait_ready()
                answer = post(serve.url + "/api/generate", {"model": "llama3.1:8b", "prompt": "hi", "stream": False,
                                                            "options": {"num_predict": 2}})
                self.assertEqual(200, answer.status, answer.body)


class WhileRunning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        config = Path(cls.folder) / "plimsoll.toml"
        config.write_text('[server]\nmax_body = "1MiB"\n[scheduler]\nqueue_limit = 3\n')
        cls.sim = cls.enterClassContext(Sim("--vram", "24GiB", "--load-bandwidth", "4GiB", "--tokens-per-second", "20"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url, "--config", str(config), budget="8GiB"))
        cls.serve.wait_ready()

    def tearDown(self):
        self.assertTrue(self.serve.is_running(), self.serve.output())
        self.assertEqual(0, self.sim.books()["out_of_memory"])

    def error(self, answer):
        value = answer.json()["error"]
        return value if isinstance(value, str) else value["message"]

    def test_unknown_model(self):
        answer = post(self.serve.url + "/api/generate", {"model": "nothing-there", "prompt": "hi"})
        self.assertEqual(404, answer.status)
        self.assertEqual({"error": "model 'nothing-there' not found"}, answer.json())
        answer = post(self.serve.url + "/v1/chat/completions", {"model": "nothing-there", "messages": [
            {"role": "user", "content": "hi"}]})
        self.assertEqual((404, "not_found_error"), (answer.status, answer.json()["error"]["type"]))

    def test_a_model_larger_than_the_budget(self):
        loads = self.sim.books()["loads"]
        for path, body in (("/api/generate", {"prompt": "hi"}),
                           ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
                           ("/v1/messages", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5})):
            with self.subTest(path):
                answer = post(self.serve.url + path, {"model": "llama3.3:70b", **body})
                self.assertEqual(507, answer.status, answer.body)
                text = answer.json()["error"]
                text = text if isinstance(text, str) else text["message"]
                self.assertIn("8 GiB", text)
                self.assertIn("llama3.3:70b", text)
                self.assertNotIn("X-Plimsoll-Queue", answer.headers)  # it did not wait
        self.assertEqual(loads, self.sim.books()["loads"])

    def test_pins_that_leave_no_room(self):
        pinned = post(self.serve.url + "/plimsoll/v1/models/pin", {"model": "llama3.1:8b"})
        self.assertEqual(200, pinned.status, pinned.body)
        try:
            answer = post(self.serve.url + "/api/generate", {"model": "qwen3:8b", "prompt": "hi"})
            self.assertEqual(507, answer.status, answer.body)
            self.assertIn("pin", self.error(answer))
            second = post(self.serve.url + "/plimsoll/v1/models/pin", {"model": "qwen3:8b"})
            self.assertGreaterEqual(second.status, 400)
            self.assertIn("GiB", second.body.decode())
        finally:
            self.assertEqual(200, post(self.serve.url + "/plimsoll/v1/models/unpin", {"model": "llama3.1:8b"}).status)

    def test_a_body_too_large(self):
        answer = post(self.serve.url + "/api/generate", {"model": "llama3.1:8b", "prompt": "x" * (2 << 20)})
        self.assertEqual(413, answer.status)
        self.assertIn("MiB", self.error(answer))

    def test_malformed_json(self):
        for body, text in ((b"hello", "invalid character 'h' looking for beginning of value"), (b"", "missing request body"),
                           (b'{"model": "a', "unexpected EOF")):
            with self.subTest(body):
                answer = request("POST", self.serve.url + "/api/generate", body)
                self.assertEqual((400, {"error": text}), (answer.status, answer.json()))

    def test_a_full_queue(self):
        busy = RawClient(self.serve.port)
        busy.send(post_bytes("/api/generate", {"model": "llama3.1:8b", "prompt": "hi", "options": {"num_predict": 4000}}))
        busy.read_until(b"response")
        waiting = [RawClient(self.serve.port) for _ in range(3)]
        for client in waiting:
            client.send(post_bytes("/api/generate", {"model": "qwen3:8b", "prompt": "hi"}))
        wait_for(lambda: len(self.serve.queue()) == 3, 5, "three waiting")
        answer = post(self.serve.url + "/api/generate", {"model": "qwen3:8b", "prompt": "hi"})
        self.assertEqual(503, answer.status, answer.body)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        self.assertIn("3", self.error(answer))
        for client in [busy, *waiting]:
            client.close()
        wait_for(lambda: self.serve.queue() == [] and sum(m["leases"] for m in self.serve.models()) == 0, 10, "quiet")

    def test_commands_with_bad_input(self):
        for args in (["load", "nothing-there"], ["unload", "nothing-there"], ["load", "llama3.3:70b"], ["frobnicate"],
                     ["pin"]):
            with self.subTest(args):
                done = run(*args, *(["--url", self.serve.url] if args[0] != "frobnicate" else []))
                self.assertNotEqual(0, done.returncode)
                self.assertTrue(done.stderr.strip())


class PassThrough(unittest.TestCase):
    def test_with_management_disabled_everything_is_relayed_unscheduled(self):
        with Sim("--vram", "48GiB", "--load-bandwidth", "64GiB", "--tokens-per-second", "1000") as sim, \
                Serve(sim.url, "--no-management", budget="1GiB") as serve:
            serve.wait_ready()
            answers = []
            threads = [threading.Thread(target=lambda m=model: answers.append(
                post(serve.url + "/api/generate", {"model": m, "prompt": "hi", "stream": False}).status))
                for model in ("llama3.1:8b", "qwen3:8b")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            self.assertEqual([200, 200], answers)
            body = json.loads(request("GET", serve.url + "/plimsoll/v1/status").body)
            self.assertFalse(body["enabled"])


if __name__ == "__main__":
    unittest.main()
