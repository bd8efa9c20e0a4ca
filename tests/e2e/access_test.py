#!/usr/bin/env python3
"""Keys through the whole program: made, listed and revoked by the command line, limits, reload under running streams, the
credential of an upstream, and no secret where it does not belong."""

import http.client
import http.server
import json
import signal
import stat
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, post, request, slowness, wait_for

MODEL = "smollm2:135m"


def run(*args, stdin="", env=None):
    return subprocess.run([binary(), *args], input=stdin, capture_output=True, text=True, timeout=60 * slowness(),
                          env={**clean_environment(), **(env or {})})


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


class Place:
    """A folder with the state and the keys of one daemon."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="plimsoll-keys-")
        self.path = Path(self._folder.name)
        self.keys = self.path / "keys.toml"
        self.state = str(self.path / "state.db")

    def create(self, name, *args):
        done = run("key", "create", name, *args, "--file", str(self.keys))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def revoke(self, name):
        done = run("key", "revoke", name, "--file", str(self.keys))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()


class CommandLine(unittest.TestCase):
    def test_a_key_is_shown_once_and_kept_as_a_hash_for_its_owner_alone(self):
        with Place() as place:
            made = run("key", "create", "open-webui", "--models", "qwen*", "--models", "chain/*", "--priority", "low",
                       "--requests-per-minute", "60", "--max-concurrent", "4", "--file", str(place.keys))
            self.assertEqual(0, made.returncode, made.stderr)
            secret = made.stdout.strip()
            self.assertRegex(secret, r"^plk_[A-Za-z0-9_-]{43}$")
            self.assertNotIn(secret, made.stderr)
            self.assertIn("reload", made.stderr)
            self.assertIn("first", made.stderr)
            self.assertEqual(0o600, stat.S_IMODE(place.keys.stat().st_mode))
            self.assertNotIn(secret, place.keys.read_text())
            self.assertEqual(["keys.toml"], [entry.name for entry in place.path.iterdir()])
            listed = json.loads(run("key", "list", "--json", "--file", str(place.keys)).stdout)["keys"][0]
            self.assertEqual(["qwen*", "chain/*"], listed["models"])
            self.assertEqual((60, 4, "low", "inference"), (listed["requests_per_minute"], listed["max_concurrent"],
                                                           listed["priority"], listed["role"]))
            table = run("key", "list", "--file", str(place.keys)).stdout
            self.assertIn("open-webui", table)
            self.assertNotIn(secret, table)

    def test_mistakes_are_one_sentence_and_change_nothing(self):
        with Place() as place:
            place.create("one")
            before = place.keys.read_text()
            for args, said in (
                (["create", "one"], "already"),
                (["create", "a b"], "no name"),
                (["create", "x", "--role", "root"], "--role"),
                (["create", "x", "--role", "admin", "--models", "a"], "every model"),
                (["create", "x", "--models", "a b"], "pattern"),
                (["create", "x", "--requests-per-minute", "0"], "--requests-per-minute"),
                (["revoke", "two"], "no key"),
            ):
                done = run("key", *args, "--file", str(place.keys))
                self.assertNotEqual(0, done.returncode, args)
                self.assertIn(said, done.stderr)
                self.assertEqual(before, place.keys.read_text())
            place.keys.chmod(0o666)
            done = run("key", "create", "x", "--file", str(place.keys))
            self.assertEqual(1, done.returncode)
            self.assertIn("chmod 600", done.stderr)

    def test_keys_made_at_the_same_time_are_all_there(self):
        with Place() as place:
            many = [subprocess.Popen([binary(), "key", "create", f"k{i}", "--file", str(place.keys)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
                    for i in range(12)]
            self.assertEqual([0] * 12, [one.wait(60 * slowness()) for one in many])
            names = [key["name"] for key in json.loads(run("key", "list", "--json", "--file", str(place.keys)).stdout)["keys"]]
            self.assertEqual({f"k{i}" for i in range(12)}, set(names))
            self.assertEqual(["keys.toml"], [entry.name for entry in place.path.iterdir()])

    def test_a_key_kept_by_hand(self):
        done = run("key", "hash", "--name", "ci", "--role", "operator", stdin="a-secret-of-my-own-making\n")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("[[key]]", done.stdout)
        self.assertNotIn("a-secret", done.stdout)
        with Place() as place:
            config = place.path / "plimsoll.toml"
            config.write_text(done.stdout)
            checked = run("config", "check", "--config", str(config), "--state", place.state)
            self.assertEqual(0, checked.returncode, checked.stderr)
            with Sim() as sim, Serve(sim.url, "--config", str(config), state=place.state) as serve:
                self.assertEqual(401, request("GET", serve.url + "/plimsoll/v1/status").status)
                self.assertEqual(200, request("GET", serve.url + "/plimsoll/v1/status",
                                              headers=bearer("a-secret-of-my-own-making")).status)
        self.assertEqual(1, run("key", "hash", stdin="short\n").returncode)

    def test_commands_send_the_key_from_the_environment_or_a_file(self):
        with Place() as place, Sim() as sim:
            secret = place.create("me", "--role", "operator")
            file = place.path / "secret"
            file.write_text(secret + "\n")
            with Serve(sim.url, state=place.state) as serve:
                serve_wait(serve)
                for command in (["status"], ["ps"], ["queue"], ["plan", MODEL], ["estimate", MODEL], ["chain", "list"],
                                ["runs"], ["load", MODEL], ["unload", MODEL], ["cleanup"]):
                    url = ["--url", serve.url]
                    with self.subTest(command[0]):
                        without = run(*command, *url)
                        self.assertNotEqual(0, without.returncode)
                        self.assertIn("--key-file", without.stderr)
                        self.assertEqual(0, run(*command, *url, env={"PLIMSOLL_KEY": secret}).returncode)
                        by_file = run(*command, *url, "--key-file", str(file))
                        self.assertEqual(0, by_file.returncode, by_file.stderr)
                gone = run("status", "--url", serve.url, "--key-file", str(place.path / "none"))
                self.assertIn("cannot be read", gone.stderr)


class TheDoor(unittest.TestCase):
    def test_no_listener_beyond_this_machine_without_keys_and_tls_or_consent(self):
        with Place() as place:
            open_listener = ["--listen", "0.0.0.0:0", "--state", place.state]
            for command in (["serve", *open_listener], ["config", "check", *open_listener]):
                done = run(*command)
                self.assertEqual(2, done.returncode, done)
                self.assertIn("plimsoll key create", done.stderr)
                self.assertIn("allow_open_listen", done.stderr)
            consent = run("config", "check", *open_listener, env={"PLIMSOLL_SERVER_ALLOW_OPEN_LISTEN": "true"})
            self.assertEqual(0, consent.returncode, consent.stderr)

    def test_limits_say_when_to_come_back(self):
        with Place() as place, Sim("--time-scale", "1000") as sim:
            secret = place.create("slow", "--requests-per-minute", "3")
            with Serve(sim.url, state=place.state) as serve:
                answers = [request("GET", serve.url + "/api/tags", headers=bearer(secret)) for _ in range(5)]
                self.assertEqual([200, 200, 200, 429, 429], [answer.status for answer in answers])
                wait = int(answers[-1].headers["Retry-After"])
                self.assertTrue(0 < wait <= 60, wait)
                self.assertIn("3 requests a minute", answers[-1].json()["error"])

    def test_a_reload_takes_keys_up_and_leaves_every_stream(self):
        streams = 20
        with Place() as place, Sim("--parallel", str(streams), "--tokens-per-second", "20") as sim:
            old = place.create("old")
            admin = place.create("admin", "--role", "admin")
            with Serve(sim.url, state=place.state, env={"PLIMSOLL_PARALLEL": str(streams)}) as serve:
                serve_wait(serve)
                warm = post(serve.url + "/api/generate", {"model": MODEL}, headers=bearer(old))
                self.assertEqual(200, warm.status, warm.body)
                results = []

                def stream():
                    connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=120 * slowness())
                    body = {"model": MODEL, "prompt": "say a lot", "options": {"num_predict": 60}}
                    connection.request("POST", "/api/generate", json.dumps(body), bearer(old))
                    answer = connection.getresponse()
                    first = answer.readline()
                    started.release()
                    rest = answer.read()
                    results.append((answer.status, json.loads((first + rest).splitlines()[-1]).get("done")))

                started = threading.Semaphore(0)
                threads = [threading.Thread(target=stream) for _ in range(streams)]
                for thread in threads:
                    thread.start()
                for _ in range(streams):
                    self.assertTrue(started.acquire(timeout=60 * slowness()))
                place.revoke("old")
                new = place.create("new")
                serve.signal(signal.SIGHUP)
                wait_for(lambda: request("GET", serve.url + "/api/version", headers=bearer(new)).status == 200, 20,
                         "the new key", serve.output)
                self.assertEqual(401, request("GET", serve.url + "/api/version", headers=bearer(old)).status)
                self.assertEqual(200, request("GET", serve.url + "/plimsoll/v1/status", headers=bearer(admin)).status)
                for thread in threads:
                    thread.join(120 * slowness())
                self.assertEqual([(200, True)] * streams, results)

    def test_the_last_key_revoked_lets_nobody_in(self):
        with Place() as place, Sim() as sim:
            place.create("only")
            with Serve(sim.url, state=place.state) as serve:
                self.assertIn("nobody is let in", place.revoke("only"))
                serve.signal(signal.SIGHUP)
                wait_for(lambda: "Configuration reloaded" in serve.output(), 20, "reloaded", serve.output)
                self.assertEqual(401, request("GET", serve.url + "/api/version").status)

    def test_a_broken_key_file_keeps_the_old_keys_and_says_so(self):
        with Place() as place, Sim() as sim:
            secret = place.create("k")
            with Serve(sim.url, state=place.state) as serve:
                place.keys.write_text("[[key]\n")
                serve.signal(signal.SIGHUP)
                wait_for(lambda: "not reloaded" in serve.output(), 20, "refused", serve.output)
                self.assertIn("keys.toml:1", serve.output())
                self.assertEqual(200, request("GET", serve.url + "/api/version", headers=bearer(secret)).status)


def serve_wait(serve):
    wait_for(lambda: request("GET", serve.url + "/readyz").status == 200, 20, "ready", serve.output)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Stands in for an upstream that wants a key; keeps the head of each request."""

    seen: list = []

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    def answer(self):
        type(self).seen.append((self.path, str(self.headers)))
        wants = "Bearer sk-upstream-canary"
        body = b'{"version":"0.12.0","models":[]}' if self.headers.get("Authorization") == wants else b'{"error":"no key"}'
        self.send_response(200 if b"version" in body else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Credentials(unittest.TestCase):
    def test_the_upstream_gets_its_own_key_and_never_a_clients(self):
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        try:
            with Place() as place:
                secret = place.create("k", "--role", "admin")
                credential = place.path / "upstream-key"
                credential.write_text("sk-upstream-canary\n")
                credential.chmod(0o600)
                config = place.path / "plimsoll.toml"
                config.write_text(f'[[upstream]]\nurl = "http://127.0.0.1:{upstream.server_port}"\nbudget = "8GiB"\n'
                                  f'api_key_file = "{credential}"\n')
                with Serve("", "--config", str(config), budget="", state=place.state) as serve:
                    serve_wait(serve)
                    for headers in (bearer(secret), {"X-API-Key": secret}):
                        self.assertEqual(200, request("GET", serve.url + "/api/tags", headers=headers).status)
                        post(serve.url + "/api/new", {"a": 1}, headers=headers)
                    shown = run("config", "show", "--config", str(config)).stdout
                    self.assertIn(str(credential), shown)
                    self.assertNotIn("canary", shown + serve.output(1000))
                relayed = [head for path, head in Recorder.seen if path in ("/api/tags", "/api/new")]
                self.assertGreaterEqual(len(relayed), 4)
                for path, head in Recorder.seen:
                    self.assertIn("Authorization: Bearer sk-upstream-canary", head, path)
                    self.assertNotIn(secret, head)
                    self.assertNotIn("plk_", head)
        finally:
            upstream.shutdown()
            upstream.server_close()


class Canaries(unittest.TestCase):
    """A mark in every field that a client fills, searched for in everything that we write."""

    def test_no_secret_and_no_prompt_is_written_anywhere(self):
        with Place() as place, Sim("--time-scale", "100") as sim:
            admin = place.create("admin", "--role", "admin")
            limited = place.create("limited", "--models", "llama3*", "--requests-per-minute", "2")
            record = place.path / "events.rec"
            config = place.path / "plimsoll.toml"
            config.write_text(f'[log]\nlevel = "debug"\nformat = "json"\n[management]\nverbose = true\n'
                              f'[[upstream]]\nurl = "{sim.url}"\nbudget = "8GiB"\n')
            with Serve("", "--config", str(config), "--record", str(record), budget="", state=place.state) as serve:
                serve_wait(serve)
                texts = self.provoke(serve, sim, admin, limited)
                for path in ("status", "models", "queue", "settings", "chains", "runs", "mcp"):
                    texts.append(request("GET", f"{serve.url}/plimsoll/v1/{path}", headers=bearer(admin)).body.decode())
                texts.append(request("GET", serve.url + "/metrics", headers=bearer(admin)).body.decode())
                texts.append(self.events(serve, admin))
                serve.signal(signal.SIGHUP)
                wait_for(lambda: "Configuration reloaded" in serve.output(1000), 20, "reloaded", serve.output)
                texts.append(run("config", "show", "--config", str(config), "--state", place.state).stdout)
                texts.append(run("key", "list", "--file", str(place.keys)).stdout)
                serve.stop()
                lines = list(serve.lines)
            files = [file for file in place.path.rglob("*") if file.is_file()]
            self.assertIn(record, files)
            kept = {file.name: file.read_bytes() for file in files}
            wanted = [admin, limited, "plk_wrong-canary", "canary-"]
            hits = [(mark, name) for mark in wanted for name, data in kept.items() if mark.encode() in data]
            hits += [(mark, line) for mark in wanted for line in lines if mark in line]
            hits += [(mark, text[:200]) for mark in wanted for text in texts if mark in text]
            self.assertEqual([], hits)
            # One line an event, whatever a client writes into what is logged.
            for line in lines:
                if line.startswith("{"):
                    json.loads(line)
                self.assertNotIn("\x1b", line)
            self.assertEqual([], [line for line in lines if "forged" in line and '"path"' not in line and '"model"' not in line])

    def provoke(self, serve, sim, admin, limited):
        """Every kind of request that carries a mark; the texts of errors come back."""
        marks = {"Cookie": "canary-cookie", "X-Custom": "canary-field", "User-Agent": "canary-agent",
                 "Referer": "http://localhost/canary-referer", "api-key": "canary-azure"}
        bodies = [
            ("/api/chat", {"messages": [{"role": "user", "content": "canary-prompt"}]}),
            ("/api/generate", {"prompt": "canary-prompt", "system": "canary-system", "context": [1], "stream": False}),
            ("/api/generate", {"prompt": "canary-prompt", "options": {"num_ctx": "canary-option"}}),
            ("/api/generate", {"prompt": 5, "system": "canary-system"}),
            ("/api/embed", {"input": ["canary-input"]}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "canary-prompt"}], "user": "canary-user"}),
            ("/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": "canary-prompt"}]}),
            ("/v1/responses", {"input": "canary-input"}),
            ("/api/new", {"prompt": "canary-prompt"}),
            ("/api/show", {"system": "canary-system"}),
        ]
        keys = [bearer(admin), bearer(limited), bearer("plk_wrong-canary"), {"x-api-key": admin},
                {"x-api-key": "plk_wrong-canary"}, {"Authorization": "Basic canary-basic"}, {}]
        texts = []
        for model in (MODEL, "unknown:1b", "forged\n{\"level\":\"error\"}\x1b[31m", "../../forged"):
            for path, body in bodies:
                for key in keys:
                    answer = post(f"{serve.url}{path}?key=canary-query", {"model": model, **body}, headers={**marks, **key})
                    if answer.status >= 400:
                        texts.append(answer.body.decode(errors="replace"))
        for path in ("/api/future?token=canary-query", "/plimsoll/v1/none?token=canary-query"):
            texts.append(request("GET", serve.url + path, headers={**marks, **bearer(admin)}).body.decode())
        broken = b'{"model": "smollm2:135m", "prompt": "canary-prompt'
        texts.append(request("POST", serve.url + "/api/generate", broken, {**marks, **bearer(admin)}).body.decode())
        return texts

    def events(self, serve, admin):
        connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=60 * slowness())
        connection.request("GET", "/plimsoll/v1/events", headers={**bearer(admin), "Last-Event-ID": "0"})
        answer = connection.getresponse()
        deadline = time.monotonic() + 60 * slowness()
        text = b""
        while b"loaded" not in text and time.monotonic() < deadline:
            text += answer.read1(65536)
        connection.close()
        return text.decode(errors="replace")


if __name__ == "__main__":
    unittest.main()
