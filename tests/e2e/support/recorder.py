"""An upstream that records every byte it gets and answers as it is told: for what a simulated Ollama is too polite."""

import json
import socket
import threading


class Recorder:
    """Each connection's requests are read by Content-Length. `script(request)` gives the answer's bytes, or a function
    of the connection that sends them and says whether the connection goes on."""

    def __init__(self, script=None):
        self.requests: list[bytes] = []
        self.connections = 0
        self.script = script or (lambda request: ollama_answer(request))
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        held = b""
        with connection:
            while True:
                try:
                    while b"\r\n\r\n" not in held:
                        got = connection.recv(65536)
                        if not got:
                            return
                        held += got
                    head, _, held = held.partition(b"\r\n\r\n")
                    size = 0
                    for line in head.split(b"\r\n")[1:]:
                        name, _, value = line.partition(b":")
                        if name.strip().lower() == b"content-length":
                            size = int(value)
                    while len(held) < size:
                        got = connection.recv(65536)
                        if not got:
                            return
                        held += got
                    whole, held = head + b"\r\n\r\n" + held[:size], held[size:]
                    with self._lock:
                        self.requests.append(whole)
                    answer = self.script(whole)
                    if not callable(answer):
                        connection.sendall(answer)
                    elif not answer(connection):
                        return
                except OSError:
                    return

    def asked(self, path: str) -> list[bytes]:
        """The requests whose target starts with the path."""
        with self._lock:
            return [r for r in self.requests if r.split(b" ", 2)[1].startswith(path.encode())]

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def answer_json(value, status="200 OK"):
    body = json.dumps(value).encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


LOADED = threading.Event()
_ROW = {"name": "rec:1b", "model": "rec:1b", "size": 1 << 30, "digest": "d" * 64,
        "details": {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "1B",
                    "quantization_level": "Q4_K_M", "parent_model": ""}}


def ollama_answer(request: bytes) -> bytes:
    """Enough of Ollama for one model `rec:1b`."""
    path = request.split(b" ", 2)[1].split(b"?")[0].decode()
    body = request.partition(b"\r\n\r\n")[2]
    if path == "/api/version":
        return answer_json({"version": "0.32.7"})
    if path == "/api/tags":
        return answer_json({"models": [{**_ROW, "modified_at": "2026-01-01T00:00:00Z", "capabilities": ["completion"]}]})
    if path == "/api/ps":
        rows = [{**_ROW, "size_vram": 1 << 30, "expires_at": "2318-01-01T00:00:00Z", "context_length": 4096}]
        return answer_json({"models": rows if LOADED.is_set() else []})
    if path == "/api/show":
        return answer_json({
            "modelfile": "FROM /m/blobs/sha256-" + "b" * 64 + "\n", "parameters": "", "details": _ROW["details"],
            "capabilities": ["completion"], "tensors": [],
            "model_info": {"general.architecture": "llama", "llama.block_count": 16, "llama.context_length": 8192,
                           "llama.embedding_length": 2048, "llama.attention.head_count": 32,
                           "llama.attention.head_count_kv": 8}})
    if path == "/api/generate" and b'"prompt"' not in body:
        if b'"keep_alive":0' in body.replace(b" ", b""):
            LOADED.clear()
        else:
            LOADED.set()
        return answer_json({"model": "rec:1b", "created_at": "2026-01-01T00:00:00Z", "response": "", "done": True,
                            "done_reason": "load"})
    return answer_json({"model": "rec:1b", "created_at": "2026-01-01T00:00:00Z", "response": "ok", "done": True,
                        "done_reason": "stop"})
