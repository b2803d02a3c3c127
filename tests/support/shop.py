"""A small real shop in a temporary folder: drawn garments, SQLite, the shipped pack, the engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from atelier.catalogue import write_catalogue
from bootstrap import Services
from catalog.imports import import_feed
from settings import Settings
from vectors.edge import start_engine

PRODUCTS = 36
SEED = 7


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
        stock(services, folder / "demo", products)
        yield services
    finally:
        services.close()
        engine.stop()


def stock(services: Services, folder: Path, products: int = PRODUCTS) -> None:
    """Draw, import and index the catalogue."""
    feed = write_catalogue(folder, products=products, seed=SEED, workers=1)
    import_feed(services.sessions, services.merchant().id, feed, folder, services.incoming)
    index(services)


def index(services: Services) -> None:
    """Work until nothing waits."""
    pipeline = services.pipeline()
    pipeline.ensure()
    while pipeline.step():
        pass
