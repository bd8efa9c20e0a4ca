#!/usr/bin/env python3
"""The daemon's scheduler against the proven optimum of small instances.

    bench/schedule/optimum.py [--instances 200] [--seed 1] [--kind online|batch] [--optima FILE] [--json FILE]

Each instance is solved exactly with OR-tools' CP-SAT (from PyPI: pip install ortools) and run through
`plimsoll simulate`; the ratio is that of the sums of waits. The optimum knows all requests from the start, but no
residency may begin before a request that it serves has arrived: loading ahead of the first question would be
clairvoyance, not scheduling. Instances that are not proved optimal within the time limit are counted and left out.

An optimum does not hang on the scheduler. With `--optima FILE` each is kept as soon as it is proved, and so is the time
limit of those that were not proved, which are tried again only with a larger one: measuring another scheduler, or going on
after an interruption, then takes seconds. One run at a time may write the file.
"""

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ortools.sat.python import cp_model

ROOT = Path(__file__).resolve().parents[2]
TICKS = 10  # a second; all times are whole tenths
BUDGET = 20.0  # GB
SIZES = (2, 3.5, 5, 7, 9, 13, 19)  # GB
UNLOAD = 7  # tenths
RESIDENCIES = 3  # of one model


def make_instance(kind: str, seed: int) -> dict:
    rng = random.Random(f"{kind} {seed}")
    requests = 8 if kind == "online" else 10
    sizes = [rng.choice(SIZES) for _ in range(4)]
    models = [{"size": size, "load": round((1.5 + size / 1.5) * TICKS)} for size in sizes]
    rows = [{"model": rng.randrange(4), "service": rng.randint(1 * TICKS, 20 * TICKS),
             "arrival": rng.randint(0, 60 * TICKS) if kind == "online" else 0} for _ in range(requests)]
    rows.sort(key=lambda row: row["arrival"])
    first = rows[0]["arrival"]
    for row in rows:
        row["arrival"] -= first
    return {"models": models, "requests": rows}


class Formulation:
    """Requests in residencies, loads one at a time, memory never above the budget, one slot a model."""

    def __init__(self, instance: dict):
        self.models, self.requests = instance["models"], instance["requests"]
        self.horizon = max(r["arrival"] for r in self.requests) + sum(
            r["service"] + self.models[r["model"]]["load"] + UNLOAD for r in self.requests)
        self.cp = cp_model.CpModel()
        self.starts = [self.cp.new_int_var(r["arrival"], self.horizon, f"start{i}") for i, r in enumerate(self.requests)]
        self.loads, self.stays, self.charges = [], [], []
        for number in sorted({r["model"] for r in self.requests}):
            self.add_model(number)
        self.cp.add_no_overlap(self.loads)
        self.cp.add_cumulative(self.stays, self.charges, round(BUDGET * 10))
        self.cp.minimize(sum(start - r["arrival"] for start, r in zip(self.starts, self.requests)))

    def add_model(self, number: int):
        cp, model = self.cp, self.models[number]
        mine = [i for i, r in enumerate(self.requests) if r["model"] == number]
        cp.add_no_overlap([cp.new_fixed_size_interval_var(self.starts[i], self.requests[i]["service"], f"run{i}")
                           for i in mine])
        served = {i: [] for i in mine}
        previous_end, previous_used = None, None
        for r in range(min(RESIDENCIES, len(mine))):
            used = cp.new_bool_var(f"used{number}.{r}")
            begin = cp.new_int_var(0, self.horizon, f"begin{number}.{r}")
            end = cp.new_int_var(0, 2 * self.horizon, f"end{number}.{r}")
            length = cp.new_int_var(0, 2 * self.horizon, f"length{number}.{r}")
            self.loads.append(cp.new_optional_fixed_size_interval_var(begin, model["load"], used, f"load{number}.{r}"))
            self.stays.append(cp.new_optional_interval_var(begin, length, end, used, f"stay{number}.{r}"))
            self.charges.append(round(model["size"] * 10))
            causes = []
            for i in mine:
                here = cp.new_bool_var(f"request{i} in {number}.{r}")
                served[i].append(here)
                cp.add_implication(here, used)
                cp.add(self.starts[i] >= begin + model["load"]).only_enforce_if(here)
                cp.add(self.starts[i] + self.requests[i]["service"] + UNLOAD <= end).only_enforce_if(here)
                cause = cp.new_bool_var(f"cause{i} {number}.{r}")
                cp.add_implication(cause, here)
                cp.add(begin >= self.requests[i]["arrival"]).only_enforce_if(cause)
                causes.append(cause)
            cp.add_bool_or(causes).only_enforce_if(used)
            if previous_used is not None:
                cp.add_implication(used, previous_used)
                cp.add(begin >= previous_end).only_enforce_if(used)
            previous_end, previous_used = end, used
        for i in mine:
            cp.add_exactly_one(served[i])
        self.shorter_first(mine, served)

    def shorter_first(self, mine: list[int], served: dict):
        """Within a residency, among requests that all came at once, the shorter may go first: exchanging two of them
        and moving those between never makes the sum larger. Only so is a batch proved in seconds."""
        if len({self.requests[i]["arrival"] for i in mine}) > 1:
            return
        for i in mine:
            for j in mine:
                if (self.requests[i]["service"], i) < (self.requests[j]["service"], j):
                    for here_i, here_j in zip(served[i], served[j]):
                        self.cp.add(self.starts[i] <= self.starts[j]).only_enforce_if(here_i, here_j)

    def solve(self, seconds: float, known: float) -> float | None:
        """The sum of waits in seconds, or None where the optimum was not proved in time. `known` is a sum that can be
        reached, a second to spare for rounding: it makes the search shorter and leaves the optimum as it is."""
        self.cp.add(sum(start - r["arrival"] for start, r in zip(self.starts, self.requests)) <= round(known + 1) * TICKS)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 1
        solver.parameters.catch_sigint_signal = False  # else an interrupted search looks like one in vain
        status = solver.solve(self.cp)
        if status == cp_model.INFEASIBLE:
            raise RuntimeError(f"the scheduler's {known} s cannot be reached: the formulation leaves schedules out")
        return solver.objective_value / TICKS if status == cp_model.OPTIMAL else None


class Optima:
    """What was proved, or tried in vain, by instance; in a file, if there is one. Written after each new result, in one
    piece. The key has a digest of the instance and its constants, so that a changed one is another one; who changes what the
    formulation allows begins a new file."""

    def __init__(self, file: Path | None):
        self.file, self.lock = file, threading.Lock()
        self.known: dict[str, dict] = json.loads(file.read_text()) if file and file.exists() else {}

    @staticmethod
    def key(kind: str, seed: int, instance: dict) -> str:
        text = json.dumps([instance, TICKS, BUDGET, UNLOAD, RESIDENCIES], sort_keys=True)
        return f"{kind} {seed} {hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def find(self, key: str, seconds: float) -> tuple[bool, float | None]:
        """Whether nothing is left to solve within so many seconds, and the optimum, where it is proved."""
        entry = self.known.get(key)
        if entry is None:
            return False, None
        return entry["optimum"] is not None or entry["tried_seconds"] >= seconds, entry["optimum"]

    def keep(self, key: str, seconds: float, optimum: float | None):
        with self.lock:
            self.known[key] = {"optimum": optimum} if optimum is not None else {"optimum": None, "tried_seconds": seconds}
            if self.file:
                beside = self.file.with_name(self.file.name + ".new")
                beside.write_text(json.dumps(self.known, indent=1))
                os.replace(beside, self.file)


def run_plimsoll(instance: dict, program: str, options: list[str]) -> float:
    lines = ["time,model,seconds,size,load_seconds,unload_seconds"]
    for r in instance["requests"]:
        model = instance["models"][r["model"]]
        lines.append(f"{r['arrival'] / TICKS},m{r['model']},{r['service'] / TICKS},{model['size']}GB,"
                     f"{model['load'] / TICKS},{UNLOAD / TICKS}")
    out = subprocess.run([program, "simulate", "-", "--budget", f"{BUDGET}GB", "--max-loaded", "100", "--keep-alive",
                          "-1", "--json", *options], input="\n".join(lines), capture_output=True, text=True, check=True)
    result = json.loads(out.stdout)["variants"][0]
    if result["refused"]:
        raise RuntimeError(result["first_refusal"])
    return result["mean_wait_seconds"] * result["served"]


def measure(kind: str, seed: int, options, optima: Optima) -> dict:
    instance = make_instance(kind, seed)
    ours = run_plimsoll(instance, options.program, options.with_option)
    key = optima.key(kind, seed, instance)
    is_known, best = optima.find(key, options.solver_seconds)
    if not is_known:
        best = Formulation(instance).solve(options.solver_seconds, ours)
        optima.keep(key, options.solver_seconds, best)
    return {"kind": kind, "seed": seed, "optimum": best, "plimsoll": ours}


def report(kind: str, rows: list[dict]) -> dict:
    proved = [row for row in rows if row["optimum"] is not None]
    ratios = sorted(row["plimsoll"] / row["optimum"] for row in proved if row["optimum"] > 0)
    result = {"kind": kind, "instances": len(rows), "proved": len(proved), "mean": statistics.mean(ratios),
              "p50": statistics.median(ratios), "p90": ratios[int(0.9 * len(ratios))], "worst": ratios[-1]}
    print(f"{kind:7} {len(proved)} of {len(rows)} proved; sum of waits against the optimum: mean {result['mean']:.3f}, "
          f"p50 {result['p50']:.3f}, p90 {result['p90']:.3f}, worst {result['worst']:.2f}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=["online", "batch"])
    parser.add_argument("--solver-seconds", type=float, default=30)
    parser.add_argument("--with-option", action="append", default=[], help="for plimsoll simulate, such as --patience=60s")
    parser.add_argument("--program", default=str(ROOT / "build/release/plimsoll"))
    parser.add_argument("--optima", type=Path, help="a file that keeps what is proved, from run to run")
    parser.add_argument("--workers", type=int, default=2, help="instances at a time")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    optima = Optima(options.optima)
    results = []
    for kind in [options.kind] if options.kind else ["online", "batch"]:
        with ThreadPoolExecutor(options.workers) as pool:
            seeds = range(options.seed, options.seed + options.instances)
            rows = list(pool.map(lambda seed: measure(kind, seed, options, optima), seeds))
        results.append({**report(kind, rows), "rows": rows})
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
