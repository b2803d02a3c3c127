"""The demo shop, drawn, indexed and served, with a real Chromium before it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from benchmarks.demo_shop import draw_and_import
from benchmarks.shop import Shop, shop

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def demo_pages() -> Iterator[tuple[Shop, Browser]]:
    """The running demo shop and a browser. Raises RuntimeError when the demo cannot be indexed."""
    with shop() as running:
        draw_and_import(running)
        printed = running.twirl("import", str(running.data / "demo" / "feed.jsonl"))  # waits until indexed
        if printed.returncode:
            raise RuntimeError(printed.stdout + printed.stderr)
        running.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
            yield running, browser
            browser.close()
