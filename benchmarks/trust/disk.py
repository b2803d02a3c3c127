"""Bar: the disk is full in mid-import: that is said, nothing is half written, and it goes on with room.

    python -m benchmarks.trust.disk [--items 150]

On a small file system of its own in memory, which takes root to mount; else the figure is not measured.
"""

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.bar import Bar, show
from benchmarks.indexing_kill import write_feed
from benchmarks.shop import Shop, shop

MIB = 2**20
SIZE_MIB, LEFT_MIB = 192, 6


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


def bars(items: int = 150) -> Iterator[Bar]:
    """The bar of the issue, with the shipped model and the embedded shape's real processes."""
    with tempfile.TemporaryDirectory(prefix="twirl-disk-") as name, shop() as made:
        feeds, disk = Path(name) / "feeds", Path(name) / "disk"
        feeds.mkdir()
        disk.mkdir()
        feed = write_feed(feeds, items)
        _noise(feeds / "pictures")
        with small_disk(disk):
            made.environ |= {"TWIRL_DATA": str(disk), "TWIRL_MIN_FREE_DISK_MB": "0"}
            yield from _measured(made, disk, feed, items)
            made.stop()


def _measured(made: Shop, disk: Path, feed: Path, items: int) -> Iterator[Bar]:
    made.start()
    ballast = fill(disk, LEFT_MIB)
    full = made.twirl("import", str(feed), "--images", str(feed.parent / "pictures"), "--no-wait")
    said = f"{full.stdout}{full.stderr}".strip()
    clear = full.returncode != 0 and "Traceback" not in said and bool(said)
    yield Bar(
        "disk full in an import: refused in words",
        float(clear),
        "1",
        clear,
        detail=said[-160:].replace("\n", " "),
    )
    searched = made.http.post(f"{made.url}/api/v1/search", json={"words": "red"}, timeout=30).status_code
    yield Bar("disk full: a search meanwhile", searched, "200 or 503", searched in (200, 503), "status")
    ballast.unlink()
    began = time.monotonic()
    again = made.twirl("import", str(feed), "--images", str(feed.parent / "pictures"), timeout=600)
    took = f"{time.monotonic() - began:.0f} s after there was room"
    done = again.returncode == 0
    yield Bar(
        "disk full: the import again", float(done), "1", done, detail=took if done else again.stdout[-200:]
    )
    seen = _live(disk)
    yield Bar("disk full: images live afterwards", seen, f"{items}", seen == items, "images")
    verdict = made.twirl("doctor")
    well = verdict.returncode == 0
    yield Bar(
        "disk full: the doctor finds nothing", float(well), "1", well, detail=verdict.stdout.strip()[-160:]
    )


def _live(disk: Path) -> int:
    with closing(sqlite3.connect(disk / "twirl.sqlite3")) as ledger:
        return int(ledger.execute("SELECT count(*) FROM images WHERE state = 'live'").fetchone()[0])


def _noise(folder: Path) -> None:
    """Pictures that do not compress: some 70 kB each."""
    rng = np.random.default_rng(3)
    for path in folder.glob("*.jpg"):
        pixels = rng.integers(0, 256, (260, 220, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, quality=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.disk")
    parser.add_argument("--items", type=int, default=150)
    asked = parser.parse_args()
    sys.exit(any(not bar.ok for bar in show(bars(asked.items))))
