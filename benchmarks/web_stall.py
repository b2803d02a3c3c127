"""The longest stall that a web request sees while 5,000 items are indexed and the index is optimised.

    python -m benchmarks.web_stall

A client asks the running storefront for "more like this" over and over (engine and SQL, no encoding) while an
import of 5,000 small pictures is taken in. Beside it a ticker, which only sleeps, records the longest time
that this machine itself kept a process waiting: on shared machines that is the floor of any such figure.
"""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.bar import Bar, show
from benchmarks.hostile_feeds import row, table
from benchmarks.shop import Shop, shop

ITEMS = 5_000
FIRST = 200
IDLE = 1_000
LIMIT_MS = 50.0
TICK_S = 0.005
PAUSE_S = 0.02


@dataclass(frozen=True)
class Stretch:
    """The requests of a while, in milliseconds, and what the machine did to a process that only slept."""

    times: list[float]
    noise: float

    def __str__(self) -> str:
        p50, p99, longest = np.percentile(self.times, (50, 99, 100))
        return f"p50 {p50:.1f}, p99 {p99:.1f}, longest {longest:.0f} (machine itself {self.noise:.0f})"


def write_pictures(folder: Path, count: int) -> None:
    """Small pictures that differ from one another."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(count):
        blocks = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((160, 192)).save(folder / f"{number}.jpg", quality=80)


def feed_of(numbers: range) -> str:
    """A feed of these pictures."""
    return table([row(f"item-{number}", image_link=f"{number}.jpg") for number in numbers])


def tick(worst: "Synchronized[float]", stop: "Synchronized[int]") -> None:
    """Record the longest oversleep of a process that does nothing but sleep."""
    while not stop.value:
        started = time.perf_counter()
        time.sleep(TICK_S)
        worst.value = max(worst.value, (time.perf_counter() - started - TICK_S) * 1000)


def live(running: Shop) -> int:
    """Products that can be found."""
    return int(running.search(words="", limit=1, facets=False)["total"])


def ask(running: Shop, number: int) -> float:
    """Milliseconds of one request."""
    started = time.perf_counter()
    running.search(reference=f"item-{number % FIRST}", limit=24, facets=False)
    took = (time.perf_counter() - started) * 1000
    time.sleep(PAUSE_S)
    return took


def ask_until_indexed(running: Shop, deadline_s: float = 1500) -> list[float]:
    """Milliseconds of each request while indexing goes on, and for ten seconds after it."""
    times: list[float] = []
    deadline = time.monotonic() + deadline_s
    settled = 0.0
    while time.monotonic() < deadline and not (settled and time.monotonic() > settled + 10):
        times += [ask(running, len(times) + number) for number in range(50)]
        if not settled and live(running) >= ITEMS:
            settled = time.monotonic()
    if not settled:
        raise RuntimeError(f"only {live(running)} of {ITEMS} items were live after {deadline_s:g} s")
    return times


def beside_a_ticker(requests: Callable[[], list[float]]) -> Stretch:
    """Make these requests while a process that only sleeps notes its longest oversleep."""
    worst, stop = multiprocessing.Value("d", 0.0), multiprocessing.Value("i", 0)
    ticker = multiprocessing.Process(target=tick, args=(worst, stop), daemon=True)
    ticker.start()
    try:
        times = requests()
    finally:
        stop.value = 1
        ticker.join()
    return Stretch(times, worst.value)


def inside(running: Shop) -> float:
    """Milliseconds of the longest search by the web process itself, without the way there and back."""
    lines = (running.data / "run" / "web.log").read_text().splitlines()
    said = [json.loads(line) for line in lines if '"event": "request"' in line]
    return max(float(each["ms"]) for each in said if each["path"] == "/api/v1/search")


def bars() -> Iterator[Bar]:
    """The longest request, the machine's own longest oversleep beside it."""
    with shop() as running:
        pictures = running.data / "pictures"
        write_pictures(pictures, ITEMS)
        for name, numbers in (("first", range(FIRST)), ("rest", range(FIRST, ITEMS))):
            (running.data / f"{name}.csv").write_text(feed_of(numbers))
        running.import_feed(running.data / "first.csv", pictures)
        running.start()
        idle = beside_a_ticker(lambda: [ask(running, number) for number in range(IDLE)])
        running.import_feed(running.data / "rest.csv", pictures, wait=False)
        started = time.monotonic()
        busy = beside_a_ticker(lambda: ask_until_indexed(running))
        took = time.monotonic() - started
        logged = inside(running)
    longest = max(busy.times)
    beside = (
        f"{len(busy.times)} requests: {busy}; at rest: {idle}; longest inside the web process {logged:.0f}; "
        f"{(ITEMS - FIRST) / took:.0f} items/s"
    )
    yield Bar(
        "longest web request while 5,000 items are indexed",
        longest,
        f"<= {LIMIT_MS:g} ms",
        longest <= LIMIT_MS,
        "ms",
        beside,
    )


if __name__ == "__main__":
    show(bars())
