"""The demo shop: drawn once, imported once, then only served."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from atelier.catalogue import write_catalogue
from bootstrap import Services
from catalog.importing.imports import import_feed
from catalog.models import ImportJob

Moves = Callable[[int, int | None], None]
SHOP_NAME = "Maison Twirl"
PRODUCTS = 600
SEED = 7
WORKERS = 2


def load_demo(services: Services, merchant_id: int, bar: Callable[[str], Moves]) -> None:
    """Draw the catalogue unless it is there, import it unless that was done; `bar` makes progress bars."""
    folder = services.data / "demo"
    feed = folder / "feed.jsonl"
    if not feed.exists():
        # The feed is written last: an interrupted drawing starts over, a finished one never does.
        feed = write_catalogue(folder, products=PRODUCTS, seed=SEED, progress=bar("drawing"), workers=WORKERS)
    name = f"{feed.name} {_digest(feed)}"
    if not _imported(services, merchant_id, name):
        import_feed(
            services.sessions, merchant_id, feed, folder, services.incoming, bar("importing"),
            services.doorbell.ring, name,
        )  # fmt: skip


def _digest(feed: Path) -> str:
    return hashlib.sha256(feed.read_bytes()).hexdigest()[:16]


def _imported(services: Services, merchant_id: int, name: str) -> bool:
    done = select(ImportJob.id).where(
        ImportJob.merchant_id == merchant_id, ImportJob.filename == name, ImportJob.state == "done"
    )
    with services.sessions() as session:
        return session.scalars(done.limit(1)).first() is not None
