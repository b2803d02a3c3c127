"""Bar: the console's list of items in a shop of 100,000, on SQLite and on PostgreSQL.

    python -m benchmarks.item_list [--items 100000]

One shop with two pictures an item: 5 % wait, 3 % failed for 20 reasons, 4 % are hidden, 60 categories, 200
brands. Each list is read as its page reads it, with the counts by state and the choices of its filters, at
the beginning and deep inside; then how long it takes to hide all that a filter leaves.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert, text

from benchmarks.bar import Bar, show
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.items.acts import Act, act_on_matching
from catalog.items.counting import ItemCounts
from catalog.items.listing import ItemFilter, items_page, values_of
from catalog.items.tables import ItemHint
from catalog.models import Image, Product
from catalog.products import ensure_merchant
from tests.support.postgres import postgres

CHUNK = 5000
ROUNDS = 12
TARGET_MS = 100
LISTS = (
    ItemFilter(), ItemFilter(state="live"), ItemFilter(state="queued"), ItemFilter(state="failed"),
    ItemFilter(state="failed", code="code-7"), ItemFilter(state="hidden"), ItemFilter(brand="Brand 17"),
    ItemFilter(category="Women"), ItemFilter(category="Women > Kind 7"), ItemFilter(availability="preorder"),
    ItemFilter(state="live", brand="Brand 17"), ItemFilter(state="live", category="Women"),
    ItemFilter(state="live", category="Men > Kind 3", brand="Brand 3", availability="in_stock"),
    ItemFilter(words="sku-4711"), ItemFilter(words="sku"), ItemFilter(words="linen dress"),
    ItemFilter(words="number 4711"), ItemFilter(words="no such thing"), ItemFilter(hint="blurred"),
    ItemFilter(state="queued", brand="Brand 17"),
)  # fmt: skip


def bars(items: int = 100_000) -> Iterator[Bar]:
    """Milliseconds of a list, the slowest filter's among them, and seconds of an act on most of the shop."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured("SQLite", f"sqlite:///{folder}/items.sqlite3", items)
    with postgres() as url:
        yield from _measured("PostgreSQL", url, items)


def _measured(database: str, url: str, items: int) -> Iterator[Bar]:
    with filled(url, items) as (ledger, shop):
        taken = {wanted: _times(ledger, shop, wanted, items) for wanted in LISTS}
        every = [ms for times in taken.values() for ms in times]
        slowest = max(taken, key=lambda wanted: float(np.percentile(taken[wanted], 95)))
        p95 = float(np.percentile(every, 95))
        worst = float(np.percentile(taken[slowest], 95))
        detail = f"p50 {np.percentile(every, 50):.0f} ms; {len(LISTS)} filters, {items} items"
        yield Bar(
            f"a list of items, p95, {database}", p95, f"< {TARGET_MS} ms", p95 < TARGET_MS, "ms", detail
        )
        said = " ".join(f"{name}={value}" for name, value in slowest.said().items()) or "no filter"
        name = f"its slowest filter, p95, {database}"
        yield Bar(name, worst, f"< {TARGET_MS} ms", worst < TARGET_MS, "ms", said)
        began = time.perf_counter()
        acted = act_on_matching(ledger, shop, Act("hide"), ItemFilter(state="live"), budget_s=600)
        took = time.perf_counter() - began
        name = f"all live items hidden, {database}"
        yield Bar(name, took, "< 60 s", took < 60, "s", f"{acted.changed} items")


def _times(ledger: Sessions, shop: int, wanted: ItemFilter, items: int) -> list[float]:
    draw, times, counts = random.Random(3), [], ItemCounts(fresh_s=0.1)
    for number in range(ROUNDS):
        below = None if number % 2 == 0 else draw.randrange(items // 10, items)
        began = time.perf_counter()
        with ledger() as session:
            items_page(session, shop, wanted, below)
            counts.of(session, shop)
            values_of(session, shop, "category")
            values_of(session, shop, "brand")
        times.append((time.perf_counter() - began) * 1000)
    return times


@contextmanager
def filled(url: str, items: int) -> Iterator[tuple[Sessions, int]]:
    """A ledger with that many items of one shop; gives its id."""
    engine = open_engine(url)
    try:
        upgrade(engine)
        ledger = sessions(engine)
        with ledger.begin() as session:
            shop = ensure_merchant(session, "large").id
        for start in range(0, items, CHUNK):
            numbers = range(start + 1, min(start + CHUNK, items) + 1)
            with ledger.begin() as session:
                session.execute(insert(Product), [_product(n, shop) for n in numbers])
                session.execute(insert(Image), [_image(n, shop, place) for n in numbers for place in (0, 1)])
                session.execute(insert(ItemHint), [_hint(n, shop) for n in numbers if n % 40 == 0])
        _settle(engine)
        yield ledger, shop
    finally:
        engine.dispose()


def _settle(engine: Engine) -> None:
    """What PostgreSQL's autovacuum has done a minute after an import."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _product(n: int, shop: int) -> dict[str, Any]:
    return {
        "id": n, "merchant_id": shop, "sku": f"SKU-{n}", "item_group_id": f"G{n // 3}",
        "title": f"Linen dress number {n}", "description": "Woven. " * 40, "brand": f"Brand {n % 200}",
        "category": f"{('Women', 'Men')[n % 2]} > Kind {n % 30}", "hidden": n % 25 == 4,
        "availability": "preorder" if n % 50 == 0 else "in_stock",
    }  # fmt: skip


def _image(n: int, shop: int, place: int) -> dict[str, Any]:
    row = {
        "product_id": n, "merchant_id": shop, "position": place, "queue": "images", "priority": 1,
        "source": f"https://shop.example/{n}-{place}.jpg", "sha256": f"{2 * n + place:064x}",
        "fingerprint": "f" * 64, "state": "live", "error_code": "", "error_message": "",
    }  # fmt: skip
    if n % 25 == 4:
        row |= {"state": "hidden"}
    elif n % 20 == 0:
        row |= {"state": "queued"}
    elif n % 33 == 1:
        row |= {"state": "failed", "error_code": f"code-{n % 20}", "error_message": "It cannot be read."}
    return row


def _hint(n: int, shop: int) -> dict[str, Any]:
    return {"product_id": n, "merchant_id": shop, "code": "blurred"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.item_list", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    sys.exit(not all(bar.ok for bar in show(bars(parser.parse_args().items))))
