"""The demo catalogue: photo + one changed attribute, and the time of one search by photo and words.

    python -m benchmarks.demo_shop

Draws and indexes the demo as `make demo` does, then asks the running API the 500 queries that the atelier
wrote beside it (data/demo/queries.jsonl): the photo is the query product's own, uploaded; the query product
is excluded; variants are not collapsed; what is sold out stands among the rest; a hit is a row that equals
the query's garment in every attribute but the one that the words change. The photo's decoding, its encoding,
the search and the reading of rows are all in the time, as the shopper's client sees it.
"""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bar import Bar, show
from benchmarks.shop import Shop, shop
from bootstrap import Services
from launcher.demo import SHOP_NAME, load_demo
from settings import load


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def draw_and_import(running: Shop) -> float:
    """Make the demo catalogue in the shop's data folder; return the seconds that it took."""
    started = time.monotonic()
    environ = {name: value for name, value in running.environ.items() if name.startswith("TWIRL_")}
    services = Services(load(environ))
    services.prepare()
    load_demo(services, services.merchant(name=SHOP_NAME).id, lambda _what: lambda _done, _total: None)
    services.close()
    return time.monotonic() - started


def ask(running: Shop, pictures: dict[str, bytes], query: dict[str, Any]) -> tuple[int, float]:
    """(rank of the first right hit, or 0; milliseconds) of one query."""
    started = time.perf_counter()
    answer = running.search(
        photo=pictures[query["query"]],
        words=query["words"],
        exclude=[query["query"]],
        collapse=False,
        facets=False,
        limit=10,
    )
    took = (time.perf_counter() - started) * 1000
    targets = set(query["targets"])
    ranks = [rank for rank, hit in enumerate(answer["hits"], 1) if hit["sku"] in targets]
    return (ranks[0] if ranks else 0), took


def as_shopper(running: Shop, photo: bytes, words: str) -> float:
    """Milliseconds of the storefront's own search: facets counted, variants collapsed."""
    started = time.perf_counter()
    running.search(photo=photo, words=words)
    return (time.perf_counter() - started) * 1000


def bars() -> Iterator[Bar]:
    """R@10 over the generated queries, and the median time of a search by photo and words."""
    with shop() as running:
        running.environ["TWIRL_SOLD_OUT"] = "mixed"  # else targets that are sold out stand behind all others
        drawn = draw_and_import(running)
        started = time.monotonic()
        printed = running.twirl("import", str(running.data / "demo" / "feed.jsonl"))  # waits until indexed
        if printed.returncode:
            raise RuntimeError(printed.stdout + printed.stderr)
        indexed = time.monotonic() - started
        running.start()
        folder = running.data / "demo"
        rows = _lines(folder / "feed.jsonl")
        pictures = {row["id"]: (folder / row["image_link"]).read_bytes() for row in rows}
        queries = _lines(folder / "queries.jsonl")
        found = [ask(running, pictures, query) for query in queries]
        times = [as_shopper(running, pictures[query["query"]], query["words"]) for query in queries[:200]]
    at = {k: 100 * sum(1 <= rank <= k for rank, _ in found) / len(found) for k in (1, 10)}
    beside = f"R@1 {at[1]:.1f}; {len(found)} queries, {len(rows)} rows"
    yield Bar("demo: photo + one changed attribute, R@10", at[10], ">= 90", at[10] >= 90, "%", beside)
    middle = statistics.median(times)
    p99 = statistics.quantiles(times, n=100)[98]
    yield Bar(
        "demo: search by photo + words, p50", middle, "< 150 ms", middle < 150, "ms", f"p99 {p99:.0f} ms"
    )
    whole = drawn + indexed
    beside = f"drawing and importing {drawn:.0f} s, indexing {indexed:.0f} s"
    yield Bar("demo: drawn, imported and indexed", whole, "< 240 s", whole < 240, "s", beside)


if __name__ == "__main__":
    show(bars())
