"""The programs that the relay benchmark compares, each in front of the same upstream, and the upstream itself.

The upstream is nginx with canned answers on the measured route, so that it never is the bottleneck; what a proxy asks
besides (list, facts, loads) is answered by a small server with just enough state to look like Ollama.
"""

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

MODEL = "bench:1b"
WEIGHTS = "b" * 64
ANSWER = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "system_fingerprint": "fp_ollama",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A canned answer."}, "finish_reason": "stop"}],
}, separators=(",", ":"))
QUESTION = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Say something short, please, to me."}],
                       "temperature": 0, "max_tokens": 16}, separators=(",", ":"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port: int, seconds: float = 10):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"nothing listens on port {port} after {seconds} s") from None
            time.sleep(0.02)


class OllamaState(http.server.BaseHTTPRequestHandler):
    """List, facts and loads of one model."""

    protocol_version = "HTTP/1.1"
    loaded = False

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        details = {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "1B",
                   "quantization_level": "Q4_K_M", "parent_model": ""}
        row = {"name": MODEL, "model": MODEL, "size": 1 << 30, "digest": "d" * 64, "details": details}
        if self.path == "/api/version":
            self.answer({"version": "0.32.7"})
        elif self.path == "/api/tags":
            self.answer({"models": [{**row, "modified_at": "2026-01-01T00:00:00Z", "capabilities": ["completion"]}]})
        elif self.path == "/api/ps":
            rows = [{**row, "size_vram": 1 << 30, "expires_at": "2318-01-01T00:00:00Z", "context_length": 4096}]
            self.answer({"models": rows if type(self).loaded else []})
        else:
            self.answer({"error": "not found"}, 404)

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        self.rfile.read(size)
        if self.path == "/api/show":
            self.answer({
                "modelfile": f"FROM /models/blobs/sha256-{WEIGHTS}\n", "parameters": "", "template": "{{ .Prompt }}",
                "details": {"format": "gguf", "family": "llama"}, "capabilities": ["completion"],
                "model_info": {"general.architecture": "llama", "llama.block_count": 16, "llama.context_length": 8192,
                               "llama.embedding_length": 2048, "llama.attention.head_count": 32,
                               "llama.attention.head_count_kv": 8}, "tensors": []})
        elif self.path == "/api/generate":
            type(self).loaded = True
            self.answer({"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "response": "", "done": True,
                         "done_reason": "load"})
        else:
            self.answer({})


class Process:
    def __init__(self, name: str, port: int, args: list[str]):
        self.name, self.port = name, port
        self.child = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, start_new_session=True)
        wait_port(port)

    def pids(self) -> list[int]:
        """The process and its children (nginx has workers)."""
        found = [self.child.pid]
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        found += [int(pid) for pid in children.read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self, key: str, file: str = "smaps_rollup") -> int:
        """Bytes of one line of /proc/PID/FILE, over all processes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
                if line.startswith(key + ":"):
                    total += int(line.split()[1]) * 1024
        return total

    def reset_peak(self):
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)


NGINX = """daemon off; master_process on; worker_processes 1; pid {folder}/{name}.pid; error_log /dev/null crit;
events {{ worker_connections 8192; }}
http {{ access_log off; client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
 fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
 client_max_body_size 0; client_body_buffer_size 64k; keepalive_requests 10000000; keepalive_timeout 600; tcp_nodelay on;
 upstream measured {{ server 127.0.0.1:{target}; keepalive 256; keepalive_requests 10000000; }}
 server {{ listen 127.0.0.1:{port} backlog=4096; {body} }} }}
"""
NGINX_UPSTREAM = """
 location = /v1/chat/completions {{ default_type application/json; return 200 '{answer}'; }}
 location = /direct {{ default_type application/json; return 200 '{answer}'; }}
 location / {{ proxy_pass http://127.0.0.1:{state}; proxy_http_version 1.1; }}"""
NGINX_PROXY = """
 location / { proxy_pass http://measured; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }"""
HAPROXY = """global
 nbthread 1
 maxconn 8192
defaults
 mode http
 option http-no-delay
 timeout connect 2s
 timeout client 600s
 timeout server 600s
 timeout http-keep-alive 600s
frontend in
 bind 127.0.0.1:{port} backlog 4096
 default_backend out
backend out
 http-reuse always
 server one 127.0.0.1:{target}
"""


def start_nginx(name: str, folder: Path, target: int, body: str) -> Process:
    port = free_port()
    file = folder / f"{name}.conf"
    file.write_text(NGINX.format(folder=folder, name=name, target=target, port=port, body=body))
    return Process(name, port, [shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(file)])


def start_upstream(folder: Path) -> Process:
    kind = type("State", (OllamaState,), {})  # what is loaded is its own
    state = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=state.serve_forever, daemon=True).start()
    body = NGINX_UPSTREAM.format(answer=ANSWER, state=state.server_address[1])
    return start_nginx("upstream", folder, state.server_address[1], body)


def start_haproxy(folder: Path, target: int) -> Process:
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, target=target))
    return Process("haproxy", port, [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(file)])


def start_plimsoll(folder: Path, target: int, program: str) -> Process:
    port = free_port()
    return Process("plimsoll", port, [
        program, "serve", "--listen", f"127.0.0.1:{port}", "--upstream", f"http://127.0.0.1:{target}",
        "--budget", "640GiB", "--parallel", "64", "--log-level", "warning", "--state", str(folder / "state.db")])
