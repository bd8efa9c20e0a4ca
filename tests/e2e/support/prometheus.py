"""A real Prometheus (Debian's) on a port of the system's choice, its data in a folder that goes away with it; and the
text format, read by rules of its own."""

import json
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
from pathlib import Path

from support.process import ROOT, request, slowness, wait_for

RULES = ROOT / "config" / "prometheus" / "plimsoll.rules.yml"
RULE_TESTS = ROOT / "config" / "prometheus" / "plimsoll.rules.test.yml"
DASHBOARD = ROOT / "config" / "grafana" / "plimsoll.json"
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')
LISTENS = re.compile(r'msg="Listening on".*address=(127\.0\.0\.1:\d+)')
NAME = re.compile(r'\b((?:plimsoll|process)_[a-z0-9_]+)')

needs_prometheus = unittest.skipUnless(
    shutil.which("prometheus") and shutil.which("promtool"), "Debian's package prometheus is not installed")


class Scrape:
    """One answer of /metrics."""

    def __init__(self, url: str):
        answer = request("GET", url + "/metrics")
        if answer.status != 200:
            raise AssertionError(f"/metrics: {answer.status} {answer.body[:300]!r}")
        self.text = answer.body.decode()
        self.content_type = answer.headers["Content-Type"]
        self.help: dict[str, str] = {}
        self.type: dict[str, str] = {}
        self.samples: dict[tuple, float] = {}
        for line in self.text.splitlines():
            self._take(line)

    def _take(self, line: str):
        if line.startswith("# HELP "):
            name, _, self.help[name] = line[7:].partition(" ")
        elif line.startswith("# TYPE "):
            name, _, self.type[name] = line[7:].partition(" ")
        elif found := SAMPLE.match(line):
            key = (found[1], frozenset(LABEL.findall(found[2] or "")))
            if key in self.samples:
                raise AssertionError(f"twice in one scrape: {line}")
            self.samples[key] = float(found[3])
        else:
            raise AssertionError(f"not the text format: {line!r}")

    def value(self, metric: str, **labels: str) -> float:
        wanted = frozenset(labels.items())
        found = [value for (name, has), value in self.samples.items() if name == metric and wanted <= has]
        return sum(found)

    def values(self, metric: str, label: str) -> dict[str, float]:
        out: dict[str, float] = {}
        for (name, has), value in self.samples.items():
            if name == metric:
                key = dict(has)[label]
                out[key] = out.get(key, 0) + value
        return out

    def labels(self, metric: str) -> set[str]:
        """Names of its labels; those of a histogram without its own `le`."""
        out: set[str] = set()
        for name, has in self.samples:
            if family_of(name, self.type) == metric:
                out |= {label for label, _ in has}
        return out - {"le"}

    def families(self) -> set[str]:
        """Metrics that have a sample."""
        return {family_of(name, self.type) for name, _ in self.samples}


def family_of(sample: str, types: dict) -> str:
    stem = re.sub(r"_(bucket|sum|count)$", "", sample)
    return stem if types.get(stem) == "histogram" else sample


def names_in(expression: str) -> set[str]:
    """Metrics of ours that a PromQL expression reads; recorded ones begin otherwise."""
    without_texts = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    without_recorded = re.sub(r"\b[a-z_]+:[a-z0-9_:]+", "", without_texts)
    return set(NAME.findall(without_recorded))


def dashboard_expressions() -> list[tuple[str, str]]:
    """(title of the panel, expression with its variables filled in)"""
    board = json.loads(DASHBOARD.read_text())
    out = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", [])]
    out += [("annotations", each["expr"]) for each in board["annotations"]["list"]]
    filled = []
    for title, expression in out:
        for variable, value in (("$__rate_interval", "1m"), ("$upstream", ".*"), ("$job", ".*")):
            expression = expression.replace(variable, value)
        if "$" in expression:
            raise AssertionError(f"{title}: a variable that is not declared in {expression}")
        filled.append((title, expression))
    return filled


class Prometheus:
    def __init__(self, target: str):
        self.folder = tempfile.TemporaryDirectory(prefix="plimsoll-prometheus-")
        home = Path(self.folder.name)
        (home / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "plimsoll", "static_configs": [{"targets": [target]}]}],
        }))
        self.lines: list[str] = []
        self.address = ""
        self._listening = threading.Event()
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
             "--web.listen-address=127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._listening.wait(30 * slowness())
        try:
            wait_for(lambda: request("GET", f"http://{self.address}/-/ready").status == 200, 60, "ready",
                     lambda: "\n".join(self.lines))
        except BaseException:
            self.__exit__()
            raise

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := LISTENS.search(line):
                self.address = found[1]
                self._listening.set()
        self.process.stdout.close()
        self._listening.set()

    def get(self, path: str, **query):
        answer = request("GET", f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        if answer.status != 200:
            raise AssertionError(f"{path} {query}: {answer.status} {answer.body[:500]!r}")
        return answer.json()["data"]

    def ask(self, expression: str) -> list:
        return self.get("query", query=expression)["result"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self._reader.join(5)
        self.folder.cleanup()
