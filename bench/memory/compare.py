#!/usr/bin/env python3
"""Predicted against measured: Plimsoll, gpustack's gguf-parser, and the rule by which Ollama itself decides, on the same
measured loads.

    (cd bench/memory/gguf_parser && go build -o /tmp/gguf_parser .)
    python3 bench/memory/compare.py --program build/release/plimsoll --cases FOLDER --gguf-parser /tmp/gguf_parser

FOLDER holds cases.jsonl (measured loads) and the answers of /api/show that it names. Prints a table in Markdown: how far
weights, cache and compute together are from what was measured. The process's own memory is in none of them.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

import sparse_gguf


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="plimsoll")
    parser.add_argument("--cases", type=Path, required=True, help="folder with cases.jsonl")
    parser.add_argument("--gguf-parser", type=Path, help="bench/memory/gguf_parser, built; left out: without it")
    parser.add_argument("--models", action="store_true", help="a row for each model as well")
    return parser.parse_args()


def estimate(program, show, settings):
    command = [program, "estimate", "--show", show, "--json", "--overhead", "0",
               "--num-ctx", settings["num_ctx"], "--parallel", settings["parallel"],
               "--num-batch", settings["num_batch"], "--kv-cache-type", settings["kv_type"],
               "--flash-attention", settings["flash_attn"]]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def heads_of(row, key):
    info, arch = row["model_info"], row["arch"]
    value = info.get(f"{arch}.attention.{key}")
    if value is None:
        value = row["arrays"].get(f"{arch}.attention.{key}")
    return value if isinstance(value, list) else [value]


def ollama(row):
    """File and a full f16 cache of every layer, with the smallest number of heads; a surcharge for large batches."""
    info, arch, settings = row["model_info"], row["arch"], row["settings"]
    most = max(heads_of(row, "head_count"))
    least = heads_of(row, "head_count_kv")
    least = max(1, min(most if heads is None else heads for heads in least))
    tokens = min(settings["num_ctx"], info[f"{arch}.context_length"]) * settings["parallel"]
    cache = 4 * info[f"{arch}.block_count"] * least * (info[f"{arch}.embedding_length"] // most) * tokens
    surcharge = 2 << 30 if settings["num_batch"] >= 2048 else 768 << 20 if settings["num_batch"] >= 1024 else 0
    return row["file_size"] + cache + surcharge


def gguf_parser(program, folder, rows):
    """Bytes of each row; files of the models' shapes are made for it. None where it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        paths, asked = {}, []
        for row in rows:
            if row["show"] not in paths:
                paths[row["show"]] = str(Path(scratch) / f"{len(paths)}.gguf")
                sparse_gguf.write(paths[row["show"]], json.loads((folder / row["show"]).read_text()))
            settings = row["settings"]
            asked.append(json.dumps({"path": paths[row["show"]], "flash": row["flash_attn_active"],
                                     **{key: settings[key] for key in ("num_ctx", "parallel", "num_batch", "kv_type")}}))
        done = subprocess.run([str(program)], input="\n".join(asked) + "\n", capture_output=True, text=True, check=True)
        return [None if int(word) <= 0 else int(word) for word in done.stdout.split()]


def line(name, errors):
    size = sorted(abs(error) for error in errors)
    return (f"| {name} | {len(errors)} | {statistics.median(size):.3%} | {size[int(0.95 * (len(size) - 1))]:.2%} | "
            f"{min(errors):+.1%} | {max(errors):+.1%} |")


def main():
    arguments = parse_arguments()
    errors = defaultdict(lambda: defaultdict(list))
    refused = wrongly = 0
    scored = []
    for text in (arguments.cases / "cases.jsonl").read_text().splitlines():
        row = json.loads(text)
        answer = estimate(arguments.program, arguments.cases / row["show"], row["settings"])
        if not row["attention_on_gpu"] or not answer["loads"]:
            refused += not row["attention_on_gpu"] and not answer["loads"]
            wrongly += row["attention_on_gpu"] or answer["loads"]
            continue
        scored.append((row, answer["total"]))
    others = gguf_parser(arguments.gguf_parser, arguments.cases, [row for row, _ in scored]) \
        if arguments.gguf_parser else [None] * len(scored)
    for (row, mine), other in zip(scored, others, strict=True):
        measured = row["measured"]["total"]
        for name, bytes_ in (("Plimsoll", mine), ("gguf-parser", other), ("Ollama's own rule", ollama(row))):
            if bytes_ is not None:
                errors[name][row["model"]].append(bytes_ / measured - 1)
    print("| | loads | median error | 95th percentile | lowest | highest |\n|---|---|---|---|---|---|")
    for name, by_model in errors.items():
        print(line(name, sum(by_model.values(), [])))
    if arguments.models:
        for model in errors["Plimsoll"]:
            for name, by_model in errors.items():
                if by_model[model]:
                    print(line(f"{model}: {name}", by_model[model]))
    print(f"\n{refused} loads with attention on the host refused, {wrongly} told wrongly")


if __name__ == "__main__":
    main()
