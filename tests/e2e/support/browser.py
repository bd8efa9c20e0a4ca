"""Debian's Chromium without a window, driven by Selenium, with the dashboard in it. Everything the page says in its console and
every address it asks for is kept, so that a test can hold the page to "no errors" and "nobody but our own server".
"""

import json
import os
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from support.process import ROOT, slowness

HOME = Path(os.environ.get("PLIMSOLL_TEST_BROWSER", ROOT / "build" / "clients" / "browser"))
AXE = HOME / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "build" / "results" / "dashboard"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
IS_THERE = (HOME / "python" / "selenium").is_dir() and CHROMIUM is not None and DRIVER is not None

if (HOME / "python").is_dir():
    sys.path.insert(0, str(HOME / "python"))

needs_browser = unittest.skipUnless(IS_THERE or os.environ.get("CI") == "true",
                                    "no chromium or no selenium; scripts/test installs them")


class Browser:
    def __init__(self, url: str, width: int = 1440, height: int = 1000, theme: str = "light", motion: str = "no-preference"):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        self.url = url
        self._profile = tempfile.TemporaryDirectory(prefix="plimsoll-chromium-", ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        # Tests run as root, and in containers with a small /dev/shm.
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                     "--no-first-run", "--disable-background-networking", f"--user-data-dir={self._profile.name}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.console: list[dict] = []
        self.asked: list[str] = []
        self.driver.get("about:blank")
        self.driver.get_log("performance")  # of Chromium's own first page
        self.resize(width, height)
        self.media(theme, motion)

    def resize(self, width: int, height: int):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def media(self, theme: str, motion: str = "no-preference"):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": motion}]})

    def open(self, wait: bool = True):
        self.driver.get(self.url + "/plimsoll/")
        if wait:
            self.wait(lambda: self.state() == "live" and self.all(".ship"), "live")

    def state(self) -> str:
        return self.one("#connection").get_attribute("data-state")

    def one(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def texts(self, selector: str) -> list[str]:
        return self.script("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)", selector)

    def script(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def keys(self, *keys: str):
        from selenium.webdriver.common.action_chains import ActionChains
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> str:
        """The id of what has the focus, else its text."""
        return self.script("const at = document.activeElement; return at.id || at.textContent.trim()")

    def click(self, selector: str):
        self.wait(lambda: self.one(selector).is_displayed(), f"{selector} to be seen")
        self.one(selector).click()

    def type(self, selector: str, text: str):
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def wait(self, condition, what: str, timeout: float = 30):
        """Until the condition holds; the limit only ends a hang. Elements may be drawn anew meanwhile."""
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
        end = time.monotonic() + timeout * slowness()
        while True:
            try:
                if condition():
                    return
            except (NoSuchElementException, StaleElementReferenceException):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {timeout} s. The page: {self.text('body')[:1500]}")
            time.sleep(0.03)

    def wait_text(self, selector: str, text: str, timeout: float = 30):
        self.wait(lambda: any(text in each for each in self.texts(selector)), f"\"{text}\" in {selector}", timeout)

    def picture(self, name: str, whole: bool = True):
        PICTURES.mkdir(parents=True, exist_ok=True)
        if whole:
            height = self.script("return document.documentElement.scrollHeight")
            width = self.script("return innerWidth")
            before = self.script("return innerHeight")
            self.resize(width, height)
            self.script("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            self.driver.save_screenshot(str(PICTURES / f"{name}.png"))
            self.resize(width, before)
        else:
            self.driver.save_screenshot(str(PICTURES / f"{name}.png"))

    def collect(self):
        self.console += self.driver.get_log("browser")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])

    def complaints(self) -> list[str]:
        """What the console says but for statuses of answers and broken connections, which tests cause on purpose."""
        self.collect()
        return [entry["message"] for entry in self.console if entry["level"] != "INFO" and entry["source"] != "network"]

    def foreign(self) -> list[str]:
        self.collect()
        ours = urlsplit(self.url)
        return [url for url in self.asked if (urlsplit(url).scheme, urlsplit(url).netloc) != (ours.scheme, ours.netloc)]

    def work(self) -> float:
        """Processor seconds of the page's main thread; needs Performance.enable."""
        metrics = self.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "ThreadTime")

    def axe(self) -> list[str]:
        """Serious and critical findings, one line each."""
        if not self.script("return typeof axe !== 'undefined'"):
            self.script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document).then((found) => done(found.violations), (error) => done(String(error)))")
        assert isinstance(found, list), found
        return [f"{each['id']} ({each['impact']}): {each['help']}: {[node['target'] for node in each['nodes']][:5]}"
                for each in found if each["impact"] in ("serious", "critical")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self._profile.cleanup()
