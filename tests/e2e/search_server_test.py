#!/usr/bin/env python3
"""examples/search_server.py, asked by the daemon. Needs nothing but Python."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.process import ROOT, Sim, binary, clean_environment
from support.tool_servers import Daemon, Recorder, children, is_running, prompt, step

SERVER = ROOT / "examples" / "search_server.py"
CHANGING = Path(__file__).parent / "tool_servers" / "changing_server.py"


class SearchServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="plimsoll-search-")))
        files = cls.folder / "files"
        (files / "deep" / "er").mkdir(parents=True)
        (files / "marks.txt").write_text("The load line\nis a mark on the hull.\n\nSummer and winter have MARKS of their own.\n")
        (files / "deep" / "er" / "ports.md").write_text("A harbour, ein Häfen.\n" + "hull\n" * 30)
        (files / "many.txt").write_text("".join(f"line {i}\n" for i in range(1, 1001)))
        (files / "long.txt").write_text("needle " + "y" * 5000)
        (files / "picture.bin").write_bytes(b"hull\0hull")
        (files / ".hidden").write_text("hull of a secret")
        (cls.folder / "outside.txt").write_text("hull outside")
        (files / "link.txt").symlink_to(cls.folder / "outside.txt")
        cls.files = files
        cls.sim = cls.enterClassContext(Sim("--load-bandwidth", "40GiB", "--tokens-per-second", "500"))
        cls.recorder = cls.enterClassContext(Recorder(cls.sim.url))
        settings = {"id": "search", "command": sys.executable, "args": [str(SERVER), str(files)]}
        cls.daemon = cls.enterClassContext(Daemon(cls.recorder.url, settings))

    def search(self, words, **arguments):
        return self.daemon.tool("search", "search", {"words": words, **arguments})

    def read(self, path, **arguments):
        return self.daemon.tool("search", "read", {"path": path, **arguments})

    def test_lines_with_all_words_come_first(self):
        self.assertEqual(
            ["marks.txt:2: is a mark on the hull.", "marks.txt:4: Summer and winter have MARKS of their own."],
            self.search("Hull mark").splitlines()[:2])

    def test_upper_and_lower_case_and_other_letters(self):
        self.assertEqual("deep/er/ports.md:1: A harbour, ein Häfen.", self.search("HÄFEN"))

    def test_nothing_found(self):
        self.assertEqual("nothing found for: nowhere", self.search("nowhere"))

    def test_limit(self):
        lines = self.search("hull", limit=3).splitlines()
        self.assertEqual("(28 more lines)", lines[3])
        # A text in its place: as a chain writes it.
        run = self.daemon.run_chain(step("search", "search", {"words": "hull", "limit": "{input}"}), input="2")
        self.assertEqual(3, len(run["output"].splitlines()), run)

    def test_long_lines_are_cut(self):
        self.assertLess(len(self.search("needle")), 500)

    def test_no_pictures_no_hidden_files_and_nothing_outside(self):
        found = self.search("hull", limit=200)
        for name in ("picture.bin", ".hidden", "link.txt"):
            self.assertNotIn(name, found)
        for path in ("../outside.txt", str(self.folder / "outside.txt"), "link.txt", "picture.bin", "none.txt", "deep",
                     "", "a\0b"):
            error = self.daemon.tool_error("search", "read", {"path": path})
            self.assertIn("there is no text file", error)

    def test_read(self):
        self.assertEqual("line 10\nline 11\n(989 more lines)", self.read("many.txt", first=10, count=2))
        self.assertEqual("line 1000", self.read("many.txt", first=1000))
        self.assertIn("(900 more lines)", self.read("many.txt"))
        self.assertIn("many.txt has 1000 lines", self.daemon.tool_error("search", "read", {"path": "many.txt", "first": 1001}))

    def test_wrong_arguments_are_told(self):
        for tool, arguments, told in (
                ("search", {}, "words must be a text"),
                ("search", {"words": "  "}, "words is empty"),
                ("search", {"words": "x", "limit": 0}, "limit must be a whole number from 1 to 200"),
                ("read", {"path": "many.txt", "count": 401}, "count must be a whole number from 1 to 400"),
                ("read", {"path": 1}, "path must be a text"),
                ("write", {}, "there is no tool write; there are search and read")):
            self.assertIn(told, self.daemon.tool_error("search", tool, arguments))

    def test_one_step_reads_what_another_has_found(self):
        run = self.daemon.run_chain(
            step("search", "search", {"words": "{input}", "limit": 1}),
            {"kind": "prompt", "model": "llama3.1:8b", "instruction": "What is said here? {input}"},
            step("search", "read", {"path": "marks.txt", "count": 1}), input="winter")
        self.assertEqual("succeeded", run["status"], run)
        self.assertEqual("The load line\n(3 more lines)", run["output"])
        said = self.recorder.talks()[-1]["messages"][-1]["content"]
        self.assertEqual("What is said here? marks.txt:4: Summer and winter have MARKS of their own.", said)

    def test_a_model_searches(self):
        run = self.daemon.run_chain(prompt("search"), input="go")
        self.assertEqual("succeeded", run["status"], run)
        told = self.recorder.talks()[-1]["messages"][-1]
        self.assertEqual({"role": "tool", "tool_name": "search", "content": "nothing found for: simulated"}, told)

    def test_is_listed_and_ends_with_the_daemon(self):
        with Daemon(self.sim.url, {"id": "search", "command": str(SERVER), "args": [str(self.files)],
                                   "env": {"PATH": os.environ["PATH"]}}) as daemon:
            daemon.run_chain(prompt("search"), input="go")
            row = daemon.servers()["search"]
            self.assertEqual(("ready", "search 1.0", ["search", "read"]), (row["state"], row["server"], row["tools"]))
            child = children(daemon.pid)[0]
            self.assertEqual(0, daemon.stop())
            self.assertFalse(is_running(child))

    def test_no_folder(self):
        with Daemon(self.sim.url, {"id": "search", "command": str(SERVER), "args": ["/no/such/folder"],
                                   "env": {"PATH": os.environ["PATH"]}}) as daemon:
            self.assertIn("tool server search ended", daemon.tool_error("search", "search", {"words": "x"}))


class ChangingTools(unittest.TestCase):
    def test_tools_that_come_later_are_offered(self):
        with Sim("--load-bandwidth", "40GiB", "--tokens-per-second", "500") as sim, Recorder(sim.url) as recorder, \
                Daemon(recorder.url, {"id": "it", "command": sys.executable, "args": [str(CHANGING)]}) as daemon:
            daemon.run_chain(prompt("it", max_tool_rounds=1), input="x")
            daemon.run_chain(prompt("it", max_tool_rounds=1), input="x")
            offered = [tool["function"]["name"] for tool in recorder.talks()[-1]["tools"]]
            self.assertEqual(["grow", "tool1"], offered[:2])


class Examples(unittest.TestCase):
    def test_each_is_a_chain_that_can_be_run(self):
        settings = {"id": "search", "command": sys.executable, "args": [str(SERVER), str(ROOT / "docs")]}
        with Sim("--time-scale", "20") as sim, Daemon(sim.url, settings) as daemon:
            files = sorted((ROOT / "examples").glob("*.json")) + [ROOT / "examples" / "draft-and-judge.toml"]
            self.assertGreaterEqual(len(files), 4)
            for file in files:
                done = subprocess.run([binary(), "chain", "check", str(file), "--url", daemon.url], env=clean_environment(),
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(0, done.returncode, f"{file}: {done.stdout}{done.stderr}")

    def test_the_configuration_is_one(self):
        done = subprocess.run([binary(), "config", "check", "--config", str(ROOT / "examples" / "plimsoll.toml")],
                              env=clean_environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
