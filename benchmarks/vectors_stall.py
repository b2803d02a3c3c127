"""The longest search while 5,000 points are written and the index is optimised, seen through `EdgeStore`.

    python -m benchmarks.vectors_stall [--dimension 384] [--base 20000]

A process writes as fast as it can, as an indexer does; this one searches every few milliseconds, as a web
worker does, from before the first write until the optimised shard has taken over and some seconds more.
Beside it a ticker that only sleeps tells how long this machine kept a process waiting at the same time.
"""

import argparse
import multiprocessing
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bar import Bar, show
from benchmarks.vectors_100k import NAME, clustered, fill, point
from vectors.edge import EdgeStore, start_engine
from vectors.protocol import Between

NEW = 5_500  # over the 5,000 that start an optimisation while writes come
PAUSE_S = 0.003
LIMIT_MS = 50.0
IDLE_S, AFTER_S = 10.0, 5.0
Rows = NDArray[np.float32]


def write(socket: Path, rows: Rows, first: int) -> None:
    """The indexer's part, in a process of its own."""
    store = EdgeStore(socket)
    for start in range(0, len(rows), 32):
        store.upsert(NAME, [point(first + i, rows[i], 5) for i in range(start, min(start + 32, len(rows)))])


def tick(stop: Event, worst: "multiprocessing.sharedctypes.Synchronized[float]") -> None:
    """The longest oversleep of a process that does nothing else, in milliseconds."""
    while not stop.is_set():
        started = time.perf_counter()
        time.sleep(PAUSE_S)
        worst.value = max(worst.value, (time.perf_counter() - started - PAUSE_S) * 1000)


class Shopper:
    """Searches over and over in a thread, plainly, grouped and filtered by turns; keeps each latency."""

    def __init__(self, store: EdgeStore, queries: Rows) -> None:
        self._store, self._queries = store, queries
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.latencies: list[float] = []  # ms

    def _run(self) -> None:
        kinds: tuple[dict[str, Any], ...] = (
            {},
            {"group_by": "group"},
            {"where": (Between("bucket", high=20),)},
        )
        while not self._stop.is_set():
            number = len(self.latencies)
            query, kind = self._queries[number % len(self._queries)], kinds[number % len(kinds)]
            started = time.perf_counter()
            self._store.search(NAME, query, limit=24, **kind)
            self.latencies.append((time.perf_counter() - started) * 1000)
            time.sleep(PAUSE_S)

    def __enter__(self) -> "Shopper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def during(
    store: EdgeStore, socket: Path, rows: Rows, queries: Rows, first: int
) -> tuple[list[float], float, float]:
    """Latencies while `rows` are written and optimised; the ticker's worst; seconds until the takeover."""
    before = store.stats(NAME)["generation"]
    worst, stop = multiprocessing.Value("d", 0.0), multiprocessing.Event()
    ticker = multiprocessing.Process(target=tick, args=(stop, worst))
    writer = multiprocessing.Process(target=write, args=(socket, rows, first))
    ticker.start()
    with Shopper(store, queries) as shopper:
        started = time.monotonic()
        writer.start()
        writer.join()
        store.optimize(NAME)  # a large base would wait for more
        while store.stats(NAME)["generation"] == before:
            time.sleep(0.2)
        took_s = time.monotonic() - started
        time.sleep(AFTER_S)
    stop.set()
    ticker.join()
    if writer.exitcode:
        raise RuntimeError("the writer failed")
    return shopper.latencies, worst.value, took_s


def bars(dimension: int = 384, base: int = 20_000) -> Iterator[Bar]:
    """The longest stall, and how much slower the slowest hundredth of searches gets."""
    multiprocessing.set_start_method("spawn", force=True)
    rows, queries = clustered(base + NEW, 400, dimension)
    folder = Path(tempfile.mkdtemp(prefix="twirl-"))
    socket = folder / "run" / "engine.sock"
    engine = start_engine(folder / "index", socket)
    store = EdgeStore(socket, timeout_s=30.0)
    try:
        engine.wait_ready()
        fill(store, rows[:base], np.random.default_rng(2).integers(200, size=base))
        with Shopper(store, queries) as idle:
            time.sleep(IDLE_S)
        latencies, ticker_ms, took_s = during(store, socket, rows[base:], queries, base)
    finally:
        store.close()
        engine.stop()
        shutil.rmtree(folder)
    longest, p99, idle_p99 = max(latencies), np.percentile(latencies, 99), np.percentile(idle.latencies, 99)
    about = (
        f"{len(latencies)} searches over {base} + {NEW} points; took over after {took_s:.0f} s; "
        f"idle: longest {max(idle.latencies):.1f}, p99 {idle_p99:.2f} ms; a mere sleeper: {ticker_ms:.1f} ms"
    )
    name, target = "longest search while 5,000 points are written and optimised", f"<= {LIMIT_MS:.0f} ms"
    yield Bar(name, longest, target, longest <= LIMIT_MS, "ms", about)
    ratio = float(p99 / idle_p99)
    name = "p99 of searches meanwhile, of the idle p99"
    yield Bar(name, ratio, "<= 3x", ratio <= 3.0, "x", f"{p99:.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--base", type=int, default=20_000)
    options = parser.parse_args()
    show(bars(options.dimension, options.base))
