#!/usr/bin/env python3
"""The pictures of the documentation: the dashboard of the daemon in front of `plimsoll sim`, with clients of several models.

Usage: dashboard_pictures.py FOLDER. Needs a release build and what scripts/test installs into build/clients; `pngquant` makes the
files small, where it is installed.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.browser import Browser
from support.process import Serve, Sim, post, post_json, wait_for

# Model, tokens of an answer, clients. More than fits: models take turns.
TRAFFIC = [("llama3.1:8b", 220, 2), ("qwen3:8b", 320, 2), ("gemma3:4b", 120, 1), ("mistral-small:24b", 420, 1)]
CHAIN = {"name": "draft-and-judge", "steps": [
    {"name": "draft", "model": "llama3.1:8b", "instruction": "{input}"},
    {"name": "judge", "model": "qwen3:8b", "instruction": "{input}"},
    {"name": "rewrite", "model": "llama3.1:8b", "instruction": "{input}"}]}


def client(url: str, model: str, tokens: int, seed: int, ended: threading.Event):
    random_source = random.Random(seed)
    while not ended.is_set():
        ask(url + "/api/generate", {"model": model, "prompt": "hello", "stream": False, "options": {
            "num_ctx": 8192, "num_predict": int(tokens * random_source.uniform(0.5, 1.5))}})
        ended.wait(random_source.expovariate(0.25))


def embedder(url: str, ended: threading.Event):
    while not ended.is_set():
        ask(url + "/api/embed", {"model": "nomic-embed-text", "input": "hello"})
        ended.wait(4)


def ask(url: str, body: dict):
    try:
        post(url, body, 300)
    except OSError:
        pass  # at the end the daemon goes before its clients


def is_worth_a_picture(serve) -> bool:
    models = serve.models()
    return (len(serve.queue()) > 1 and any(model["state"] == "loading" for model in models)
            and sum(model["charge_bytes"] for model in models) > 12 << 30)


def shrink(file: Path):
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--strip", "--speed", "1", "--output", file, "160", file], check=False)
    print(f"{file}: {file.stat().st_size} bytes")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as home, Sim("--vram", "24GiB", "--load-bandwidth", "3GiB", "--tokens-per-second", "60") as sim:
        config = Path(home) / "plimsoll.toml"
        config.write_text(f'[[upstream]]\nname = "workstation"\nurl = "{sim.url}"\nbudget = "22GiB"\nreserve = "2GiB"\nmax_loaded_models = 4\n')
        with Serve("", "--config", str(config), budget="") as serve, Browser(serve.url) as browser:
            serve.wait_ready()
            browser.open()  # before the first request, so that the timeline has them all
            post_json(serve.url + "/plimsoll/v1/models/pin", {"model": "nomic-embed-text"}, 60)
            threads = [threading.Thread(target=embedder, args=(serve.url, ended), daemon=True)]
            for model, tokens, count in TRAFFIC:
                threads += [threading.Thread(target=client, args=(serve.url, model, tokens, seed, ended), daemon=True) for seed in range(count)]
            for thread in threads:
                thread.start()
            post(serve.url + "/plimsoll/v1/chains/run", {"chain": CHAIN, "input": "Why do ships carry a load line?"}, headers={"Prefer": "respond-async"})
            time.sleep(100)  # two minutes of traffic, as the timeline shows them
            wait_for(lambda: is_worth_a_picture(serve), 300, "a picture worth taking")
            for theme, width, height in (("light", 1280, 1120), ("dark", 1280, 1120), ("dark", 390, 844)):
                browser.media(theme)
                browser.resize(width, height)
                browser.script("return new Promise((done) => setTimeout(done, 1200))")
                file = folder / f"dashboard-{theme if width > 600 else 'narrow'}.png"
                browser.driver.save_screenshot(str(file))
                shrink(file)
            ended.set()


if __name__ == "__main__":
    main()
