"""Bar: the operators' page over 100,000 images, 20,000 of them queued and 3,000 failed.

    python -m benchmarks.ops_page [--images 100000]

Fills a ledger in SQLite and one in PostgreSQL, starts the engine, and asks for /ops and /metrics, each time
with nothing kept from the time before: the reading, the examples of failures, the page.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select

from benchmarks.bar import Bar, show
from bootstrap import Services
from catalog.models import Image, Merchant, Product, now
from catalog.operations import StageMinute, Worker
from settings import Settings
from tests.support.postgres import postgres
from vectors.edge import start_engine
from web import health
from web.meters import Meters
from web.ops.app import create_ops_app
from web.ops.pages import WATCH
from web.probes import Probes

CHUNK = 5000
ROUNDS = 20
MERCHANTS = 20


def bars(images: int = 100_000) -> Iterator[Bar]:
    """Milliseconds of a page and of a scrape that find nothing remembered, on both databases."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured("SQLite", Path(folder), "", images)
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        yield from _measured("PostgreSQL", Path(folder), url, images)


def _measured(database: str, data: Path, url: str, images: int) -> Iterator[Bar]:
    given = Settings()
    chosen = replace(given, storage=replace(given.storage, data=data, database_url=url))
    with _filled(Services(chosen), images) as services:
        needs = [need for need in health.needs(services) if need.name != "model"]
        app = create_ops_app(services, Meters(), Probes(needs, fresh_s=0.0), services.data)
        for path, target in (("/ops", 100), ("/metrics", 150)):
            _ask(app, path)  # the first one compiles the template
            times = [_ask(app, path) for _ in range(ROUNDS)]
            p95 = float(np.percentile(times, 95))
            detail = f"p50 {np.percentile(times, 50):.0f} ms, {images} images"
            yield Bar(f"{path} read anew, p95, {database}", p95, f"< {target} ms", p95 < target, "ms", detail)


def _ask(app: Any, path: str) -> float:
    app.extensions[WATCH].forget()
    began = time.perf_counter()
    answer = app.test_client().get(path, base_url="http://127.0.0.1:8001")
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text[:200]
    time.sleep(0.05)
    return took


@contextmanager
def _filled(services: Services, images: int) -> Iterator[Services]:
    services.prepare()
    engine = start_engine(services.data / "index", services.engine_socket)
    try:
        engine.wait_ready()
        with services.sessions.begin() as session:
            session.add_all(Merchant(slug=f"shop-{n}") for n in range(MERCHANTS))
        with services.sessions() as session:
            shops = list(session.scalars(select(Merchant.id)))
        for start in range(0, images, CHUNK):
            numbers = range(start + 1, min(start + CHUNK, images) + 1)
            with services.sessions.begin() as session:
                session.execute(insert(Product), [_product(n, shops) for n in numbers])
                session.execute(insert(Image), [_image(n, shops) for n in numbers])
        with services.sessions.begin() as session:
            session.add_all(_activity())
        _settle(services)
        yield services
    finally:
        services.close()
        engine.stop()


def _settle(services: Services) -> None:
    """What PostgreSQL's autovacuum has done a minute after an import."""
    if services.database.dialect.name == "postgresql":
        with services.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _product(n: int, shops: list[int]) -> dict[str, Any]:
    words = {"title": f"Linen dress number {n}", "description": "Woven. " * 20, "category": "Women > Dresses"}
    return {
        "id": n,
        "merchant_id": shops[n % len(shops)],
        "sku": f"SKU-{n}",
        "item_group_id": f"G{n // 3}",
        **words,
    }


def _image(n: int, shops: list[int]) -> dict[str, Any]:
    row = {
        "id": n, "product_id": n, "merchant_id": shops[n % len(shops)], "position": 0, "priority": n % 2,
        "source": f"https://shop.example/{n}.jpg", "sha256": f"{n:064x}", "fingerprint": "f" * 64,
        "state": "live", "queue": "images", "error_code": "", "error_message": "",
    }  # fmt: skip
    if n % 5 == 0:
        row |= {"state": "queued", "queue": ("images", "embed", "index")[n % 3]}
    elif n % 33 == 1:
        row |= {"state": "failed", "error_code": f"image-code-{n % 7}", "error_message": "It cannot be read."}
    return row


def _activity() -> Iterator[StageMinute | Worker]:
    minute = now().replace(second=0, microsecond=0)
    for back in range(60):
        for stage in ("fetch", "decode", "embed", "upsert", "mark"):
            at = minute - timedelta(minutes=back)
            yield StageMinute(minute=at, stage=stage, images=900, failures=3, seconds=50.0)
    for pid in range(20):
        yield Worker(name=f"node:{pid}", host="node", pid=pid, queues="images,embed,index", device="cpu")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ops_page", description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    sys.exit(not all(bar.ok for bar in show(bars(parser.parse_args().images))))
