"""Drives the FiftyOne App in a real browser: what a person does, in a few words."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

SCREENSHOTS = Path(__file__).resolve().parents[1] / "screenshots"
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SERVE = """
import sys
import fiftyone as fo
session = fo.launch_app(fo.load_dataset(sys.argv[1]), remote=True, port=int(sys.argv[2]), address="127.0.0.1")
session.wait(-1)
"""
_LOCAL = re.compile(r"(https?|ws)://(127\.0\.0\.1|localhost)|data:|blob:")
_SLOW = 120_000


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(dataset: str):
    """The App's server on a dataset, in a process of its own; yields its address."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", _SERVE, dataset, str(port)], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str, seconds: float = 120) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            opener.open(address, timeout=5)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(f"the App did not answer at {address}")


class App:
    """One browser page on a dataset."""

    def __init__(self, playwright, address: str, dataset: str):
        playwright.selectors.set_test_id_attribute("data-cy")
        self.browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), headless=True, args=_FLAGS
        )
        self.page: Page = self.browser.new_context(viewport={"width": 1500, "height": 950}).new_page()
        self.errors: list[str] = []
        # What the App would load from elsewhere (fonts, analytics) is not ours and would only keep it waiting.
        self.page.route("**/*", lambda route: route.continue_() if _LOCAL.match(route.request.url) else route.abort())
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address}/datasets/{dataset}", wait_until="domcontentloaded", timeout=_SLOW)
        self.page.get_by_test_id("looker").first.wait_for(timeout=_SLOW)
        welcome = self.page.get_by_text("Dismiss", exact=True)
        try:
            welcome.wait_for(timeout=6_000)
            welcome.click()
        except Exception:
            pass

    def shot(self, name: str) -> None:
        """Keeps a picture of what is seen now."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def open_operator(self, label: str) -> Locator:
        """Opens an operator's form from the operator browser."""
        browser = self.page.get_by_test_id("operators-browser")
        self.page.keyboard.press("Backquote")
        try:
            browser.wait_for(timeout=10_000)
        except TooLate:
            # A key is lost while the App draws its page anew.
            self.page.keyboard.press("Backquote")
            browser.wait_for(timeout=20_000)
        self.page.keyboard.type(label)
        browser.get_by_text(label, exact=True).first.click()
        self.form.wait_for(timeout=15_000)
        return self.form

    @property
    def form(self) -> Locator:
        """The open form, or the result that replaced it."""
        return self.page.get_by_test_id("operators-prompt-modal")

    def settle(self, milliseconds: int = 1200) -> None:
        """Waits for the form's round trip to the server."""
        self.page.wait_for_timeout(milliseconds)

    def fill(self, field: str, value: str, nth: int = 0) -> None:
        """Types into a field of the form, found by its label, and leaves it."""
        box = self._after(field, "self::input or self::textarea", nth)
        box.fill(value)
        box.press("Tab")
        self.settle()

    def choose(self, field: str, option: str, nth: int = 0) -> None:
        """Chooses from a dropdown of the form, found by its label."""
        self._after(field, "@role='combobox'", nth).click()
        self.page.get_by_role("option", name=option).first.click()
        self.settle()

    def add(self, field: str, *options: str) -> None:
        """Adds to a list of the form, found by its label."""
        for option in options:
            self.choose(field, option)

    def take_out(self, field: str, option: str) -> None:
        """Takes something out of a list of the form again."""
        box = self._after(field, "@role='combobox'", 0).locator(
            "xpath=ancestor::*[contains(@class, 'MuiAutocomplete-root')]"
        )
        chip = box.locator(".MuiChip-root", has_text=re.compile(rf"^{re.escape(option)}$"))
        chip.locator("svg").click()
        self.settle()

    def switch(self, field: str) -> None:
        """Turns a switch of the form."""
        self.form.get_by_text(field, exact=True).locator("xpath=preceding::input[@type='checkbox'][1]").click()
        self.settle()

    def begin(self, wanted: str) -> None:
        """Chooses what a selection's form begins with."""
        self.choose("I want to", wanted)

    def _after(self, label: str, kind: str, nth: int) -> Locator:
        """The first element of a kind behind a label; ``nth`` tells equal labels apart."""
        text = self.form.locator(f"xpath=.//p[normalize-space()='{label}']").nth(nth)
        return text.locator(f"xpath=following::*[{kind}][1]")

    def execute(self) -> None:
        """Submits the form."""
        self.form.get_by_role("button", name="Execute").first.click()

    def close(self) -> None:
        """Closes the result."""
        for name in ("Close", "Done"):
            button = self.page.get_by_role("button", name=name, exact=True)
            if button.count():
                button.last.click()
                self.settle(400)

    def open_panel(self, name: str = "shortlist_panel", tab: str | None = None) -> Locator:
        """Opens a panel by hand, and one of its tabs."""
        if not self.page.get_by_test_id(f"panel-content-{name}").count():
            self.page.get_by_test_id("new-panel-btn").first.click()
            self.page.get_by_test_id(f"new-panel-option-{name}").click()
            self.page.get_by_test_id(f"panel-content-{name}").wait_for(timeout=20_000)
        if tab is not None:
            self.panel.get_by_role("tab", name=tab, exact=True).click()
        return self.panel

    @property
    def panel(self) -> Locator:
        """The Shortlist panel."""
        return self.page.get_by_test_id("panel-content-shortlist_panel")

    def figure(self, number: int) -> Locator:
        """A figure of the panel, by its place in it, in sight and at rest."""
        figure = self.panel.locator(".js-plotly-plot").nth(number)
        figure.locator(".nsewdrag").first.wait_for(timeout=30_000)
        figure.scroll_into_view_if_needed()
        # A figure is laid out again half a second after it came.
        self.settle(700)
        return figure

    def traces(self, figure: int, wanted: str, seconds: float = 15) -> list:
        """Facts of a figure's traces, once some trace has the wanted name; a figure is drawn after the words around it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.figure(figure).evaluate("e => e.data.map(t => [t.name, t.marker?.size, t.x?.length])")
            if any(name == wanted for name, _, _ in found) or time.monotonic() > deadline:
                return found
            self.settle(300)

    def click_bar(self, figure: int, bar: int) -> None:
        """Clicks a bar of a figure at its foot."""
        box = self.figure(figure).locator(".bars .point path").nth(bar).bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + min(3, box["width"] / 2), box["y"] + box["height"] - 2)

    def lasso(self, figure: int, share: float = 1.0) -> None:
        """Draws around the middle of a figure, so much of its width and height."""
        self._until_still(figure)
        box = self.figure(figure).locator(".nsewdrag").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        right, down = share * (box["width"] / 2 - 2), share * (box["height"] / 2 - 2)
        self.page.mouse.move(x - right, y - down)
        self.page.mouse.down()
        for dx, dy in ((right, -down), (right, down), (-right, down), (-right, -down)):
            self.page.mouse.move(x + dx, y + dy, steps=4)
        self.page.mouse.up()

    def _until_still(self, figure: int, seconds: float = 20) -> None:
        """Waits until a figure is not being drawn again: Plotly cannot go on with a line that was begun on another one."""
        drawn, deadline = self.figure(figure), time.monotonic() + seconds
        while time.monotonic() < deadline:
            drawn.evaluate("e => { e.seenLast = e.data; }")
            self.settle(1500)
            if drawn.evaluate("e => e.seenLast === e.data"):
                return

    def pick(self, number: int) -> None:
        """Selects a sample of the grid, or takes it out of what is selected."""
        item, box = self.page.get_by_test_id("looker").nth(number), None
        deadline = time.monotonic() + 15
        # The grid is laid out again for a while after its view changed.
        while box is None and time.monotonic() < deadline:
            self.settle(700)
            item.hover()
            box = item.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + 19, box["y"] + 19)

    def clear_view(self) -> None:
        """Shows the whole dataset again."""
        self.page.get_by_test_id("btn-clear-view-bar").click()

    def count_is(self, expected: object, seconds: float = 20) -> None:
        """Waits until the App says that there are so many samples."""
        counts = self.page.get_by_test_id("entry-counts")
        expect(counts).to_have_text(re.compile(rf"^{expected} samples?$"), timeout=seconds * 1000)

    def see(self, text: str, seconds: float = 60) -> None:
        """Waits until a text is seen."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=seconds * 1000)

    @property
    def count(self) -> str:
        """How many samples the App says there are."""
        return self.page.get_by_test_id("entry-counts").inner_text()
