#!/usr/bin/env python3
"""docs/openapi.yaml has exactly the endpoints that the program has, is what the program serves, and holds together."""

import json
import re
import subprocess
import unittest

from support.process import ROOT, Serve, Sim, binary, clean_environment, request

METHODS = ("get", "put", "post", "delete", "patch")


def operations(text: str, only_open: bool = False) -> set:
    """Method and path of each, by the shape that the file keeps: paths two blanks in, methods four."""
    found, path, last = set(), None, None
    for line in text.partition("\npaths:\n")[2].partition("\ncomponents:\n")[0].splitlines():
        if match := re.fullmatch(r"  (/\S*):", line):
            path = match[1]
        elif match := re.fullmatch(r"    (\w+):", line):
            assert match[1] in METHODS, line
            last = (match[1].upper(), path)
            if not only_open:
                found.add(last)
        elif line == "      security: []" and only_open:
            found.add(last)
    return found


class Openapi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (ROOT / "docs" / "openapi.yaml").read_text()
        cls.sim = cls.enterClassContext(Sim("--vram", "8GiB"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url))
        cls.serve.wait_ready()

    def test_it_has_the_endpoints_of_the_program_and_no_others(self):
        answer = request("GET", self.serve.url + "/plimsoll/v1/what-is-there")
        self.assertEqual(404, answer.status)
        table = answer.json()["error"].partition("there are: ")[2].split(", ")
        self.assertGreater(len(table), 25)
        self.assertEqual(sorted(tuple(entry.split(" ")) for entry in table), sorted(operations(self.text)))

    def test_it_says_which_endpoints_need_no_key(self):
        done = subprocess.run([binary(), "key", "rights", "--json"], env=clean_environment(), capture_output=True, text=True,
                              check=True)
        ours = {(row["method"], row["path"]): row["role"] for row in json.loads(done.stdout)["routes"]}
        meant = {each for each in operations(self.text) if ours[each] == "open"}
        self.assertEqual(meant, operations(self.text, only_open=True))

    def test_the_program_serves_it(self):
        answer = request("GET", self.serve.url + "/plimsoll/v1/openapi.yaml")
        self.assertEqual((200, "application/yaml"), (answer.status, answer.headers["Content-Type"]))
        self.assertEqual(self.text, answer.body.decode())

    def test_every_reference_leads_somewhere_and_every_part_is_used(self):
        used = set(re.findall(r"#/components/(\w+/\w+)", self.text))
        there, kind = set(), None
        for line in self.text.partition("\ncomponents:\n")[2].splitlines():
            if match := re.fullmatch(r"  (\w+):", line):
                kind = match[1]
            elif match := re.match(r"    (\w+):", line):
                there.add(f"{kind}/{match[1]}")
        self.assertEqual(there - {name for name in there if name.startswith("securitySchemes/")}, used)

    def test_every_name_of_an_operation_is_its_own(self):
        names = re.findall(r"operationId: (\w+)\n", self.text)
        self.assertEqual(len(operations(self.text)), len(names))
        self.assertEqual(len(set(names)), len(names))


if __name__ == "__main__":
    unittest.main()
