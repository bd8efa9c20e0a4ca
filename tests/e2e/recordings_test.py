#!/usr/bin/env python3
"""The recordings of a real Ollama: the simulator answers each as recorded, and through the proxy each is answered as
directly (recordings/replay.py says what is compared)."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

from support.process import ROOT, Serve, Sim, slowness

REPLAY = Path(__file__).parent / "recordings" / "replay.py"


class Recordings(unittest.TestCase):
    def replay(self, *args):
        done = subprocess.run([sys.executable, "-B", str(REPLAY), *args], capture_output=True, text=True, cwd=ROOT,
                              timeout=300 * slowness(), env=os.environ)
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        print(done.stdout.strip().splitlines()[-1] if done.stdout else "")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def setUp(self):
        self.sim = self.enterContext(Sim("--time-scale", "20"))

    def test_the_simulator_answers_as_recorded(self):
        self.replay("--url", self.sim.url)

    def test_through_the_proxy_each_is_answered_as_directly(self):
        with Serve(self.sim.url, budget="20GiB") as serve:
            serve.wait_ready()
            self.replay("--url", serve.url, "--reference-url", self.sim.url)


if __name__ == "__main__":
    unittest.main()
