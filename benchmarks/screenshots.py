"""Pictures of every page of the demo shop for the documentation, at three widths.

    make screenshots        # docs/screenshots/PAGE-WIDTH.webp, and PAGE-1280-dark.webp of the first pages

Draws and serves the demo, so it takes as long as `make demo` does the first time.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState

from benchmarks import screenshots_console
from benchmarks.bar import ROOT
from benchmarks.demo_pages import demo_pages
from benchmarks.shop import Shop

OUT = ROOT / "docs" / "screenshots"
WIDTHS = {360: 740, 768: 1024, 1280: 900}
BY_NIGHT = ("home", "refined", "console-items")
MOST = 120_000  # bytes a picture


def main() -> None:
    """Write every picture; print each with its size."""
    OUT.mkdir(parents=True, exist_ok=True)
    with demo_pages() as (running, browser):
        screenshots_console.use(running)
        context = browser.new_context(base_url=running.url)
        page = context.new_page()
        screenshots_console.enter(page, running)
        every = [*screenshots_console.pages(page, running), *pages(running)]
        login = context.storage_state()
        for width in WIDTHS:
            _shoot(browser, running, every, login, width)
        _shoot(browser, running, every, login, 1280, dark=True)


def _shoot(
    browser: Browser, running: Shop, every: list[tuple[str, str]], login: StorageState, width: int,
    dark: bool = False,
) -> None:  # fmt: skip
    context = browser.new_context(
        base_url=running.url, viewport={"width": width, "height": WIDTHS[width]}, storage_state=login,
        color_scheme="dark" if dark else "light", reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    for name, address in every:
        if dark and name not in BY_NIGHT:
            continue
        page.goto(address)
        page.wait_for_load_state("networkidle")
        write(page, OUT / f"{name}-{width}{'-dark' if dark else ''}.webp")
    context.close()


def pages(running: Shop) -> Iterator[tuple[str, str]]:
    """(name, address): the first page, searches of each kind, products, one that is not there, operators."""
    lines = (running.data / "demo" / "queries.jsonl").read_text().splitlines()
    query = next(json.loads(line) for line in lines if " in " in json.loads(line)["words"])
    sku, words = query["query"], query["words"].replace(" ", "+")
    other = json.loads(lines[-1])["query"]
    yield "home", "/"
    yield "photo", f"/?photo={_kept(running, sku)}"
    yield "refined", f"/?like={sku}&q={words}"
    yield "words", "/?q=floral+dress+without+sleeves+under+%2460"
    yield "nothing", "/?q=silk+coat+under+%241"
    yield "product", f"/p/{sku}"
    yield "compare", f"/compare?sku={sku}&sku={other}"
    yield "missing", "/p/none-of-ours"
    yield "operators", f"http://127.0.0.1:{running.environ['TWIRL_OPS_PORT']}/ops"
    yield "german", f"/?like={sku}&q={words}&lang=de"  # the last: a browser remembers its language


def _kept(running: Shop, sku: str) -> str:
    """The name of a shopper's photo: here of what one of the pieces shows."""
    rows = map(json.loads, (running.data / "demo" / "feed.jsonl").read_text().splitlines())
    picture = next(row["image_link"] for row in rows if row["id"] == sku)
    sent = {"photo": (running.data / "demo" / picture).read_bytes()}
    answer = running.http.post(f"{running.url}/api/v1/photos", files=sent, timeout=30)
    return str(answer.json()["photo_id"])


def write(page: Page, path: Path) -> None:
    """The window as WebP, as good as fits."""
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        for quality in (85, 75, 65, 55, 45):
            kept = io.BytesIO()
            shot.convert("RGB").save(kept, "WEBP", quality=quality, method=6)
            if kept.tell() <= MOST:
                break
    path.write_bytes(kept.getvalue())
    print(f"{path.relative_to(ROOT)}  {kept.tell() // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
