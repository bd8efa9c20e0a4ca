#!/usr/bin/env python3
"""The budget under load: 30 clients over every inference route and eight models of which any three overflow it, with
faults on. PLIMSOLL_TEST_LOAD_SECONDS sets the length (default 20; CI runs 180)."""

import http.client
import json
import os
import random
import threading
import time
import unittest

from support.process import Serve, Sim, get_json, slowness, wait_for

SECONDS = float(os.environ.get("PLIMSOLL_TEST_LOAD_SECONDS", "20"))
CLIENTS = 30
HUNG = 150  # seconds after which a request counts as hung: above every wait that the budgets here can cause

FAULTS = [
    {"kind": "load_500", "probability": 0.05},
    {"kind": "ignore_unload", "probability": 0.05},
    {"kind": "ps_lag", "ms": 800, "probability": 0.1},
    {"kind": "ps_omit", "probability": 0.02},
    {"kind": "busy_503", "probability": 0.02},
    {"kind": "die_mid_stream", "probability": 0.03},
    {"kind": "one_byte_segments", "probability": 0.05},
    {"kind": "slow_drip", "probability": 0.02},
]


def chat_models(url):
    """Eight local models that can chat, near each other in size, and a budget that any three of them overflow."""
    models = [m for m in get_json(url + "/api/tags")["models"]
              if not m.get("remote_host") and "completion" in m.get("capabilities", []) and m["size"] > 1 << 30]
    by_digest = {m["digest"]: m for m in models}  # one name per model
    models = sorted(by_digest.values(), key=lambda m: m["size"])
    windows = [models[i:i + 8] for i in range(len(models) - 7)]
    window = min(windows, key=lambda w: w[-1]["size"] / w[0]["size"])
    budget = sum(m["size"] for m in window[:3])
    return [m["name"] for m in window], budget


def multipart(model):
    mark = "plimsoll-test-boundary"
    body = (f"--{mark}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
            f"Content-Type: audio/wav\r\n\r\nRIFF....WAVE\r\n--{mark}\r\n"
            f"Content-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--{mark}--\r\n").encode()
    return body, f"multipart/form-data; boundary={mark}"


def questions(model, stream):
    """(path, body) of every inference route that a chat model serves."""
    messages = [{"role": "user", "content": "Say something."}]
    few = {"num_predict": 12}
    return [
        ("/api/generate", {"model": model, "prompt": "hi", "stream": stream, "options": few}),
        ("/api/chat", {"model": model, "messages": messages, "stream": stream, "options": few}),
        ("/api/chat", {"model": model, "messages": messages, "stream": stream, "keep_alive": "1s",
                       "options": {**few, "num_ctx": 8192}}),
        ("/api/generate", {"model": model}),
        ("/api/generate", {"model": model, "keep_alive": 0}),
        ("/v1/chat/completions", {"model": model, "messages": messages, "stream": stream, "max_tokens": 12}),
        ("/v1/completions", {"model": model, "prompt": "hi", "stream": stream, "max_tokens": 12}),
        ("/v1/responses", {"model": model, "input": "hi", "stream": stream, "max_output_tokens": 12}),
        ("/v1/messages", {"model": model, "messages": messages, "stream": stream, "max_tokens": 12}),
        ("/api/%67enerate", {"MODEL": model, "prompt": "hi", "stream": stream, "options": few}),
    ]


class Load:
    def __init__(self, serve, models, seed):
        self.serve, self.models = serve, models
        self.lock = threading.Lock()
        self.counts: dict[str, int] = {}
        self.slowest = 0.0
        self.problems: list[str] = []
        self.random = random.Random(seed)
        self.end = time.monotonic() + SECONDS

    def note(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def client(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.end:
            model = rng.choice(self.models)
            kind = rng.random()
            if kind < 0.05:
                path, body = "/api/embed", {"model": "nomic-embed-text", "input": ["a", "b"]}
            elif kind < 0.08:
                path, body = "/v1/embeddings", {"model": "nomic-embed-text", "input": "a"}
            elif kind < 0.1:
                path, body = "/api/embeddings", {"model": "nomic-embed-text", "prompt": "a"}
            elif kind < 0.12:
                path, body = "/v1/audio/transcriptions", multipart(model)
            else:
                path, body = rng.choice(questions(model, rng.random() < 0.6))
            self.ask(path, body, leave=rng.random() < 0.1, rng=rng)

    def ask(self, path, body, leave, rng):
        if isinstance(body, tuple):
            data, content_type = body
        else:
            data, content_type = json.dumps(body).encode(), "application/json"
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.serve.port, timeout=HUNG * slowness())
        try:
            connection.request("POST", path, data, {"Content-Type": content_type})
            if leave:
                connection.sock.settimeout(rng.uniform(0.05, 2))
            answer = connection.getresponse()
            answer.read()
            self.note(str(answer.status))
            if answer.status >= 500 and b"error" not in (answer.headers.get("content-type", "").encode() + data):
                self.note("5xx")
        except TimeoutError:
            if leave:
                self.note("left")
            else:
                self.problems.append(f"hung: {path} {data[:200]!r}")
        except (http.client.HTTPException, OSError):
            self.note("cut")  # the simulator's die_mid_stream, passed on as a truncation
        finally:
            connection.close()
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - start)


class Budget(unittest.TestCase):
    def test_never_exceeded_whatever_clients_do_and_whatever_fails(self):
        seed = int(os.environ.get("PLIMSOLL_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
        print(f"seed {seed} (PLIMSOLL_TEST_SEED), {SECONDS:g} s")
        with Sim("--vram", "1TiB") as probe:
            models, budget = chat_models(probe.url)
        with Sim("--vram", str(budget), "--load-bandwidth", "6GiB", "--tokens-per-second", "60", "--max-loaded", "3",
                 "--seed", str(seed)) as sim, \
                Serve(sim.url, "--max-loaded", "3", budget=str(budget)) as serve:
            serve.wait_ready()
            for fault in FAULTS:
                sim.fault(**fault, count=-1)
            load = Load(serve, models, seed)
            files = serve.open_files()
            threads = [threading.Thread(target=load.client, args=(seed + i,)) for i in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(SECONDS + 2 * HUNG * slowness())
            self.assertFalse(any(thread.is_alive() for thread in threads), "a client hangs")
            sim.clear_faults()
            print(f"answers {dict(sorted(load.counts.items()))}, slowest {load.slowest:.1f} s")
            books, status = sim.books(), serve.status()
            print({key: value for key, value in books.items() if isinstance(value, int)})
            troubles = ("self_eviction", "out_of_memory", "unload_to_reload")
            if any(entry["what"] in troubles for entry in books["log"]):
                # What led there, from both sides.
                print("\n".join(str(entry) for entry in books["log"]))
                print("\n".join(line for line in serve.lines if " engine: " in line))
            self.assertEqual([], load.problems)
            self.assertTrue(serve.is_running(), serve.output())
            self.assertLessEqual(books["peak"], budget)
            self.assertEqual(0, books["out_of_memory"])
            self.assertEqual(0, books["self_evictions"])
            self.assertEqual(0, status["upstreams"][0]["counters"]["violations"])
            self.assertEqual(0, books["reloads"])
            self.assertGreater(load.counts.get("200", 0), SECONDS / 2)
            wait_for(lambda: serve.queue() == [] and all(m["leases"] == 0 for m in serve.models()), 20, "quiet")
            wait_for(lambda: serve.open_files() <= files + 70, 10, "back to its pooled connections",
                     lambda: f"{serve.open_files()} open files, {files} before")


if __name__ == "__main__":
    unittest.main()
