"""What a claim costs with a million images queued, of few merchants and of ten thousand.

    python -m benchmarks.ledger_claims [--images 1000000] [--claims 50]

Writes the queue with SQL, on SQLite and on a PostgreSQL of its own whose statistics are still those of the
empty table (as in the first minute of an import), and times `Claims.take` with batches of 32.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, text, update

from benchmarks.bar import Bar, show
from catalog.database import open_engine, sessions, upgrade
from catalog.models import Image, Merchant, Product, now
from indexer.claims import Claims
from tests.support.postgres import postgres
from tests.support.queued import make_merchants, queue_images

TARGET_MS = 50.0  # 2 % of what embedding such a batch takes on a CPU
BATCH = 32


@contextmanager
def engines(name: str) -> Iterator[Engine]:
    """An empty ledger on that database."""
    if name == "SQLite":
        with tempfile.TemporaryDirectory(prefix="twirl-claims-") as folder:
            made = open_engine(f"sqlite:///{Path(folder) / 'twirl.sqlite3'}")
            upgrade(made)
            yield made
            made.dispose()
        return
    with postgres() as uri:
        made = open_engine(uri)
        upgrade(made)
        with made.begin() as connection:
            connection.execute(text("ALTER TABLE image SET (autovacuum_enabled = false)"))
        yield made
        made.dispose()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may take minutes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection


def fill(engine: Engine, shape: dict[int, int]) -> None:
    """Queue {merchant: images} anew."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("TRUNCATE image, product, merchant CASCADE"))
        else:
            for table in (Image, Product, Merchant):
                connection.execute(delete(table))
        make_merchants(connection, max(shape))
        last = 0
        for merchant, images in shape.items():
            last = queue_images(connection, merchant, last, images)


def measure(engine: Engine, claims: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each claim, and of each look that finds nothing."""
    worker = Claims(sessions(engine), "bench:1")
    takes, looks = [], []
    for _ in range(claims):
        began = time.perf_counter()
        taken = worker.take("images", BATCH)
        takes.append(1000 * (time.perf_counter() - began))
        assert len(taken) == BATCH, len(taken)
        began = time.perf_counter()
        assert not worker.take("index", BATCH)
        looks.append(1000 * (time.perf_counter() - began))
    return takes, looks


def bars(images: int = 1_000_000, claims: int = 50) -> Iterator[Bar]:
    """A claim on both databases: with two merchants waiting, most of it to be tried later, ten thousand."""
    many = 10_000
    for database in ("SQLite", "PostgreSQL"):
        with engines(database) as engine:
            fill(engine, {1: images, 2: 3})
            yield _bar(f"{database}, {images:,} queued, 2 merchants", *measure(engine, claims))
            with writing(engine) as connection:
                later = update(Image).where(Image.id < images - 2 * claims * BATCH, Image.state == "queued")
                connection.execute(later.values(next_attempt_at=now() + timedelta(hours=1)))
            yield _bar(f"{database}, most of them to be tried later", *measure(engine, claims))
            fill(engine, dict.fromkeys(range(1, many + 1), 10))
            yield _bar(f"{database}, {many:,} merchants with 10 each", *measure(engine, claims))


def _bar(what: str, takes: list[float], looks: list[float]) -> Bar:
    p50 = statistics.median(takes)
    said = f"slowest {max(takes):.1f} ms; a look that finds nothing {statistics.median(looks):.1f} ms"
    return Bar(f"Claim of {BATCH} images: {what}", p50, f"< {TARGET_MS:g} ms", p50 < TARGET_MS, "ms", said)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time claims with many images queued.")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=50)
    chosen = parser.parse_args()
    show(bars(chosen.images, chosen.claims))
