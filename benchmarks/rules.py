"""What a rulebook costs a search: none, 200 rules of which none acts, and one acting of each kind.

    python -m benchmarks.rules

A small shop is drawn and indexed. Each round asks the same words once in each way, one
after the other, so that a busy machine slows all of them; quoted are medians of the difference to no rules.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bar import Bar, show
from searcher.merchandising.reading import read_rulebook
from searcher.merchandising.rulebook import Rulebook
from searcher.query import SearchQuery
from tests.support.shop import small_shop

ROUNDS, PRODUCTS = 100, 60
BUDGET_MS = 2.0
WORDS = "black shirt"


def _ways(skus: list[str]) -> dict[str, Rulebook]:
    resting = [{"do": "boost", "what": {"brand": [f"B{n}"]}, "when": {"words": f"w{n}"}} for n in range(200)]
    one: dict[str, dict[str, Any]] = {
        "pin": {"sku": skus[-1:]}, "boost": {"colour": ["Black"]}, "bury": {"colour": ["Red"]},
        "hide": {"colour": ["Blue"]},
    }  # fmt: skip
    acting = {f"200 and one {do}": [*resting, {"do": do, "what": what}] for do, what in one.items()}
    books = {"none": [], "200 that rest": resting, **acting}
    return {name: read_rulebook({"rules": rules}) for name, rules in books.items()}


def bars() -> Iterator[Bar]:
    """Yield what each way costs, in milliseconds over a search without rules."""
    with tempfile.TemporaryDirectory() as folder, small_shop(Path(folder), products=PRODUCTS) as services:
        query = SearchQuery(services.merchant().id, WORDS)
        skus = [hit.product.sku for hit in services.searcher.search(query).hits]
        ways = _ways(skus)
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, book in ways.items():
                began = time.perf_counter()
                services.searcher.search(query, rulebook=book)
                took[name].append((time.perf_counter() - began) * 1000)
    usual = statistics.median(took.pop("none"))
    for name, times in took.items():
        more = statistics.median(times) - usual
        resting = name == "200 that rest"
        most = BUDGET_MS if resting else usual
        target = f"<= {BUDGET_MS:g}" if resting else "<= a search"
        yield Bar(f"rules, {name}: more than without", more, target, more <= most, "ms", f"of {usual:.1f} ms")


if __name__ == "__main__":
    show(bars())
