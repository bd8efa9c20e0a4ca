"""What tests of tool servers share: where the real ones are installed, chains of one step, processes, and a look at what
the model is asked."""

import http.client
import json
import os
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.process import ROOT, Serve, get_json, post, wait_for

SERVERS = Path(os.environ.get("PLIMSOLL_TEST_TOOL_SERVERS", ROOT / "build" / "clients" / "tool_servers"))
PYTHON = SERVERS / "venv" / "bin" / "python"
NODE_MODULES = SERVERS / "node" / "node_modules"
MODEL = "llama3.1:8b"


def needs(path: Path, what: str):
    """Skips where the package is not installed; in CI its absence is a failure."""
    return unittest.skipUnless(path.exists() or os.environ.get("CI") == "true", f"no {what}; scripts/test installs it")


def children(pid: int) -> list[int]:
    """Direct children of a process that still run."""
    out = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and is_running(int(folder.name)) and parent(int(folder.name)) == pid:
            out.append(int(folder.name))
    return out


def stat(pid: int) -> list[str]:
    try:
        # Past the name, which may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def parent(pid: int) -> int:
    fields = stat(pid)
    return int(fields[1]) if fields else 0


def is_running(pid: int) -> bool:
    fields = stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def zombies(pid: int) -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and stat(int(folder.name))[:2] == ["Z", str(pid)]]


class Recorder:
    """Stands between the daemon and the simulator, and keeps the chats. Where the model `never_has_enough` it sees what
    tools answered as said by the user, on which the simulated one calls the tool again."""

    def __init__(self, target: str, never_has_enough: bool = False):
        self.chats: list[dict] = []
        host = target.removeprefix("http://")
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/api/chat":
                    recorder.chats.append(json.loads(body))
                    if never_has_enough:
                        body = body.replace(b'"role":"tool"', b'"role":"user"')
                connection = http.client.HTTPConnection(host)
                connection.request(self.command, self.path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                connection.close()
                try:
                    self.send_response(answer.status)
                    self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # whoever asked has gone

            do_GET = do_POST = do_DELETE = do_HEAD = pass_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def talks(self) -> list[dict]:
        """The chats that say something; the others only load a model."""
        return [chat for chat in self.chats if chat.get("messages")]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Daemon(Serve):
    """Plimsoll with tool servers: each a dict of the settings of [[mcp_server]]."""

    def __init__(self, upstream: str, *servers: dict):
        self.folder = tempfile.TemporaryDirectory(prefix="plimsoll-tools-")
        config = Path(self.folder.name) / "plimsoll.toml"
        config.write_text("".join(section(each) for each in servers))
        super().__init__(upstream, "--config", str(config))
        self.wait_ready()

    def __exit__(self, *_):
        super().__exit__()
        self.folder.cleanup()

    def servers(self) -> dict:
        return {each["id"]: each for each in get_json(self.url + "/plimsoll/v1/mcp")["servers"]}

    def run_chain(self, *steps: dict, **members) -> dict:
        answer = post(self.url + "/plimsoll/v1/chains/run", {"steps": list(steps), **members}, 120)
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body!r}\n{self.output()}")
        return answer.json()

    def tool(self, server: str, tool: str, arguments: dict | None = None, **members) -> str:
        """The output of a chain of one call."""
        run = self.run_chain(step(server, tool, arguments), **members)
        if run["status"] != "succeeded":
            raise AssertionError(f"{run['error']}\n{self.output()}")
        return run["output"]

    def tool_error(self, server: str, tool: str, arguments: dict | None = None) -> str:
        """The error of a chain of one call."""
        run = self.run_chain(step(server, tool, arguments))
        if run["status"] != "failed":
            raise AssertionError(f"did not fail: {run}\n{self.output()}")
        return run["error"]

    def begin(self, *steps: dict) -> str:
        """The id of a run that goes on by itself."""
        answer = post(self.url + "/plimsoll/v1/chains/run", {"steps": list(steps)}, headers={"Prefer": "respond-async"})
        if answer.status != 202:
            raise AssertionError(f"{answer.status} {answer.body!r}")
        return answer.json()["id"]

    def run_view(self, run: str) -> dict:
        return get_json(f"{self.url}/plimsoll/v1/runs/{run}")

    def wait_ended(self, run: str, timeout: float = 20) -> dict:
        wait_for(lambda: self.run_view(run)["status"] != "running", timeout, "ended", self.output)
        return self.run_view(run)


def section(settings: dict) -> str:
    def value(given) -> str:
        if isinstance(given, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {json.dumps(each)}" for key, each in given.items()) + "}"
        return json.dumps(given)
    return "[[mcp_server]]\n" + "".join(f"{key} = {value(given)}\n" for key, given in settings.items())


def step(server: str, tool: str, arguments: dict | None = None) -> dict:
    return {"kind": "tool", "server": server, "tool": tool, "arguments": arguments or {}}


def prompt(server: str, *names: str, **members) -> dict:
    return {"kind": "prompt", "model": MODEL, "instruction": "Use your tools: {input}",
            "tools": {"servers": [server], "names": list(names), **members}}
