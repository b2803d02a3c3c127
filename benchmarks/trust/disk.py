"""Bar: the disk is full in mid-import: that is said, nothing is half written, and it goes on with room.

    python -m benchmarks.trust.disk [--items 300] [--only indexing]

Twice: it fills while rows are written, with the embedded shape's real processes; and while the indexer works
at what an import has brought, with a fixed random projection for a model, which is not the point here. On a
small file system of its own in memory, which takes root to mount; else the figure is not measured.
"""

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import indexing_shop
from benchmarks.bar import Bar, show
from benchmarks.indexing_kill import Worker, live, wait_for, write_feed
from benchmarks.shop import Shop, shop
from catalog.importing.imports import import_feed

MIB = 2**20
SIZE_MIB, LEFT_MIB = 256, 12
FULL_S, SETTLE_S = 20.0, 300.0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of so many MiB. Raises CalledProcessError where this user may not mount one."""
    subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=False)


def fill(folder: Path, left_mib: int) -> Path:
    """A file that takes all but so many MiB."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * MIB)
                file.flush()
        except OSError:  # full
            pass
    with ballast.open("r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - left_mib * MIB))
    return ballast


def bars(items: int = 300, only: str = "") -> Iterator[Bar]:
    """The bar of the issue, for the rows and for the indexing."""
    for part, measured in {"rows": _rows_cut_off, "indexing": _indexing_cut_off}.items():
        if only in ("", part):
            with tempfile.TemporaryDirectory(prefix="twirl-disk-") as name:
                feeds, disk = Path(name) / "feeds", Path(name) / "disk"
                feeds.mkdir()
                disk.mkdir()
                feed = write_feed(feeds, items)
                _noise(feeds / "pictures")
                with small_disk(disk):
                    yield from measured(disk, feed, items)


def _rows_cut_off(disk: Path, feed: Path, items: int) -> Iterator[Bar]:
    with shop() as made:
        made.environ |= {"TWIRL_DATA": str(disk), "TWIRL_MIN_FREE_DISK_MB": "0"}
        made.start()
        yield from _while_rows_are_written(made, disk, feed, items)
        made.stop()


def _while_rows_are_written(made: Shop, disk: Path, feed: Path, items: int) -> Iterator[Bar]:
    ballast = fill(disk, LEFT_MIB)
    full = _import(made, feed)
    said = f"{full.stdout}{full.stderr}".strip()
    clear = full.returncode != 0 and "Traceback" not in said and "free some disk" in said
    yield _yes("disk full in an import: refused in words", clear, said[-160:])
    status = made.http.post(f"{made.url}/api/v1/search", json={"words": "red"}, timeout=30).status_code
    yield Bar("disk full: a search meanwhile", status, "200 or 503", status in (200, 503), "status")
    yield _yes("disk full in an import: the ledger is whole", _whole(disk), f"{_rows(disk)} products in it")
    ballast.unlink()
    began = time.monotonic()
    again = _import(made, feed)
    yield _yes(
        "disk full in an import: the same again, with room", again.returncode == 0, again.stdout[-120:]
    )
    yield _settled("an import", lambda: _live(disk), items, began)
    verdict = made.twirl("doctor")
    yield _yes(
        "disk full in an import: the doctor finds nothing", verdict.returncode == 0, verdict.stdout[-160:]
    )


def _indexing_cut_off(disk: Path, feed: Path, items: int) -> Iterator[Bar]:
    """All rows are in, and the pictures of some are not: the rest is for the indexer alone to do."""
    made = indexing_shop.Shop(disk / "data", None)
    made.start_engine()
    worker = Worker(made.root, None)
    try:
        import_feed(made.sessions, made.merchant, feed, feed.parent / "pictures", made.incoming)
        worker.start()
        wait_for(lambda: live(made) > 0)
        ballast = fill(disk, 0)
        before = live(made)
        time.sleep(FULL_S)
        stood = live(made)
        yield _yes(
            "disk full in indexing: it was in mid-work", 0 < stood < items, f"{before}, then {stood} live"
        )
        ballast.unlink()
        yield _settled("indexing", lambda: live(made), items, time.monotonic())
        differences = made.differences()
        yield Bar("disk full in indexing: differences", len(differences), "0", not differences)
    finally:
        worker.stop()
        made.close()


def _settled(during: str, now_live: Callable[[], int], wanted: int, began: float) -> Bar:
    while now_live() < wanted and time.monotonic() - began < SETTLE_S:
        time.sleep(1)
    took, seen = f"{time.monotonic() - began:.0f} s after there was room", now_live()
    return Bar(f"disk full in {during}: live afterwards", seen, f"{wanted}", seen == wanted, "images", took)


def _import(made: Shop, feed: Path) -> "subprocess.CompletedProcess[str]":
    return made.twirl(
        "import", str(feed), "--images", str(feed.parent / "pictures"), "--no-wait", timeout=600
    )


def _yes(name: str, ok: bool, detail: str = "") -> Bar:
    return Bar(name, float(ok), "1", ok, detail=detail.replace("\n", " "))


def _whole(disk: Path) -> bool:
    """Whether the ledger's file is as it should be, and no product is there without its picture's row."""
    without = "SELECT count(*) FROM product WHERE id NOT IN (SELECT product_id FROM image)"
    return bool(_ask(disk, "PRAGMA integrity_check") == "ok" and _ask(disk, without) == 0)


def _live(disk: Path) -> int:
    return int(_ask(disk, "SELECT count(*) FROM image WHERE state = 'live'"))


def _rows(disk: Path) -> int:
    return int(_ask(disk, "SELECT count(*) FROM product"))


def _ask(disk: Path, question: str) -> Any:
    with closing(sqlite3.connect(disk / "twirl.sqlite3", timeout=30)) as ledger:
        return ledger.execute(question).fetchone()[0]


def _noise(folder: Path) -> None:
    """Pictures that do not compress: some 70 kB each."""
    rng = np.random.default_rng(3)
    for path in folder.glob("*.jpg"):
        pixels = rng.integers(0, 256, (260, 220, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, quality=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.disk")
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--only", choices=["rows", "indexing"], default="")
    asked = parser.parse_args()
    sys.exit(any(not bar.ok for bar in show(bars(asked.items, asked.only))))
