#!/usr/bin/env python3
"""Holds the daemon to docs/openapi.yaml with schemathesis: right, wrong and odd requests to each endpoint, made from its
schemas, and every answer checked against what the document says of it. PLIMSOLL_TEST_EXAMPLES sets how many requests an
operation gets (the full length is 1000)."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, request, slowness

CLIENTS = os.environ.get("PLIMSOLL_TEST_CLIENTS", "")
PROGRAM = Path(CLIENTS) / "schemathesis" / "venv" / "bin" / "schemathesis"
HERE = Path(__file__).resolve().parent
EXAMPLES = int(os.environ.get("PLIMSOLL_TEST_EXAMPLES", "20"))

SHORT_WAITS = '[scheduler]\npatience_low = "300ms"\npatience_normal = "200ms"\npatience_high = "100ms"\n'


@unittest.skipUnless(CLIENTS and PROGRAM.exists(), "schemathesis is not installed; scripts/test does")
class Schemathesis(unittest.TestCase):
    def test_the_daemon_does_what_the_document_says(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "plimsoll.toml"
            keys = Path(folder) / "keys.toml"
            config.write_text(f'[chains]\ndirectory = "{folder}/chains"\n[access]\nkey_file = "{keys}"\n{SHORT_WAITS}')
            # With a key, so that what is sent without one has to be refused.
            made = subprocess.run([binary(), "key", "create", "tester", "--role", "admin", "--file", str(keys)],
                                  env=clean_environment(), capture_output=True, text=True, check=True)
            bearer = {"Authorization": "Bearer " + made.stdout.strip()}
            # Loads and answers take no time, so that the requests go to the daemon and not to waiting.
            with Sim("--vram", "24GiB", "--load-bandwidth", "4096GiB/s", "--tokens-per-second", "100000", "--time-scale",
                     "50") as sim, Serve(sim.url, "--config", str(config), budget="16GiB") as serve:
                serve.wait_ready()
                self.run_schemathesis(serve, folder, bearer)
                self.assertTrue(serve.is_running(), serve.output())
                self.assertEqual(200, request("GET", serve.url + "/healthz").status)
                self.assertEqual(0, sim.books()["out_of_memory"])

    def run_schemathesis(self, serve, folder, bearer):
        document = Path(folder) / "openapi.yaml"
        document.write_bytes(request("GET", serve.url + "/plimsoll/v1/openapi.yaml", headers=bearer).body)
        command = [str(PROGRAM), "--config-file", str(HERE / "clients" / "schemathesis.toml"), "run", str(document), "--url",
                   serve.url, "--max-examples", str(EXAMPLES), "--no-shrink",
                   "--header", "Authorization: " + bearer["Authorization"]]
        environment = {**clean_environment(), "PYTHONPATH": str(HERE / "clients"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=(300 + 20 * EXAMPLES) * slowness())
        if done.returncode != 0:
            print(done.stdout[-20000:], file=sys.stderr)
        self.assertEqual(0, done.returncode, "findings above")
        print(done.stdout.strip().splitlines()[-1], file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
