"""A real browser for the tests of pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.serve import PageServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
]
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")


@contextmanager
def launched() -> Iterator[Any]:
    """A browser for as long as the block lasts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@contextmanager
def signed_in(browser: Any, server: PageServer) -> Iterator[Callable[..., Any]]:
    """A function that opens a page by its path, signed in; an error in any console fails the test in the end."""
    contexts, errors = [], []

    def make(path: str = "/", **options: object) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1024, "height": 768}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.link())
        page.goto(f"{server.url}{path}")
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def text_of(page: Any, selector: str, wanted: str | re.Pattern[str]) -> None:
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_text(wanted, timeout=15000)


def until(page: Any, script: str, argument: object = None) -> None:
    """Wait until the script gives true. The pages' policy forbids what `wait_for_function` does."""
    for _ in range(300):
        if page.evaluate(script, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {script}")
