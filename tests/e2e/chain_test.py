#!/usr/bin/env python3
"""Chains through the whole program, in front of the simulated server: models that do not fit together, the same chain by every
way there is, other clients beside runs, and a daemon that is killed. PLIMSOLL_TEST_KILLS sets how often (default 8)."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from support.process import ROOT, Serve, Sim, binary, clean_environment, get_json, post, post_json, request, slowness, wait_for

KILLS = int(os.environ.get("PLIMSOLL_TEST_KILLS", "8"))
PYTHON_SITE = Path(os.environ.get("PLIMSOLL_TEST_CLIENTS", ROOT / "build" / "clients")) / "python"
GB, GIB = 10**9, 1 << 30
QUESTION = "Why do ships carry a load line?"
BIG = {
    "models": ["ollama/mistral-small:22b", "ollama/deepseek-r1:70b", "ollama/mistral-small:22b"],
    "instructions": ["Quick analysis: {input}", "Deep reasoning: {input}", "Final summary: {input}"],
    "management": {"num_ctx": 32768},
}

if PYTHON_SITE.is_dir():
    sys.path.insert(0, str(PYTHON_SITE))


def run(serve, document, text=QUESTION, **more):
    body = {"chain": document, "input": text, **more}
    return post_json(serve.url + "/plimsoll/v1/chains/run", body, timeout=300)


def one_each(models):
    return [{"model": model, "instruction": "{input}"} for model in models]


def equal_models(count, size):
    """A catalogue of files of weights that differ in nothing but their contents."""
    weights, models = [], []
    for i in range(count):
        memory = {"device_bytes": size, "kv_per_token": 65536}
        weights.append({"id": f"w{i}", "file_bytes": size, "layers": 32, "memory": memory})
        models.append({"name": f"m{i}:1b", "weights": f"w{i}", "capabilities": ["completion"]})
    return {"weights": weights, "models": models}


class ModelsInTurn(unittest.TestCase):
    def check_books(self, sim, budget):
        books = sim.books()
        self.assertEqual(0, books["in_use"], books)
        self.assertLessEqual(books["peak"], budget)
        for fault in ("out_of_memory", "self_evictions", "reloads", "crashes"):
            self.assertEqual(0, books[fault], fault)
        return books

    def test_two_big_models_that_do_not_fit_together(self):
        with Sim("--vram", "64GB", "--time-scale", "50") as sim, Serve(sim.url, budget="60GB") as serve:
            serve.wait_ready()
            result = run(serve, BIG)
            self.assertEqual("succeeded", result["status"], result)
            self.assertEqual(["mistral-small:22b", "deepseek-r1:70b", "mistral-small:22b"],
                             [step["model"] for step in result["steps"]])
            self.assertTrue(result["output"])
            status = serve.status()
            self.assertEqual(0, status["charged_bytes"])
            self.assertLessEqual(status["peak_bytes"], 60 * GB)
            self.assertEqual(3, self.check_books(sim, 60 * GB)["loads"])

    def test_twelve_models_of_one_size_one_at_a_time(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "catalogue.json"
            file.write_text(json.dumps(equal_models(12, 4 * GIB)))
            with Sim("--models", str(file), "--vram", "80GiB", "--time-scale", "100", "--max-loaded", "20") as sim, \
                    Serve(sim.url, "--max-loaded", "20", budget="78GiB") as serve:
                serve.wait_ready()
                names = [model["name"] for model in equal_models(12, 0)["models"]]
                result = run(serve, {"steps": one_each(names), "management": {"max_loaded_models": 1}})
                self.assertEqual("succeeded", result["status"], result)
                self.assertEqual(12, result["loads"])
                sizes = [entry["bytes"] for entry in sim.books()["log"] if entry["what"] == "load_start"]
                self.assertEqual(12, len(sizes))
                self.check_books(sim, sum(sizes) / 10)
                # As many as fit: the next one is loaded while a step answers.
                sim.reset_books()
                free = run(serve, {"steps": one_each(names)})
                self.assertEqual(12, free["loads"])
                self.assertGreater(self.check_books(sim, 78 * GIB)["peak"], 4 * GIB + GIB)

    def test_other_clients_are_served_while_runs_go_on(self):
        with Sim("--vram", "24GiB", "--time-scale", "20") as sim, Serve(sim.url, budget="16GiB") as serve:
            serve.wait_ready()
            chain = {"steps": one_each(["llama3.1:8b", "qwen3:8b", "llama3.1:8b"])}
            urls = [post(serve.url + "/plimsoll/v1/chains/run", {"chain": chain, "input": f"run {i}"},
                         headers={"Prefer": "respond-async"}).json()["url"] for i in range(10)]
            for i in range(10):
                answer = post(serve.url + "/api/generate", {"model": "llama3.1:8b", "prompt": f"{i}", "stream": False,
                                                            "options": {"num_predict": 8}}, timeout=120)
                self.assertEqual(200, answer.status, answer.body)
            for url in urls:
                wait_for(lambda: get_json(serve.url + url)["status"] != "running", 120, "ended", serve.output)
                self.assertEqual("succeeded", get_json(serve.url + url)["status"])
            # Equal steps of many runs are answered together: fewer loads than steps.
            self.assertLess(sim.books()["loads"], 15)
            self.assertEqual(0, serve.status()["upstreams"][0]["counters"]["violations"])


class EveryWay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(Sim("--vram", "64GB", "--time-scale", "50"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url, budget="60GB"))
        cls.serve.wait_ready()
        answer = request("PUT", cls.serve.url + "/plimsoll/v1/chains/load-line", json.dumps(BIG).encode())
        assert answer.status == 200, answer.body
        cls.expected = run(cls.serve, BIG)["output"]

    def test_saved_by_its_endpoint(self):
        result = post_json(self.serve.url + "/plimsoll/v1/chains/load-line/run", {"input": QUESTION}, timeout=120)
        self.assertEqual(self.expected, result["output"])

    def test_by_the_command_line(self):
        env = {**clean_environment(), "PLIMSOLL_URL": self.serve.url}
        done = subprocess.run([binary(), "chain", "run", "load-line", "--input", QUESTION], env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * slowness())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(self.expected, done.stdout)
        self.assertIn("step 3 of 3", done.stderr)

    @unittest.skipUnless((PYTHON_SITE / "ollama").is_dir() or os.environ.get("CI") == "true",
                         "no ollama package; scripts/test installs it")
    def test_by_the_ollama_library(self):
        import ollama
        client = ollama.Client(host=self.serve.url)
        self.assertIn("chain/load-line", [model.model for model in client.list().models])
        self.assertIn("completion", client.show("chain/load-line").capabilities)
        messages = [{"role": "user", "content": QUESTION}]
        whole = client.chat(model="chain/load-line", messages=messages)
        self.assertEqual(self.expected, whole.message.content)
        self.assertTrue(whole.message.thinking)
        pieces = list(client.chat(model="chain/load-line", messages=messages, stream=True))
        self.assertEqual(self.expected, "".join(piece.message.content for piece in pieces))
        self.assertTrue(pieces[-1].done)
        self.assertEqual(self.expected, client.generate(model="chain/load-line", prompt=QUESTION).response)
        with self.assertRaises(ollama.ResponseError) as raised:
            client.delete("chain/load-line")
        self.assertIn("plimsoll chain delete", str(raised.exception))

    @unittest.skipUnless((PYTHON_SITE / "openai").is_dir() or os.environ.get("CI") == "true",
                         "no openai package; scripts/test installs it")
    def test_by_the_openai_library(self):
        import openai
        client = openai.OpenAI(base_url=self.serve.url + "/v1", api_key="none", timeout=120)
        self.assertIn("chain/load-line", [model.id for model in client.models.list().data])
        self.assertEqual("chain/load-line", client.models.retrieve("chain/load-line").id)
        messages = [{"role": "user", "content": QUESTION}]
        whole = client.chat.completions.create(model="chain/load-line", messages=messages)
        self.assertEqual(self.expected, whole.choices[0].message.content)
        pieces = list(client.chat.completions.create(model="chain/load-line", messages=messages, stream=True))
        self.assertEqual(self.expected, "".join(piece.choices[0].delta.content or "" for piece in pieces))
        self.assertEqual("stop", pieces[-1].choices[0].finish_reason)


class Killed(unittest.TestCase):
    """Whenever the daemon is killed, a run ends with the right output, and no step that had ended is executed again."""

    STEPS = 5
    CHAIN = {"steps": [{"name": f"s{i}", "model": ["llama3.1:8b", "qwen3:8b"][i % 2],
                        "instruction": f"{i}: {{original}} {{input}}"} for i in range(STEPS)]}

    def finished(self, serve, url):
        """How often each step ended, by all that was ever written down."""
        counts = {}
        for line in request("GET", serve.url + url + "/events").body.splitlines():
            event = json.loads(line)
            if event["event"] == "step_finished":
                key = (event["step"], event["execution"])
                counts[key] = counts.get(key, 0) + 1
        return counts

    def test_at_random_moments(self):
        seed = int(os.environ.get("PLIMSOLL_TEST_SEED", random.SystemRandom().randrange(1 << 30)))
        print(f"seed {seed} (PLIMSOLL_TEST_SEED), {KILLS} kills")
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, Sim("--vram", "24GiB", "--time-scale", "20") as sim:
            state = str(Path(folder) / "state.db")
            with Serve(sim.url, budget="16GiB", state=state) as serve:
                serve.wait_ready()
                began = time.monotonic()
                whole = run(serve, self.CHAIN)
                took = time.monotonic() - began
            for kill in range(KILLS):
                with Serve(sim.url, budget="16GiB", state=state) as serve:
                    serve.wait_ready()
                    accepted = post(serve.url + "/plimsoll/v1/chains/run", {"chain": self.CHAIN, "input": QUESTION},
                                    headers={"Prefer": "respond-async"}).json()
                    time.sleep(rng.uniform(0, took))
                    before = get_json(serve.url + accepted["url"])
                    serve.kill()
                with Serve(sim.url, budget="16GiB", state=state) as serve:
                    serve.wait_ready()
                    wait_for(lambda: get_json(serve.url + accepted["url"])["status"] != "running", 120, "ended",
                             serve.output)
                    result = get_json(serve.url + accepted["url"])
                    self.assertEqual("succeeded", result["status"], result)
                    self.assertEqual(whole["output"], result["output"], f"kill {kill}")
                    self.assertEqual([str(i + 1) for i in range(self.STEPS)], [s["step"] for s in result["steps"]])
                    counts = self.finished(serve, accepted["url"])
                    self.assertEqual({(str(i + 1), 1): 1 for i in range(self.STEPS)}, counts)
                    # What had ended is the same record, its time included.
                    for old, new in zip(before["steps"], result["steps"]):
                        self.assertEqual(old, new)

    def test_one_that_is_not_durable_fails_and_says_why(self):
        with tempfile.TemporaryDirectory() as folder, Sim("--vram", "24GiB", "--time-scale", "2") as sim:
            state = str(Path(folder) / "state.db")
            with Serve(sim.url, budget="16GiB", state=state) as serve:
                serve.wait_ready()
                accepted = post(serve.url + "/plimsoll/v1/chains/run",
                                {"chain": {**self.CHAIN, "durable": False}, "input": QUESTION},
                                headers={"Prefer": "respond-async"}).json()
                wait_for(lambda: sim.books()["loads"] > 0, 30, "loading")
                serve.kill()
            with Serve(sim.url, budget="16GiB", state=state) as serve:
                serve.wait_ready()
                wait_for(lambda: get_json(serve.url + accepted["url"])["status"] == "failed", 30, "failed")
                self.assertIn("durable is false", get_json(serve.url + accepted["url"])["error"])

    def test_one_that_is_asked_to_stop_goes_on_later(self):
        with tempfile.TemporaryDirectory() as folder, Sim("--vram", "24GiB", "--time-scale", "5") as sim:
            state = str(Path(folder) / "state.db")
            with Serve(sim.url, budget="16GiB", state=state) as serve:
                serve.wait_ready()
                accepted = post(serve.url + "/plimsoll/v1/chains/run", {"chain": self.CHAIN, "input": QUESTION},
                                headers={"Prefer": "respond-async"}).json()
                wait_for(lambda: len(get_json(serve.url + accepted["url"])["steps"]) > 0, 60, "behind its first step")
                self.assertEqual(0, serve.stop(60))
            with Serve(sim.url, budget="16GiB", state=state) as serve:
                serve.wait_ready()
                wait_for(lambda: get_json(serve.url + accepted["url"])["status"] == "succeeded", 120, "ended",
                         serve.output)


if __name__ == "__main__":
    unittest.main()
