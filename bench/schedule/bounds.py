#!/usr/bin/env python3
"""Lower bounds on the loads of runs W1 to W6: no scheduler gets by with fewer, whatever it knows of the future.

    bench/schedule/bounds.py [--longest X] [--policy Plimsoll] [--json FILE] [RUN...]

Needs OR-tools (from PyPI: pip install ortools) and `bench_schedule`, whose `--dump` says what a run is (recordings as in the
tests: PLIMSOLL_FIXTURES). A run takes half a minute to a minute.

In arrival order: answers begin in the order in which the requests came, and the model of each is in memory as it begins.
From one request for a model to its next, the model either stays, and takes its room from all that is served meanwhile, or
is loaded again. While request k is served, those that stay across it have the budget less the size of k's own model;
nothing is gained by a limit between k and k + 1, since there those and k's model together fit by the limit at k. Let models
stay in part, and this is a flow of memory along the requests. Node k stands between requests k and k + 1; the arc from
k - 1 to k is the serving of k, with the capacity that k's model leaves. A model of size s that is asked for at i and next
at j is a supply of s at node i and a demand of s at node j - 1; it flows along those arcs (stays), or on an arc of its own
past them (does not) at a cost of 1 / s a unit: all of it costs one load. Least cost plus a first load for each model is the
bound. (The known bound FOO has the whole budget as capacity, which is loose where one model takes a large part of it.)

Within D: a scheduler may serve in any order, but lets no request wait longer than D. Of requests that arrive at least D
apart, each has begun when the next arrives, so they begin in order, and the bound of any such chain is one for all requests,
plus a first load for each model that is not in the chain. Which chain says how good the bound is; see `chain`.
"""

import argparse
import csv
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ortools.graph.python import min_cost_flow

ROOT = Path(__file__).resolve().parents[2]
RUNS = ("W1", "W2", "W3", "W4", "W5", "W6")
LOAD = 10**7  # the cost of one; a unit's share is rounded down
PRICES = (0.2, 0.3, 0.4, 0.5)  # of the budget, held while one request is served, in loads; the best chains are near


@dataclass
class Instance:
    requests: list[tuple[float, int]]  # (second of arrival, model), by arrival
    sizes: list[int]  # bytes, by model
    budget: int


def read(program: str, run: str) -> Instance:
    out = subprocess.run([program, "--dump", run], capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise SystemExit(out.stderr.strip())
    rows = list(csv.DictReader(out.stdout.splitlines()))
    numbers: dict[str, int] = {}
    requests = [(float(row["time"]), numbers.setdefault(row["model"], len(numbers))) for row in rows]
    sizes = {row["model"]: int(row["size"]) for row in rows}
    return Instance(requests, [sizes[name] for name in numbers], int(rows[0]["budget"]))


def in_order(models: list[int], sizes: list[int], budget: int) -> int:
    """The least number of loads, if these models are asked for in this order."""
    asked = [model for k, model in enumerate(models) if k == 0 or models[k - 1] != model]
    # What stays is a multiple of the unit, so that rounding the room for it down loses nothing.
    unit = math.gcd(*(sizes[model] for model in set(asked)))
    flow = min_cost_flow.SimpleMinCostFlow()
    supply = [0] * len(asked)
    last: dict[int, int] = {}
    for k, model in enumerate(asked):
        if k > 0:
            flow.add_arc_with_capacity_and_unit_cost(k - 1, k, (budget - sizes[model]) // unit, 0)
        if model in last:
            size = sizes[model] // unit
            flow.add_arc_with_capacity_and_unit_cost(last[model], k - 1, size, LOAD // size)
            supply[last[model]] += size
            supply[k - 1] -= size
        last[model] = k
    for k, amount in enumerate(supply):
        flow.set_node_supply(k, amount)
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("the flow was not solved; is a model larger than the budget?")
    return len(last) + math.ceil(flow.optimal_cost() / LOAD)


@dataclass
class Link:
    """The last request of a chain."""

    value: float
    previous: "Link | None"
    model: int
    worth: dict[int, float]  # by model: what keeping it since its last request would cost, while below a load
    growth: float  # of all that worth, when one more request is served


def chain(instance: Instance, apart: float, price: float) -> list[int]:
    """The models of requests at least so far apart that need many loads. Any such chain is valid; only a good one is worth
    something. Its value is what the flow would pay if memory had the same price everywhere: each pause of a model the
    smaller of one load and its rent, less the rent of all the room there is. Each request follows on the best chain, by
    last model, among those that are over in time, which is no search of all chains, but near."""
    rent = [price * size / instance.budget for size in instance.sizes]
    best: dict[int, Link] = {}
    links: list[Link] = []
    ready = 0
    for at, model in instance.requests:
        while instance.requests[ready][0] <= at - apart:
            link = links[ready]
            if link.model not in best or link.value > best[link.model].value:
                best[link.model] = link
            ready += 1
        links.append(follow(best, model, rent, price))
    end, models = max(links, key=lambda link: link.value), []
    while end:
        models.append(end.model)
        end = end.previous
    return models[::-1]


def follow(best: dict[int, Link], model: int, rent: list[float], price: float) -> Link:
    def grown(link: Link) -> float:
        worth = link.worth.get(model, 1.0)
        return link.value + link.growth - (min(1.0, worth + rent[model]) - worth)

    previous = max((link for link in best.values() if link.model != model), key=grown, default=None)
    # At first all models count as just used: else the first requests of any chain would be worth less than none.
    before = previous.worth if previous else dict.fromkeys(range(len(rent)), 0.0)
    worth = {other: value + rent[other] for other, value in before.items() if other != model and value + rent[other] < 1}
    worth[model] = 0.0
    growth = sum(min(1.0 - value, rent[other]) for other, value in worth.items())
    value = (grown(previous) if previous else 0.0) - (price - rent[model])
    return Link(value, previous, model, worth, growth)


def within(instance: Instance, longest: float) -> int:
    """The least number of loads, if no request waits longer."""
    bounds = []
    for price in PRICES:
        models = chain(instance, longest, price)
        others = len(instance.sizes) - len(set(models))
        bounds.append(in_order(models, instance.sizes, instance.budget) + others)
    return max(bounds)


def measured(program: str, run: str, policy: str) -> dict:
    out = subprocess.run([program, "--json", run], capture_output=True, text=True, check=True)
    for line in map(json.loads, out.stdout.splitlines()):
        if line["policy"].strip() == policy:
            return {"loads": line["loads"], "longest": line["longest_seconds"] + 0.1}  # it is rounded
    raise SystemExit(f"bench_schedule knows no policy {policy}")


def bounds_of(run: str, options) -> dict:
    instance = read(options.program, run)
    row = {"run": run, "requests": len(instance.requests),
           "in_order": in_order([model for _, model in instance.requests], instance.sizes, instance.budget),
           "within": [{"seconds": longest, "loads": within(instance, longest)} for longest in options.within]}
    if options.policy:
        policy = measured(options.program, run, options.policy)
        row |= {"policy": options.policy, "policy_loads": policy["loads"], "policy_longest": policy["longest"],
                "within_policy_longest": within(instance, policy["longest"])}
    return row


def show(row: dict):
    text = f"{row['run']}  {row['requests']:,} requests; loads: in order >= {row['in_order']:,}"
    for bound in row["within"]:
        text += f"; within {bound['seconds']:g} s >= {bound['loads']:,}"
    if "policy" in row:
        text += f"; {row['policy']} {row['policy_loads']:,}, within its {row['policy_longest']:.0f} s "
        text += f">= {row['within_policy_longest']:,}"
    print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", help="W1 to W6; all without")
    parser.add_argument("--longest", type=float, action="append", default=[], metavar="X",
                        help="a bound for a longest wait of X seconds, beside 60 and 300")
    parser.add_argument("--policy", help="its loads, and the bound for its longest wait, beside; as bench_schedule calls it")
    parser.add_argument("--program", default=str(ROOT / "build/release/bench_schedule"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.within = [60.0, 300.0, *options.longest]
    rows = []
    for run in options.runs or RUNS:
        rows.append(bounds_of(run, options))
        show(rows[-1])
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
