#!/usr/bin/env python3
"""A tool server made with the Python SDK, `mcp`: python_server.py LOG [PORT]. Over standard input and output, or on
127.0.0.1:PORT. What its tools live through is written to LOG, a line each, for the test to read."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import anyio
from pydantic import BaseModel

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
except ImportError:  # it was named so until 2.0
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer
    from mcp.server.fastmcp.exceptions import ToolError

LOG = sys.argv[1]
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else None


def note(text):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(text + "\n")


# Where the port is said changed with 2.0, too.
IS_OLD = MCPServer.__name__ == "FastMCP"
server = MCPServer("python", port=PORT or 8000) if IS_OLD else MCPServer("python")


@server.tool()
def echo(text: str) -> str:
    """Gives the text back."""
    note(f"echo {text}")
    return f"echo: {text}"


@server.tool()
def environment() -> str:
    """All variables of the environment, as JSON."""
    return json.dumps(dict(os.environ))


@server.tool()
def pid() -> str:
    """The number of this process."""
    return str(os.getpid())


async def wait(seconds):
    note("sleep begins")
    try:
        await anyio.sleep(seconds)
    except anyio.get_cancelled_exc_class():
        note("sleep cancelled")
        raise
    note("sleep over")


@server.tool()
async def sleep(seconds: float) -> str:
    """Answers after that time."""
    await wait(seconds)
    return "slept"


@server.tool()
async def hang() -> str:
    """Answers after ten minutes."""
    await wait(600)
    return "slept"


@server.tool()
async def steps(count: int, seconds: float, context: Context) -> str:
    """Tells of its progress `count` times, `seconds` apart."""
    for step in range(count):
        await anyio.sleep(seconds)
        await context.report_progress(step + 1, count)
    return f"{count} steps"


class Choice(BaseModel):
    yes: bool


@server.tool()
async def ask_back(context: Context) -> str:
    """Asks the person behind the client."""
    try:
        answer = await context.elicit("Really?", Choice)
    except Exception as refused:  # its type differs between versions
        return f"refused: {refused}"
    return f"answered: {answer}"


@server.tool()
def large(size: int) -> str:
    """A text of that many bytes."""
    return "x" * size


@server.tool()
def fail(text: str) -> str:
    """Fails."""
    raise ToolError(f"cannot do {text}")  # of other exceptions the SDK keeps the text for itself


@server.tool()
async def stay() -> str:
    """From now on neither the end of the input nor SIGTERM ends this process, and a child stays with it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    threading.Thread(target=time.sleep, args=(600,)).start()  # no daemon thread: the interpreter waits for it
    return f"{os.getpid()} {child.pid}"


if PORT is None:
    server.run(transport="stdio")
elif IS_OLD:
    server.run(transport="streamable-http")
else:
    server.run(transport="streamable-http", port=PORT)
