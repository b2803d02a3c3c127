"""100,000 vectors in the engine process, beside faiss Flat and hnswlib: latencies as ratios, and recall.

    python -m benchmarks.vectors_100k [--dimension 384] [--points 100000]

Clustered float32 vectors, top 10, one query at a time. The engines take turns in blocks of 20 queries, in
random order; a ratio is the median over rounds of (our block median / theirs), so noise of the machine meets
all alike. Ours is measured as a web process sees it: through `EdgeStore`, a unix socket and the engine.
"""

import argparse
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import faiss
import hnswlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.bar import Bar, show
from vectors.edge import EdgeStore, start_engine
from vectors.protocol import Between, Collection, Field, Filter, Point

NAME = "bench"
TOP, ROUNDS, BLOCK, QUERIES = 10, 15, 20, 400
BUCKETS = 200  # of a uniform integer field: 100, 10 and 1 of them keep 50, 5 and 0.5 %
Rows = NDArray[np.float32]
Ask = Callable[[NDArray[np.float32]], object]


def clustered(points: int, queries: int, dimension: int, seed: int = 7) -> tuple[Rows, Rows]:
    """Unit rows around common centres, as garments of one kind lie: points, and queries beside them."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((points // 100, dimension), np.float32)
    rows = centres[rng.integers(len(centres), size=points + queries)]
    rows += 0.7 * rng.standard_normal(rows.shape, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[:points], rows[points:]


def identity(number: int) -> str:
    """A point's id from its row."""
    return str(uuid.UUID(int=number))


def fill(store: EdgeStore, rows: Rows, buckets: NDArray[np.int64]) -> float:
    """Write all points and wait until all are in the graph; seconds it took."""
    started = time.monotonic()
    fields = (Field("bucket", "integer"), Field("colour", "keyword"), Field("group", "keyword"))
    store.create(Collection(NAME, rows.shape[1], fields))
    for start in range(0, len(rows), 1000):
        store.upsert(NAME, [point(i, rows[i], int(buckets[i])) for i in range(start, start + 1000)])
    while (stats := store.stats(NAME))["tail"] or stats["optimising"]:
        if not stats["optimising"]:
            store.optimize(NAME)
        time.sleep(1.0)
    return time.monotonic() - started


def point(number: int, row: Rows, bucket: int) -> Point:
    """A point with a number to filter by, a colour to count and a group of four."""
    colour = ["red", "blue", "green"][number % 3]
    return Point(identity(number), row, {"bucket": bucket, "colour": colour, "group": f"g{number // 4}"})


def recall(store: EdgeStore, queries: Rows, truth: NDArray[np.int64], where: Filter) -> float:
    """recall@10: the share of the true ten that came, over all queries."""
    found = 0
    for query, true in zip(queries, truth, strict=True):
        ids = {hit.id for hit in store.search(NAME, query, where=where, limit=TOP)}
        found += sum(identity(int(number)) in ids for number in true if number >= 0)
    return found / max(1, int((truth >= 0).sum()))


def true_neighbours(rows: Rows, queries: Rows, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ten best among the kept rows, by an exact product; (Q, 10), -1 where there are fewer."""
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows[kept])
    _, nearest = flat.search(queries, TOP)
    return np.where(nearest >= 0, kept[nearest], -1)


def rounds(engines: dict[str, Ask], queries: Rows) -> dict[str, NDArray[np.float64]]:
    """Block medians in milliseconds, (ROUNDS,) for each engine, taken in turns."""
    rng = np.random.default_rng(1)
    medians: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        block = queries[rng.choice(len(queries), BLOCK, replace=False)]
        for name in rng.permutation(list(engines)):
            engines[name](block[0])  # whoever ran before took the caches
            times = []
            for query in block:
                started = time.perf_counter()
                engines[name](query)
                times.append(time.perf_counter() - started)
            medians[name].append(float(np.median(times)) * 1000)
    return {name: np.array(values) for name, values in medians.items()}


def measure(store: EdgeStore, points: int, dimension: int) -> Iterator[Bar]:
    """Fill all three, then compare."""
    rows, queries = clustered(points, QUERIES, dimension)
    buckets = np.random.default_rng(2).integers(BUCKETS, size=points)
    shape = f"{points // 1000}k x {dimension}"
    build_s = fill(store, rows, buckets)
    flat = faiss.IndexFlatIP(dimension)
    flat.add(rows)
    graph = hnswlib.Index("ip", dimension)
    graph.init_index(points, M=16, ef_construction=100, random_seed=1)
    graph.set_num_threads(1)
    graph.add_items(rows, np.arange(points))
    graph.set_ef(128)
    hnsw_found, _ = graph.knn_query(queries, TOP)
    truth = true_neighbours(rows, queries, np.arange(points))
    hnsw_recall = float(np.mean([len(set(a) & set(b)) / TOP for a, b in zip(hnsw_found, truth, strict=True)]))

    engines: dict[str, Ask] = {
        "edge": lambda query: store.search(NAME, query, limit=TOP),
        "flat": lambda query: flat.search(query[None], TOP),
        "hnswlib": lambda query: graph.knn_query(query, TOP),
    }
    times = rounds(engines, queries)
    of_flat = float(np.median(times["edge"] / times["flat"]))
    of_graph = float(np.median(times["edge"] / times["hnswlib"]))
    about = ", ".join(f"{name} {np.median(values):.3f} ms" for name, values in times.items())
    about += f"; hnswlib recall {hnsw_recall:.4f}; filled and optimised in {build_s:.0f} s"
    found = recall(store, queries, truth, ())
    yield Bar(f"{shape} recall@10, no filter", found, ">= 0.99", found >= 0.99)
    yield Bar(f"{shape} p50 of faiss Flat's", of_flat, "<= 0.1x", of_flat <= 0.1, "x", about)
    yield Bar(f"{shape} p50 of hnswlib's", of_graph, "<= 2x", of_graph <= 2.0, "x")
    for share, last in (("50 %", 99), ("5 %", 9), ("0.5 %", 0)):
        where = (Between("bucket", high=last),)
        truth = true_neighbours(rows, queries, np.flatnonzero(buckets <= last))
        found = recall(store, queries, truth, where)
        own = rounds({"edge": partial(store.search, NAME, where=where)}, queries)
        about = f"p50 {np.median(own['edge']):.3f} ms"
        yield Bar(f"{shape} recall@10, filter keeps {share}", found, ">= 0.99", found >= 0.99, "", about)


def bars(dimension: int = 384, points: int = 100_000) -> Iterator[Bar]:
    """In a folder of its own, with one thread for every engine."""
    faiss.omp_set_num_threads(1)
    folder = Path(tempfile.mkdtemp(prefix="twirl-"))
    engine = start_engine(folder / "index", folder / "run" / "engine.sock")
    store = EdgeStore(folder / "run" / "engine.sock", timeout_s=30.0)
    try:
        engine.wait_ready()
        yield from measure(store, points, dimension)
    finally:
        store.close()
        engine.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--points", type=int, default=100_000)
    options = parser.parse_args()
    show(bars(options.dimension, options.points))
