"""A stand-in for the control API, with the real page in front: states and names that a real daemon does not give on demand.

The page's files come from a real daemon, fields and all. The rest is what the test puts into `status`, `models`, `queue` and
`runs`; `tell` sends events to every open stream.
"""

import http.server
import json
import queue
import threading
import time
import urllib.request
from datetime import datetime, timezone

GIB = 1 << 30
COUNTERS = ("tickets", "dispatched", "refused", "cancelled", "loads", "load_failures", "loads_aborted", "unloads", "evictions",
            "expirations", "reloads", "foreign_evictions", "suspects", "violations")


def stamp(ago: float = 0) -> str:
    return datetime.fromtimestamp(time.time() - ago, timezone.utc).isoformat().replace("+00:00", "Z")


def instance(number: int, name: str, size: int, **members) -> dict:
    return {
        "id": number, "name": name, "provider": "ollama", "upstream": "ollama", "state": "ready", "state_seconds": 70.0,
        "weights": "w", "form": "bare", "num_ctx": 8192, "num_batch": 512, "options": {}, "charge_bytes": size,
        "predicted_bytes": size, "measured_bytes": size, "size_vram_bytes": size, "card_bytes": [], "load_seconds": 3.5,
        "loaded_seconds_ago": 70.0, "last_used_seconds_ago": 12.0, "leases": 0, "waiting": 0, "pinned": False,
        "foreign": False, "active": False, "expires_in_seconds": 288.0, **members}


def waiting(number: int, model: str, **members) -> dict:
    return {"id": number, "model": model, "upstream": "ollama", "client": "127.0.0.1", "priority": "normal",
            "waited_seconds": 4.0, "overdue": False, "swap_debt_seconds": 0.0, "position": number, "expected_seconds": 6.0,
            "why": f"{model} is loading (2.1 s so far)", **members}


def upstream(name: str, budget: int, charged: int, **members) -> dict:
    return {"name": name, "provider": "ollama", "url": "http://127.0.0.1:11434", "up": True, "ready": True, "version": "0.12.3",
            "why": None, "budget_bytes": budget, "charged_bytes": charged, "available_bytes": budget - charged,
            "peak_bytes": charged, "over_budget": charged > budget, "cards": [], "max_loaded_models": 3, "parallel": 4,
            "instances": 0, "waiting": 0, "longest_wait_seconds": 0.0, "bound_seconds": 74.0,
            "counters": dict.fromkeys(COUNTERS, 0), **members}


class StandIn:
    def __init__(self, daemon_url: str, key: str | None = None):
        self.daemon_url, self.key = daemon_url, key
        self.models, self.queue, self.runs, self.upstreams = [], [], [], [upstream("ollama", 22 * GIB, 0)]
        self.sequence = 0
        self.kept: list[bytes] = []
        self.readers: list[queue.Queue] = []
        self.posted: list[tuple[str, dict]] = []
        self.asked: list[str] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def set_models(self, *models: dict, budget: int = 22 * GIB):
        self.models = list(models)
        self.upstreams = [upstream("ollama", budget, sum(model["charge_bytes"] for model in models))]

    def event(self, kind: str, model: str, text: str, ago: float = 0, **members) -> bytes:
        self.sequence += 1
        data = {"sequence": self.sequence, "time": stamp(ago), "upstream": "ollama", "kind": kind, "text": text, **members}
        if model:
            data["model"] = model
        return f"id: {self.sequence}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()

    def tell(self, *events: bytes):
        self.kept += events
        for reader in list(self.readers):
            reader.put(b"".join(events))

    def answer(self, path: str) -> dict | None:
        run = next((run for run in self.runs if path.endswith(f"/runs/{run['id']}")), None)
        return run or {
            "/plimsoll/v1/status": {"version": "0.0.0", "time": stamp(), "ready": True, "draining": False, "enabled": True,
                                    "auto_unload": True, "queue": len(self.queue), "upstreams": self.upstreams},
            "/plimsoll/v1/models": {"models": self.models}, "/plimsoll/v1/queue": {"waiting": self.queue},
            "/plimsoll/v1/runs": {"runs": self.runs}, "/api/tags": {"models": []},
        }.get(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for reader in list(self.readers):
            reader.put(None)
        self._server.shutdown()
        self._server.server_close()


def handler(stand_in: StandIn):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status: int, body: bytes, fields=(("Content-Type", "application/json"),)):
            self.send_response(status)
            for name, value in fields:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def page(self, path: str):
            with urllib.request.urlopen(stand_in.daemon_url + path, timeout=20) as answer:
                kept = [(name, value) for name, value in answer.headers.items() if name not in ("Content-Length", "Connection", "Date")]
                self.reply(200, answer.read(), kept)

        def is_allowed(self) -> bool:
            sent = self.headers.get("Authorization", "")
            stand_in.asked.append(self.path.split("?")[0])
            if stand_in.key is None or sent == f"Bearer {stand_in.key}":
                return True
            self.reply(401, b'{"error": "This key is not known here; ask whoever runs Plimsoll for one"}')
            return False

        def do_GET(self):
            path = self.path.split("?")[0]
            if path == "/plimsoll/" or path.startswith("/plimsoll/page/"):
                self.page(path)
            elif not self.is_allowed():
                return
            elif path == "/plimsoll/v1/events":
                self.stream()
            else:
                found = stand_in.answer(path)
                self.reply(404 if found is None else 200, json.dumps(found or {"error": f"no {path} here"}).encode())

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if self.is_allowed():
                stand_in.posted.append((self.path, body))
                self.reply(409, json.dumps({"error": f"{body.get('model')} is pinned; unpin it first"}).encode())

        def stream(self):
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            reader: queue.Queue = queue.Queue()
            reader.put(b"".join(stand_in.kept) or b": hello\n\n")
            stand_in.readers.append(reader)
            try:
                while (piece := reader.get()) is not None:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass
            finally:
                stand_in.readers.remove(reader)

    return Handler
