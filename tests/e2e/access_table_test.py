#!/usr/bin/env python3
"""The authorisation table: every method on every path with every kind of key, against what is meant.

The paths come from the program itself (`plimsoll key rights --json`); what is meant stands here, by hand. A route that is
added without a line here fails the test.
"""

import http.client
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.process import Serve, Sim, binary, clean_environment, slowness

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
MODEL = "smollm2:135m"

# Which role a route needs, and whether a key for some models may use it (for those models).
INFERENCE = {
    "POST": ["/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show", "/v1/chat/completions",
             "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/audio/transcriptions", "/v1/messages"],
    "GET": ["/", "/api/tags", "/api/version", "/api/ps", "/v1/models", "/v1/models/{model}"],
    "HEAD": ["/", "/api/tags", "/api/version", "/v1/models", "/v1/models/{model}"],
}
STORE_OF_ONE_MODEL = {"POST": ["/api/pull", "/api/push"], "DELETE": ["/api/delete"]}
OPERATOR = {
    "POST": ["/api/create", "/api/copy", "/api/blobs/{digest}", "/plimsoll/v1/models/load", "/plimsoll/v1/models/unload",
             "/plimsoll/v1/models/pin", "/plimsoll/v1/models/unpin", "/plimsoll/v1/cleanup", "/plimsoll/v1/plan",
             "/plimsoll/v1/estimate", "/plimsoll/v1/chains/run", "/plimsoll/v1/chains/check",
             "/plimsoll/v1/chains/{name}/run", "/plimsoll/v1/runs/{id}/resume"],
    "HEAD": ["/api/blobs/{digest}"],
    "GET": ["/plimsoll/v1/status", "/plimsoll/v1/models", "/plimsoll/v1/queue", "/plimsoll/v1/events",
            "/plimsoll/v1/settings", "/plimsoll/v1/chains", "/plimsoll/v1/chains/{name}", "/plimsoll/v1/runs",
            "/plimsoll/v1/runs/{id}", "/plimsoll/v1/runs/{id}/events", "/plimsoll/v1/mcp", "/metrics",
            "/plimsoll/v1/openapi.yaml"],
    "PUT": ["/plimsoll/v1/chains/{name}"],
    "DELETE": ["/plimsoll/v1/chains/{name}", "/plimsoll/v1/runs/{id}"],
}
ADMIN = {
    "PATCH": ["/plimsoll/v1/settings"],
    # These talk to ollama.com with the server's own account.
    "POST": ["/api/me", "/api/signout", "/api/experimental/web_search", "/api/experimental/web_fetch"],
}
OPEN = {"GET": ["/healthz", "/readyz", "/plimsoll", "/plimsoll/", "/plimsoll/page/{file}"]}
OWN = ("/plimsoll", "/healthz", "/readyz", "/metrics")
STRANGE = ["/api/future", "/api", "/v2/chat", "/plimsoll/v1/none", "/plimsoll/v2/status", "/plimsoll/x", "/api/user/keys/k",
           "/api/chat/x", "/v1/messages/count_tokens", "/metrics/x", "/healthz/x", "/api/status"]
# Redirected to another path, and so allowed to whom that is.
ALIASES = {"/v1/models/": "/v1/models", "/api//tags": "/api/tags", "/api/../metrics": "/metrics",
           "/api/x/../../plimsoll/v1/status": "/plimsoll/v1/status"}

RANK = {"inference": 1, "operator": 2, "admin": 3}
# name: role, models
KEYS = {
    "inf": ("inference", None), "inf-this": ("inference", "smollm2:*"), "inf-other": ("inference", "llama3*"),
    "op": ("operator", None), "op-this": ("operator", "smollm2:*"), "op-other": ("operator", "llama3*"),
    "adm": ("admin", None),
}


def holds(table, method, path):
    return path in table.get(method, ())


def need(method, path):
    """(role or None for open, whether keys for some models may use it) of a path as the program lists it."""
    path = ALIASES.get(path, path)
    if path.startswith(OWN) and method == "HEAD":
        method = "GET"  # our own paths answer HEAD as GET
    if holds(OPEN, method, path):
        return None, True
    if holds(INFERENCE, method, path):
        return "inference", True
    if holds(STORE_OF_ONE_MODEL, method, path):
        return "operator", True
    if holds(OPERATOR, method, path):
        return "operator", False
    return "admin", False


def expected(method, path, key):
    """None: let in; else the status."""
    role, limited_may = need(method, path)
    if role is None:
        return None
    if key not in KEYS:
        return 401
    has, models = KEYS[key]
    if RANK[has] < RANK[role] or (models and not limited_may):
        return 403
    names_a_model = ALIASES.get(path, path) not in ("/", "/api/tags", "/api/version", "/api/ps", "/v1/models")
    return 403 if models == "llama3*" and names_a_model else None


def concrete(path):
    return (path.replace("{model}", MODEL).replace("{digest}", "sha256:" + "0" * 64).replace("{name}", "a")
            .replace("{id}", "run-1").replace("{file}", "app.js"))


def body_for(path):
    if path == "/v1/audio/transcriptions":
        form = f'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n{MODEL}\r\n--b--\r\n'
        return form.encode(), "multipart/form-data; boundary=b"
    # What would change the models is asked for one that is not there.
    model = MODEL if path.startswith(("/v1", "/plimsoll", "/api/chat", "/api/gen", "/api/embed", "/api/show")) else "smollm2:none"
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    if path == "/api/copy":
        body = {"source": model, "destination": "smollm2:other"}
    return json.dumps(body).encode(), "application/json"


class AuthorisationTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="plimsoll-access-")
        cls.secrets = {"none": None, "unknown": "plk_" + "x" * 43}
        for name, (role, models) in KEYS.items():
            limits = ["--models", models] if models else []
            done = subprocess.run([binary(), "key", "create", name, "--role", role, *limits, "--file",
                                   str(Path(cls.folder.name) / "keys.toml")],
                                  capture_output=True, text=True, env=clean_environment(), check=True)
            cls.secrets[name] = done.stdout.strip()
        cls.sim = Sim("--time-scale", "1000")
        cls.serve = Serve(cls.sim.url, state=str(Path(cls.folder.name) / "state.db"))
        cls.serve.wait_ready()

    @classmethod
    def tearDownClass(cls):
        cls.serve.__exit__()
        cls.sim.__exit__()
        cls.folder.cleanup()

    def routes(self):
        done = subprocess.run([binary(), "key", "rights", "--json"], capture_output=True, text=True, check=True,
                              env=clean_environment())
        return json.loads(done.stdout)["routes"]

    def test_the_programs_own_table_is_the_one_that_is_meant(self):
        surprises = []
        for route in self.routes():
            role, limited = need(route["method"], route["path"])
            meant = {"role": role or "open", "limited_keys": limited}
            listed = any(holds(table, route["method"], route["path"])
                         for table in (OPEN, INFERENCE, STORE_OF_ONE_MODEL, OPERATOR, ADMIN))
            if not listed or any(route[name] != value for name, value in meant.items()):
                surprises.append((route, meant, "listed here" if listed else "no line in this test"))
        self.assertEqual([], surprises)

    def ask(self, method, path, secret):
        """Status and, of a refusal, its sentence. The head is enough: some answers never end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.serve.port, timeout=60 * slowness())
        try:
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            body = None
            if method in ("POST", "PUT", "PATCH", "DELETE"):
                body, headers["Content-Type"] = body_for(path)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            refused = answer.status in (401, 403) and method != "HEAD"
            return answer.status, answer.read().decode(errors="replace") if refused else "", answer.headers
        finally:
            connection.close()

    def test_every_method_on_every_path_with_every_kind_of_key(self):
        paths = sorted({route["path"] for route in self.routes()}) + STRANGE + list(ALIASES)
        surprises, asked = [], 0
        for path in paths:
            for method in METHODS:
                for key, secret in self.secrets.items():
                    status, text, headers = self.ask(method, concrete(path), secret)
                    asked += 1
                    meant = expected(method, path, key)
                    ours = "key" in text or method == "HEAD"
                    if (meant is None and status in (401, 403) and ours) or (meant is not None and status != meant):
                        surprises.append((method, path, key, "meant", meant, "was", status, text[:80]))
                    if meant == 401 and not headers.get("WWW-Authenticate", "").startswith("Bearer"):
                        surprises.append((method, path, key, "401 without WWW-Authenticate"))
        print(f"{asked} requests, {len(surprises)} surprises", flush=True)
        self.assertEqual([], surprises[:20])
        self.assertGreater(asked, 2000)


if __name__ == "__main__":
    unittest.main()
