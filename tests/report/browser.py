"""Headless Chromium for tests of pages: one start for all of them, driven over the DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1", "--lang=en-US",
)  # fmt: skip


@dataclass(frozen=True)
class Browser:
    """A page in a window of its own."""

    driver: Chrome

    def open(self, page: Path, *, width: int = 1280, height: int = 900, scheme: str = "light", at: str = "") -> None:
        """Load a page anew; what it wrote to the console and asked of the network is counted from here."""
        self.look(width=width, height=height, scheme=scheme)
        self.driver.get("about:blank")
        self.console()
        self.requests()
        self.driver.get(page.as_uri() + at)

    def look(self, *, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """The size of the window (which can be as narrow as a phone) and the system's colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def command(self, name: str, **options: Any) -> dict[str, Any]:
        """A command of the DevTools protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(name, options)
        return answer

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns, run beside the page's policy."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The first element."""
        return self.driver.find_element("css selector", selector)

    def console(self) -> list[str]:
        """What was written to the console since the last call, warnings and errors."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call, those inside the page itself left out."""
        entries = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        asked = [
            entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"
        ]
        return [address for address in asked if not address.startswith(("data:", "about:", "blob:"))]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.execute("getLog", {"type": kind})["value"]
        return entries

    def widths(self) -> tuple[int, int]:
        """How wide the content and the window are."""
        content, window = self.run("const r = document.documentElement; return [r.scrollWidth, r.clientWidth]")
        return content, window

    def faults(self) -> list[str]:
        """Serious and critical faults that axe-core finds, with their elements."""
        if not self.run("return typeof axe === 'object'"):
            self.run(resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
        )
        return [
            f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"][:3]
        ]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium, started once; without it tests skip, and fail in CI."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "chromedriver" if program else f"browser: one of {', '.join(PROGRAMS)}"
        message = f"no {missing}; Debian's packages are chromium and chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    options = ChromeOptions()
    options.binary_location = program
    for option in (*_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(options=options, service=Service(executable_path=driver))
    try:
        started.set_script_timeout(60)
        started.set_page_load_timeout(60)
        yield Browser(started)
    finally:
        started.quit()
