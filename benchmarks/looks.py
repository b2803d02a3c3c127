"""What "complete the look" proposes over the demo shop: of which kinds, for whom, in which colours, how fast.

    python -m benchmarks.looks

The demo shop is drawn and indexed as `make demo` does; its feed names no look sets, so all is by style and
colour. Every seventh product's look is asked of the API and held to what the products' own rows say. Beside
it stands the nearest piece of each same kind, whatever its colour: how often those clash.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.bar import Bar, show
from benchmarks.demo_shop import draw_and_import
from benchmarks.shop import Shop, shop
from searcher.looks.harmony import harmony
from searcher.looks.kinds import part_of

STEP, PIECES, CLASH = 7, 4, 0.5
Row = dict[str, Any]


def _get(running: Shop, path: str) -> tuple[Row, float]:
    began = time.perf_counter()
    answer = running.http.get(f"{running.url}/api/v1/{path}", timeout=30)
    took = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    found: Row = answer.json()
    return found, took


def _products(running: Shop) -> list[Row]:
    """Every STEP-th product of the shop, as the API gives it."""
    skus: list[str] = []
    asked: Row = {"limit": 100}
    while True:
        page = running.search(**asked)
        skus += [hit["sku"] for hit in page["hits"]]
        if page["next_cursor"] is None:
            break
        asked = {"limit": 100, "cursor": page["next_cursor"]}
    return [_get(running, f"products/{sku}")[0] for sku in skus[::STEP]]


def _nearest(running: Shop, product: Row, category: str) -> Row:
    """The piece of that category that looks most like the product."""
    filters = {"category": [category], "gender": [product["gender"]]} if product["gender"] else {}
    found = running.search(reference=product["sku"], filters=filters, limit=1, facets=False)["hits"]
    return dict(found[0]) if found else product


def _share(part: int, of: int) -> float:
    return 100 * part / max(of, 1)


def bars() -> Iterator[Bar]:
    """Yield the looks' bars. Raises RuntimeError when the demo cannot be served."""
    with shop() as running:
        draw_and_import(running)
        if (printed := running.twirl("import", str(running.data / "demo" / "feed.jsonl"))).returncode:
            raise RuntimeError(printed.stdout + printed.stderr)
        running.start()
        products = _products(running)
        looks = [_get(running, f"products/{each['sku']}/look") for each in products]
        pairs = [(own, piece) for own, (look, _) in zip(products, looks, strict=True)
                 for piece in look["pieces"]]  # fmt: skip
        clash = sum(harmony(own["colour"], piece["colour"]) < CLASH for own, piece in pairs)
        nearest = [(own, _nearest(running, own, piece["category"])) for own, piece in pairs]
        plain = sum(harmony(own["colour"], piece["colour"]) < CLASH for own, piece in nearest)
        same = sum(part_of(own["category"]) == part_of(piece["category"]) for own, piece in pairs)
        people = [_get(running, f"products/{piece['sku']}")[0]["gender"] for _, piece in pairs]
        others = sum({own["gender"], for_whom} == {"women", "men"}
                     for (own, _), for_whom in zip(pairs, people, strict=True))  # fmt: skip
    whole = _share(sum(len(look["pieces"]) == PIECES for look, _ in looks), len(looks))
    clashing = _share(clash, len(pairs))
    times = statistics.quantiles([took for _, took in looks], n=20)
    said = f"{len(products)} products, {len(pairs)} pieces"
    beside = f"the nearest of the same kinds: {_share(plain, len(nearest)):.1f} %"
    yield Bar("look: products with four pieces", whole, ">= 95", whole >= 95, "%", said)
    yield Bar("look: pieces of the product's own kind", _share(same, len(pairs)), "0", same == 0, "%")
    yield Bar("look: pieces for other people", _share(others, len(pairs)), "0", others == 0, "%")
    yield Bar("look: pieces whose colour clashes", clashing, "<= 3", clashing <= 3, "%", beside)
    yield Bar("look: p95 of one", times[18], "<= 100", times[18] <= 100, "ms", f"p50 {times[9]:.0f} ms")


if __name__ == "__main__":
    show(bars())
