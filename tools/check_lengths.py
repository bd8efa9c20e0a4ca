#!/usr/bin/env python3
"""Hard limits of length, and a few habits that a compiler does not check.

Lengths: public header 300 lines, source and private header 450, test 600, function 60, main.cpp 40. Habits: clocks are
read in a few named files only, nothing sleeps on real time, tests use port 0, headers begin with #pragma once.
Usage: check_lengths.py [ROOT]. Exit status 1 if anything is wrong.
"""

import re
import sys
from pathlib import Path

MAX_PUBLIC_HEADER = 300
MAX_SOURCE = 450
MAX_TEST = 600
MAX_FUNCTION = 60
MAX_MAIN = 40

# The only files that may ask what time it is. No logic hangs on the wall clock: it only stamps what is read by others.
CLOCK_FILES = {
    "src/net/loop.cpp": "the loop's steady clock",
    "src/net/http_date.cpp": "the Date field of answers",
    "src/log/log.cpp": "the time of a log line",
    "src/app/recorder.cpp": "when a recording was made",
    "src/net/wall_clock.cpp": "times that are shown: expires_at, created_at, when a run began",
    "src/sim/wall_clock.cpp": "created_at and expires_at of the simulated Ollama",
    "tests/component/net_fixture.cpp": "real sockets: bounds how long a test waits for the system",
}
CLOCKS = re.compile(
    r"\b(?:sleep_for|this_thread::sleep_until|(?:system|steady|high_resolution)_clock::now|clock_gettime|gettimeofday"
    r"|std::time\()"
)

# A number given as the port to listen on (0 is right, and 1 is where tests find nobody). Reading "127.0.0.1:11434" from a configuration is no listening.
FIXED_PORT = re.compile(
    r"\.port\s*=\s*[1-9]\d+|--listen[=\"', ]+(?:\[[\w:]*\]|[\w.]*):[1-9]\d*|\.?bind\(\(.*,\s*[1-9]\d*\)\)|TCPServer\(\(.*,\s*[1-9]\d*\)"
)
FIXED_PORT_EXCUSE = "nothing listens"

CONTROL = re.compile(r"^(?:else\b\s*)?(?:if|for|while|switch|catch|do|else|try|return|co_return|namespace|enum|struct|class|union|extern|template\s*<[^()]*>\s*(?:struct|class|union))\b")
# Bodies of tests are lists of checks, not logic; their file's limit bounds them.
TEST_BODY = re.compile(r"^(?:TEST_CASE|SECTION|TEMPLATE_TEST_CASE|SCENARIO|TEST_CASE_METHOD|RC_PARAM)\b")


def blank_out(text):
    """Replaces comments, strings, character literals, directives and access labels by blanks: none of them counts."""
    pattern = re.compile(
        r'R"(?P<delimiter>[^(\s]{0,16})\(.*?\)(?P=delimiter)"'
        r'|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z_])\'(?:\\.|[^\'\\\n])+\'',
        re.S,
    )

    def keep_lines(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    text = pattern.sub(keep_lines, text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", keep_lines, text, flags=re.M)
    return re.sub(r"^[ \t]*(?:public|private|protected)[ \t]*:(?!:)", keep_lines, text, flags=re.M)


def is_function_head(head):
    head = re.sub(r"\s+", " ", head).strip()
    if "(" not in head or CONTROL.match(head) or TEST_BODY.match(head):
        return False
    # An initialiser "x = f(y) {" is no body; "operator=(...)" is one.
    before = head.split("(")[0]
    return "=" not in before or "operator" in before


def functions(text):
    """Yields (first line, lines, name) of each function that is not inside another."""
    code = blank_out(text)
    stack = []  # (is a function body, line of its head)
    head_start = 0
    for position, sign in enumerate(code):
        if sign == "{":
            inside = any(entry[0] for entry in stack)
            head = code[head_start:position]
            begin = head_start + len(head) - len(head.lstrip())
            starts = not inside and is_function_head(head)
            stack.append((starts, code.count("\n", 0, begin) + 1, head))
            head_start = position + 1
        elif sign == "}":
            if stack:
                starts, line, head = stack.pop()
                if starts:
                    last = code.count("\n", 0, position) + 1
                    name = re.sub(r"\s+", " ", head.split("(")[0]).strip().split(" ")[-1]
                    yield line, last - line + 1, name
            head_start = position + 1
        elif sign == ";":
            head_start = position + 1


def limit_of(relative):
    parts = relative.parts
    if parts[0] == "include":
        return MAX_PUBLIC_HEADER, "a public header"
    if relative.as_posix() == "src/app/main.cpp":
        return MAX_MAIN, "main.cpp"
    if parts[0] == "tests":
        return MAX_TEST, "a test file"
    return MAX_SOURCE, "a source file"


def check_cpp(path, relative):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    name = relative.as_posix()
    problems = []
    limit, kind = limit_of(relative)
    if len(lines) > limit:
        problems.append(f"{name}:{limit + 1}: {len(lines)} lines; {kind} has at most {limit}: split it by meaning")
    if path.suffix == ".hpp" and "#pragma once" not in [line.strip() for line in lines[:3]]:
        problems.append(f"{name}:1: a header begins with #pragma once")
    for line, length, function in functions(text):
        if length > MAX_FUNCTION:
            problems.append(f"{name}:{line}: {function}() has {length} lines; a function has at most {MAX_FUNCTION}")
    if name not in CLOCK_FILES and not name.startswith("bench/"):
        for number, line in enumerate(blank_out(text).splitlines(), 1):
            match = CLOCKS.search(line)
            if match:
                problems.append(
                    f"{name}:{number}: {match.group(0)} outside of the files that may read a clock "
                    "(CLOCK_FILES in tools/check_lengths.py); take the time from Loop::now(), wait with net::sleep_until"
                )
    return problems


def check_ports(path, relative):
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = FIXED_PORT.search(line)
        if match and FIXED_PORT_EXCUSE not in line:
            problems.append(
                f"{relative.as_posix()}:{number}: fixed port in \"{match.group(0)}\"; tests listen on port 0 "
                f'(or say "{FIXED_PORT_EXCUSE}" in a comment on the line)'
            )
    return problems


def check(root):
    problems = []
    for folder in ("include", "src", "tests", "bench"):
        for path in sorted((root / folder).rglob("*")):
            relative = path.relative_to(root)
            if not path.is_file() or "golden" in relative.parts or "corpus" in relative.parts:
                continue
            if path.suffix in (".hpp", ".cpp"):
                problems += check_cpp(path, relative)
            elif path.suffix == ".py":
                count = len(path.read_text(encoding="utf-8").splitlines())
                if count > MAX_TEST:
                    problems.append(f"{relative.as_posix()}:{MAX_TEST + 1}: {count} lines; at most {MAX_TEST}")
            if folder == "tests" and path.suffix in (".cpp", ".py", ".js", ".mjs", ".sh"):
                problems += check_ports(path, relative)
    return problems


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"lengths: {len(problems)} problems" if problems else "lengths: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
