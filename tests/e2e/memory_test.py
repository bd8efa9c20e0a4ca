#!/usr/bin/env python3
"""True sizes that differ from the prediction by up to 5 % either way: the budget holds over a thousand loads, and sizes that
agree are charged instead of the prediction. PLIMSOLL_TEST_MEMORY_LOADS sets the number of loads (default 1000)."""

import json
import math
import os
import random
import tempfile
import threading
import unittest
from pathlib import Path

from support.process import Serve, Sim, get_json, post, post_json, slowness

LOADS = int(os.environ.get("PLIMSOLL_TEST_MEMORY_LOADS", "1000"))
GIB = 1 << 30
BUDGET = 16 * GIB
OVERHEAD = 450 << 20  # of a process, as long as no driver tells
MODELS = [f"m{i}:1b" for i in range(12)]


def catalogue(device_bytes):
    """Twelve files of 2 to 7.5 GiB; `device_bytes` of a file may differ from its size."""
    weights, models = [], []
    for i, name in enumerate(MODELS):
        size = 2 * GIB + i * GIB // 2
        memory = {"device_bytes": device_bytes.get(name, size), "kv_per_token": 65536}
        weights.append({"id": f"w{i}", "file_bytes": size, "layers": 32, "memory": memory})
        models.append({"name": name, "weights": f"w{i}", "capabilities": ["completion"]})
    return {"weights": weights, "models": models}


class Memory(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.random = random.Random(5)

    def start(self, device_bytes):
        file = self.folder / "catalogue.json"
        file.write_text(json.dumps(catalogue(device_bytes)))
        # Larger than the budget: what comes over that must be seen, not fail.
        sim = self.enterContext(Sim("--models", str(file), "--vram", "64GiB", "--max-loaded", "8",
                                     "--time-scale", "2000"))
        serve = self.enterContext(Serve(sim.url, "--max-loaded", "8", budget=str(BUDGET)))
        serve.wait_ready()
        return sim, serve

    def estimates(self, serve):
        return {name: post_json(serve.url + "/plimsoll/v1/estimate", {"model": name}) for name in MODELS}

    def ask(self, serve, name):
        return post(serve.url + "/api/generate", {"model": name, "prompt": "x", "stream": False,
                                                  "options": {"num_predict": 1}}, timeout=120)

    def listed(self, serve, name):
        """What the upstream says that a model takes."""
        self.assertEqual(200, self.ask(serve, name).status)
        rows = get_json(serve.url + "/plimsoll/v1/models")["models"]
        return next(row["measured_bytes"] for row in rows if row["name"] == name)

    def test_a_thousand_loads_of_sizes_that_were_predicted_wrong(self):
        _, serve = self.start({})
        predicted = {name: e["total"] - e["overhead"] for name, e in self.estimates(serve).items()}
        plain = {name: self.listed(serve, name) for name in MODELS}
        factor = {name: 0.95 + 0.1 * i / (len(MODELS) - 1) for i, name in enumerate(MODELS)}
        device = {name: 2 * GIB + i * GIB // 2 + int(factor[name] * predicted[name]) - plain[name]
                  for i, name in enumerate(MODELS)}
        sim, serve = self.start(device)
        failures = []

        def client(seed):
            mine = random.Random(seed)
            while sim.books()["loads"] < LOADS:
                answer = self.ask(serve, mine.choice(MODELS))
                if answer.status != 200:
                    failures.append(answer.body[:300])

        clients = [threading.Thread(target=client, args=(seed,)) for seed in range(6)]
        for each in clients:
            each.start()
        for each in clients:
            each.join(900 * slowness())
            self.assertFalse(each.is_alive(), "the loads take too long")
        books = sim.books()
        self.assertEqual([], failures[:3])
        self.assertGreaterEqual(books["loads"], LOADS)
        self.assertLessEqual(books["peak"], BUDGET)
        self.assertEqual(0, books["out_of_memory"])
        self.assertEqual(0, books["self_evictions"])
        self.assertEqual(0, serve.status()["upstreams"][0]["counters"]["violations"])
        self.check_charges(serve, predicted, factor)
        print(f"{books['loads']} loads, at most {books['peak'] / BUDGET:.1%} of the budget in use")

    def check_charges(self, serve, predicted, factor):
        """After three loads that agree the charge is the measured size, 0.3 % and the process."""
        estimates = self.estimates(serve)
        for name in MODELS:
            measured = estimates[name]["measured"]
            self.assertTrue(measured["certain"], f"{name}: {measured}")
            self.assertGreaterEqual(measured["count"], 3)
            self.assertAlmostEqual(measured["bytes"] / predicted[name], factor[name], delta=0.001)
        for name in MODELS:
            self.assertEqual(200, self.ask(serve, name).status)
            row = next(m for m in get_json(serve.url + "/plimsoll/v1/models")["models"] if m["name"] == name)
            expected = math.ceil(estimates[name]["measured"]["bytes"] * 1.003) + OVERHEAD
            self.assertAlmostEqual(row["charge_bytes"], expected, delta=2)
            if factor[name] < 0.99:
                self.assertLess(row["charge_bytes"], estimates[name]["total"])


if __name__ == "__main__":
    unittest.main()
