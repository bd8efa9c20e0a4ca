"""Each test hands the reader of ctest's results a small file."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "scripts/lib/count_junit.py"


def counted(*cases: str) -> list[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write("<testsuite>" + "".join(cases) + "</testsuite>")
        file.flush()
        done = subprocess.run([sys.executable, PROGRAM, file.name], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


PASSED = '<testcase name="a" status="run"/>'
FAILED = '<testcase name="b" status="fail"><failure message=""/></testcase>'
SKIPPED = '<testcase name="c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>'
DISABLED = '<testcase name="d" status="disabled"/>'
MISSING = '<testcase name="e" status="notrun"><skipped message="Unable to find executable"/></testcase>'


class CountJunit(unittest.TestCase):
    def test_each_outcome_is_counted(self):
        self.assertEqual(counted(PASSED, PASSED, FAILED, SKIPPED, DISABLED), ["2 1 2", "b"])

    def test_a_program_that_was_not_built_is_a_failure(self):
        self.assertEqual(counted(PASSED, MISSING), ["1 1 0", "e (its program was not built)"])


if __name__ == "__main__":
    unittest.main()
