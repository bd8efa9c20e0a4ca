"""check_docs.py finds what is named and not there, and nothing else."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import check_docs  # noqa: E402

HELP = """Run the daemon
Usage: plimsoll serve [OPTIONS]

Options:
  -h,--help                         Print this help message and exit
  -c,--config FILE                  Configuration file in TOML
  --budget SIZE                     What models may take, as --budget 22GiB
"""


class CheckDocs(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.write("tests/golden/help/plimsoll.txt", "Usage: plimsoll SUBCOMMAND\n")
        self.write("tests/golden/help/serve.txt", HELP)
        self.write("tests/golden/help/config.txt", "Usage: plimsoll config SUBCOMMAND\n")
        self.write("tests/golden/help/config_check.txt", "Options:\n  -c,--config FILE    File\n")
        self.write("config/plimsoll.toml", '[scheduler]\npatience_low = "1m"\n# [models."a"]\n# num_ctx = 5\n')
        self.write("docs/openapi.yaml", "paths:\n  /plimsoll/v1/runs/{id}:\n    get:\ncomponents:\n")

    def write(self, name: str, text: str):
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def problems(self, text: str) -> list:
        self.write("docs/page.md", text)
        checker = check_docs.Checker(self.root)
        checker.page(self.root / "docs" / "page.md")
        return [problem.partition(": ")[2] for problem in checker.problems]

    def test_what_is_there_is_no_problem(self):
        self.assertEqual([], self.problems(
            "# A heading: with `code`\n`plimsoll serve --budget 22GiB -c FILE | grep --color x`, `scheduler.patience_low = \"5m\"`, "
            "`models.\"NAME\".num_ctx`, `GET /plimsoll/v1/runs/ID`, `plimsoll config check`, `server.cpp`\n"
            "[here](#a-heading-with-code) [there](openapi.yaml) [out](https://example.org/#x)\n"
            "```\n$ plimsoll serve --config x   # --nothing\nX=1 plimsoll serve\ncurl --nothing\n```\n"))

    def test_commands_and_options(self):
        self.assertEqual(["`plimsoll server`: there is no command server"], self.problems("`plimsoll server`"))
        self.assertEqual(["`plimsoll serve --budgit 1`: plimsoll serve has no option --budgit"],
                         self.problems("```\n$ plimsoll serve --budgit 1\n```"))

    def test_settings(self):
        self.assertEqual(["there is no setting scheduler.patience"], self.problems("`scheduler.patience = 1`"))

    def test_endpoints(self):
        self.assertEqual(["there is no endpoint /plimsoll/v1/run"], self.problems("`/plimsoll/v1/run`"))

    def test_an_index_that_names_every_page(self):
        self.write("docs/README.md", "[a](page.md)")
        self.write("docs/page.md", "")
        self.write("docs/lost.md", "")
        checker = check_docs.Checker(self.root)
        checker.index()
        self.assertEqual(["docs/README.md: does not name lost.md"], checker.problems)

    def test_links(self):
        self.assertEqual(["the link to none.md leads nowhere", "there is no heading for the link to #none"],
                         self.problems("[a](none.md) [b](#none)"))


if __name__ == "__main__":
    unittest.main()
