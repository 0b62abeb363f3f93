"""A real browser on a computer of the lab, whose windows keep what a page showed on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.lab.namespace import Namespace

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
_REMEMBERED = """
([selector, about]) => {
  window.remembered = [];
  const look = () => {
    const those = [...document.querySelectorAll(selector)];
    const found = those.find(each => !about || each.closest(".row").textContent.includes(about));
    const words = found ? found.innerText.replace(/\\s+/g, " ").trim() : "";
    if (words && words !== window.remembered.at(-1)) window.remembered.push(words);
  };
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(look).observe(document.body, all);
  look();
}
"""


@contextmanager
def browser(place: Namespace, directory: Path) -> Iterator[Browser]:
    """Chromium in that namespace; ``directory`` takes the script that starts it there."""
    starter = directory / "chromium"
    command = " ".join(place.enter(CHROMIUM))
    starter.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    starter.chmod(0o755)
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=str(starter), args=["--no-sandbox"], timeout=120_000)
        try:
            yield running
        finally:
            running.close()


def window(opened: Browser, url: str, **context: Any) -> Page:
    """A page in a window of its own, with the time that a busy computer takes."""
    page = opened.new_context(**context).new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    return page


def remember(page: Page, selector: str, about: str = "") -> None:
    """From now on, whatever words the first of these shows, in the row ``about`` a machine; see `remembered`."""
    page.evaluate(_REMEMBERED, [selector, about])


def remembered(page: Page) -> list[str]:
    """Each of them, in the order they were shown in.  A page that was loaded anew has forgotten them."""
    return list(page.evaluate("window.remembered"))
