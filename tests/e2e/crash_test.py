#!/usr/bin/env python3
"""Ends: killed at random moments, asked to stop in mid-stream, told to read its configuration again."""

import json
import os
import random
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support.process import Serve, Sim, get_json, post, wait_for
from support.raw import RawClient, post_bytes

KILLS = int(os.environ.get("PLIMSOLL_TEST_KILLS", "12"))
MODELS = ["llama3.1:8b", "qwen3:8b", "gemma3:4b"]
BUDGET = 14 << 30


def ask(url, model):
    try:
        post(url + "/api/generate", {"model": model, "prompt": "hi", "stream": False, "options": {"num_predict": 4}})
    except OSError:
        pass  # the daemon is being killed


class Killed(unittest.TestCase):
    def test_after_a_kill_the_same_rows_are_charged_with_at_least_their_true_bytes(self):
        seed = int(os.environ.get("PLIMSOLL_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
        print(f"seed {seed} (PLIMSOLL_TEST_SEED), {KILLS} kills")
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, \
                Sim("--vram", str(BUDGET), "--load-bandwidth", "16GiB", "--tokens-per-second", "200") as sim:
            state = str(Path(folder) / "state.db")
            for kill in range(KILLS):
                with Serve(sim.url, budget=str(BUDGET), state=state) as serve:
                    serve.wait_ready()
                    rows = {row["name"] for row in get_json(sim.url + "/api/ps")["models"]}
                    books = sim.books()
                    self.check_adopted(serve, rows, books)
                    threads = [threading.Thread(target=ask, args=(serve.url, rng.choice(MODELS)), daemon=True)
                               for _ in range(6)]
                    for thread in threads:
                        thread.start()
                    time.sleep(rng.uniform(0, 1.2))
                    serve.kill()
                    for thread in threads:
                        thread.join(30)
            books = sim.books()
            self.assertLessEqual(books["peak"], BUDGET)
            self.assertEqual(0, books["out_of_memory"])
            self.assertEqual(0, books["self_evictions"])

    def check_adopted(self, serve, rows, books):
        models = serve.models()
        self.assertLessEqual(rows, {m["name"] for m in models}, "a loaded row is not in the ledger")
        charged = sum(m["charge_bytes"] for m in models)
        self.assertGreaterEqual(charged, books["in_use"] if rows else 0)


class Stopped(unittest.TestCase):
    def test_sigterm_finishes_streams_refuses_the_queue_and_hands_models_back(self):
        with Sim("--vram", "24GiB", "--load-bandwidth", "8GiB", "--tokens-per-second", "40") as sim, \
                Serve(sim.url, budget="8GiB") as serve:
            serve.wait_ready()
            running = RawClient(serve.port)
            running.send(post_bytes("/api/generate", {"model": MODELS[0], "prompt": "hi",
                                                      "options": {"num_predict": 100}}))
            running.read_until(b"response")
            queued = RawClient(serve.port)
            queued.send(post_bytes("/v1/chat/completions", {
                "model": MODELS[1], "messages": [{"role": "user", "content": "hi"}]}))
            wait_for(lambda: len(serve.queue()) == 1, 5, "queued")
            serve.signal(signal.SIGTERM)
            status, fields, body = queued.read_answer()
            self.assertEqual(503, status, body)
            self.assertGreaterEqual(int(fields["retry-after"]), 1)
            self.assertIn("message", json.loads(body)["error"])
            with self.assertRaises(OSError):
                RawClient(serve.port, 1)
            status, fields, body = running.read_answer()
            self.assertEqual(200, status)
            self.assertTrue(json.loads(body.decode().splitlines()[-1])["done"])
            self.assertEqual(0, serve.wait(30), serve.output())
            row = get_json(sim.url + "/api/ps")["models"][0]
            left = _seconds_until(row["expires_at"])
            self.assertTrue(200 < left < 310, f"handed back with {left} s")

    def test_a_second_signal_ends_at_once(self):
        with Sim("--vram", "24GiB", "--load-bandwidth", "8GiB", "--tokens-per-second", "5") as sim, \
                Serve(sim.url, budget="8GiB") as serve:
            serve.wait_ready()
            running = RawClient(serve.port)
            running.send(post_bytes("/api/generate", {"model": MODELS[0], "prompt": "hi",
                                                      "options": {"num_predict": 2000}}))
            running.read_until(b"response")
            serve.signal(signal.SIGTERM)
            wait_for(lambda: any("drain" in line.lower() or "stopping" in line.lower() for line in serve.lines), 5,
                     "draining", serve.output)
            self.assertTrue(serve.is_running())
            serve.signal(signal.SIGTERM)
            serve.wait(5)


class Reloaded(unittest.TestCase):
    def test_a_reload_drops_no_stream_and_a_bad_file_changes_nothing(self):
        with tempfile.TemporaryDirectory() as folder, \
                Sim("--vram", "24GiB", "--load-bandwidth", "8GiB", "--tokens-per-second", "40") as sim:
            file = Path(folder) / "plimsoll.toml"

            def write(budget, extra=""):
                file.write_text(f'[[upstream]]\nname = "ollama"\nurl = "{sim.url}"\nbudget = "{budget}"\n{extra}')

            write("8GiB")
            with Serve(sim.url, "--config", str(file), budget="") as serve:
                serve.wait_ready()
                running = RawClient(serve.port)
                running.send(post_bytes("/api/generate", {"model": MODELS[0], "prompt": "hi",
                                                          "options": {"num_predict": 80}}))
                running.read_until(b"response")
                write("9GiB")
                serve.signal(signal.SIGHUP)
                wait_for(lambda: serve.status()["upstreams"][0]["budget_bytes"] == 9 << 30, 5, "reloaded", serve.output)
                write("10GiB", 'budgett = "1GiB"\n')
                serve.signal(signal.SIGHUP)
                wait_for(lambda: any("budgett" in line for line in serve.lines), 5, "refused", serve.output)
                self.assertEqual(9 << 30, serve.status()["upstreams"][0]["budget_bytes"])
                status, _, body = running.read_answer()
                self.assertEqual(200, status)
                self.assertTrue(json.loads(body.decode().splitlines()[-1])["done"])


def _seconds_until(text):
    from datetime import datetime, timezone
    head, _, _ = text.replace("Z", "+00:00").partition(".")
    zone = text[-6:] if text[-6] in "+-" else "+00:00"
    moment = datetime.fromisoformat(head[:19] + zone)
    return (moment - datetime.now(timezone.utc)).total_seconds()


if __name__ == "__main__":
    unittest.main()
