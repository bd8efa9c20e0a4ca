#!/usr/bin/env python3
"""A tool server (MCP over standard input and output) that lets a model look things up in the text files of a folder.

    [[mcp_server]]
    id = "search"
    command = "python3"
    args = ["/path/to/search_server.py", "/path/to/folder"]

Tools: `search` finds the lines with given words, `read` gives lines of one file. Nothing outside of the folder is read,
nothing is written. Python's standard library only.
"""

import json
import os
import sys
from pathlib import Path

REVISIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # newest first
LARGEST_FILE = 4 << 20  # bytes; larger ones are left out
MOST_FILES = 20_000
MOST_LINES = 400  # of one `read`
LONGEST_LINE = 400  # characters; longer ones are cut

TOOLS = [
    {
        "name": "search",
        "description": "Finds lines of text files that contain words, in upper or lower case. Files with all of the "
                       "words come first. Answers with lines of the form PATH:LINE: TEXT.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "words": {"type": "string", "description": "words to look for, separated by spaces"},
                "limit": {"type": "integer", "description": "how many lines at most", "default": 20, "minimum": 1,
                          "maximum": 200},
            },
            "required": ["words"],
        },
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "read",
        "description": f"Gives lines of a file that search has named, {MOST_LINES} at most.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "the file, as search writes it"},
                "first": {"type": "integer", "description": "the first line, from 1", "default": 1, "minimum": 1},
                "count": {"type": "integer", "description": "how many lines", "default": 100, "minimum": 1,
                          "maximum": MOST_LINES},
            },
            "required": ["path"],
        },
        "annotations": {"readOnlyHint": True},
    },
]


class Wrong(Exception):
    """What is told to the model, so that it can do better."""


class Folder:
    def __init__(self, root: str):
        self.root = Path(root).resolve(strict=True)
        if not self.root.is_dir():
            raise NotADirectoryError(f"{root} is no folder")

    def files(self):
        """Names of its files, in order; hidden ones and links to elsewhere are left out."""
        count = 0
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                count += 1
                if count > MOST_FILES:
                    return
                if not name.startswith(".") and self.is_inside(Path(folder, name)):
                    yield Path(folder, name).relative_to(self.root)

    def is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root)

    def lines(self, name) -> list[str] | None:
        """None: it is no text, too large or unreadable."""
        path = self.root / name
        try:
            if not self.is_inside(path) or not path.is_file() or path.stat().st_size > LARGEST_FILE:
                return None
            content = path.read_bytes()
        except (OSError, ValueError):
            return None
        return None if b"\0" in content else content.decode("utf-8", "replace").splitlines()

    def search(self, words: str, limit: int) -> str:
        wanted = list(dict.fromkeys(words.casefold().split()))
        if not wanted:
            raise Wrong("words is empty; say what to look for")
        found = []  # (words that are missing, name, lines)
        for name in self.files():
            hits, seen = [], set()
            for number, line in enumerate(self.lines(name) or (), 1):
                here = {word for word in wanted if word in line.casefold()}
                if here:
                    seen |= here
                    hits.append((-len(here), number, line))
            if hits:
                found.append((len(wanted) - len(seen), str(name), sorted(hits)))
        out = [f"{name}:{number}: {cut(line.strip())}" for _, name, hits in sorted(found) for _, number, line in hits]
        if not out:
            return f"nothing found for: {' '.join(wanted)}"
        more = [f"({len(out) - limit} more lines)"] if len(out) > limit else []
        return "\n".join(out[:limit] + more)

    def read(self, path: str, first: int, count: int) -> str:
        lines = self.lines(path)
        if lines is None:
            raise Wrong(f"there is no text file {path}; take a path that search gave")
        if first > max(len(lines), 1):
            raise Wrong(f"{path} has {len(lines)} lines; ask for one of them")
        shown = lines[first - 1:first - 1 + count]
        left = len(lines) - (first - 1 + len(shown))
        return "\n".join([cut(line) for line in shown] + ([f"({left} more lines)"] if left else []))


def cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " ..."


def text_of(arguments: dict, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise Wrong(f"{name} must be a text")
    return value


def whole_of(arguments: dict, name: str, otherwise: int, most: int) -> int:
    value = arguments.get(name, otherwise)
    # A model, and a chain that puts a text into the place, may write a number as text.
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= most or value != int(value):
        raise Wrong(f"{name} must be a whole number from 1 to {most}")
    return int(value)


def call(folder: Folder, params: dict) -> dict:
    arguments = params.get("arguments") or {}
    try:
        if not isinstance(arguments, dict):
            raise Wrong("arguments must be an object")
        if params.get("name") == "search":
            text = folder.search(text_of(arguments, "words"), whole_of(arguments, "limit", 20, 200))
        elif params.get("name") == "read":
            text = folder.read(text_of(arguments, "path"), whole_of(arguments, "first", 1, 1 << 31),
                               whole_of(arguments, "count", 100, MOST_LINES))
        else:
            raise Wrong(f"there is no tool {params.get('name')}; there are search and read")
    except Wrong as wrong:
        return {"content": [{"type": "text", "text": str(wrong)}], "isError": True}
    return {"content": [{"type": "text", "text": text}]}


def answer(folder: Folder, method: str, params: dict) -> dict | None:
    """The result of a request; None: there is no such method."""
    if method == "initialize":
        asked = params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in REVISIONS else REVISIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "search", "version": "1.0"},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return call(folder, params)
    return None


def serve(folder: Folder):
    for line in sys.stdin:
        try:
            message = json.loads(line)
        except ValueError:
            reply = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "not JSON"}}
        else:
            if not isinstance(message, dict) or "method" not in message or "id" not in message:
                continue  # a notification, or an answer: nothing was asked
            params = message.get("params")
            result = answer(folder, message["method"], params if isinstance(params, dict) else {})
            reply = {"jsonrpc": "2.0", "id": message["id"]}
            if result is None:
                reply["error"] = {"code": -32601, "message": f"unknown method {message['method']}"}
            else:
                reply["result"] = result
        print(json.dumps(reply), flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: search_server.py FOLDER")
    try:
        folder = Folder(sys.argv[1])
    except OSError as error:
        sys.exit(f"search_server.py: {error}")
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    serve(folder)


if __name__ == "__main__":
    main()
