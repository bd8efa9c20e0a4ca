#!/usr/bin/env python3
"""Reads a JUnit file of ctest: first line "passed failed skipped", then the failed tests, one a line."""

import sys
import xml.etree.ElementTree as tree


def main():
    passed, skipped, failures = 0, 0, []
    for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
        status = case.get("status", "")
        left_out = case.find("skipped")
        # ctest calls it skipped when nobody has built the program.
        is_missing = left_out is not None and left_out.get("message", "").startswith("Unable to find executable")
        if case.find("failure") is not None or status == "fail" or is_missing:
            failures.append(case.get("name", "?") + (" (its program was not built)" if is_missing else ""))
        elif left_out is not None or status in ("notrun", "disabled"):
            skipped += 1
        else:
            passed += 1
    print(passed, len(failures), skipped)
    for name in failures:
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
