#!/usr/bin/env python3
"""Whose turn it is, seen from outside: no starvation, swaps by the quantum, nothing for those who left."""

import threading
import time
import unittest

from support.process import Serve, Sim, post, post_json, slowness, wait_for
from support.raw import Background, RawClient, post_bytes

# Both need about 5 GiB, so the budget has room for one. 4 GiB/s: a load takes about 1.5 s.
A, B = "llama3.1:8b", "qwen3:8b"
BUDGET = "8GiB"


def generate(url, model, predict=8, **members):
    answer = post(url + "/api/generate", {"model": model, "prompt": "hi", "stream": False,
                                          "options": {"num_predict": predict}, **members}, timeout=120)
    if answer.status != 200:
        raise AssertionError(f"{model}: {answer.status} {answer.body[:300]!r}")


class Schedule(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Sim("--vram", "24GiB", "--load-bandwidth", "4GiB", "--tokens-per-second", "40"))
        self.serve = self.enterContext(Serve(self.sim.url, budget=BUDGET))
        self.serve.wait_ready()

    def tearDown(self):
        books = self.sim.books()
        self.assertEqual(0, books["out_of_memory"], books)
        self.assertEqual(0, books["self_evictions"], books)
        self.assertEqual(0, self.serve.status()["upstreams"][0]["counters"]["violations"])

    def test_one_request_is_served_while_others_keep_the_other_model_busy(self):
        url = self.serve.url
        generate(url, A)
        stop = threading.Event()
        with Background(lambda: generate(url, A)), Background(lambda: generate(url, A)), \
                Background(lambda: generate(url, A)) as third:
            wait_for(lambda: third.done, 20, "busy")
            start = time.monotonic()
            generate(url, B)
            waited = time.monotonic() - start
            count = len(third.done)
            wait_for(lambda: len(third.done) > count, 60, "A served again after B")
        stop.set()
        # T 15 s + quantum 8 * (2 + 1) s + load, unload and one answer; with room for a slow machine.
        self.assertLess(waited, 60 * slowness())

    def test_two_closed_loops_swap_by_the_quantum_not_by_the_request(self):
        url = self.serve.url
        with Background(lambda: generate(url, A, 4), 0.1) as one, Background(lambda: generate(url, B, 4), 0.1) as two:
            wait_for(lambda: len(one.done) >= 12 and len(two.done) >= 12, 150, "both served",
                     lambda: f"A {len(one.done)}, B {len(two.done)}\n{self.serve.output()}")
            answers = len(one.done) + len(two.done)
        loads = self.sim.books()["loads"]
        self.assertLess(loads, answers / 4, f"{loads} loads for {answers} answers")

    def test_a_client_says_how_urgent_it_is_and_how_long_it_waits(self):
        url = self.serve.url
        question = {"model": A, "prompt": "hi", "stream": False, "options": {"num_predict": 1}}
        with RawClient(self.serve.port) as busy:
            busy.send(post_bytes("/api/generate", {"model": A, "prompt": "hi", "options": {"num_predict": 100000}}))
            busy.read_until(b"response")
            with Background(lambda: post(url + "/api/generate", question, headers={"Priority": "u=1"})) as urgent:
                wait_for(lambda: [w["priority"] for w in self.serve.queue()] == ["high"], 10, "in the queue as high")
                late = post(url + "/api/generate", question, headers={"Prefer": "wait=1"})
                self.assertEqual(504, late.status)
                self.assertIn("deadline passed", late.json()["error"])
                busy.close()
                wait_for(lambda: urgent.done, 20, "served once the slot is free")

    def test_a_hundred_identical_cold_requests_cause_one_load(self):
        url = self.serve.url
        failures = []

        def ask():
            try:
                generate(url, A, 1)
            except BaseException as failure:  # noqa: BLE001
                failures.append(failure)

        threads = [threading.Thread(target=ask) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120 * slowness())
        self.assertEqual([], failures)
        self.assertEqual(1, self.sim.books()["loads"])


class Departed(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Sim("--vram", "24GiB", "--load-bandwidth", "2GiB", "--tokens-per-second", "20"))
        self.serve = self.enterContext(Serve(self.sim.url, budget=BUDGET))
        self.serve.wait_ready()

    def leave(self, client, reset):
        client.close(reset)

    def start(self, model, **members):
        client = RawClient(self.serve.port)
        client.send(post_bytes("/api/generate", {"model": model, "prompt": "hi", "options": {"num_predict": 400},
                                                 **members}))
        return client

    def leases(self):
        return sum(model["leases"] for model in self.serve.models())

    def test_leaving_the_queue_frees_the_place_and_loads_nothing(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                busy = self.start(A)
                busy.read_until(b"response")
                waiting = self.start(B)
                wait_for(lambda: len(self.serve.queue()) == 1, 5, "queued")
                self.leave(waiting, reset)
                wait_for(lambda: self.serve.queue() == [], 1, "out of the queue")
                busy.close()
                wait_for(lambda: self.leases() == 0, 1, "lease given back")
        self.assertNotIn(B, [e["model"] for e in self.sim.books()["log"] if e["what"] == "load_start"])

    def test_leaving_while_the_model_loads_frees_the_place(self):
        client = self.start(A)
        wait_for(lambda: any(m["state"] == "loading" for m in self.serve.models()), 5, "loading")
        client.close(True)
        wait_for(lambda: self.serve.queue() == [], 1, "out of the queue")

    def test_leaving_before_the_first_byte_closes_the_upstream_request(self):
        post_json(self.serve.url + "/api/generate", {"model": A})
        self.sim.fault("hang", path="/api/generate", count=1)
        client = self.start(A)
        wait_for(lambda: self.leases() == 1, 5, "leased")
        client.close()
        wait_for(lambda: self.leases() == 0, 1, "lease given back")

    def test_leaving_in_mid_stream_frees_the_lease(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                client = self.start(A)
                client.read_until(b"response")
                self.assertEqual(1, self.leases())
                client.close(reset)
                wait_for(lambda: self.leases() == 0, 1, "lease given back")
        self.assertEqual(1, self.sim.books()["loads"])


if __name__ == "__main__":
    unittest.main()
