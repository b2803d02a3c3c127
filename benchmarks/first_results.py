"""How long a shopper waits, as a browser sees it: a photo of 2 MB dropped on the page, and each refinement.

    python -m benchmarks.first_results

The demo shop is drawn, indexed and served as `make demo` does. A photo of about 2 MB is made of each of some
product pictures, enlarged and grainy. The clock runs in the page, from the drop (or the submitted words) to
the frame in which the new results stand; making the photo smaller, sending, decoding, encoding, searching and
showing are all in it. Browser, shop and engine share the machine.
"""

import io
import json
import statistics
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from benchmarks.bar import Bar, show
from benchmarks.demo_pages import demo_pages

PHOTOS, BYTES = 40, 2_000_000
WORDS = ("in black", "but longer", "with long sleeves", "striped, under $60")

_HOLD = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  window.held = new DataTransfer();
  window.held.items.add(new File([bytes], name, { type: "image/jpeg" }));
}"""
_UNTIL = """
  const before = document.getElementById("results");
  const began = performance.now();
  act();
  return new Promise((done) => {
    const look = () => {
      const now = document.getElementById("results");
      if (now !== before && now.querySelector(".card")) done(performance.now() - began);
      else requestAnimationFrame(look);
    };
    look();
  });
"""
_DROP = f"""() => {{
  const act = () => {{
    for (const kind of ["dragover", "drop"])
      document.body.dispatchEvent(
        new DragEvent(kind, {{ dataTransfer: window.held, bubbles: true, cancelable: true }}));
  }};
  {_UNTIL}
}}"""
_SAY = f"""(words) => {{
  const act = () => {{
    document.getElementById("words").value = words;
    document.getElementById("search").requestSubmit();
  }};
  {_UNTIL}
}}"""


def large(path: Path, seed: int) -> bytes:
    """A JPEG of about 2 MB: the picture at a phone's size, with a phone's grain."""
    with Image.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB").resize((2400, 3000)), np.float32)
    grain = np.random.default_rng(seed).normal(0, 6, pixels.shape)
    photo = Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))
    saved = b""
    for quality in range(95, 40, -5):
        kept = io.BytesIO()
        photo.save(kept, "JPEG", quality=quality)
        saved = kept.getvalue()
        if len(saved) <= BYTES * 1.1:
            break
    return saved


def dropped(page: Page, photo: bytes) -> float:
    """Milliseconds from the drop on the first page to the first results."""
    page.goto("/")
    page.evaluate(_HOLD, [b64encode(photo).decode(), "photo.jpg"])
    return float(page.evaluate(_DROP))


def refined(page: Page, words: str) -> float:
    """Milliseconds from submitted words to the results of photo and words."""
    return float(page.evaluate(_SAY, words))


def bars() -> Iterator[Bar]:
    """The 95th percentiles of both."""
    with demo_pages() as (running, browser):
        page = browser.new_context(base_url=running.url, viewport={"width": 1280, "height": 900}).new_page()
        folder = running.data / "demo"
        rows = [json.loads(line) for line in (folder / "feed.jsonl").read_text().splitlines()]
        photos = [
            large(folder / row["image_link"], n)
            for n, row in enumerate(rows[:: len(rows) // PHOTOS][:PHOTOS])
        ]
        dropped(page, photos[0])  # the first of all warms caches that a shop in use has warm
        drops, refinements = [], []
        for photo in photos:
            drops.append(dropped(page, photo))
            refinements += [refined(page, words) for words in WORDS]
    yield _bar("photo of 2 MB dropped: first results, p95", drops, 1000, f"{len(photos[0]) / 1e6:.1f} MB")
    yield _bar("refinement of a photo by words: results, p95", refinements, 300, "")


def _bar(name: str, times: list[float], most: float, detail: str) -> Bar:
    p95 = statistics.quantiles(times, n=20)[-1]
    said = f"p50 {statistics.median(times):.0f} ms; {len(times)} times; {detail}".removesuffix("; ")
    return Bar(name, p95, f"<= {most:g} ms", p95 <= most, "ms", said)


if __name__ == "__main__":
    show(bars())
