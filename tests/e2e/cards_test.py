#!/usr/bin/env python3
"""Two cards: where models come to lie is read from the driver."""

import tempfile
import unittest
from pathlib import Path

from support.driver import GIB, Driver
from support.process import Serve, Sim, post_json, wait_for


class Cards(unittest.TestCase):
    def cards(self, serve):
        return [card["charged_bytes"] / GIB for card in serve.status()["upstreams"][0]["cards"]]

    def load(self, serve, model):
        return post_json(serve.url + "/plimsoll/v1/models/load", {"model": model})

    def test_models_lie_beside_each_other_or_spread_and_no_card_is_exceeded(self):
        with tempfile.TemporaryDirectory() as folder, Sim("--vram", "48GiB", "--load-bandwidth", "40GiB") as sim:
            driver = Driver(sim, folder)
            config = Path(folder) / "plimsoll.toml"
            config.write_text(f'[device]\nnvml_library = "{folder}/none.so"\ndrm_folder = "{folder}"\n')
            try:
                with Serve(sim.url, "--config", str(config), budget="auto") as serve:
                    self.follow(serve, sim, driver)
            finally:
                driver.stop()

    def follow(self, serve, sim, driver):
        def told():
            lines = [line for line in serve.lines if " engine: " in line]
            return "\n".join([f"{self.cards(serve)} GiB, truly {driver.places}", *lines])

        serve.wait_ready()
        upstream = serve.status()["upstreams"][0]
        self.assertEqual([23 * GIB] * 2, [card["budget_bytes"] for card in upstream["cards"]])

        self.load(serve, "gemma3:27b")
        wait_for(lambda: min(self.cards(serve)) < 1 < max(self.cards(serve)), 10, "the first is seen on one card", told)
        self.load(serve, "mistral-small:22b")
        wait_for(lambda: 1 < min(self.cards(serve)) and max(self.cards(serve)) <= 23, 10, "the second on the other", told)
        self.assertEqual(2, sim.books()["loads"])
        self.assertEqual(0, sim.books()["unloads"])

        # In the sum there would be room beside one of them; on no card there is.
        self.load(serve, "qwen3:32b")
        self.assertGreater(sim.books()["unloads"], 0)
        self.load(serve, "llama3.3:70b")  # more than a card has
        wait_for(lambda: min(self.cards(serve)) > 15, 10, "it is spread over both", told)
        # Until the driver was looked at its parts have margins.
        wait_for(lambda: any(sum(model["card_bytes"]) <= model["charge_bytes"] + 2 for model in serve.models()), 15,
                 "the driver shows where it lies", told)
        self.assertEqual(["llama3.3:70b"], [model["name"] for model in serve.models()])
        status = serve.status()["upstreams"][0]
        self.assertEqual(0, status["counters"]["violations"])
        self.assertFalse(status["over_budget"])
        self.assertLessEqual(max(driver.peaks), 23 * GIB)


if __name__ == "__main__":
    unittest.main()
