"""How soon what a merchant's program changes is found, and that no model is asked for it.

    python -m benchmarks --only api_edits

A shop of real processes over 12 drawn products. One after the other gets a material and a price that no other
has, by PATCH; the search under filters of both is asked until it finds it. Both are timed as the client sees
them. Then some are deleted and asked for in the same way. What was embedded meanwhile is the ledger's count.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from sqlalchemy import func, select

from atelier.catalogue import write_catalogue
from benchmarks.bar import Bar, show
from benchmarks.shop import Shop, shop
from bootstrap import Services
from catalog.operations import StageMinute
from catalog.programs.api_keys import SCOPES, issue_key
from settings import load

PRODUCTS, EDITS, PATIENCE_S = 12, 40, 30.0


def bars() -> Iterator[Bar]:
    """The slowest edit and the median, the slowest deletion, and what was embedded for them."""
    with shop() as running, tempfile.TemporaryDirectory() as folder:
        feed = write_catalogue(Path(folder), products=PRODUCTS, seed=7, workers=1)
        running.environ["TWIRL_RATE_SECRET_KEY"] = "0"  # noqa: S105 - no limit: it asks again and again
        running.import_feed(feed, Path(folder))
        running.start()
        environ = {name: value for name, value in running.environ.items() if name.startswith("TWIRL_")}
        services = Services(load(environ))
        try:
            yield from _measured(running, services)
        finally:
            services.close()


def _measured(running: Shop, services: Services) -> Iterator[Bar]:
    with services.sessions.begin() as session:
        key = issue_key(session, services.merchant().id, SCOPES).secret
    running.http.headers["Authorization"] = f"Bearer {key}"
    page = running.http.get(f"{running.url}/api/v1/products?limit=200", timeout=30).json()["products"]
    skus = [each["sku"] for each in page]
    _edit(running, skus[-1], -1)  # the first search loads the model
    time.sleep(2 * PATIENCE_S / 10)  # the indexer writes its counts every few seconds
    before = _embedded(services)
    edits = [_edit(running, sku, number) for number, sku in enumerate(skus[:EDITS])]
    gone = [_delete(running, sku, number) for number, sku in enumerate(skus[:10])]
    time.sleep(2 * PATIENCE_S / 10)
    embedded = _embedded(services) - before
    slowest, usual = max(edits), statistics.median(edits)
    yield Bar(
        f"{len(edits)} edits by the API: the slowest until it is found", slowest, "<= 2 s", slowest <= 2, "s",
        f"median {usual:.2f} s",
    )  # fmt: skip
    yield Bar(
        "a product deleted by the API: the slowest until it is gone", max(gone), "<= 2 s", max(gone) <= 2, "s"
    )
    yield Bar("images embedded for all of them", embedded, "0", embedded == 0)


def _edit(running: Shop, sku: str, number: int) -> float:
    """Seconds from the PATCH until a search under the new values finds the product."""
    change = {"material": f"cloth no {number}", "price": f"{1000 + number}.00 USD", "sale_price": None}
    began = time.perf_counter()
    answer = running.http.patch(f"{running.url}/api/v1/products/{sku}", json=change, timeout=30)
    _check(answer, 200)
    return _until(lambda: _found(running, number) == [sku], began)


def _delete(running: Shop, sku: str, number: int) -> float:
    began = time.perf_counter()
    _check(running.http.delete(f"{running.url}/api/v1/products/{sku}", timeout=30), 204)
    return _until(lambda: _found(running, number) == [], began)


def _found(running: Shop, number: int) -> list[str]:
    price = 100 * (1000 + number)
    filters = {"material": [f"cloth no {number}"], "price_min": price, "price_max": price}
    found = running.search(filters=filters, words="shirt", collapse=False, facets=False)
    return [hit["sku"] for hit in found["hits"]]


def _until(there: Callable[[], bool], began: float) -> float:
    while not there():
        if time.perf_counter() - began > PATIENCE_S:
            break
        time.sleep(0.02)
    return time.perf_counter() - began


def _check(answer: requests.Response, status: int) -> None:
    if answer.status_code != status:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")


def _embedded(services: Services) -> int:
    counted = select(func.sum(StageMinute.images)).where(StageMinute.stage == "embed")
    with services.sessions() as session:
        return int(session.scalar(counted) or 0)


if __name__ == "__main__":
    sys.exit(not all(bar.ok for bar in show(bars())))
