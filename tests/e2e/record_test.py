#!/usr/bin/env python3
"""A recording of real traffic decides the same again, tells nobody who asked what, and survives a kill and a full disk."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, post_json, slowness, wait_for
from support.raw import RawClient, post_bytes

A, B = "llama3.1:8b", "qwen3:8b"
SECRET = "the-prompt-of-nobody-else"
CLIENT, OPERATOR = "127.0.0.2", "127.0.0.3"  # as the daemon sees them


def plimsoll(*args):
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=60 * slowness(),
                          env=clean_environment())


def post_from(address, url, path, value):
    """A request from another address of this machine."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60 * slowness(),
                                            source_address=(address, 0))
    connection.request("POST", path, json.dumps(value), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise AssertionError(f"{path} {value}: {answer.status} {body[:300]!r}")


def question(model, predict=4):
    return {"model": model, "prompt": SECRET, "stream": False, "options": {"num_predict": predict}}


class Recording(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.folder / "day.rec"
        self.config = self.folder / "plimsoll.toml"
        self.sim = self.enterContext(Sim("--vram", "24GiB", "--load-bandwidth", "16GiB", "--tokens-per-second", "100"))

    def serve(self, *args, budget="8GiB", env=None):
        self.config.write_text(f'[[upstream]]\nurl = "{self.sim.url}"\nbudget = "{budget}"\n')
        return Serve("", "--config", str(self.config), *args, budget="", env=env)

    def replay(self, *args):
        return plimsoll("replay", str(self.file), *args)

    def test_traffic_of_every_kind_is_decided_the_same_again(self):
        with self.serve("--record", str(self.file)) as serve:
            serve.wait_ready()
            post_from(CLIENT, serve.url, "/api/generate", question(A))
            post_from(CLIENT, serve.url, "/api/chat",
                      {"model": B, "messages": [{"role": "user", "content": SECRET}], "stream": False,
                       "options": {"num_predict": 4}, "keep_alive": "1h"})
            with RawClient(serve.port) as leaver:  # leaves in the middle of its answer
                leaver.send(post_bytes("/api/generate", {"model": A, "prompt": SECRET, "options": {"num_predict": 9999}}))
                leaver.read_until(b"response")
                with RawClient(serve.port) as waiter:  # and this one while it waits
                    waiter.send(post_bytes("/api/generate", question(B)))
                    wait_for(lambda: len(serve.queue()) == 1, 10, "queued")
                wait_for(lambda: serve.queue() == [], 10, "gone")
            post_json(serve.url + "/plimsoll/v1/models/unload", {"model": A})
            post_from(OPERATOR, serve.url, "/plimsoll/v1/models/pin", {"model": B})
            self.serve_smaller(serve)
            self.assertEqual(507, post(serve.url + "/api/generate", question(A)).status)
            self.assertEqual(0, serve.stop())
        self.check_recording()

    def serve_smaller(self, serve):
        """A reload with a budget that the pin does not fit: a notice names its owner."""
        self.config.write_text(self.config.read_text().replace("8GiB", "3GiB"))
        serve.signal(signal.SIGHUP)
        wait_for(lambda: serve.status()["budget_bytes"] == 3 << 30, 10, "reloaded", serve.output)
        wait_for(lambda: any("dropped" in line for line in serve.lines), 10, "dropped", serve.output)

    def check_recording(self):
        text = self.file.read_text()
        for secret in (SECRET, CLIENT, OPERATOR):
            self.assertNotIn(secret, text)
        for kind in ("arrived", "cancelled", "ended", "loaded", "unload_asked", "pin", "config", "observed", "up"):
            self.assertIn(f'"event":{{"kind":"{kind}"', text)
        self.assertIn(" by client-", text)

        done = self.replay()
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertTrue(done.stdout.endswith("Bit-equal to what was recorded\n"), done.stdout)
        self.assertIn(f"refuse    {A}", done.stdout)
        quiet = self.replay("--quiet")
        self.assertEqual(3, len(quiet.stdout.splitlines()), quiet.stdout)
        of_b = json.loads(self.replay("--json", "--model", B).stdout)
        self.assertTrue(of_b["is_equal"])
        self.assertEqual({B}, {each["model"] for each in of_b["decisions"]})

        self.check_simulated()
        self.file.write_text(text.replace('"why":"does_not_fit"', '"why":"stuck"', 1))
        differs = self.replay("--quiet")
        self.assertEqual(1, differs.returncode)
        self.assertIn("Differs from what was recorded, first on line", differs.stdout)
        self.assertIn('"why":"does_not_fit"', differs.stdout)

    def check_simulated(self):
        """The same requests with the budget that they had, and with one that holds both models."""
        own = json.loads(plimsoll("simulate", str(self.file), "--json").stdout)
        self.assertEqual([8 << 30], [each["budget_bytes"] for each in own["variants"]])
        done = plimsoll("simulate", str(self.file), "--budget", "8GiB", "--budget", "16GiB", "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("requests have no whole answer in the recording", done.stderr)  # who left the queue, the 507
        small, large = json.loads(done.stdout)["variants"]
        self.assertEqual(small, own["variants"][0])
        self.assertEqual({A, B}, {each["name"] for each in small["models"]})
        self.assertEqual((0, 2), (large["refused"], large["loads"]))
        self.assertGreater(small["loads"], large["loads"])

    def test_after_a_kill_what_is_whole_is_replayed_and_the_next_start_keeps_it(self):
        environment = {"PLIMSOLL_RECORD": str(self.file)}
        with self.serve(env=environment) as serve:
            serve.wait_ready()
            post_json(serve.url + "/api/generate", question(A))
            wait_for(lambda: '"kind":"ended"' in self.file.read_text(), 10, "written")
            serve.kill()
        with self.file.open("a") as file:
            file.write('{"at":99,"po')  # killed while it wrote
        cut = self.replay("--quiet")
        self.assertEqual(0, cut.returncode, cut.stderr)
        self.assertIn("Bit-equal", cut.stdout)
        self.assertIn("the end is missing", cut.stderr)
        with self.serve(env=environment) as serve:
            serve.wait_ready()
            self.assertEqual(0, serve.stop())
        self.assertIn('"po', (self.folder / "day.rec.old").read_text())
        self.assertEqual("", self.replay("--quiet").stderr)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full on this system")
    def test_a_full_disk_ends_the_recording_and_nothing_else(self):
        with self.serve("--record", "/dev/full") as serve:
            serve.wait_ready()
            wait_for(lambda: any("Recording ended" in line for line in serve.lines), 10, "noticed", serve.output)
            post_json(serve.url + "/api/generate", question(A))
            self.assertEqual(0, serve.stop())
            self.assertEqual(1, sum("Recording ended" in line for line in serve.lines), serve.output())


class NoRecording(unittest.TestCase):
    def test_other_files_are_named_with_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x"
            for content, wanted in ((b"", "it is empty"), (b"time,model\n", "line 1: this is no recording"),
                                    (os.urandom(100_000), "this is no recording"),
                                    (b'{"format":"plimsoll recording","ver', "line 1: the header is cut off")):
                with self.subTest(wanted):
                    file.write_bytes(content)
                    done = plimsoll("replay", str(file))
                    self.assertEqual(2, done.returncode)
                    self.assertEqual("", done.stdout)
                    self.assertIn(f"plimsoll replay: {file}: ", done.stderr)
                    self.assertIn(wanted, done.stderr)
                    self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)
            for path in (folder, folder + "/none"):
                self.assertEqual(2, plimsoll("replay", path).returncode)


if __name__ == "__main__":
    unittest.main()
