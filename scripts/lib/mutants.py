"""Sourced by scripts/mutate: which changes of a file of C++ are worth a run of the tests."""

import contextlib
import io
import re
from dataclasses import dataclass

TOKEN = re.compile(
    r'(?P<blank>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*)'
    r'|(?P<text>R"(?P<mark>[^(\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*")'
    r"|(?P<word>'(?:\\.|[^'\\\n])+'|\w[\w.']*|->|::|<=>|<<=|>>=|[-+*/%&|^<>=!]=|&&|\|\||\+\+|--|<<|.)",
    re.S | re.M,
)
OPEN = {"(": ")", "[": "]", "{": "}"}
RULES = ["universal.rules", "c_like.rules", "cpp.rules"]


@dataclass
class Mutant:
    file: str
    line: int
    before: str  # the line as it is
    after: str  # and as it is now
    function: str = ""
    text: str = ""  # of the whole changed file

    def one_line(self):
        return " | ".join(line.strip() for line in self.after.splitlines())

    def key(self):
        return self.file, self.function, self.before, self.one_line()


def tokens_of(text):
    """Words and their places; comments, directives and blanks are none, and every string literal is the same."""
    return [
        ('""' if match["text"] else match["word"], match.start())
        for match in TOKEN.finditer(text)
        if not match["blank"]
    ]


def partners(words):
    """For each bracket the index of the one that belongs to it."""
    stack, found = [], {}
    for index, word in enumerate(words):
        if word in OPEN:
            stack.append(index)
        elif word in OPEN.values() and stack and OPEN[words[stack[-1]]] == word:
            found[index] = stack[-1]
            found[stack.pop()] = index
    return found


def functions_of(words, pairs):
    """(name, first index, last index) of what looks like a function with a body, at any depth."""
    for index, word in enumerate(words[:-1]):
        if words[index + 1] != "(" or not re.match(r"[A-Za-z_]", word) or word in ("if", "for", "while", "switch"):
            continue
        after = pairs.get(index + 1, len(words)) + 1
        while after < len(words) and words[after] in ("const", "noexcept"):
            after += 1
        if after < len(words) and words[after] == "{" and after in pairs:
            yield word, index, pairs[after]


def is_of_a_message(words, pairs, first, last):
    """Whether the words first..last lie in an expression that makes up a text: a string literal is a part of it."""
    begin, end = first, last
    while True:
        while begin > 0 and words[begin - 1] not in (",", ";") and words[begin - 1] not in OPEN:
            begin = pairs.get(begin - 1, begin - 1)
        while end + 1 < len(words) and words[end + 1] not in (",", ";") and words[end + 1] not in OPEN.values():
            end = pairs.get(end + 1, end + 1)
        index = begin
        while index <= end:
            if words[index] == '""':
                return True
            index = pairs[index] + 1 if words[index] in OPEN and index in pairs else index + 1
        # One bracket further out, up to the statement.
        if begin == 0 or words[begin - 1] not in "([{" or (words[begin - 1] == "{" and words[end : end + 1] == [";"]):
            return False
        opening = begin - 1
        if opening not in pairs or words[opening] == "{" and words[pairs[opening] - 1] in (";", "}"):
            return False
        begin, end = opening, pairs[opening]


def changed_range(old, new):
    """First and last index in old of what differs."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    tail = 0
    while tail < min(len(old), len(new)) - first and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return first, max(first, len(old) - tail - 1)


def is_after_return(words, pairs, index):
    """Whether the statement that ends before this index is a return."""
    begin = index - 1
    while begin > 0 and words[begin - 1] not in (";", "{", "}"):
        begin = pairs.get(begin - 1, begin - 1) if words[begin - 1] in OPEN.values() else begin - 1
    return words[index - 1] == ";" and words[begin] == "return"


def is_at_end_of_loop(words, pairs, index):
    """Whether nothing but the ends of if blocks stands between this index and the end of a loop's body."""
    while words[index : index + 1] == ["}"] and index in pairs:
        head = pairs[index] - 1
        before = words[pairs[head] - 1] if words[head] == ")" else ""
        if before in ("for", "while"):
            return True
        if before != "if":
            return False
        index += 1
    return False


def is_idle(old, new, pairs, first):
    """Two arguments of min or max in the other order, a continue where the body of a loop ends anyway, or a jump after a
    return."""
    if sorted(old) == sorted(new):
        return old[first - 1] == "(" and old[first - 2] in ("min", "max")
    if len(new) != len(old) + 2 or new[first + 1 : first + 2] != [";"]:
        return False
    is_jump = new[first] in ("break", "continue")
    is_continue = new[first] == "continue"
    return is_jump and is_after_return(old, pairs, first) or is_continue and is_at_end_of_loop(old, pairs, first)


def mutants_of(name, text, mutator):
    """Each distinct change that universalmutator's rules make of the code of this file."""
    lines = text.splitlines(keepends=True)
    with contextlib.redirect_stdout(io.StringIO()):
        changes = mutator.mutants_regexp(lines, ruleFiles=RULES, ignorePatterns=[])
    placed = tokens_of(text)
    words = [word for word, _ in placed]
    pairs = partners(words)
    functions = list(functions_of(words, pairs))
    seen, found = {tuple(words)}, []
    for number, after, *_ in changes:
        changed = "".join(lines[: number - 1]) + after + "".join(lines[number:])
        new = [word for word, _ in tokens_of(changed)]
        first, last = changed_range(words, new)
        if tuple(new) in seen or is_idle(words, new, pairs, first):
            continue
        if is_of_a_message(words, pairs, first, min(last, len(words) - 1)):
            continue
        seen.add(tuple(new))
        inside = [function for function, begin, end in functions if begin <= first <= end]
        found.append(Mutant(name, number, lines[number - 1].strip(), after.strip(), inside[-1] if inside else "", changed))
    return found
