"""Bar: a migration of a million images on PostgreSQL keeps nobody waiting.

    python -m benchmarks.migrate_million [--images 1000000] [--hold 20]

Fills the first release's tables, lets a reader and a writer go on as a shop does, lets a third transaction
hold the table for --hold seconds, migrates to the newest schema meanwhile, and reports the longest statement
of the reader and of the writer. A statement is slow when it waits for a lock; so are they all on a busy
machine: the longest one before the migration stands beside.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pgserver.postgres_server import get_server
from sqlalchemy import Connection, Engine, text

from benchmarks.bar import Bar, show
from catalog.database import current_revision, newest_revision, open_engine, upgrade

MERCHANTS = 20
QUIET_S = 10.0  # how long reader and writer are watched before the migration
PAUSE_S = 0.01

FILL = (
    "INSERT INTO merchant (id, slug, name, currency, created_at) "
    "SELECT n, 'shop-' || n, '', 'USD', now() FROM generate_series(1, :merchants) n",
    "INSERT INTO product (id, merchant_id, sku, item_group_id, rev, hidden, created_at, updated_at, "
    "content_hash, currency, availability, title, brand, category, colour, pattern, material, gender, "
    "age_group, size, link, description, attributes) "
    "SELECT n, n % :merchants + 1, 'SKU-' || n, 'G' || n / 3, 1, false, now(), now(), md5(n::text), 'USD', "
    "'in_stock', 'Linen dress number ' || n, 'Brand ' || n % 50, 'Women > Dresses', 'Red', '', 'linen', "
    "'female', 'adult', 'M', 'https://shop.example/' || n, repeat('Woven. ', 20), '{}' "
    "FROM generate_series(1, :products) n",
    "INSERT INTO image (id, product_id, position, source, sha256, width, height, state, removed, error_code, "
    "error_message, attempts, fingerprint, indexed_rev) "
    "SELECT n, (n + 1) / 2, (n + 1) % 2, 'https://shop.example/' || n || '.jpg', "
    "md5(n::text) || md5((-n)::text), 800, 1000, 'live', false, '', '', 0, 'f', 1 "
    "FROM generate_series(1, :images) n",
    "SELECT setval(pg_get_serial_sequence('product', 'id'), :products), "
    "setval(pg_get_serial_sequence('image', 'id'), :images)",
)


@dataclass
class Client(threading.Thread):
    """Repeats one small transaction and remembers the longest and the failed ones."""

    engine: Engine
    work: Callable[[Connection], None]
    longest_s: float = 0.0
    done: int = 0
    failures: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Until told to stop."""
        while not self.stop.wait(PAUSE_S):
            began = time.monotonic()
            try:
                with self.engine.begin() as connection:
                    self.work(connection)
            except Exception as error:  # counted: nobody may be refused either
                self.failures.append(repr(error)[:200])
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.done += 1

    def reset(self) -> float:
        """The longest so far; from now on a new one."""
        longest, self.longest_s, self.done = self.longest_s, 0.0, 0
        return longest


def reader(images: int) -> Callable[[Connection], None]:
    """What a page of results reads: 50 products and their images."""
    products = text("SELECT * FROM product WHERE id = ANY(:ids)")
    pictures = text("SELECT id, product_id, sha256 FROM image WHERE product_id = ANY(:ids) ORDER BY position")

    def work(connection: Connection) -> None:
        ids = random.sample(range(1, images // 2), 50)
        assert len(connection.execute(products, {"ids": ids}).all()) == 50
        assert len(connection.execute(pictures, {"ids": ids}).all()) == 100

    return work


def writer(images: int) -> Callable[[Connection], None]:
    """What an import and a worker write: a product, and the images of some others."""
    touch = text("UPDATE product SET rev = rev + 1, updated_at = now() WHERE id = :id")
    mark = text("UPDATE image SET attempts = attempts + 1 WHERE id = ANY(:ids)")

    def work(connection: Connection) -> None:
        connection.execute(touch, {"id": random.randint(1, images // 2)})
        connection.execute(mark, {"ids": sorted(random.sample(range(1, images), 8))})

    return work


@contextmanager
def database(images: int) -> Iterator[Engine]:
    """A PostgreSQL of its own with the first release's tables, filled."""
    with tempfile.TemporaryDirectory(prefix="twirl-pg-") as folder:
        server = get_server(folder)
        engine = open_engine(server.get_uri())
        try:
            upgrade(engine, "0001")
            sizes = {"merchants": MERCHANTS, "products": images // 2, "images": images}
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("SET statement_timeout = 0"))
                for statement in FILL:
                    connection.execute(text(statement), sizes)
                connection.execute(text("VACUUM ANALYZE"))
                connection.detach()
            yield engine
        finally:
            engine.dispose()
            server.cleanup()


def _hold(engine: Engine, seconds: float) -> threading.Thread:
    """A report that reads a row of each table and goes on in its transaction."""

    def work() -> None:
        with engine.begin() as connection:
            for table in ("product", "image", "merchant"):
                connection.execute(text(f"SELECT id FROM {table} LIMIT 1"))  # noqa: S608 - our tables
            time.sleep(seconds)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def bars(images: int = 1_000_000, hold: float = 20.0) -> Iterator[Bar]:
    """Migrate beside the traffic; yields the bars."""
    began = time.monotonic()
    with database(images) as engine:
        print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
        clients = {"reader": Client(engine, reader(images)), "writer": Client(engine, writer(images))}
        for client in clients.values():
            client.start()
        time.sleep(QUIET_S)
        before = {name: client.reset() for name, client in clients.items()}
        holder = _hold(engine, hold)
        time.sleep(0.5)
        began = time.monotonic()
        upgrade(engine)
        took = time.monotonic() - began
        for client in clients.values():
            client.stop.set()
            client.join()
        holder.join()
        for name, client in clients.items():
            failed = f"; {len(client.failures)} failed: {client.failures[:1]}" if client.failures else ""
            yield Bar(
                f"Migrating {images:,} images: longest wait of a {name}", client.longest_s, "< 1 s",
                client.longest_s < 1 and not client.failures, "s",
                f"{client.done} transactions, {before[name]:.2f} s at most before{failed}",
            )  # fmt: skip
        yield _whole(engine, images, took, hold)


_WRONG = (
    "SELECT count(*) FROM image JOIN product p ON p.id = product_id WHERE image.merchant_id <> p.merchant_id",
    "SELECT count(*) FROM pg_constraint WHERE NOT convalidated",
    "SELECT count(*) FROM pg_index WHERE NOT indisvalid",
)


def _whole(engine: Engine, images: int, took: float, hold: float) -> Bar:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        bad = sum(int(connection.execute(text(query)).scalar() or 0) for query in _WRONG)
        current = current_revision(connection) == newest_revision()
    limit = 60 + hold + images / 5000
    return Bar(
        f"Migrating {images:,} images: whole", took, f"<= {limit:.0f} s",
        current and not bad and took <= limit, "s",
        f"{bad} wrong rows, constraints or indexes; the tables were held for the first {hold:.0f} s",
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Migrate a large ledger beside its traffic.")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--hold", type=float, default=20.0)
    chosen = parser.parse_args()
    shown = show(bars(chosen.images, chosen.hold))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
