"""The system's Chromium, driven by Playwright, and pages that remember what went wrong and what they asked for."""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

PATIENCE_MS = 15_000
# Autoplay: a test's click is a gesture, but a page that is asked from outside has had none.
FLAGS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio")


@dataclass
class Watched:
    """A page with all that its console complained of and every address that it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    def foreign(self) -> list[str]:
        """What left the page: neither the file itself nor what lies in it."""
        return [url for url in self.asked[1:] if not url.startswith(("blob:", "data:"))]


def eventually(page: Page, expression: str) -> None:
    """Waits until `expression` holds. Playwright's own waiting is done by the page, whose policy forbids it to."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never came true: {expression}"
        page.wait_for_timeout(30)


@contextmanager
def chromium() -> Generator[Browser]:
    """A headless browser, gone at the end; where none is installed the test is skipped, which CI does not allow."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed; 'make system' installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Browser, **options: Any) -> Generator[Watched]:
    """A fresh page; `options` are those of a browser's context, such as `color_scheme` and `viewport`."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    found = Watched(context.new_page())

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.complaints.append(message.text)

    found.page.on("console", complain)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: (found.complaints.append(dialog.message), dialog.dismiss())[1])
    found.page.on("request", lambda request: found.asked.append(request.url))
    try:
        yield found
    finally:
        context.close()
