#!/usr/bin/env python3
"""Tools of real servers, as their registries give them: the reference server `everything` for Node over standard input
and output, and a server made with the Python SDK, over both transports. Needs what scripts/test installs into
build/clients/tool_servers.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support.process import Sim, post, request, slowness, wait_for
from support.tool_servers import (
    NODE_MODULES, PYTHON, Daemon, Recorder, children, is_running, needs, prompt, step, zombies)

EVERYTHING = NODE_MODULES / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
FILESYSTEM = NODE_MODULES / "@modelcontextprotocol" / "server-filesystem" / "dist" / "index.js"
PYTHON_SERVER = Path(__file__).parent / "tool_servers" / "python_server.py"
NODE = {"command": "node", "start_timeout": "60s"}
sim = None


def setUpModule():
    global sim
    sim = unittest.enterModuleContext(
        Sim("--vram", "24GiB", "--load-bandwidth", "40GiB", "--tokens-per-second", "500"))


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="plimsoll-mcp-")))
        self.log = self.folder / "log"
        self.log.touch()

    def daemon(self, *servers: dict, upstream: str | None = None) -> Daemon:
        return self.enterContext(Daemon(upstream or sim.url, *servers))

    def wait_noted(self, text: str):
        wait_for(lambda: text in self.log.read_text(), 20, f"\"{text}\" in the server's log", self.log.read_text)


@needs(EVERYTHING, "server-everything")
class Reference(WithFolder):
    """server-everything and server-filesystem."""

    def everything(self, **settings) -> dict:
        return {"id": "everything", **NODE, "args": [str(EVERYTHING)], **settings}

    def test_is_started_when_it_is_used_and_listed(self):
        with self.daemon(self.everything()) as daemon:
            before = daemon.servers()["everything"]
            self.assertEqual(("stopped", []), (before["state"], before["tools"]))
            self.assertEqual([], children(daemon.pid))
            said = daemon.tool("everything", "echo", {"message": "{input}, {vars.who}"}, input="hello",
                               vars={"who": "both"})
            self.assertEqual("Echo: hello, both", said)
            run = daemon.run_chain(prompt("everything", "echo"), input="go")
            self.assertEqual("succeeded", run["status"], run)
            after = daemon.servers()["everything"]
            self.assertEqual(("ready", "stdio"), (after["state"], after["transport"]))
            self.assertIn("everything", after["server"])
            self.assertLessEqual({"echo", "get-sum", "get-env"}, set(after["tools"]))
            self.assertEqual(1, len(children(daemon.pid)))

    def test_numbers_and_several_kinds_of_content(self):
        with self.daemon(self.everything()) as daemon:
            self.assertIn("42", daemon.tool("everything", "get-sum", {"a": 19, "b": 23}))
            self.assertIn("[image image/png, ", daemon.tool("everything", "get-tiny-image"))
            self.assertIn("[resource ", daemon.tool("everything", "get-resource-links", {"count": 1}))
            wrong = daemon.tool_error("everything", "get-sum", {"a": "no number"})
            self.assertIn("get-sum of everything", wrong)
            self.assertIn("nothing-such", daemon.tool_error("everything", "nothing-such"))

    def test_sees_exactly_the_variables_of_the_configuration(self):
        os.environ["E2E_SECRET_OF_THE_CALLER"] = "x"  # the daemon has it
        self.addCleanup(os.environ.pop, "E2E_SECRET_OF_THE_CALLER")
        given = {"ONE": "1", "TOKEN": "a b=c \"quoted\" é"}
        with self.daemon(self.everything(env=given), self.everything(id="bare")) as daemon:
            self.assertEqual(given, json.loads(daemon.tool("everything", "get-env")))
            self.assertEqual({}, json.loads(daemon.tool("bare", "get-env")))

    def test_holds_none_of_the_daemons_files(self):
        with self.daemon(self.everything()) as daemon:
            daemon.tool("everything", "echo", {"message": "x"})
            child = children(daemon.pid)[0]
            held = [os.readlink(f"/proc/{child}/fd/{each.name}") for each in Path(f"/proc/{child}/fd").iterdir()]
            self.assertEqual([], [each for each in held if "state.db" in each or daemon.state in each])
            # Its own event loop has sockets of no network; none may be one of the daemon's.
            inodes = {line.split()[9] for line in Path(f"/proc/{child}/net/tcp").read_text().splitlines()[1:]}
            self.assertEqual([], [each for each in held if each.removeprefix("socket:[").rstrip("]") in inodes])
            status = dict(line.split(":", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines())
            self.assertEqual(0, int(status["SigBlk"], 16))

    def test_a_model_is_offered_tools_and_calls_one(self):
        with Recorder(sim.url) as recorder, self.daemon(self.everything(), upstream=recorder.url) as daemon:
            run = daemon.run_chain(prompt("everything", "echo"), input="say it")
            self.assertEqual("succeeded", run["status"], run)
            self.assertEqual(1, run["steps"][0]["tool_calls"])
            self.assertTrue(run["output"])
            first, second = recorder.talks()
            offered = [each["function"] for each in first["tools"]]
            self.assertEqual(["echo"], [each["name"] for each in offered])
            self.assertIn("message", offered[0]["parameters"]["properties"])
            self.assertTrue(offered[0]["description"])
            asked, called, answered = second["messages"]
            self.assertEqual("Use your tools: say it", asked["content"])
            self.assertEqual("assistant", called["role"])
            function = called["tool_calls"][0]["function"]
            self.assertEqual(("echo", {"message": "simulated"}), (function["name"], function["arguments"]))
            self.assertEqual({"role": "tool", "tool_name": "echo", "content": "Echo: simulated"}, answered)

    def test_a_model_that_never_has_enough(self):
        with Recorder(sim.url, never_has_enough=True) as recorder, \
                self.daemon(self.everything(), upstream=recorder.url) as daemon:
            run = daemon.run_chain(prompt("everything", "echo", max_tool_rounds=2), input="go")
            self.assertEqual("failed", run["status"])
            self.assertIn("still called tools after 2 rounds", run["error"])
            self.assertEqual(2, run["steps"][0]["tool_calls"])
            roles = [message["role"] for message in recorder.talks()[-1]["messages"]]
            self.assertEqual(["user", "assistant", "tool", "assistant", "tool"], roles)

    def test_all_tools_are_offered_where_none_is_named(self):
        with Recorder(sim.url) as recorder, self.daemon(self.everything(), upstream=recorder.url) as daemon:
            daemon.run_chain(prompt("everything"), input="go")
            offered = [each["function"]["name"] for each in recorder.talks()[0]["tools"]]
            self.assertEqual(daemon.servers()["everything"]["tools"], offered)
            self.assertGreater(len(offered), 5)
            missing = daemon.run_chain(prompt("everything", "nothing-such"), input="go")
            self.assertIn("nothing-such", missing["error"])

    def test_progress_gives_more_time_and_silence_does_not(self):
        with self.daemon(self.everything(call_timeout="2s")) as daemon:
            began = time.monotonic()
            # More often than a number of extensions could count, and for longer than the time of a call.
            said = daemon.tool("everything", "trigger-long-running-operation", {"duration": 5, "steps": 25})
            self.assertIn("completed", said)
            self.assertGreater(time.monotonic() - began, 4.9)
            began = time.monotonic()
            error = daemon.tool_error("everything", "trigger-long-running-operation", {"duration": 30, "steps": 1})
            self.assertIn("did not answer within 2 s", error)
            self.assertLess(time.monotonic() - began, 10 * slowness())
            self.assertIn("Echo: on", daemon.tool("everything", "echo", {"message": "on"}))

    def test_of_a_server_that_is_unused_the_process_ends(self):
        with self.daemon(self.everything(idle_timeout="1s")) as daemon:
            # In use it does not end, however long that takes.
            daemon.tool("everything", "trigger-long-running-operation", {"duration": 3, "steps": 1})
            child = children(daemon.pid)[0]
            wait_for(lambda: not is_running(child), 15, "ended", daemon.output)
            self.assertEqual("stopped", daemon.servers()["everything"]["state"])
            wait_for(lambda: zombies(daemon.pid) == [], 5, "waited for")
            daemon.tool("everything", "echo", {"message": "x"})
            self.assertNotEqual([child], children(daemon.pid))

    @needs(FILESYSTEM, "server-filesystem")
    def test_files(self):
        (self.folder / "note.txt").write_text("what is written\n")
        settings = {"id": "files", **NODE, "args": [str(FILESYSTEM), str(self.folder)]}
        with self.daemon(settings) as daemon:
            read = {"path": "{input}"}
            said = daemon.tool("files", "read_text_file", read, input=str(self.folder / "note.txt"))
            self.assertEqual("what is written", said.strip())
            denied = daemon.run_chain(step("files", "read_text_file", read), input="/etc/hostname")
            self.assertEqual("failed", denied["status"])
            self.assertIn("denied", denied["error"])


class PythonTools(WithFolder):
    """What is said of a Python server must hold over both transports."""

    def settings(self, **settings) -> dict:
        return {"id": "python", "command": str(PYTHON), "args": [str(PYTHON_SERVER), str(self.log)],
                "start_timeout": "60s", **settings}


@needs(PYTHON, "mcp for Python")
class OverStdio(PythonTools):
    def test_died_between_two_runs_and_during_a_call(self):
        with self.daemon(self.settings()) as daemon:
            first = int(daemon.tool("python", "pid"))
            self.assertEqual([first], children(daemon.pid))
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: daemon.servers()["python"]["state"] == "ended", 10, "seen as ended", daemon.output)
            second = int(daemon.tool("python", "pid"))
            self.assertNotEqual(first, second)
            run = daemon.begin(step("python", "sleep", {"seconds": 60}))
            self.wait_noted("sleep begins")
            os.kill(second, signal.SIGKILL)
            view = daemon.wait_ended(run)
            self.assertEqual("failed", view["status"])
            self.assertIn("tool server python ended before it answered", view["error"])
            self.assertNotIn(int(daemon.tool("python", "pid")), (first, second))
            wait_for(lambda: zombies(daemon.pid) == [], 5, "waited for")

    def test_hung_is_given_up_and_told(self):
        with self.daemon(self.settings(call_timeout="2s")) as daemon:
            error = daemon.tool_error("python", "sleep", {"seconds": 60})
            self.assertIn("tool server python did not answer within 2 s", error)
            self.wait_noted("sleep cancelled")
            self.assertEqual("echo: on", daemon.tool("python", "echo", {"text": "on"}))

    def test_a_stopped_process_is_given_up(self):
        with self.daemon(self.settings(call_timeout="2s")) as daemon:
            child = int(daemon.tool("python", "pid"))
            os.kill(child, signal.SIGSTOP)
            self.assertIn("did not answer", daemon.tool_error("python", "echo", {"text": "x"}))
            self.assertEqual(0, daemon.stop())
            self.assertFalse(is_running(child))

    def test_a_run_is_cancelled_during_a_call(self):
        with self.daemon(self.settings()) as daemon:
            run = daemon.begin(step("python", "sleep", {"seconds": 60}))
            self.wait_noted("sleep begins")
            request("DELETE", f"{daemon.url}/plimsoll/v1/runs/{run}")
            self.assertEqual("cancelled", daemon.wait_ended(run, 5)["status"])
            self.wait_noted("sleep cancelled")
            self.assertEqual("echo: on", daemon.tool("python", "echo", {"text": "on"}))

    def test_a_run_is_cancelled_while_its_model_waits_for_a_tool(self):
        with self.daemon(self.settings()) as daemon:
            run = daemon.begin(prompt("python", "hang"))
            self.wait_noted("sleep begins")
            request("DELETE", f"{daemon.url}/plimsoll/v1/runs/{run}")
            self.assertEqual("cancelled", daemon.wait_ended(run, 5)["status"])
            self.wait_noted("sleep cancelled")

    def test_a_result_may_be_large_but_not_too_large(self):
        with self.daemon(self.settings(), self.settings(id="narrow", max_result="64KiB")) as daemon:
            # The SDK sends a text twice: as content and as structured content.
            self.assertEqual(1_000_000, len(daemon.tool("python", "large", {"size": 1_000_000})))
            for server, size in (("python", 10 << 20), ("narrow", 100_000)):
                error = daemon.tool_error(server, "large", {"size": size})
                self.assertRegex(error, r"\d{6,} bytes, and may.* ask it for less, or raise max_result")
            self.assertEqual("echo: on", daemon.tool("python", "echo", {"text": "on"}))
            self.assertLess(daemon.resident_bytes(), 200 << 20)

    def test_what_a_server_asks_is_refused(self):
        with self.daemon(self.settings(call_timeout="10s")) as daemon:
            self.assertRegex(daemon.tool("python", "ask_back"), "^refused: .")

    def test_what_a_tool_fails_with_is_told_to_the_run_and_to_a_model(self):
        with Recorder(sim.url) as recorder, self.daemon(self.settings(), upstream=recorder.url) as daemon:
            self.assertIn("cannot do it", daemon.tool_error("python", "fail", {"text": "it"}))
            run = daemon.run_chain(prompt("python", "fail"), input="go")
            self.assertEqual("succeeded", run["status"], run)
            told = recorder.talks()[-1]["messages"][-1]
            self.assertEqual("tool", told["role"])
            self.assertRegex(told["content"], "^error: .*cannot do simulated")

    def test_a_server_dies_under_a_model(self):
        with Recorder(sim.url) as recorder, self.daemon(self.settings(), upstream=recorder.url) as daemon:
            run = daemon.begin(prompt("python", "hang"))
            self.wait_noted("sleep begins")
            os.kill(children(daemon.pid)[0], signal.SIGKILL)
            view = daemon.wait_ended(run)
            self.assertEqual("succeeded", view["status"], view)
            self.assertIn("error: tool server python ended", recorder.talks()[-1]["messages"][-1]["content"])

    def test_programs_that_are_no_servers(self):
        with self.daemon({"id": "none", "command": "/no/such/program"},
                         {"id": "text", "command": "/etc/hostname"},
                         {"id": "ends", "command": "true"},
                         {"id": "silent", "command": "sleep", "args": ["60"], "start_timeout": "2s"},
                         {"id": "chatty", "command": "yes", "start_timeout": "2s"}) as daemon:
            for server in ("none", "text"):
                self.assertRegex(daemon.tool_error(server, "echo"), "the program .* cannot be started: ")
            self.assertIn("ended before it answered", daemon.tool_error("ends", "echo"))
            self.assertIn("did not answer within 2 s", daemon.tool_error("silent", "echo"))
            self.assertIn("did not answer within 2 s", daemon.tool_error("chatty", "echo"))
            wait_for(lambda: children(daemon.pid) == [] and zombies(daemon.pid) == [], 10, "none is left",
                     lambda: f"{children(daemon.pid)} {zombies(daemon.pid)}")
            self.assertLess(daemon.resident_bytes(), 200 << 20)

    def test_the_daemon_ends_and_leaves_nothing(self):
        with self.daemon(self.settings()) as daemon:
            child = int(daemon.tool("python", "pid"))
            began = time.monotonic()
            self.assertEqual(0, daemon.stop())
            self.assertFalse(is_running(child))
            self.assertLess(time.monotonic() - began, 10 * slowness())

    def test_the_daemon_ends_and_leaves_nothing_of_a_server_that_stays(self):
        with self.daemon(self.settings()) as daemon:
            child, grandchild = map(int, daemon.tool("python", "stay").split())
            self.addCleanup(lambda: is_running(grandchild) and os.kill(grandchild, signal.SIGKILL))
            self.assertEqual(0, daemon.stop())
            self.assertFalse(is_running(child))
            wait_for(lambda: not is_running(grandchild), 5, "ended with its parent")

    def test_the_daemon_is_killed_and_leaves_nothing(self):
        with self.daemon(self.settings()) as daemon:
            child = int(daemon.tool("python", "stay").split()[0])
            self.addCleanup(lambda: is_running(child) and os.kill(child, signal.SIGKILL))
            grandchild = children(child)[0]
            self.addCleanup(lambda: is_running(grandchild) and os.kill(grandchild, signal.SIGKILL))
            daemon.kill()
            wait_for(lambda: not is_running(child), 10, "ended with its parent")

    def test_what_is_not_configured_is_refused(self):
        with self.daemon(self.settings()) as daemon:
            for refused, at in ((step("other", "echo"), "/steps/0/server"), (prompt("other"), "/steps/0/tools/servers")):
                answer = post(daemon.url + "/plimsoll/v1/chains/run", {"steps": [refused]})
                self.assertEqual(400, answer.status)
                problem = answer.json()["problems"][0]
                self.assertEqual(at, problem["at"])
                self.assertIn("no MCP server \"other\" is configured", problem["problem"])
            self.assertEqual([], children(daemon.pid))


@needs(PYTHON, "mcp for Python")
class OverHttp(PythonTools):
    def setUp(self):
        super().setUp()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None
        self.start_server()
        self.addCleanup(self.kill_server)

    def start_server(self):
        self.process = subprocess.Popen(
            [PYTHON, PYTHON_SERVER, self.log, str(self.port)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "stderr").open("w"))

        def is_open():
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        wait_for(is_open, 60, "the server listens", (self.folder / "stderr").read_text)

    def kill_server(self):
        self.process.kill()
        self.process.wait(10)

    def settings(self, **settings) -> dict:
        return {"id": "python", "url": f"http://127.0.0.1:{self.port}/mcp", **settings}

    def test_calls_and_is_called_by_a_model(self):
        with Recorder(sim.url) as recorder, self.daemon(self.settings(), upstream=recorder.url) as daemon:
            self.assertEqual("echo: hello", daemon.tool("python", "echo", {"text": "{input}"}, input="hello"))
            self.assertIn("cannot do it", daemon.tool_error("python", "fail", {"text": "it"}))
            run = daemon.run_chain(prompt("python", "echo"), input="go")
            self.assertEqual("succeeded", run["status"], run)
            told = recorder.talks()[-1]["messages"][-1]
            self.assertEqual({"role": "tool", "tool_name": "echo", "content": "echo: simulated"}, told)
            row = daemon.servers()["python"]
            self.assertEqual(("http", "ready"), (row["transport"], row["state"]))
            self.assertIn("echo", row["tools"])

    def test_what_a_server_asks_is_refused(self):
        with self.daemon(self.settings(call_timeout="10s")) as daemon:
            self.assertRegex(daemon.tool("python", "ask_back"), "^refused: .")

    def test_died_and_came_back(self):
        with self.daemon(self.settings()) as daemon:
            self.assertEqual(str(self.process.pid), daemon.tool("python", "pid"))
            # Nobody calls meanwhile: the new one knows nothing of the session.
            self.kill_server()
            self.start_server()
            self.assertEqual(str(self.process.pid), daemon.tool("python", "pid"))
            self.kill_server()
            self.assertIn("tool server python", daemon.tool_error("python", "pid"))
            self.start_server()
            self.assertEqual(str(self.process.pid), daemon.tool("python", "pid"))

    def test_died_during_a_call(self):
        with self.daemon(self.settings()) as daemon:
            run = daemon.begin(step("python", "sleep", {"seconds": 60}))
            self.wait_noted("sleep begins")
            self.kill_server()
            view = daemon.wait_ended(run)
            self.assertEqual("failed", view["status"])
            self.assertIn("tool server python", view["error"])
            self.assertEqual(1, self.log.read_text().count("sleep begins"))  # it may do something each time

    def test_hung_is_given_up_and_told(self):
        with self.daemon(self.settings(call_timeout="2s")) as daemon:
            error = daemon.tool_error("python", "sleep", {"seconds": 60})
            self.assertIn("tool server python did not answer within 2 s", error)
            self.wait_noted("sleep cancelled")
            self.assertEqual("echo: on", daemon.tool("python", "echo", {"text": "on"}))

    def test_progress_gives_more_time_and_signs_of_life_do_not(self):
        with self.daemon(self.settings(call_timeout="2s"), self.settings(id="long", call_timeout="20s")) as daemon:
            self.assertEqual("25 steps", daemon.tool("python", "steps", {"count": 25, "seconds": 0.2}))
            # The server sends a comment each 15 s.
            began = time.monotonic()
            self.assertIn("within 20 s", daemon.tool_error("long", "sleep", {"seconds": 60}))
            self.assertLess(time.monotonic() - began, 24 * slowness())

    def test_a_run_is_cancelled_during_a_call(self):
        with self.daemon(self.settings()) as daemon:
            run = daemon.begin(step("python", "sleep", {"seconds": 60}))
            self.wait_noted("sleep begins")
            request("DELETE", f"{daemon.url}/plimsoll/v1/runs/{run}")
            self.assertEqual("cancelled", daemon.wait_ended(run, 5)["status"])
            self.wait_noted("sleep cancelled")

    def test_a_stopped_server_holds_up_neither_a_cancelled_run_nor_the_end(self):
        with self.daemon(self.settings()) as daemon:
            daemon.tool("python", "pid")
            os.kill(self.process.pid, signal.SIGSTOP)
            run = daemon.begin(step("python", "sleep", {"seconds": 60}))
            time.sleep(0.5)
            request("DELETE", f"{daemon.url}/plimsoll/v1/runs/{run}")
            self.assertEqual("cancelled", daemon.wait_ended(run, 5)["status"])
            began = time.monotonic()
            self.assertEqual(0, daemon.stop())
            self.assertLess(time.monotonic() - began, 10 * slowness())

    def test_a_result_that_is_too_large(self):
        with self.daemon(self.settings()) as daemon:
            self.assertEqual(1_000_000, len(daemon.tool("python", "large", {"size": 1_000_000})))
            error = daemon.tool_error("python", "large", {"size": 10 << 20})
            self.assertRegex(error, r"more than \d{6,} bytes; ask it for less, or raise max_result")
            self.assertEqual("echo: on", daemon.tool("python", "echo", {"text": "on"}))
            self.assertLess(daemon.resident_bytes(), 200 << 20)

    def test_unused_for_long(self):
        # The server closes connections that nobody uses for 5 s; sessions it keeps.
        with self.daemon(self.settings(), self.settings(id="idle", idle_timeout="1s")) as daemon:
            self.assertEqual("echo: a", daemon.tool("python", "echo", {"text": "a"}))
            self.assertEqual("echo: a", daemon.tool("idle", "echo", {"text": "a"}))
            time.sleep(5.5)
            self.assertEqual("stopped", daemon.servers()["idle"]["state"])
            self.assertEqual("echo: b", daemon.tool("python", "echo", {"text": "b"}))
            self.assertEqual("echo: b", daemon.tool("idle", "echo", {"text": "b"}))

    def test_no_server_there(self):
        self.kill_server()
        with self.daemon(self.settings(), self.settings(id="wrong_path", url=f"{sim.url}/nothing")) as daemon:
            self.assertIn("tool server python", daemon.tool_error("python", "pid"))
            self.assertIn("404", daemon.tool_error("wrong_path", "pid"))


if __name__ == "__main__":
    unittest.main()
