"""Bar: backup, wipe, restore: the doctor finds 0 differences, and the same searches give the same hits.

    python -m benchmarks.backup_restore [--items 2000] [--postgres] [--pack]

Imports a feed of generated pictures into an installation of its own, indexes it, backs it up twice, deletes
its data folder, restores it, asks the doctor and repeats 100 searches; with --postgres into a PostgreSQL and
from there back to SQLite. Without --pack a fixed projection stands in for the model, which is not the point.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pgserver.postgres_server import get_server
from sqlalchemy import func, select

from benchmarks.bar import Bar, show
from benchmarks.indexing_kill import write_feed
from benchmarks.indexing_shop import PlainEncoder, PlainPacks
from bootstrap import Services
from catalog.importing.imports import import_feed
from catalog.models import Image, Product
from catalog.site import live_index, read_site
from indexer.patience import patiently
from launcher.backup import Chosen, make_backup
from launcher.embedded import running
from launcher.indexing import examine
from launcher.restore import Wanted, restore
from searcher.query import SearchQuery
from settings import Settings

if TYPE_CHECKING:
    from embedding.packs import Packs

SEARCHES = 100
Hits = list[list[tuple[str, int, float]]]
lines: list[str] = []


class Installation:
    """A data folder and a database, opened anew for each thing that is done with them."""

    def __init__(self, folder: Path, database_url: str = "", plain: bool = True) -> None:
        self.folder, self.database_url, self.plain = folder, database_url, plain

    def services(self) -> Services:
        """The parts of it, as an entry point has them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        given = Settings()
        storage = replace(given.storage, data=self.folder, database_url=self.database_url)
        made = Services(replace(given, storage=storage))
        if self.plain:
            pack = made.pack_folders.choose(str(given.model.pack))
            stand_in = PlainEncoder(pack.fingerprint, pack.dimension)
            made = Services(made.settings, packs=cast("Packs", PlainPacks(stand_in)))
        return made

    @contextmanager
    def open(self) -> Iterator[Services]:
        """With its engine running."""
        services = self.services()
        with running(services, ("engine",), lines.append):
            for name in services.store.collections():
                patiently(services.store.count, name)
            yield services
        services.close()

    def restore(self, root: Path) -> None:
        """From the newest backup."""
        services = self.services()
        restore(services, root, Wanted(), lines.append)
        services.close()


def fill(services: Services, feed: Path) -> None:
    """Import and index the feed."""
    import_feed(services.sessions, services.merchant().id, feed, feed.parent / "pictures", services.incoming)
    pipeline = services.pipeline()
    pipeline.ensure()
    while pipeline.step():
        pass
    pipeline.close()


def searches(services: Services) -> Hits:
    """What 100 searches find: by an item, by words, by both; each hit's sku, picture and score."""
    shop = services.merchant().id
    with services.sessions() as session:
        skus = session.scalars(select(Product.sku).order_by(Product.id)).all()
    step = max(1, 3 * len(skus) // SEARCHES)
    asked: list[SearchQuery] = []
    for number, sku in enumerate(skus[::step]):
        asked.append(SearchQuery(shop, reference=sku))
        asked.append(SearchQuery(shop, words=f"red garment {number}"))
        asked.append(SearchQuery(shop, reference=sku, words="woven in red"))
    found = [services.searcher.search(query) for query in asked[:SEARCHES]]
    return [[(hit.product.sku, hit.image.position, round(hit.score, 5)) for hit in one.hits] for one in found]


def bars(items: int = 2000, postgres: bool = True, plain: bool = True) -> Iterator[Bar]:
    """Once around: SQLite, wiped, SQLite; then PostgreSQL and back."""
    with tempfile.TemporaryDirectory(prefix="twirl-backup-") as name:
        root = Path(name)
        first = Installation(root / "data", plain=plain)
        with first.open() as services:
            fill(services, write_feed(root, items))
            before = searches(services)
            took, size = _timed(lambda: make_backup(services, root / "kept", Chosen(), lines.append)), 0
            again = _timed(lambda: make_backup(services, root / "kept", Chosen(), lines.append))
            size = sum(path.stat().st_size for path in (root / "kept").rglob("*") if path.is_file())
            images = _images(services)
        detail = f"{images} images, {size / 2**20:.0f} MiB for two backups; the first took {took:.1f} s"
        yield Bar("Backup: a second one beside the first", again, "<= the first", again <= took, "s", detail)
        shutil.rmtree(first.folder)  # the disaster
        yield from _restored(first, root / "kept", before, "wiped")
        if postgres:
            yield from _around(root, before, plain)


def _around(root: Path, before: Hits, plain: bool) -> Iterator[Bar]:
    server = get_server(root / "pg")
    try:
        servers = Installation(root / "servers", server.get_uri(), plain)
        yield from _restored(servers, root / "kept", before, "SQLite to PostgreSQL")
        with servers.open() as services:
            make_backup(services, root / "second", Chosen(), lines.append)
        home = Installation(root / "home", plain=plain)
        yield from _restored(home, root / "second", before, "PostgreSQL to SQLite")
    finally:
        server.cleanup()


def _restored(target: Installation, root: Path, before: Hits, road: str) -> Iterator[Bar]:
    took = _timed(lambda: target.restore(root))
    with target.open() as services:
        began = time.monotonic()
        found = list(examine(services))
        looked = time.monotonic() - began
        points = services.store.count(live_index(read_site(services.sessions)).collection)
        after = searches(services)
    kinds = ", ".join(sorted({each.kind for each in found})) or "none"
    yield Bar(
        f"Restore ({road}): differences that the doctor finds", len(found), "0", not found, "differences",
        f"{points} points; restored in {took:.1f} s, examined in {looked:.1f} s; kinds: {kinds}",
    )  # fmt: skip
    same = sum(old == new for old, new in zip(before, after, strict=True))
    yield Bar(
        f"Restore ({road}): searches with the same hits", same, f"{len(before)}", same == len(before) > 0,
        "searches", "every hit's item, picture, place and score",
    )  # fmt: skip


def _images(services: Services) -> int:
    with services.sessions() as session:
        live = select(func.count()).select_from(Image).where(Image.state == "live")
        return int(session.scalar(live) or 0)


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Back up, wipe, restore, compare.")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--postgres", action="store_true", help="also into PostgreSQL and back")
    parser.add_argument("--pack", action="store_true", help="with the shipped model")
    chosen = parser.parse_args()
    shown = show(bars(chosen.items, chosen.postgres, not chosen.pack))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
