"""A small real shop in a temporary folder: drawn garments, SQLite, the shipped pack, the engine."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from atelier.catalogue import write_catalogue
from bootstrap import Services
from catalog.importing.imports import import_feed
from settings import Settings
from vectors.edge import start_engine

PRODUCTS = 36
SEED = 7
ROOT = Path(__file__).resolve().parents[2]
DRAWN = ROOT / ".pytest_cache" / "drawn"  # drawing takes longer than indexing; it is the same every time


@contextmanager
def small_shop(folder: Path, products: int = PRODUCTS) -> Iterator[Services]:
    """Services over a drawn catalogue, imported and indexed; the engine runs while the block does."""
    given = Settings()
    settings = replace(given, storage=replace(given.storage, data=folder))
    services = Services(settings)
    services.prepare()
    engine = start_engine(services.data / "index", services.engine_socket)
    try:
        engine.wait_ready()
        stock(services, products)
        yield services
    finally:
        services.close()
        engine.stop()


def stock(services: Services, products: int = PRODUCTS) -> None:
    """Import and index the drawn catalogue."""
    feed = drawn(products)
    import_feed(services.sessions, services.merchant().id, feed, feed.parent, services.incoming)
    index(services)


def drawn(products: int = PRODUCTS) -> Path:
    """The feed of a drawn catalogue, its pictures beside it; drawn once for each state of the atelier."""
    sources = sorted((ROOT / "atelier").rglob("*.py"))
    atelier = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = DRAWN / f"{products}-{SEED}-{atelier}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        write_catalogue(made, products=products, seed=SEED, workers=1)
        try:
            made.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(made)
    return folder / "feed.jsonl"


def index(services: Services) -> None:
    """Work until nothing waits."""
    pipeline = services.pipeline()
    pipeline.ensure()
    while pipeline.step():
        pass
