#!/usr/bin/env python3
"""What a person does in the dashboard, in a real Chromium, in front of the real daemon and the simulated server. Each test
is one thing that is done; after each the console must be silent, and nothing may have been asked of anybody else.
"""

import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support.browser import Browser, needs_browser
from support.process import Serve, Sim, binary, clean_environment, get_json, post, post_json, wait_for


def generate(url: str, model: str, tokens: int):
    return post(url + "/api/generate", {"model": model, "prompt": "hi", "stream": False, "options": {"num_predict": tokens}}, 120)


@needs_browser
class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(Sim("--vram", "24GiB", "--load-bandwidth", "8GiB", "--tokens-per-second", "100"))
        cls.serve = cls.enterClassContext(Serve(cls.sim.url, budget="16GiB"))
        cls.serve.wait_ready()
        cls.browser = cls.enterClassContext(Browser(cls.serve.url))

    def setUp(self):
        for model in self.serve.models():
            if model["pinned"]:
                post_json(self.serve.url + "/plimsoll/v1/models/unpin", {"model": model["name"]})
        # Again and again: what the test before has asked for may still be loading.
        wait_for(self.is_cleaned_up, 60, "cleaned up", self.serve.output)
        self.browser.resize(1440, 1000)
        self.browser.open()
        self.browser.wait(lambda: self.browser.text(".free").startswith("empty"), "empty")

    def is_cleaned_up(self):
        post_json(self.serve.url + "/plimsoll/v1/cleanup", {})
        return not self.serve.models()

    def tearDown(self):
        self.assertEqual([], self.browser.complaints())
        self.assertEqual([], self.browser.foreign())

    def names(self):
        return self.browser.texts("#models h3")

    def load(self, *models: str):
        for model in models:
            post_json(self.serve.url + "/plimsoll/v1/models/load", {"model": model})
        self.browser.wait(lambda: set(self.names()) == set(models), f"cards of {models}")

    def in_background(self, what, *arguments):
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)
        return thread

    def card(self, model: str, button: str):
        self.browser.click(f'.card-actions button[aria-label="{button} {model}"]')

    def test_load_with_its_plan(self):
        browser = self.browser
        browser.click("#open-load")
        self.assertEqual("load-model", browser.focused())
        browser.type("#load-model", "llama3.1:8b")
        browser.wait_text("#plan", "load llama3.1:8b")
        self.assertIn("It takes", browser.text("#plan"))
        browser.wait(lambda: len(browser.all("#known-models option")) > 20, "names to choose from")
        browser.click("#load-go")
        browser.wait(lambda: browser.one(".box").get_attribute("data-state") == "loading", "a hatched box")
        browser.wait(lambda: browser.one(".box").get_attribute("data-state") == "ready", "loaded")
        browser.wait_text(".notice", "llama3.1:8b is in memory")
        browser.wait_text("#log .kind", "loaded")
        self.assertEqual(["llama3.1:8b"], self.names())

    def test_load_with_a_context(self):
        browser = self.browser
        browser.click("#open-load")
        browser.type("#load-model", "llama3.2:1b")
        browser.type("#load-ctx", "2048")
        browser.wait_text("#plan", "context of 2k tokens")
        browser.click("#load-go")
        browser.wait_text(".facts dd", "2k tokens")

    def test_a_dialog_that_is_cancelled_does_nothing(self):
        browser = self.browser
        loads = self.sim.books()["loads"]
        browser.click("#open-load")
        browser.type("#load-model", "llama3.1:8b")
        browser.click("#load-dialog [data-close]")
        self.assertFalse(browser.one("#load-dialog").is_displayed())
        browser.click("#open-load")
        browser.keys("\ue00c")  # Escape
        browser.wait(lambda: not browser.one("#load-dialog").is_displayed(), "closed by Escape")
        self.assertEqual(loads, self.sim.books()["loads"])

    def test_what_went_wrong_is_a_sentence(self):
        browser = self.browser
        browser.click("#open-load")
        browser.type("#load-model", "absent:1b")
        browser.wait_text("#plan", "absent:1b")
        browser.click("#load-go")
        browser.wait_text('.notice[role="alert"]', "absent:1b was not loaded.")
        browser.click('.notice[role="alert"] button')
        browser.wait(lambda: not browser.all('.notice[role="alert"]'), "dismissed")

    def test_unload(self):
        self.load("llama3.2:1b")
        self.card("llama3.2:1b", "Unload")
        self.browser.wait_text("#confirm-text", "It gives back")
        self.browser.click("#confirm-go")
        self.browser.wait(lambda: self.names() == [], "gone")
        self.browser.wait_text(".notice", "llama3.2:1b is unloaded.")
        self.assertEqual([], self.serve.models())

    def test_an_unload_that_is_cancelled(self):
        self.load("llama3.2:1b")
        self.card("llama3.2:1b", "Unload")
        self.browser.click("#confirm-dialog [data-close]")
        self.assertEqual(["llama3.2:1b"], [model["name"] for model in self.serve.models()])

    def test_pin_refuse_unload_unpin(self):
        browser = self.browser
        self.load("llama3.2:1b")
        self.card("llama3.2:1b", "Pin")
        browser.click("#confirm-go")
        browser.wait_text(".state", "pinned")
        self.card("llama3.2:1b", "Unload")
        browser.click("#confirm-go")
        browser.wait_text("#confirm-error", "pinned")
        self.assertTrue(browser.one("#confirm-dialog").is_displayed())
        browser.click("#confirm-dialog [data-close]")
        self.card("llama3.2:1b", "Unpin")
        browser.click("#confirm-go")
        browser.wait(lambda: browser.text(".state") == "ready", "not pinned")

    def test_clean_up(self):
        browser = self.browser
        self.load("llama3.2:1b", "llama3.2:3b")
        browser.click("#open-cleanup")
        browser.wait_text("#confirm-text li", "llama3.2:3b")
        browser.click("#confirm-dialog [data-close]")
        self.assertEqual(2, len(self.serve.models()))
        browser.click("#open-cleanup")
        browser.click("#confirm-go")
        browser.wait(lambda: self.names() == [], "all gone")
        browser.wait_text(".notice", "Unloaded: ")

    def test_auto_unload(self):
        browser = self.browser
        for wanted in ("false", "true"):
            browser.click("#auto-unload")
            browser.click("#confirm-go")
            browser.wait(lambda: browser.one("#auto-unload").get_attribute("aria-checked") == wanted, wanted)
            self.assertEqual(wanted == "true", get_json(self.serve.url + "/plimsoll/v1/settings")["auto_unload"])

    def test_a_box_leads_to_its_card(self):
        self.load("llama3.2:1b", "llama3.2:3b")
        self.browser.click('.box button[aria-label^="llama3.2:3b"]')
        self.browser.wait(lambda: "llama3.2:3b" in self.browser.script("return document.activeElement.textContent"), "the focus on its card")

    def test_a_card_says_what_is_predicted_booked_and_measured(self):
        self.load("llama3.1:8b")
        self.assertEqual(["Predicted", "Booked", "Measured"], self.browser.texts(".bars dt"))
        self.browser.wait(lambda: all("GiB" in each for each in self.browser.texts(".bars dd")), "three sizes")

    def test_theme(self):
        browser = self.browser
        paper = "return getComputedStyle(document.documentElement).backgroundColor"
        light = browser.script(paper)
        browser.click("#theme")
        self.assertEqual(light, browser.script(paper))
        browser.click("#theme")
        self.assertNotEqual(light, browser.script(paper))
        browser.driver.refresh()
        self.assertEqual("Theme: dark", browser.text("#theme"))
        browser.click("#theme")
        self.assertEqual("Theme: system", browser.text("#theme"))

    def test_filter(self):
        browser = self.browser
        self.load("llama3.2:1b", "llama3.2:3b")
        browser.type("#search", ":3B")
        browser.wait(lambda: self.names() == ["llama3.2:3b"], "one card")
        self.assertEqual("1 of 2", browser.text("#models-count"))
        self.assertTrue(all("llama3.2:3b" in each for each in browser.texts("#log p")))
        browser.type("#search", "nothing has this")
        browser.wait_text("#log", "No decision has that in it.")

    def test_the_queue_says_why_and_how_long(self):
        browser = self.browser
        self.in_background(generate, self.serve.url, "mistral-small:22b", 400)
        wait_for(lambda: any(m["leases"] for m in self.serve.models()), 30, "answering")
        for _ in range(2):
            self.in_background(generate, self.serve.url, "llama3.1:8b", 4)
        browser.wait_text("#queue .name", "llama3.1:8b")
        browser.wait_text("#queue .eta", "to go")
        browser.wait_text("#queue .client", "127.0.0.1")
        self.assertTrue(browser.text("#queue .reason"))
        browser.picture("queue")
        browser.wait(lambda: not browser.all("#queue .group"), "served", 60)

    def test_requests_and_leases_are_seen(self):
        browser = self.browser
        browser.click("#log-requests")
        thread = self.in_background(generate, self.serve.url, "llama3.2:1b", 300)
        browser.wait_text(".lamps", "●")
        browser.wait_text("#log .kind", "dispatch")
        thread.join()
        browser.wait_text("#log .kind", "finished")
        browser.wait_text("#log p", "answered")
        browser.click("#log-requests")
        browser.wait(lambda: "dispatch" not in browser.texts("#log .kind"), "decisions only")

    def test_a_refusal_is_in_the_log(self):
        self.assertEqual(507, generate(self.serve.url, "llama3.3:70b", 1).status)
        self.browser.wait_text("#log [data-alert] .kind", "refused")
        self.browser.wait_text("#log p", "llama3.3:70b")

    def test_the_timeline_by_keyboard(self):
        browser = self.browser
        self.load("llama3.2:1b")
        browser.script("document.getElementById('timeline').focus()")
        browser.keys("\ue010")  # End: the newest decision
        browser.wait_text("#timeline-detail", "llama3.2:1b")
        newest = browser.text("#timeline-detail")
        browser.keys("\ue012")  # left
        browser.wait(lambda: browser.text("#timeline-detail") != newest, "the one before")
        browser.script("const each = document.getElementById('timeline-span'); each.value = '900'; each.dispatchEvent(new Event('change'))")
        browser.keys("\ue011")  # Home: the oldest in a quarter of an hour
        self.assertRegex(browser.text("#timeline-detail"), r"^\d\d:\d\d:\d\d ")

    def test_the_timeline_by_pointer(self):
        browser = self.browser
        self.load("llama3.2:1b")
        sweep = """const canvas = document.getElementById('timeline'), where = canvas.getBoundingClientRect(), said = [];
            for (let y = 30; y < where.height; y += 3)
              for (let x = where.width - 40; x < where.width; x += 2) {
                canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: where.left + x, clientY: where.top + y}));
                said.push(document.getElementById('timeline-detail').textContent);
              }
            return said.join('\\n')"""
        browser.wait(lambda: "llama3.2:1b in memory until now" in browser.script(sweep), "the bar says what it is")
        browser.wait(lambda: " load llama3.2:1b: " in browser.script(sweep), "the diamond says why")

    def test_the_ship_as_a_table(self):
        browser = self.browser
        self.load("llama3.2:1b")
        browser.click(".as-table summary")
        self.assertEqual(["llama3.2:1b"], browser.texts('.ship th[scope="row"]'))
        self.assertIn("ready", browser.text(".ship tbody"))

    def test_a_model_loaded_past_plimsoll(self):
        browser = self.browser
        self.load("llama3.2:1b")  # while anything is loaded the upstream's list is read each second
        post_json(self.sim.url + "/api/generate", {"model": "llama3.2:3b"})
        browser.wait(lambda: browser.all(".box[data-foreign]"), "a foreign box")
        browser.wait_text(".state", "foreign")
        browser.picture("foreign")
        post_json(self.sim.url + "/api/generate", {"model": "llama3.2:3b", "keep_alive": 0})
        browser.wait(lambda: self.names() == ["llama3.2:1b"], "gone")

    def test_a_run_of_a_chain_by_step(self):
        browser = self.browser
        chain = {"name": "two-steps", "steps": [
            {"name": "draft", "model": "llama3.2:1b", "instruction": "{input}"},
            {"name": "judge", "model": "llama3.2:3b", "instruction": "{input}"}]}
        post_json(self.serve.url + "/plimsoll/v1/chains/run", {"chain": chain, "input": "why?"}, timeout=120)
        browser.wait_text("#runs .status", "succeeded")
        run = browser.one("#runs li")
        for text in ("draft", "llama3.2:1b", "judge", "llama3.2:3b", "tokens"):
            self.assertIn(text, run.text)

    def test_narrow(self):
        browser = self.browser
        self.load("llama3.1:8b", "llama3.2:3b")
        for width in (360, 700):
            browser.resize(width, 780)
            browser.wait(lambda: browser.script("return document.documentElement.scrollWidth") <= width, f"{width} px wide")
            for selector in ("#open-load", ".card-actions button", "#theme"):
                box = browser.one(selector).rect
                self.assertLessEqual(box["x"] + box["width"], width)
        browser.resize(360, 780)
        browser.picture("narrow")

    def test_by_keyboard_alone(self):
        browser = self.browser
        tab, enter = "\ue004", "\ue007"

        def go_to(wanted: str):
            for _ in range(60):
                browser.keys(tab)
                if wanted in browser.focused():
                    outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
                    self.assertNotEqual("none", outline, wanted)
                    return
            self.fail(f"Tab never comes to {wanted}")

        browser.keys(tab)
        self.assertEqual("To the content", browser.focused())
        go_to("open-load")
        browser.keys(enter)
        browser.keys("llama3.2:1b", enter)
        browser.wait(lambda: self.names() == ["llama3.2:1b"], "loaded")
        browser.wait(lambda: browser.text(".state") == "ready", "ready")
        browser.script("document.activeElement.blur(); document.getElementById('search').focus()")
        go_to("Pin")
        go_to("Unload")
        browser.keys(enter)
        browser.wait(lambda: browser.one("#confirm-dialog").is_displayed(), "asked")
        browser.keys(tab, enter)
        browser.wait(lambda: self.names() == [], "unloaded")

    def test_what_happens_is_told_to_screen_readers(self):
        self.load("llama3.2:1b")
        self.browser.wait_text("#news", "loaded llama3.2:1b")


@needs_browser
class Breaks(unittest.TestCase):
    def test_a_daemon_that_was_restarted_is_found_again(self):
        with Sim("--load-bandwidth", "40GiB") as sim, Serve(sim.url) as first:
            first.wait_ready()
            with Browser(first.url) as browser:
                browser.open()
                post_json(first.url + "/plimsoll/v1/models/load", {"model": "llama3.2:1b"})
                browser.wait_text("#log .kind", "loaded")
                port = first.port
                first.kill()
                # It tries again by itself, and says "Connecting" each time.
                browser.wait_text("#connection", "No connection")
                browser.picture("broken")
                with Serve(sim.url, listen=f"127.0.0.1:{port}") as second:
                    second.wait_ready()
                    browser.wait(lambda: browser.state() == "live", "live again")
                    post_json(second.url + "/plimsoll/v1/models/load", {"model": "llama3.2:3b"})
                    browser.wait_text("#models h3", "llama3.2:3b")
                    browser.wait_text("#log p", "llama3.2:3b")
                self.assertEqual([], browser.complaints())

    def test_an_upstream_that_is_down(self):
        with Sim() as sim, Serve(sim.url) as serve:
            serve.wait_ready()
            with Browser(serve.url) as browser:
                browser.open()
                port = sim.port
                sim.kill()
                # Somebody has to ask for it to be noticed at once.
                asking = threading.Thread(target=generate, args=(serve.url, "llama3.2:1b", 1), daemon=True)
                asking.start()
                browser.wait_text(".ship .health", "down", 60)
                browser.wait(lambda: browser.text(".ship .why") != "", "why")
                browser.wait_text("#log .kind", "upstream down")
                browser.picture("down")
                with Sim(listen=f"127.0.0.1:{port}"):
                    browser.wait_text(".ship .health", "up", 60)
                    browser.wait(lambda: browser.text(".ship .why") == "", "no complaint")
                    asking.join(60)
                self.assertEqual([], browser.complaints())

    def test_two_upstreams_are_two_ships(self):
        with Sim() as one, Sim() as two:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "plimsoll.toml"
                file.write_text("".join(
                    f'[[upstream]]\nname = "{name}"\nurl = "{sim.url}"\nbudget = "12GiB"\n' for name, sim in (("bow", one), ("stern", two))))
                with Serve("", "--config", str(file), budget="") as serve:
                    serve.wait_ready()
                    with Browser(serve.url) as browser:
                        browser.open()
                        self.assertEqual(["bow", "stern"], browser.texts(".ship h2"))
                        browser.click("#open-load")
                        self.assertEqual(3, len(browser.all("#load-upstream option")))
                        browser.script("const each = document.getElementById('load-upstream'); each.value = 'stern'")
                        browser.type("#load-model", "llama3.2:1b")
                        browser.click("#load-go")
                        browser.wait_text("#models .where", "on stern")
                        self.assertEqual(0, len(browser.all(".ship:first-child .box")))
                        self.assertEqual([], browser.complaints())

    def test_keys_of_the_daemon(self):
        with tempfile.TemporaryDirectory() as folder, Sim("--load-bandwidth", "40GiB") as sim:
            keys = {}
            for role in ("inference", "operator"):
                made = subprocess.run([binary(), "key", "create", role, "--role", role, "--file", f"{folder}/keys.toml"],
                                      capture_output=True, text=True, env=clean_environment(), timeout=60)
                self.assertEqual(0, made.returncode, made.stderr)
                keys[role] = made.stdout.strip()
            with Serve(sim.url, state=f"{folder}/state.db") as serve, Browser(serve.url) as browser:
                browser.open(wait=False)
                browser.wait(lambda: browser.one("#key-dialog").is_displayed(), "asked for a key")
                browser.type("#key", keys["inference"] + "\n")
                browser.wait(lambda: browser.text("#key-error") != "", "told that this key is not enough")
                browser.type("#key", keys["operator"] + "\n")
                browser.wait(lambda: browser.state() == "live" and browser.all(".ship"), "live")
                browser.click("#open-load")
                browser.type("#load-model", "llama3.2:1b")
                browser.wait(lambda: len(browser.all("#known-models option")) > 20, "names to choose from")
                browser.click("#load-go")
                browser.wait_text("#models h3", "llama3.2:1b")
                # Settings are an admin's.
                browser.click("#auto-unload")
                browser.click("#confirm-go")
                browser.wait_text("#confirm-error", "admin")
                self.assertNotIn(keys["operator"], serve.output(1000))
                self.assertEqual([], browser.complaints())


if __name__ == "__main__":
    unittest.main()
