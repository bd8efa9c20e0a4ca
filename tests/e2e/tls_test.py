"""TLS on both sides of the daemon: what clients of all kinds see, certificates that change under running streams, and
upstreams that prove who they are or do not."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, slowness, wait_for
from support.raw import RawClient
from support.tls import Authority, TlsRelay, name_shown

MODEL = "gemma3:270m"
STREAMS = 100


def ask(port, context, prompt, **options):
    """One streamed answer over TLS, whole: its text, and the last line."""
    connection = http.client.HTTPSConnection("localhost", port, timeout=120, context=context)
    try:
        question = {"model": MODEL, "prompt": prompt, "options": {"num_predict": 40, **options}}
        connection.request("POST", "/api/generate", json.dumps(question), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        lines = [json.loads(line) for line in answer.read().splitlines()]
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {lines}")
        return "".join(line["response"] for line in lines), lines[-1]
    finally:
        connection.close()


class Tls(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="plimsoll-e2e-"))
        self.folder = Path(folder)
        self.authority = Authority(self.folder)
        self.context = self.authority.client()

    def configure(self, certificate: str, key: str, more: str = "") -> str:
        file = self.folder / "plimsoll.toml"
        file.write_text(f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n{more}')
        return str(file)

    def run_command(self, *words, **env):
        return subprocess.run([binary(), *words], capture_output=True, text=True, timeout=120,
                              env={**clean_environment(), **env})


class ListenerTest(Tls):
    def setUp(self):
        super().setUp()
        self.sim = self.enterContext(Sim("--tokens-per-second", "2000"))
        self.config = self.configure(*self.authority.make("first"))

    def serve(self, config=None):
        serve = self.enterContext(Serve(self.sim.url, "--config", config or self.config))
        self.assertTrue(serve.url.startswith("https://127.0.0.1:"), serve.url)
        return serve

    def test_clients(self):
        serve = self.serve()
        text, last = ask(serve.port, self.context, "hello")
        self.assertTrue(text)
        self.assertTrue(last["done"])
        for version in ("--tlsv1.2", "--tlsv1.3"):
            limit = ["--tls-max", version[-3:]]
            done = subprocess.run(
                ["curl", "-sS", "--fail", "--cacert", str(self.authority.file), version, *limit,
                 f"https://localhost:{serve.port}/api/version"], capture_output=True, text=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertIn("version", json.loads(done.stdout))
        with RawClient(serve.port) as plain:
            plain.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = plain.read_all()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"this port speaks TLS: write https:// in the URL", answer)

    def test_commands(self):
        serve = self.serve()
        url = f"https://localhost:{serve.port}"
        done = self.run_command("status", "--url", url, PLIMSOLL_CA_FILE=str(self.authority.file))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("ollama", done.stdout)
        done = self.run_command("ps", "--url", url)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("comes from no CA that is trusted here", done.stderr)
        done = self.run_command("ps", "--url", url.replace("https", "http"))
        self.assertIn("this port speaks TLS: write https:// in the URL", done.stderr)

    def test_reload_keeps_the_streams(self):
        # Slow enough that the first stream is under way when the last has begun.
        sim = self.enterContext(Sim("--parallel", str(STREAMS), "--tokens-per-second", f"{8 / slowness():g}"))
        config = self.configure(*self.authority.make("before"),
                                f'[[upstream]]\nurl = "{sim.url}"\nbudget = "16GiB"\nparallel = {STREAMS}\n')
        serve = self.enterContext(Serve("", "--config", config, budget=""))
        reference = {i: ask(serve.port, self.context, f"stream {i}", num_predict=8)[0] for i in range(2)}
        self.assertNotEqual(reference[0], reference[1])
        self.assertEqual("before", name_shown(serve.port, self.context))

        answers, failures = {}, []

        def stream(i):
            try:
                answers[i] = ask(serve.port, self.context, f"stream {i}", num_predict=100)
            except Exception as failure:  # noqa: BLE001: told below
                failures.append(f"{i}: {failure!r}")

        threads = [threading.Thread(target=stream, args=(i,)) for i in range(STREAMS)]
        for thread in threads:
            thread.start()
        busy = lambda: sum(row["leases"] for row in json.loads(self.get(serve, "/plimsoll/v1/models"))["models"])
        wait_for(lambda: busy() == STREAMS, 60, "100 streams under way", serve.output)

        self.configure(*self.authority.make("after"),
                       f'[[upstream]]\nurl = "{sim.url}"\nbudget = "16GiB"\nparallel = {STREAMS}\n')
        serve.signal(signal.SIGHUP)
        wait_for(lambda: name_shown(serve.port, self.context) == "after", 30, "the new certificate", serve.output)
        self.assertEqual(STREAMS, busy(), "streams had ended before the reload: the test proves nothing")
        for thread in threads:
            thread.join(240)
        self.assertEqual([], failures)
        self.assertEqual(STREAMS, len(answers))
        for i, (_, last) in answers.items():
            self.assertTrue(last["done"], i)
            self.assertEqual(last["eval_count"], 100)
        for i, start in reference.items():
            self.assertTrue(answers[i][0].startswith(start[:-1]), (start, answers[i][0]))
        # The same prompts once more, after all changes, word for word.
        for i in (17, 99):
            self.assertEqual(answers[i][0], ask(serve.port, self.context, f"stream {i}", num_predict=100)[0])

    def get(self, serve, path):
        connection = http.client.HTTPSConnection("localhost", serve.port, timeout=60, context=self.context)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def test_a_bad_pair_leaves_the_old_one_in_force(self):
        serve = self.serve()
        other = self.authority.make("other")
        self.configure(other[0], str(self.folder / "first.key"))
        serve.signal(signal.SIGHUP)
        wait_for(lambda: "Certificate not reloaded, the old one stays in force" in serve.output(), 30, "told",
                 serve.output)
        self.assertIn("first.key does not belong to the certificate", serve.output())
        self.assertEqual("first", name_shown(serve.port, self.context))

    def test_new_files_are_noticed(self):
        serve = self.serve(self.configure(*self.authority.make("first"), 'tls_check_interval = "100ms"\n'))
        self.assertEqual("first", name_shown(serve.port, self.context))
        for end in ("crt", "key"):
            self.authority.make("second")
            os.replace(self.folder / f"second.{end}", self.folder / f"first.{end}")
        # The two came from different pairs; only a whole new pair is taken.
        wait_for(lambda: "does not belong to the certificate" in serve.output(), 30, "told", serve.output)
        self.assertEqual("first", name_shown(serve.port, self.context))
        self.authority.make("third")
        for end in ("key", "crt"):
            os.replace(self.folder / f"third.{end}", self.folder / f"first.{end}")
        wait_for(lambda: name_shown(serve.port, self.context) == "third", 30, "the third pair", serve.output)

    def test_a_start_without_its_files_is_refused(self):
        config = self.configure("/no/such.crt", "/no/such.key")
        done = self.run_command("serve", "--config", config, "--listen", "127.0.0.1:0", "--upstream", self.sim.url,
                                "--budget", "1GiB", "--state", str(self.folder / "state.db"))
        self.assertEqual(1, done.returncode)
        self.assertIn("the certificate /no/such.crt cannot be read: No such file or directory", done.stderr)
        checked = self.run_command("config", "check", "--config", config)
        self.assertEqual(2, checked.returncode)
        self.assertIn(f"{config}:2: the certificate /no/such.crt cannot be read", checked.stderr)
        checked = self.run_command("config", "check", "--config", self.configure(*self.authority.make("first"), f'''
[[upstream]]
url = "https://127.0.0.1:1"
tls_ca_file = "{config}"
'''))
        self.assertEqual(2, checked.returncode)
        self.assertRegex(checked.stderr, "plimsoll.toml:6: .*plimsoll.toml")


class UpstreamTest(Tls):
    def setUp(self):
        super().setUp()
        self.sim = self.enterContext(Sim("--tokens-per-second", "2000"))

    def serve(self, relay, settings):
        file = self.folder / "plimsoll.toml"
        file.write_text(f'[[upstream]]\nurl = "{relay.url}"\nbudget = "16GiB"\n{settings}')
        return self.enterContext(Serve("", "--config", str(file), budget=""))

    def relay(self, hosts="DNS:localhost,IP:127.0.0.1"):
        relay = TlsRelay(self.sim.port, *self.authority.make("upstream", hosts))
        self.addCleanup(relay.close)
        return relay

    def chat(self, serve):
        connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=60)
        try:
            connection.request("POST", "/api/generate", json.dumps({"model": MODEL, "prompt": "hi"}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_an_upstream_that_proves_itself(self):
        relay = self.relay()
        serve = self.serve(relay, f'tls_ca_file = "{self.authority.file}"\n')
        serve.wait_ready()
        status, body = self.chat(serve)
        self.assertEqual(200, status, body)
        self.assertTrue(json.loads(body.splitlines()[-1])["done"])
        handshakes = relay.handshakes
        for _ in range(20):
            self.assertEqual(200, self.chat(serve)[0])
        self.assertLess(relay.handshakes - handshakes, 10, "connections are not used again")

    def test_one_that_does_not_is_down_with_the_reason(self):
        for hosts, settings, reason in (
            ("DNS:localhost,IP:127.0.0.1", "", "comes from no CA that is trusted here"),
            ("DNS:other.example.org", f'tls_ca_file = "{self.authority.file}"\n',
             "its certificate is for other.example.org, not for 127.0.0.1"),
        ):
            with self.subTest(reason):
                serve = self.serve(self.relay(hosts), settings)
                wait_for(lambda: reason in serve.output(), 30, "told", serve.output)
                status, body = self.chat(serve)
                self.assertIn(status, (502, 503), body)
                self.assertEqual(0, serve.stop())

    def test_without_verification_it_is_believed_with_a_warning(self):
        serve = self.serve(self.relay("DNS:other.example.org"), "tls_verify = false\n")
        serve.wait_ready()
        self.assertEqual(200, self.chat(serve)[0])
        self.assertIn("Its certificate is not checked (tls_verify = false)", serve.output())


class Tools(BaseHTTPRequestHandler):
    """A tool server over HTTP with one tool."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {
            "initialize": {"protocolVersion": request.get("params", {}).get("protocolVersion"),
                           "capabilities": {"tools": {}}, "serverInfo": {"name": "tools", "version": "1"}},
            "tools/list": {"tools": [{"name": "say", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "said over TLS"}]},
        }
        body = b""
        if "id" in request:
            body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": results[request["method"]]}).encode()
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class ToolServerTest(Tls):
    def test_a_tool_server_behind_tls(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Tools)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        relay = TlsRelay(server.server_port, *self.authority.make("tools"))
        self.addCleanup(relay.close)
        sim = self.enterContext(Sim())
        file = self.folder / "plimsoll.toml"
        file.write_text(f'[[mcp_server]]\nid = "good"\nurl = "{relay.url}/mcp"\ntls_ca_file = "{self.authority.file}"\n'
                        f'[[mcp_server]]\nid = "unknown"\nurl = "{relay.url}/mcp"\n')
        serve = self.enterContext(Serve(sim.url, "--config", str(file)))
        serve.wait_ready()

        def call(name):
            step = {"kind": "tool", "server": name, "tool": "say", "arguments": {}}
            return post(serve.url + "/plimsoll/v1/chains/run", {"steps": [step]}, 120).json()

        run = call("good")
        self.assertEqual(("succeeded", "said over TLS"), (run["status"], run.get("output")), run)
        run = call("unknown")
        self.assertEqual("failed", run["status"])
        self.assertIn("comes from no CA that is trusted here", run["error"])


if __name__ == "__main__":
    unittest.main()
