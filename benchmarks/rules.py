"""What a rulebook costs a search: 200 rules of which none acts, one acting of each kind, and many at scale.

    python -m benchmarks.rules

A small shop is drawn and indexed. Each round asks the same words, and the same picture, once in each way, one
after the other, so that a busy machine slows all of them; quoted are medians of the difference to no rules.
What 200 acting rules cost beside the index is timed on a shelf of 100,000 variants: the first search of a
shelf pays, the others not.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bar import Bar, show
from searcher.filters import FACET_FIELDS
from searcher.merchandising.acting import Acting
from searcher.merchandising.reading import read_rulebook
from searcher.merchandising.rulebook import DEEDS, Rulebook, Search
from searcher.query import SearchQuery
from searcher.shelf import Row, Shelf
from tests.support.shop import small_shop

ROUNDS, PRODUCTS, VARIANTS = 100, 60, 100_000
BUDGET_MS = 2.0
WORDS = "black shirt"


def _ways(skus: list[str]) -> dict[str, Rulebook]:
    resting = [{"do": "boost", "what": {"brand": [f"B{n}"]}, "when": {"words": f"w{n}"}} for n in range(200)]
    one: dict[str, dict[str, Any]] = {
        "pin": {"sku": skus[-1:]}, "boost": {"colour": ["Black"]}, "bury": {"colour": ["Red"]},
        "hide": {"colour": ["Blue"]},
    }  # fmt: skip
    acting = {f"200 and one {do}": [*resting, {"do": do, "what": what}] for do, what in one.items()}
    boosts = [{"do": "boost", "what": {"sku": [sku]}} for sku in skus]
    books = {"none": [], "200 that rest": resting, **acting, f"{len(skus)} boosts": boosts}
    return {name: read_rulebook({"rules": rules}) for name, rules in books.items()}


def bars() -> Iterator[Bar]:
    """Yield what each way costs, in milliseconds over a search without rules."""
    with tempfile.TemporaryDirectory() as folder, small_shop(Path(folder), products=PRODUCTS) as services:
        shop = services.merchant().id
        skus = [hit.product.sku for hit in services.searcher.search(SearchQuery(shop, WORDS)).hits]
        ways = _ways(skus)
        for query in (SearchQuery(shop, WORDS), SearchQuery(shop, reference=skus[0])):
            took: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, book in ways.items():
                    took[name].append(_timed(partial(services.searcher.search, query, rulebook=book)))
            usual = statistics.median(took.pop("none"))
            for name, times in took.items():
                more = statistics.median(times) - usual
                yield _bar(f"{query.mode}, {name}", more, f"of {usual:.1f} ms")
    yield from _at_scale()


def _at_scale() -> Iterator[Bar]:
    """Beside the index: which variants 200 rules mean, as masks and as terms."""
    values = [tuple(f"{field} {n % (7 + at)}" for at, field in enumerate(FACET_FIELDS)) for n in range(5_000)]
    rows = (Row(n + 1, f"S{n}", f"G{n // 3}", f"T{n}", n, values[n % 5_000]) for n in range(VARIANTS))
    shelf, search = Shelf(1, list(rows)), Search(SearchQuery(1, WORDS), WORDS)
    skus = [{"do": DEEDS[n % 4], "what": {"sku": [f"S{n}"]}} for n in range(100)]
    kinds = [
        {"do": DEEDS[1 + n % 3], "what": {"brand": [f"brand {n % 7}"], "price_max": n}} for n in range(100)
    ]
    book, passing = read_rulebook({"rules": [*skus, *kinds]}), np.ones(len(shelf), np.bool_)

    def asked() -> None:
        acting = Acting.on(book, search, shelf, datetime.now(UTC))
        acting.mask("hide"), acting.without("hide"), acting.without("bury")
        acting.pinned(passing, True)
        acting.lifted(lambda _: [], passing)(40)
        acting.boosted(lambda _: lambda _: [], ())(40)

    first, *others = [_timed(asked) for _ in range(ROUNDS)]
    name = f"200 that act, {VARIANTS:,} variants, beside the index"
    yield _bar(name, statistics.median(others), f"the first {first:.0f} ms")


def _timed(do: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _bar(name: str, figure: float, detail: str) -> Bar:
    return Bar(f"rules: {name}", figure, f"<= {BUDGET_MS:g} ms", figure <= BUDGET_MS, "ms", detail)


if __name__ == "__main__":
    show(bars())
