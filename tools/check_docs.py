#!/usr/bin/env python3
"""What the documentation names is there: commands and their options, settings, endpoints, links and their anchors.

Commands and options are compared with tests/golden/help (which the unit tests hold to the program), settings with
config/plimsoll.toml (which they hold to the table of settings), endpoints with docs/openapi.yaml (which the end-to-end
tests hold to the daemon). Usage: check_docs.py [ROOT]. Exit status 1 if anything is named that is not there.
"""

import re
import sys
from pathlib import Path

PAGES = ("*.md", "docs/*.md", "examples/**/*.md")
# Words of a command line that are not part of ours.
END_OF_COMMAND = re.compile(r"[|;&>)]|\s#")
# Sections whose keys may be named as `section.key`.
SECTIONS = ("server", "scheduler", "upstream", "management", "chains", "device", "log", "mcp_server", "models")
# Spelled like settings, but names of other things.
NO_SETTINGS = {"models.NAME"}


def commands(root: Path) -> dict:
    """The options of each command, by its words: ("chain", "run") -> {"--input", ...}."""
    out = {}
    for file in (root / "tests" / "golden" / "help").glob("*.txt"):
        words = () if file.stem == "plimsoll" else tuple(file.stem.split("_"))
        options = set()
        for line in file.read_text().splitlines():
            if re.match(r"\s+-", line):
                names = re.split(r"\s{2,}", line.strip())[0]
                options.update(re.findall(r"(?<![\w-])--?[a-z][\w-]*", names))
        out[words] = options
    return out


def settings(root: Path) -> dict:
    """The keys of each section of config/plimsoll.toml, those in comments too."""
    out, section = {"": set()}, ""
    for line in (root / "config" / "plimsoll.toml").read_text().splitlines():
        if match := re.match(r"#? ?\[\[?([a-z_]+)[\].]", line):
            section = match[1]
            out.setdefault(section, set())
        elif match := re.match(r"#? ?([a-z_]+) = ", line):
            out[section].add(match[1])
    return out


def endpoints(root: Path) -> list:
    text = (root / "docs" / "openapi.yaml").read_text().partition("\ncomponents:\n")[0]
    return [re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)) for path in re.findall(r"^  (/\S*):$", text, re.M)]


def anchors(text: str) -> set:
    """Of the headings, as GitHub makes them."""
    out = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        out.add(re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-"))
    return out


def command_lines(text: str):
    """Each use of the program in fenced blocks and code spans: (line number, text)."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            if match := re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(plimsoll [a-z].*)", line):
                yield number, match[1]
        else:
            for span in re.findall(r"`([^`]+)`", line):
                if span.startswith("plimsoll "):
                    yield number, span


class Checker:
    def __init__(self, root: Path):
        self.root = root
        self.commands = commands(root)
        self.settings = settings(root)
        self.endpoints = endpoints(root)
        self.problems = []

    def page(self, file: Path):
        text = file.read_text()
        name = file.relative_to(self.root)
        for number, line in command_lines(text):
            for problem in self.command(line):
                self.problems.append(f"{name}:{number}: `{line}`: {problem}")
        for number, line in enumerate(text.splitlines(), 1):
            for problem in (*self.names(line), *self.links(file, line)):
                self.problems.append(f"{name}:{number}: {problem}")

    def index(self):
        """Every page is found from docs/README.md."""
        index = self.root / "docs" / "README.md"
        named = set(re.findall(r"\]\(([\w-]+\.md)", index.read_text())) if index.exists() else set()
        for page in sorted((self.root / "docs").glob("*.md")):
            if page != index and page.name not in named:
                self.problems.append(f"docs/README.md: does not name {page.name}")

    def command(self, line: str):
        # A list of commands, as "`plimsoll status`, `ps`", ends at the first word that is none.
        words = END_OF_COMMAND.split(line)[0].split()[1:]
        here = ()
        while words and (*here, words[0].rstrip(",")) in self.commands:
            here = (*here, words.pop(0).rstrip(","))
        if not here and words and re.fullmatch(r"[a-z]+", words[0]):
            yield f"there is no command {words[0]}"
            return
        for word in words:
            option = word.strip("[],.").split("=")[0]
            if re.fullmatch(r"--[a-z][\w-]*|-[a-z]", option) and option not in self.commands[here]:
                yield f"plimsoll {' '.join(here)} has no option {option}"

    def names(self, line: str):
        for span in re.findall(r"`([^`]+)`", line):
            if match := re.fullmatch(rf"({'|'.join(SECTIONS)})\.(?:\"NAME\"\.)?([a-z_]+)(?: = .*)?", span):
                is_file = match[2] in ("cpp", "hpp", "md", "py", "toml", "txt", "yaml", "json")
                if not is_file and span not in NO_SETTINGS and match[2] not in self.settings.get(match[1], set()):
                    yield f"there is no setting {match[1]}.{match[2]}"
        for path in re.findall(r"(?<![\w.])/plimsoll/v1/[\w{}./-]*[\w}]", line):
            path = re.sub(r"\b(?:ID|NAME)\b", "x", path)
            if not any(each.fullmatch(path) or each.pattern.startswith(path + "/") for each in self.endpoints):
                yield f"there is no endpoint {path}"

    def links(self, file: Path, line: str):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = file.parent / path if path else file
            if not there.exists():
                yield f"the link to {target} leads nowhere"
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text()):
                yield f"there is no heading for the link to {target}"


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    checker = Checker(root)
    pages = sorted({file for pattern in PAGES for file in root.glob(pattern)} - {root / "CHANGELOG.md"})
    for file in pages:
        checker.page(file)
    checker.index()
    for problem in checker.problems:
        print(problem)
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
