"""What composing a query costs on one core.

python -m benchmarks.quality_composing
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import PACK, pack_at

QUERIES = 1000


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """One bar: photo and words, both encoded already, to the one query vector."""
    pack = pack_at(directory)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    photos = rng.standard_normal((QUERIES, pack.dimension)).astype(np.float32)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    words = pack.encode_texts(["in red", "with long sleeves", "without a hood", "same but navy, please"])
    pack.compose(photos[0], words[0])
    walls, began = [], time.process_time()
    for n, photo in enumerate(photos):
        start = time.perf_counter()
        pack.compose(photo, words[n % len(words)])
        walls.append(time.perf_counter() - start)
    core = 1000 * (time.process_time() - began) / QUERIES
    p50, p99 = (1000 * float(each) for each in np.quantile(walls, [0.5, 0.99]))
    detail = f"{QUERIES} queries; p99 {p99:.2f} ms; {core:.2f} ms of processor time each"
    yield Bar("composing a query, p50", round(p50, 3), "< 2 ms", p50 < 2, "ms", detail)


if __name__ == "__main__":
    show(bars())
