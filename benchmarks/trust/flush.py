"""Bar: Redis forgets every message in mid-import: all is indexed with nobody's help, the next within 90 s.

python -m benchmarks.trust.flush [--items 300] [--flushes 5]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bar import Bar, show
from tests.support.deployed import deployed

LONGEST_S = 90.0


def bars(items: int = 300, flushes: int = 5) -> Iterator[Bar]:
    """The bar of the issue, over the deployed shape's real processes."""
    with tempfile.TemporaryDirectory(prefix="twirl-flush-") as folder, deployed(Path(folder)) as shop:
        shop.stock("flushed", items)
        slowest = 0.0
        for number in range(1, flushes + 1):
            shop.wait_live(items * number // (flushes + 1))
            shop.redis.flush()
            before, began = shop.live(), time.monotonic()
            if before < items:
                shop.wait_live(before + 1, 2 * LONGEST_S)
                slowest = max(slowest, time.monotonic() - began)
        shop.wait_settled()
        live, found = shop.live(), shop.differences()
    name = f"Redis flushed {flushes} times in an import"
    yield Bar(f"{name}: slowest first progress", slowest, f"<= {LONGEST_S:g} s", slowest <= LONGEST_S, "s")
    yield Bar(f"{name}: images live", live, f"{items}", live == items, "images")
    yield Bar(f"{name}: differences", len(found), "0", not found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.flush")
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--flushes", type=int, default=5)
    asked = parser.parse_args()
    sys.exit(any(not bar.ok for bar in show(bars(asked.items, asked.flushes))))
