"""Bar: what the ledger takes of an import, next to decoding and embedding.

    python -m benchmarks.ledger_overhead [--items 160] [--batch 32]

Imports drawn garments (photos of the demo's size) and works the three stages one after the other with the
shipped pack, on SQLite and on a PostgreSQL of its own. Ledger: claims, and what it is told afterwards; the
other seconds (storing pictures, writing points) are listed.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from atelier.catalogue import write_catalogue
from benchmarks.bar import Bar, show
from bootstrap import Services
from catalog.importing.imports import import_feed
from indexer.pipeline import Done
from settings import Settings
from tests.support.postgres import postgres
from vectors.edge import start_engine

TARGET = 10.0  # per cent
LEDGER, WORK = ("claim", "mark"), ("decode", "embed")


@contextmanager
def services(folder: Path, database_url: str) -> Iterator[Services]:
    """A Twirl in a folder, its engine running."""
    given = Settings()
    made = Services(replace(given, storage=replace(given.storage, data=folder, database_url=database_url)))
    made.prepare()
    engine = start_engine(made.data / "index", made.engine_socket)
    try:
        engine.wait_ready()
        yield made
    finally:
        made.close()
        engine.stop()


def index(made: Services, feed: Path, batch: int) -> tuple[Counter[str], int]:
    """Import the feed and index it; seconds by kind of work, and images."""
    spent: Counter[str] = Counter()

    def report(done: Done) -> None:
        spent.update(done.seconds)

    import_feed(made.sessions, made.merchant().id, feed, feed.parent, made.incoming)
    pipeline = made.pipeline(report)
    pipeline.ensure()
    pipeline.embed(batch)  # nothing is due; the pack is loaded when first asked for
    _ = made.pack
    live = 0
    while done := [pipeline.index(batch), pipeline.images(batch), pipeline.embed(batch)]:
        live += sum(each.live for each in done)
        if not any(each.claimed for each in done):
            return spent, live
    raise AssertionError("unreachable")


def bars(items: int = 160, batch: int = 32) -> Iterator[Bar]:
    """The share on both databases."""
    with tempfile.TemporaryDirectory(prefix="twirl-overhead-") as folder:
        feed = write_catalogue(Path(folder) / "drawn", products=items, seed=5, workers=1)
        yield _bar("SQLite", Path(folder) / "one", "", feed, batch)
        with postgres() as url:
            yield _bar("PostgreSQL", Path(folder) / "two", url, feed, batch)


def _bar(name: str, data: Path, url: str, feed: Path, batch: int) -> Bar:
    with services(data, url) as made:
        spent, live = index(made, feed, batch)
    ledger, work = (sum(spent[part] for part in parts) for parts in (LEDGER, WORK))
    share = 100 * ledger / work
    said = ", ".join(f"{part} {1000 * took / live:.2f}" for part, took in spent.most_common())
    what = f"Ledger next to decoding and embedding, {name}, {live} images"
    return Bar(what, share, f"< {TARGET:g} %", share < TARGET, "%", f"ms an image: {said}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What the ledger takes of an import.")
    parser.add_argument("--items", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32)
    chosen = parser.parse_args()
    show(bars(chosen.items, chosen.batch))
