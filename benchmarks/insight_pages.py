"""Insight over a million logged searches: how long its pages take, and the round that makes its days.

    python -m benchmarks.insight_pages

30 days of a shop of 20,000 products: 1,000,000 searches by 30,000 different words, a third of them by a photo
of one of 60 kinds of thing, 250,000 clicks, on SQLite and on PostgreSQL. The days are made of them by the
round that does so in service; then a logged-in merchant loads each page, and each CSV, twenty times.
"""

import random
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, insert

from benchmarks.bar import Bar, show
from bootstrap import Services
from catalog.insight.reading import Period
from catalog.insight.rollup import roll
from catalog.insight.tables import InsightDay
from catalog.insight.vectors import packed
from catalog.insight.writing import write_events
from catalog.models import Image, Product
from settings import Settings
from tests.support.console import ConsoleClient, console_client
from tests.support.postgres import fresh, postgres

SEARCHES, DAYS, PHRASES, THINGS, PRODUCTS, ROUNDS, BATCH = 1_000_000, 30, 30_000, 60, 20_000, 20, 5_000
DIMENSION, P95_MS, ROLL_S = 416, 300.0, 10.0
PAGES = ("", "words", "photos", "gaps", "?days=90", "words.csv", "gaps.csv", "photos.csv")
KINDS, VALUES = 30, 40


def bars() -> Iterator[Bar]:
    """Yield the pages' bars on both databases."""
    with ExitStack() as stack:
        uri = stack.enter_context(postgres())
        for name in ("SQLite", "PostgreSQL"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = fresh(uri, "insight") if name == "PostgreSQL" else ""
            yield from _on(name, _services(folder, url))


def _services(folder: Path, url: str) -> Services:
    given = Settings()
    storage = replace(given.storage, data=folder, database_url=url)
    services = Services(replace(given, storage=storage))
    services.prepare()
    return services


def _on(name: str, services: Services) -> Iterator[Bar]:
    merchant = services.merchant().id
    _stock(services, merchant)
    _log(services, merchant)
    began = time.perf_counter()
    days = roll(services.sessions)
    took = time.perf_counter() - began
    again = _again(services, merchant)
    said = f"{days} days in {took:.0f} s at first"
    yield Bar(f"insight, {name}: a day made anew", again, f"<= {ROLL_S:g} s", again <= ROLL_S, "s", said)
    client = console_client(services, "viewer")
    for page in PAGES:
        worked = time.process_time()
        took_ms = sorted(_timed(client, page) for _ in range(ROUNDS))
        worked = (time.process_time() - worked) * 1000 / ROUNDS
        p95, half = took_ms[int(ROUNDS * 0.95) - 1], statistics.median(took_ms)
        label = f"insight, {name}: /{page}, p95"
        yield Bar(
            label,
            p95,
            f"<= {P95_MS:g} ms",
            p95 <= P95_MS,
            "ms",
            f"half {half:.0f} ms, {worked:.0f} ms of work",
        )
    services.close()


def _timed(client: ConsoleClient, page: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/console/{client.shop}/insight/{page}")
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, page
    return took


def _again(services: Services, merchant: int) -> float:
    """Seconds for one day, as it is made anew while it changes."""
    with services.sessions.begin() as session:
        period = Period(merchant, datetime.now(UTC).date(), datetime.now(UTC).date())
        session.execute(delete(InsightDay).where(*period.of(InsightDay)))
    began = time.perf_counter()
    assert roll(services.sessions) == 1
    return time.perf_counter() - began


def _stock(services: Services, merchant: int) -> None:
    rows = [
        {"id": n, "merchant_id": merchant, "sku": f"S{n}", "item_group_id": f"G{n // 2}",
         "title": f"Thing {n}", "category": f"All > Kind {n % KINDS}", "colour": f"Colour {n % VALUES}",
         "pattern": f"P{n % 7}", "price_minor": 1000 + n}
        for n in range(1, PRODUCTS + 1)
    ]  # fmt: skip
    images = [
        {"product_id": n, "merchant_id": merchant, "position": 0, "source": f"https://x/{n}", "sha256": None,
         "state": "live", "indexed_rev": 1}
        for n in range(1, PRODUCTS + 1)
    ]  # fmt: skip
    with services.sessions.begin() as session:
        session.execute(insert(Product), rows)
        session.execute(insert(Image), images)


def _log(services: Services, merchant: int) -> None:
    rng, numbers = random.Random(11), np.random.default_rng(11)
    things = numbers.normal(size=(THINGS, DIMENSION))
    vectors = [_photo(things[n % THINGS], numbers) for n in range(THINGS * 50)]
    words = [f"words {n} {zlib.crc32(b'%d' % n) % 97}" for n in range(PHRASES)]
    often = rng.choices(range(PHRASES), [1 / (n + 5) for n in range(PHRASES)], k=SEARCHES)
    now = datetime.now(UTC)
    for first in range(0, SEARCHES, BATCH):
        searches, clicks = [], []
        for n in range(first, min(first + BATCH, SEARCHES)):
            at = now - timedelta(days=n % DAYS)
            made = _search(n, merchant, at, words[often[n]], rng)
            if rng.random() < 1 / 3:
                thing = rng.randrange(len(vectors))
                made |= {"mode": "photo", "photo_id": f"photo-{n}", "vector": vectors[thing],
                         "top": [f"S{1 + thing % THINGS * 7 + k}" for k in range(4)]}  # fmt: skip
            searches.append(made)
            if rng.random() < 0.25:
                clicks.append(_click(made, min(24, int(rng.expovariate(0.25)) + 1)))
        with services.sessions.begin() as session:
            write_events(session, searches, clicks)


def _photo(thing: Any, numbers: np.random.Generator) -> str:
    near = thing + 0.35 * numbers.normal(size=DIMENSION)
    return packed(near / np.linalg.norm(near))


def _search(n: int, merchant: int, at: datetime, words: str, rng: random.Random) -> dict[str, Any]:
    kind, colour, chance = rng.randrange(KINDS), rng.randrange(VALUES), rng.random()
    gap = f'[["category", "Kind {kind}", ["all > kind {kind}"]], ["colour", "C", ["colour {colour}"]]]'
    return {
        "merchant_id": merchant, "day": at.date().isoformat(), "at": at, "uid": f"{n:016x}", "source": "shop",
        "mode": "words", "words": words, "total": 40, "shown": 24 if chance > 0.02 else 0,
        "weak": chance > 0.9, "latency": rng.randrange(25, 60), "gap": gap if 0.5 < chance < 0.58 else "",
        "unknown": f"strange{rng.randrange(900)}" if 0.6 < chance < 0.65 else "", "photo_id": "",
        "fingerprint": "f" * 32, "top": [], "vector": "",
    }  # fmt: skip


def _click(search: dict[str, Any], rank: int) -> dict[str, Any]:
    same = {name: search[name] for name in ("merchant_id", "day", "at", "uid")}
    return {**same, "sku": f"S{rank}", "rank": rank, "kind": "open"}


if __name__ == "__main__":
    show(bars())
