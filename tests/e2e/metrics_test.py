#!/usr/bin/env python3
"""/metrics, read by a real Prometheus; the alert rules and the Grafana dashboard against what is really there; the
figures against the simulator's books and against what the client saw."""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from support.driver import GIB, Driver
from support.process import ROOT, Serve, Sim, get_json, post, request, wait_for
from support.prometheus import (
    RULE_TESTS, RULES, Prometheus, Scrape, dashboard_expressions, names_in, needs_prometheus)
from support.raw import RawClient
from support.tool_servers import section, step

# On two cards of 23 GiB the third has room only where one of the others was.
MODELS = ("gemma3:27b", "mistral-small:22b", "qwen3:32b")
TOOL_SERVER = Path(__file__).parent / "tool_servers" / "changing_server.py"
TABLE_ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]*) \| (.*) \|$", re.M)


class Traffic:
    """A small scripted run; what the client sent and got is in `codes`, `sent`, `got`."""

    def __init__(self, url: str):
        self.url = url
        self.codes: Counter = Counter()
        self.sent: Counter = Counter()
        self.got: Counter = Counter()

    def note(self, route: str, body: bytes, answer):
        self.codes[route, str(answer.status)] += 1
        self.sent[route] += len(body)
        self.got[route] += len(answer.body)
        return answer

    def post(self, path: str, value, route: str | None = None):
        body = json.dumps(value).encode()
        answer = request("POST", self.url + path, body, {"Content-Type": "application/json"})
        return self.note(route or path, body, answer)

    def get(self, path: str, route: str | None = None):
        return self.note(route or path, b"", request("GET", self.url + path))

    def run_chain(self, *steps: dict) -> str:
        answer = post(self.url + "/plimsoll/v1/chains/run", {"steps": list(steps), "input": "hi"})
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body!r}")
        return answer.json()["status"]

    def run(self):
        prompt = {"model": {"name": MODELS[0], "params": {"options": {"num_predict": 4}}}, "instruction": "{input}"}
        ends = [self.run_chain(prompt, step("changing", "grow")), self.run_chain({**prompt, "model": "absent:1b"})]
        if ends != ["succeeded", "failed"]:
            raise AssertionError(f"the chains ended as {ends}")
        for model in (*MODELS, MODELS[2], MODELS[0]):
            answer = self.post("/api/generate", {"model": model, "prompt": "hi", "stream": model == MODELS[0],
                                                 "options": {"num_predict": 4}})
            if answer.status != 200:
                raise AssertionError(f"{model}: {answer.status} {answer.body[:300]!r}")
        self.post("/v1/chat/completions", {"model": MODELS[0], "messages": [{"role": "user", "content": "hi"}],
                                           "max_tokens": 4})
        self.post("/api/generate", {"model": "absent:1b", "prompt": "hi"})
        self.post("/api/chat", [])
        self.post("/api/invented", {}, "other")
        self.get("/api/tags")
        self.get("/v1/models/" + MODELS[0], "/v1/models/{model}")
        self.get("/nowhere", "other")


class Daemon:
    """Sim, driver of two cards, and Plimsoll after the scripted run."""

    def __init__(self, test_context):
        folder = test_context(tempfile.TemporaryDirectory(prefix="plimsoll-metrics-"))
        self.sim = test_context(Sim("--vram", "48GiB", "--load-bandwidth", "40GiB", "--tokens-per-second", "500"))
        self.driver = Driver(self.sim, folder)
        config = Path(folder) / "plimsoll.toml"
        config.write_text(f'[device]\nnvml_library = "{folder}/none.so"\ndrm_folder = "{folder}"\n' + section(
            {"id": "changing", "command": sys.executable, "args": [str(TOOL_SERVER)]}))
        self.serve = test_context(Serve(self.sim.url, "--config", str(config), budget="auto"))
        self.serve.wait_ready()
        self.url = self.serve.url


daemon: Daemon
traffic: Traffic


def setUpModule():
    global daemon, traffic
    daemon = Daemon(unittest.enterModuleContext)
    unittest.addModuleCleanup(daemon.driver.stop)
    traffic = Traffic(daemon.url)
    traffic.run()
    with RawClient(daemon.serve.port) as rude:
        rude.send(b"HELLO\r\n\r\n")
        rude.read_all()
    # The first loads were compared with their predictions.
    wait_for(lambda: Scrape(daemon.url).value("plimsoll_calibration_samples") > 0, 20, "calibrated",
             lambda: Scrape(daemon.url).text)


class Figures(unittest.TestCase):
    def test_requests_and_bytes_are_those_that_the_client_saw(self):
        scrape = Scrape(daemon.url)
        for (route, code), count in traffic.codes.items():
            self.assertEqual(count, scrape.value("plimsoll_requests_total", route=route, code=code), (route, code))
        counted = {(dict(labels)["route"], dict(labels)["code"]) for (name, labels) in scrape.samples
                   if name == "plimsoll_requests_total"}
        ours = {route for route, _ in counted if route in ("/readyz", "/metrics") or route.startswith("/plimsoll/")}
        self.assertEqual(set(traffic.codes), {each for each in counted if each[0] not in ours})
        for route in traffic.got:
            self.assertEqual(traffic.got[route], scrape.value("plimsoll_response_body_bytes_total", route=route), route)
        for route in ("/api/generate", "/v1/chat/completions", "/api/chat"):
            self.assertEqual(traffic.sent[route], scrape.value("plimsoll_request_body_bytes_total", route=route), route)
        self.assertEqual(1, scrape.value("plimsoll_malformed_requests_total", code="400"))
        answered = sum(count for (route, code), count in traffic.codes.items()
                       if code == "200" and route in ("/api/generate", "/v1/chat/completions"))
        answered += 1  # the step of a chain
        self.assertEqual(answered, scrape.value("plimsoll_first_byte_seconds_count"))
        self.assertEqual(answered, scrape.value("plimsoll_dispatches_total"))
        self.assertEqual(answered, scrape.value("plimsoll_queue_wait_seconds_count"))
        self.assertEqual({"succeeded": 1, "failed": 1, "cancelled": 0},
                         scrape.values("plimsoll_chain_runs_total", "status"))
        self.assertEqual(1, scrape.value("plimsoll_mcp_calls_total", server="changing", result="ok"))

    def test_loads_and_memory_are_those_of_the_simulators_books(self):
        scrape, books, status = Scrape(daemon.url), daemon.sim.books(), daemon.serve.status()["upstreams"][0]
        self.assertGreaterEqual(books["loads"], 4)
        self.assertEqual(books["loads"], scrape.value("plimsoll_loads_total"))
        self.assertEqual(books["loads"], scrape.value("plimsoll_load_seconds_count"))
        self.assertEqual(books["unloads"], scrape.value("plimsoll_unloads_total"))
        self.assertEqual(books["unloads"], scrape.value("plimsoll_unload_seconds_count"))
        loads = Counter(entry["model"] for entry in books["log"] if entry["what"] == "load")
        unloads = Counter(entry["model"] for entry in books["log"] if entry["what"] == "unload")
        self.assertEqual(loads, scrape.values("plimsoll_model_loads_total", "model"))
        self.assertEqual(unloads, scrape.values("plimsoll_model_unloads_total", "model"))
        self.assertGreater(scrape.value("plimsoll_swaps_total"), 0)
        self.assertEqual(scrape.value("plimsoll_swaps_total"), scrape.value("plimsoll_swap_dead_seconds_count"))
        self.assertEqual(0, scrape.value("plimsoll_budget_violations_total"))
        self.assertEqual(status["budget_bytes"], scrape.value("plimsoll_budget_bytes"))
        self.assertEqual(status["charged_bytes"], scrape.value("plimsoll_charged_bytes"))
        self.assertEqual(status["peak_bytes"], scrape.value("plimsoll_peak_charged_bytes"))
        models = daemon.serve.models()
        for metric, member in (("charged", "charge_bytes"), ("predicted", "predicted_bytes"),
                               ("measured", "measured_bytes")):
            self.assertEqual({model["name"]: model[member] for model in models},
                             scrape.values(f"plimsoll_model_{metric}_bytes", "model"))
        listed = {row["name"]: row["size_vram"] for row in get_json(daemon.sim.url + "/api/ps")["models"]}
        self.assertEqual(listed, scrape.values("plimsoll_model_measured_bytes", "model"))
        self.assertEqual([23 * GIB] * 2, list(scrape.values("plimsoll_card_budget_bytes", "card").values()))

    def test_what_fails_is_counted_by_its_reason(self):
        with Sim("--load-bandwidth", "40GiB") as sim, Serve(sim.url, budget="8GiB") as serve:
            serve.wait_ready()
            refused = post(serve.url + "/api/generate", {"model": "llama3.3:70b", "prompt": "hi"})
            self.assertEqual(507, refused.status)
            sim.fault("load_500", model="llama3.1:8b", count=-1)
            failed = post(serve.url + "/api/generate", {"model": "llama3.1:8b", "prompt": "hi"})
            self.assertEqual(500, failed.status, failed.body)
            scrape = Scrape(serve.url)
            self.assertEqual(1, scrape.value("plimsoll_refusals_total", reason="does_not_fit"))
            self.assertEqual(1, scrape.value("plimsoll_refusals_total", reason="load_failed"))
            self.assertEqual(1, scrape.value("plimsoll_load_failures_total", reason="refused"))

    def test_invented_models_and_paths_do_not_grow_the_series(self):
        with Sim() as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=60)

            def ask(method, path, body=None):
                connection.request(method, path, body, {"Content-Type": "application/json"})
                connection.getresponse().read()

            def invent(name):
                ask("POST", "/api/generate", json.dumps({"model": f"{name}:1b", "prompt": "hi"}))
                ask("GET", f"/{name}")

            invent("first")
            Scrape(serve.url)
            before = set(Scrape(serve.url).samples)
            for number in range(5000):
                invent(f"m{number}")
            connection.close()
            after = Scrape(serve.url)
            self.assertEqual(before, set(after.samples))
            self.assertEqual(5001, after.value("plimsoll_requests_total", route="/api/generate", code="404"))


class Documents(unittest.TestCase):
    def test_the_table_of_metrics_is_what_is_scraped(self):
        scrape = Scrape(daemon.url)
        table = {name: (kind, labels, text) for name, kind, labels, text in
                 TABLE_ROW.findall((ROOT / "docs" / "metrics.md").read_text())}
        self.assertEqual(sorted(scrape.help), sorted(table), "the rows would be:\n" + "\n".join(
            f"| `{name}` | {scrape.type[name]} | {', '.join(sorted(scrape.labels(name)))} | {scrape.help[name]} |"
            for name in sorted(scrape.help)))
        for name, (kind, labels, text) in table.items():
            self.assertEqual(scrape.type[name], kind, name)
            self.assertEqual(scrape.help[name], text, name)
            if name in scrape.families():
                self.assertEqual(scrape.labels(name), set(re.findall(r"[a-z]+", labels)), name)

    def test_every_alert_says_what_to_do_and_has_its_tests(self):
        rules = RULES.read_text()
        alerts = re.findall(r"- alert: (\w+)", rules)
        self.assertEqual(len(alerts), len(re.findall(r"summary: ", rules)))
        self.assertEqual([], [each for each in alerts if f'"{each}"' not in RULE_TESTS.read_text()])


@needs_prometheus
class WithPrometheus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prometheus = cls.enterClassContext(Prometheus(daemon.url.removeprefix("http://")))
        wait_for(lambda: cls.prometheus.ask("plimsoll_loads_total"), 30, "scraped",
                 lambda: "\n".join(cls.prometheus.lines))

    def promtool(self, *arguments, text: str = ""):
        done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=300)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_it_scrapes_without_a_fault_and_agrees(self):
        def targets():
            return [(each["health"], each["lastError"]) for each in self.prometheus.get("targets")["activeTargets"]]
        wait_for(lambda: targets() == [("up", "")], 30, "scraped without an error", targets)
        scrape = Scrape(daemon.url)
        for metric in ("plimsoll_loads_total", "plimsoll_charged_bytes", "plimsoll_budget_bytes"):
            self.assertEqual(scrape.value(metric), float(self.prometheus.ask(metric)[0]["value"][1]), metric)

    def test_promtool_finds_nothing(self):
        self.assertEqual("", self.promtool("check", "metrics", text=Scrape(daemon.url).text).strip())
        self.assertIn("SUCCESS", self.promtool("check", "rules", str(RULES)))
        self.assertIn("SUCCESS", self.promtool("test", "rules", str(RULE_TESTS)))

    def test_all_rules_are_loaded_and_evaluate(self):
        def rules():
            return [rule for group in self.prometheus.get("rules")["groups"] for rule in group["rules"]]
        wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()), 30, "evaluated", lambda: rules())
        expected = len(re.findall(r"^\s+- (?:alert|record): ", RULES.read_text(), re.M))
        self.assertEqual(expected, len(rules()))
        self.assertEqual([], [(rule["name"], rule.get("lastError")) for rule in rules() if rule["health"] != "ok"])
        known = Scrape(daemon.url).help
        for rule in rules():
            self.assertEqual(set(), {name for name in names_in(rule["query"])
                                     if name not in known and re.sub(r"_(bucket|sum|count)$", "", name) not in known},
                             rule["name"])

    def test_every_panel_of_the_dashboard_has_its_metrics(self):
        seen = {name for name, _ in Scrape(daemon.url).samples}
        expressions = dashboard_expressions()
        self.assertGreater(len(expressions), 40)
        for title, expression in expressions:
            with self.subTest(title, expression=expression):
                self.prometheus.get("query_range", query=expression, start="0", end="60", step="15")
                self.prometheus.ask(expression)
                missing = names_in(expression) - seen
                self.assertEqual(set(), missing, f"{title} reads what is not there")

    def test_the_water_line_is_drawn_from_what_is_loaded(self):
        titles = {title for title, _ in dashboard_expressions()}
        self.assertIn("Memory by model, under the budget", titles)
        stack = [expression for title, expression in dashboard_expressions()
                 if title == "Memory by model, under the budget" and "model" in expression]
        drawn = {each["metric"].get("model"): float(each["value"][1]) for each in self.prometheus.ask(stack[0])}
        self.assertEqual({model["name"] for model in daemon.serve.models()}, set(drawn))


if __name__ == "__main__":
    unittest.main()
