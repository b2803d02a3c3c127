"""Bar: kill -9 of the indexer and of the engine during an import loses nothing and duplicates nothing.

    python -m benchmarks.indexing_kill [--items 1000] [--kills 10] [--seed 1] [--pack packs/twirl-small]

Imports a feed of generated pictures while the indexer works, kills the indexer, the engine or both with
SIGKILL at random moments, starts them again at once, and asks the doctor when nothing is queued any more.
Without --pack the indexer embeds with a fixed random projection: the model is not the point here.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.bar import ROOT, Bar, show
from benchmarks.indexing_shop import Shop, picture
from catalog.importing.imports import import_feed
from catalog.models import Image
from indexer.sweeper import unfinished

SETTLE_S = 300.0


class Worker:
    """The indexer's process, started anew after each death."""

    def __init__(self, folder: Path, pack: Path | None) -> None:
        self.command = [sys.executable, "-m", "benchmarks.indexing_worker", str(folder)]
        self.command += ["--pack", str(pack)] if pack else []
        self.log = folder / "run" / "indexer.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it takes up what it left."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL to it and its decoder children."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


def write_feed(folder: Path, items: int) -> Path:
    """A JSONL feed of that many products, each with a picture of its own."""
    (folder / "pictures").mkdir()
    feed = folder / "feed.jsonl"
    with feed.open("w") as lines:
        for number in range(items):
            (folder / "pictures" / f"{number}.jpg").write_bytes(picture(number, side=128))
            said = {
                "id": f"SKU-{number}", "title": f"Garment {number}", "description": "Woven.",
                "link": f"https://shop.example/{number}", "image_link": f"{number}.jpg", "price": "19.00 USD",
                "availability": "in_stock", "item_group_id": f"G{number // 3}", "color": "red",
            }  # fmt: skip
            lines.write(json.dumps(said) + "\n")
    return feed


def run(folder: Path, items: int, kills: int, seed: int, pack: Path | None = None) -> Iterator[Bar]:
    """Import under fire; yields the bars."""
    encoder = None
    if pack is not None:
        from embedding.pack import load_pack  # brings torch, which the plain encoder does without

        encoder = load_pack(pack)
    feed = write_feed(folder, items)
    shop = Shop(folder / "data", encoder)
    shop.start_engine()
    worker = Worker(shop.root, pack)
    began = time.monotonic()
    try:
        worker.start()
        importer = _import(shop, feed)
        killed = _fire(shop, worker, items, kills, random.Random(seed))
        importer.join()
        settled = _settle(shop)
        took = time.monotonic() - began
        yield from _bars(shop, items, killed, settled, took)
    finally:
        worker.stop()
        shop.close()


def _import(shop: Shop, feed: Path) -> threading.Thread:
    def work() -> None:
        import_feed(shop.sessions, shop.merchant, feed, feed.parent / "pictures", shop.incoming)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def _fire(shop: Shop, worker: Worker, items: int, kills: int, rng: random.Random) -> list[str]:
    """Kill at moments spread over the work: each when a random share of the images is live."""
    shares = sorted(rng.uniform(0.02, 0.95) for _ in range(kills))
    killed = []
    for share in shares:
        wait_for(lambda share=share: live(shop) >= share * items)  # type: ignore[misc]
        time.sleep(rng.uniform(0, 0.5))
        target = rng.choice(("indexer", "engine", "both"))
        if target != "indexer":
            assert shop.engine is not None
            os.kill(shop.engine.pid, signal.SIGKILL)
        if target != "engine":
            worker.kill()
            worker.start()
        if target != "indexer":
            shop.start_engine()
        killed.append(target)
    return killed


def live(shop: Shop) -> int:
    """Images that can be found."""
    with shop.sessions() as session:
        return int(session.scalar(select(func.count()).select_from(Image).where(Image.state == "live")) or 0)


def _settle(shop: Shop) -> bool:
    return wait_for(lambda: unfinished(shop.sessions) == 0)


def wait_for(done: Callable[[], bool]) -> bool:
    """Whether that is so within SETTLE_S."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.1)
    return False


def _bars(shop: Shop, items: int, killed: list[str], settled: bool, took: float) -> Iterator[Bar]:
    found = shop.differences()
    there = live(shop)
    detail = f"{len(killed)} kills ({', '.join(killed)}), {took:.0f} s"
    kinds = ", ".join(sorted({each.kind for each in found})) or "none"
    yield Bar(
        "Kills during an import: differences of SQL, blobs, index", len(found), "0",
        settled and not found, "differences", f"{detail}; kinds: {kinds}",
    )  # fmt: skip
    yield Bar("Kills during an import: images live", there, f"{items}", there == items, "images", detail)


def bars(items: int = 1000, kills: int = 10, seed: int = 1, pack: Path | None = None) -> Iterator[Bar]:
    """The bar of the issue: 10 kills while 1,000 items are imported."""
    with tempfile.TemporaryDirectory(prefix="twirl-kill-") as folder:
        yield from run(Path(folder), items, kills, seed, pack)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill the indexer and the engine during an import.")
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pack", type=Path)
    chosen = parser.parse_args()
    shown = show(bars(chosen.items, chosen.kills, chosen.seed, chosen.pack))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
