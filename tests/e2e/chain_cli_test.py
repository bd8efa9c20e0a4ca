#!/usr/bin/env python3
"""`plimsoll chain` and `plimsoll runs` as a user has them: what they print where, and with which exit status."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, slowness, wait_for

FIRST, SECOND = "llama3.1:8b", "qwen2.5:7b"
CHAIN = {
    "steps": [
        {"name": "draft", "model": {"name": FIRST, "params": {"options": {"num_predict": 6, "temperature": 0}}},
         "instruction": "Say {vars.what} about: {input}"},
        {"model": {"name": SECOND, "params": {"options": {"num_predict": 5, "temperature": 0}}},
         "instruction": "Shorter: {input}"},
    ],
    "vars": {"what": "something"},
}
TOML = f"""
[[steps]]
name = "draft"
model = {{ name = "{FIRST}", params = {{ options = {{ num_predict = 6, temperature = 0 }} }} }}
instruction = "Say {{vars.what}} about: {{input}}"

[[steps]]
model = {{ name = "{SECOND}", params = {{ options = {{ num_predict = 5, temperature = 0 }} }} }}
instruction = "Shorter: {{input}}"

[vars]
what = "something"
"""
BROKEN = {"steps": [{"model": FIRST, "instruction": "x"}, {"modle": FIRST, "instruction": "x"}]}
# Long enough to be ended by hand.
LONG = {"steps": [CHAIN["steps"][0],
                  {"model": {"name": SECOND, "params": {"options": {"num_predict": 100000}}},
                   "instruction": "Longer: {input}"}],
        "vars": CHAIN["vars"]}
# To the program the same as SIGINT, which children of a shell's background jobs ignore.
CTRL_C = signal.SIGTERM
RUN = re.compile(r"^run ([0-9a-f]{16})", re.MULTILINE)


class ChainCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="plimsoll-e2e-")))
        cls.sim = cls.enterClassContext(Sim("--vram", "64GB", "--time-scale", "20"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url, budget="8GiB"))
        cls.serve.wait_ready()

    def tearDown(self):
        self.sim.clear_faults()

    def file(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def command(self, *words):
        return [binary(), *words, "--url", self.serve.url]

    def call(self, *words, input="", status=0):
        done = subprocess.run(self.command(*words), input=input, capture_output=True, text=True,
                              env=clean_environment(), timeout=120 * slowness())
        self.assertEqual(status, done.returncode, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def running(self, *words):
        """Started, with the id of its run."""
        process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=clean_environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process, RUN.match(process.stderr.readline()).group(1)

    def run_of(self, done):
        return RUN.search(done.stderr).group(1)

    def test_a_file_and_the_saved_chain_give_the_same_text_alone_on_standard_output(self):
        by_json = self.call("chain", "run", self.file("a.json", CHAIN), "--input", "ships")
        self.assertTrue(by_json.stdout.strip())
        self.assertNotIn("step 1 of 2", by_json.stdout)
        self.assertRegex(by_json.stderr, rf"step 1 of 2  draft  {FIRST}  6 tokens  .*GiB\)\n")
        self.assertRegex(by_json.stderr, rf"step 2 of 2  {SECOND}  5 tokens  .*GiB\)\n")
        self.assertNotIn("\x1b", by_json.stderr)
        by_toml = self.call("chain", "run", self.file("a.toml", TOML), "--input", "ships")
        self.assertEqual(by_json.stdout, by_toml.stdout)
        saved = self.call("chain", "save", "summary", self.file("a.toml", TOML))
        self.assertIn("Saved summary, 2 steps", saved.stdout)
        by_name = self.call("chain", "run", "summary", "--quiet", input="ships")
        self.assertEqual(by_json.stdout, by_name.stdout)
        self.assertEqual("", by_name.stderr)
        by_pipe = self.call("chain", "run", "-", "--input", "ships", input=json.dumps(CHAIN))
        self.assertEqual(by_json.stdout, by_pipe.stdout)

    def test_a_variable_and_the_input_reach_the_chain(self):
        echo = {"steps": [{"model": FIRST, "instruction": "{vars.a} {input}"}], "vars": {"a": "-"}}
        path = self.file("echo.json", echo)
        run = json.loads(self.call("chain", "run", path, "--var", "a=b=c", "--input", "-", "--json",
                                   input="über").stdout)
        self.assertEqual("succeeded", run["status"])
        self.assertEqual(1, len(run["steps"]))
        self.assertEqual(run["output"], run["steps"][0]["output"])
        wrong = self.call("chain", "run", path, "--var", "a=\udcff", "--input", "x", status=1)
        self.assertIn("no UTF-8", wrong.stderr)

    def test_check_names_each_problem_and_a_run_says_the_same(self):
        path = self.file("broken.json", BROKEN)
        wrong = self.call("chain", "check", path, status=1)
        self.assertRegex(wrong.stderr, rf"(?m)^{re.escape(path)}: /steps/1: lacks model")
        self.assertRegex(wrong.stderr, rf"(?m)^{re.escape(path)}: /steps/1/modle: ")
        self.assertEqual("", wrong.stdout)
        run = self.call("chain", "run", path, status=1)
        self.assertEqual((wrong.stdout, wrong.stderr), (run.stdout, run.stderr))
        self.assertEqual(wrong.stderr, self.call("chain", "save", "broken", path, status=1).stderr)
        right = self.file("right.json", CHAIN)
        self.assertEqual(f"{right}: ok, 2 steps\n", self.call("chain", "check", right).stdout)

    def test_what_is_no_json_or_toml_is_named_with_its_line(self):
        no_json = self.file("no.json", '{"steps": [\n  {"model": }]}')
        self.assertTrue(self.call("chain", "check", no_json, status=1).stderr.startswith(f"{no_json}:2:13: "))
        no_toml = self.file("no.toml", 'a = 1\nb = "')
        self.assertTrue(self.call("chain", "run", no_toml, status=1).stderr.startswith(f"{no_toml}:2: "))
        self.assertIn("No such file", self.call("chain", "check", "nowhere.json", status=1).stderr)
        self.assertIn("is a folder", self.call("chain", "check", str(self.folder), status=1).stderr)

    def test_saved_chains_are_listed_shown_and_deleted(self):
        self.call("chain", "save", "kept", self.file("kept.json", {**CHAIN, "description": "Two steps"}))
        self.assertRegex(self.call("chain", "list").stdout, r"(?m)^kept +2  ok +Two steps$")
        shown = self.call("chain", "show", "kept").stdout
        self.assertIn("chain/kept", shown)
        self.assertRegex(shown, rf"(?m)^1 +draft +prompt +{FIRST} +Say ")
        self.assertEqual(CHAIN["steps"], json.loads(self.call("chain", "show", "kept", "--json").stdout)
                         ["document"]["steps"])
        self.assertEqual("Deleted kept\n", self.call("chain", "delete", "kept").stdout)
        for words in (("show", "kept"), ("delete", "kept"), ("run", "kept")):
            gone = self.call("chain", *words, status=1)
            self.assertIn('there is no saved chain "kept"', gone.stderr)
            self.assertEqual("", gone.stdout)

    def test_a_run_that_fails_says_why_and_goes_on_where_it_was(self):
        unknown = {"steps": [CHAIN["steps"][0], {"model": "nobody:1b", "instruction": "{input}"}],
                   "vars": CHAIN["vars"]}
        failed = self.call("chain", "run", self.file("fails.json", unknown), "--input", "x", status=1)
        run = self.run_of(failed)
        self.assertEqual("", failed.stdout)
        self.assertIn("plimsoll: the run failed: ", failed.stderr)
        self.assertIn(f"plimsoll runs resume {run}\n", failed.stderr)
        again = self.call("runs", "resume", run, status=1)
        self.assertIn(f"run {run} goes on", again.stderr)
        self.assertNotIn("step 1 of 2", again.stderr)  # it had ended
        self.assertIn("plimsoll: the run failed: ", again.stderr)
        self.assertRegex(self.call("runs").stdout, rf"(?m)^{run} +- +failed ")
        shown = self.call("runs", "show", run).stdout
        self.assertRegex(shown, rf"(?m)^1 +draft +{FIRST} ")
        self.assertRegex(shown, r"(?m)^2 +nobody:1b .*nobody")

    def test_a_run_is_cancelled_and_resumed_by_its_id(self):
        process, run = self.running("chain", "run", self.file("long.json", LONG), "--input", "x")
        wait_for(lambda: "draft" in self.call("runs", "show", run).stdout, 30, "past the first step")
        self.assertIn("is running", self.call("runs", "resume", run, status=1).stderr)
        self.assertIn(f"Cancelled run {run}", self.call("runs", "cancel", run).stdout)
        out, err = process.communicate(timeout=30 * slowness())
        self.assertEqual((1, ""), (process.returncode, out))
        self.assertIn("the run was cancelled: cancelled by", err)
        self.assertIn("ended already", self.call("runs", "cancel", run, status=1).stderr)

        self.assertIn(f"Run {run} goes on", self.call("runs", "resume", run, "--detach").stdout)
        self.call("runs", "cancel", run)
        watcher, again = self.running("runs", "resume", run)
        self.assertEqual(run, again)
        watcher.send_signal(CTRL_C)  # whoever only watches ends nothing
        watcher.communicate(timeout=30 * slowness())
        self.assertRegex(self.call("runs").stdout, rf"(?m)^{run} +- +running ")
        self.call("runs", "cancel", run)

    def test_who_leaves_cancels_the_run(self):
        process, run = self.running("chain", "run", self.file("long.json", LONG), "--input", "x")
        process.send_signal(CTRL_C)
        process.communicate(timeout=30 * slowness())
        self.assertEqual(-CTRL_C, process.returncode)
        wait_for(lambda: re.search(rf"(?m)^{run} +- +cancelled ", self.call("runs").stdout), 30, "cancelled")

    def test_what_is_not_there_is_said(self):
        for words in (("show", "0123"), ("cancel", "0123"), ("resume", "0123"), ("resume", "0123", "--detach")):
            missing = self.call("runs", *words, status=1)
            self.assertIn("0123", missing.stderr)
            self.assertEqual("", missing.stdout)
        nobody = subprocess.run([binary(), "chain", "list", "--url", "http://127.0.0.1:1"], capture_output=True,
                                text=True, env=clean_environment(), timeout=60 * slowness())
        self.assertEqual(1, nobody.returncode)
        self.assertIn("plimsoll serve", nobody.stderr)
        with open("/dev/full", "w") as full:
            done = subprocess.run(self.command("chain", "run", self.file("a.json", CHAIN), "--input", "x"),
                                  stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment())
        self.assertEqual(1, done.returncode)
        self.assertIn("plimsoll runs show", done.stderr)

    def test_on_a_terminal_one_line_is_redrawn_and_taken_away(self):
        path = self.file("a.json", CHAIN)
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = subprocess.Popen(self.command("chain", "run", path, "--input", "x"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=slave, env=clean_environment())
        os.close(slave)
        seen = b""
        end = time.monotonic() + 60 * slowness()
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.1)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                seen += os.read(master, 65536)
            except OSError:  # the other side is closed
                break
        out = process.communicate(timeout=30 * slowness())[0]
        self.assertEqual(0, process.returncode, seen)
        self.assertTrue(out.strip())
        text = seen.decode()
        self.assertRegex(text, rf"\rstep 1/2  {FIRST}  ")
        self.assertIn(f"step 2 of 2  {SECOND}  5 tokens", text)
        self.assertTrue(text.endswith("\n"), text)
        self.assertFalse(text.replace("\r\n", "\n").rsplit("\r", 1)[-1].startswith("step"), "the line is still there")


if __name__ == "__main__":
    unittest.main()
