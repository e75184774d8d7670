"""A headless Chromium that reports what a page logged and asked for; tests skip, saying so, where there is none."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1",
)  # fmt: skip


class Browser:
    """What the tests need beyond selenium's driver, which is `driver`."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, address: str) -> None:
        self.messages()
        self.requests()
        self.driver.get(address)

    def run(self, script: str, *arguments):
        """The value that a JavaScript function body returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """left, top, width, height on the screen"""
        rectangle = self.run("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)
        return tuple(rectangle[name] for name in ("left", "top", "width", "height"))

    def style(self, selector: str, name: str) -> str:
        """A computed property, by its CSS name."""
        return self.run(
            "return getComputedStyle(document.querySelector(arguments[0])).getPropertyValue(arguments[1])",
            selector,
            name,
        )

    def drag(self, *points: tuple[float, float]) -> None:
        """Real pointer events: down at the first point of the screen, through the others, up at the last."""
        self._mouse("mousePressed", points[0], buttons=1)
        for point in points[1:]:
            self._mouse("mouseMoved", point, buttons=1)
        self._mouse("mouseReleased", points[-1], buttons=0)

    def wheel(self, point: tuple[float, float], pixels: float) -> None:
        self._mouse("mouseWheel", point, deltaX=0, deltaY=pixels)

    def double_click(self, point: tuple[float, float]) -> None:
        for count in (1, 2):
            self._mouse("mousePressed", point, buttons=1, clickCount=count)
            self._mouse("mouseReleased", point, buttons=0, clickCount=count)

    def touch(self, *frames: list[tuple[float, float]]) -> None:
        """Fingers: each frame lists where they are; they are lifted after the last."""
        for kind, points in zip(("touchStart", *["touchMove"] * len(frames), "touchEnd"), (*frames, []), strict=False):
            fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            kind = kind if points else "touchEnd"
            self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def _mouse(self, kind: str, point: tuple[float, float], **values) -> None:
        button = {} if kind == "mouseWheel" else {"button": "left", "clickCount": 1}
        event = {"type": kind, "x": point[0], "y": point[1], "pointerType": "mouse", **button, **values}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def screen(self, width: int, height: int, phone: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})

    def prefer(self, **features: str) -> None:
        """`prefer(color_scheme="dark")`"""
        values = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": values})

    def messages(self) -> list[str]:
        """What the console got since the last question: errors, warnings, violated policies."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address asked for since the last question, but for data that the page carries itself.

        `chrome:` is what the browser's own first page asks for, late on a busy machine; no page of ours can reach it.
        """
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith(("data:", "blob:", "chrome:"))]

    def picture(self, path: Path) -> None:
        """A screenshot of what is seen."""
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile, or a skipped test."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium and chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield Browser(running)
    finally:
        running.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """One for all tests of a module."""
    with started(tmp_path_factory.mktemp("profile")) as running:
        running.screen(1280, 900)
        yield running
