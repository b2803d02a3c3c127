"""Bar: a picture that kills whoever encodes it is given up after three attempts; all others are found.

    python -m benchmarks.trust.poison [--items 5000]

The worker kills itself (SIGKILL) when it is given that one picture, as a codec or a driver would; it is
started again each time, as a supervisor does.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from sqlalchemy import func, select

from benchmarks.bar import ROOT, Bar, show
from benchmarks.indexing_kill import write_feed
from benchmarks.indexing_shop import PlainEncoder, Shop
from catalog.importing.imports import import_feed
from catalog.models import Image, Product
from indexer.runner import Rounds, run_forever, stop_on_signals
from indexer.sweeper import unfinished

MAGENTA = (255, 0, 255)
SETTLE_S = 900.0
ATTEMPTS = 3


class Poisoned(PlainEncoder):
    """Dies of the picture that is all magenta."""

    def encode_images(self, pixels: Any) -> NDArray[np.float32]:
        """As the plain one does, if it comes to that."""
        for image in pixels:
            if np.abs(image.reshape(-1, 3).mean(axis=0) - MAGENTA).max() < 8:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_images(pixels)


def work(folder: Path) -> None:
    """Index the shop in the folder until SIGTERM, or until death."""
    stop = stop_on_signals()
    shop = Shop(folder, Poisoned())
    pipeline = shop.pipeline(f"poison:{os.getpid()}", batch=32)
    run_forever(pipeline, stop, nice=5, rounds=Rounds(lease=5, claims=1))
    shop.decoder.close()


def bars(items: int = 5000) -> Iterator[Bar]:
    """The bar of the issue."""
    with tempfile.TemporaryDirectory(prefix="twirl-poison-") as name:
        folder = Path(name)
        feed = write_feed(folder, items)
        Pictures.new("RGB", (128, 128), MAGENTA).save(folder / "pictures" / f"{items // 2}.jpg", quality=95)
        shop = Shop(folder / "data", Poisoned())
        shop.start_engine()
        try:
            yield from _measured(shop, feed, items)
        finally:
            shop.close()


def _measured(shop: Shop, feed: Path, items: int) -> Iterator[Bar]:
    over, deaths, began = threading.Event(), list[float](), time.monotonic()
    thread = threading.Thread(target=_supervise, args=(shop.root, over, deaths))
    thread.start()
    try:
        import_feed(shop.sessions, shop.merchant, feed, feed.parent / "pictures", shop.incoming)
        while unfinished(shop.sessions) and time.monotonic() - began < SETTLE_S:
            time.sleep(0.5)
    finally:
        over.set()
        thread.join()
    with shop.sessions() as session:
        counted = session.execute(select(Image.state, func.count()).group_by(Image.state)).all()
        states = {str(state): int(number) for state, number in counted}
        rows = select(Product.sku, Image.error_code).join(Image.product).where(Image.state == "failed")
        failed = [tuple(row) for row in session.execute(rows).all()]
    took = f"{time.monotonic() - began:.0f} s"
    live = states.get("live", 0)
    yield Bar("poison item: the others live", live, f"{items - 1}", live == items - 1, "images", took)
    dead = len(deaths) == ATTEMPTS and failed == [(f"SKU-{items // 2}", "poison")]
    yield Bar("poison item: workers that it killed", len(deaths), f"{ATTEMPTS}", dead, detail=str(failed[:3]))
    found = shop.differences()
    yield Bar("poison item: differences", len(found), "0", not found)


def _supervise(folder: Path, over: threading.Event, deaths: list[float]) -> None:
    while not over.is_set():
        command = [sys.executable, "-m", "benchmarks.trust.poison", "--work", str(folder)]
        worker = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
        while worker.poll() is None and not over.wait(0.1):
            pass
        if worker.poll() == -signal.SIGKILL:
            deaths.append(time.monotonic())
        else:
            worker.terminate()
            worker.wait(30)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.poison")
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="be the worker")
    asked = parser.parse_args()
    if asked.work:
        work(asked.work)
    else:
        sys.exit(any(not bar.ok for bar in show(bars(asked.items))))
