"""An import through Celery under fire: workers killed 20 times, Redis emptied, another machine joining.

    python -m benchmarks.deployed_kills [--items 5000] [--kills 20] [--seed 1] [--side 480]

Two workers import a feed of distinct pictures. At random moments one of them and all its children get SIGKILL
and it is started again at once, as a container is; at the middle Redis forgets everything; after a third
another machine's worker joins by one command, `twirl worker`, with three settings. Nobody else does anything.
Then the ledger, the pictures and the index are compared, and the points are counted.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.bar import Bar, show
from benchmarks.deployed_import import DEFAULTS, ITEMS, PATIENCE_S, SIDE
from catalog.models import Image
from catalog.operations import Worker
from tests.support.deployed import Deployment, deployed, write_feed

KILLS = 20
FLUSH_AT, JOIN_AT = 0.5, 0.33


def bars(items: int = ITEMS, kills: int = KILLS, seed: int = 1, side: int = SIDE) -> Iterator[Bar]:
    """Import under fire."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        feed = write_feed(Path(folder) / "feed", items, side=side)
        settings: dict[str, Any] = DEFAULTS
        with deployed(Path(folder) / "shop", workers=2, **settings) as shop:
            began = time.monotonic()
            importer = shop.start("import", str(feed), "--no-wait", name="import")
            told = _fire(shop, items, kills, random.Random(seed))
            shop.wait(lambda: not importer.alive, "the importer", PATIENCE_S)
            shop.wait_settled(PATIENCE_S)
            told.append(f"{time.monotonic() - began:.0f} s in all")
            yield from _bars(shop, items, kills, "; ".join(told))


def _fire(shop: Deployment, items: int, kills: int, rng: random.Random) -> list[str]:
    """Kill, flush and join, each when its share of the images is live; what happened."""
    plan = [(rng.uniform(0.02, 0.95), "kill") for _ in range(kills)]
    told = []
    for share, what in sorted([*plan, (FLUSH_AT, "flush"), (JOIN_AT, "join")]):
        shop.wait(lambda share=share: shop.live() >= share * items, f"{share:.0%} live", PATIENCE_S)  # type: ignore[misc]
        if what == "kill":
            time.sleep(rng.uniform(0, 1))
            worker = shop.running[f"worker-{rng.choice((1, 2))}"]
            worker.kill()
            worker.start()
        elif what == "flush":
            shop.redis.flush()
            told.append(f"Redis flushed at {shop.live()} live")
        else:
            shop.start("worker", name="second", env=shop.machine("second"))
            told.append(f"joined at {shop.live()} live")
    return told


def _bars(shop: Deployment, items: int, kills: int, told: str) -> Iterator[Bar]:
    live, points, found = shop.live(), shop.indexed(), shop.differences()
    states = {state: number for state, number in shop.counts().items() if state != "live"}
    named = f"Import of {items} under {kills} kills of its workers and a Redis flush"
    yield Bar(f"{named}: lost", items - live, "0", live == items, "images", f"{told}; beside live: {states}")
    yield Bar(f"{named}: duplicates", points - live, "0", points == live, "points")
    detail = "; ".join(found[:3])
    yield Bar(f"{named}: differences", len(found), "0", not found, "", detail)
    with shop.services.sessions() as session:
        pid = shop.running["second"].pid
        its = select(Worker.images).where(Worker.pid.in_([pid, *shop.running["second"].children()]))
        joined = sum(session.scalars(its))
        names = int(session.scalar(select(func.count(func.distinct(Image.sha256)))) or 0)
    yield Bar("A second machine's worker, three settings: indexed", joined, "> 0", joined > 0, "images")
    yield Bar(f"{named}: distinct pictures", names, f"{items}", names == items, "pictures")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An import through Celery under fire.")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--side", type=int, default=SIDE)
    chosen = parser.parse_args()
    shown = show(bars(chosen.items, chosen.kills, chosen.seed, chosen.side))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
