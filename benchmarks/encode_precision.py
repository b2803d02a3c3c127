"""What bfloat16 changes: vectors, neighbours and retrieval, against float32 on real photos.

    OMP_NUM_THREADS=1 python -m benchmarks.encode_precision

Needs ../shared/data, and says so when it is missing. 1,000 clothing photos that the pack was not trained on,
each as a query among the others; and the studio shop's `photo + colour` queries of
`benchmarks.quality_retrieval`. `mixed` is an index in bfloat16 asked in float32 and the other way round, as
when machines differ.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import CACHE, DATA, PACK
from embedding.pack import load_pack
from training.baselines import compare
from training.datasets import load_photos, read_clothing, read_magento
from training.standins import studio

Floats = NDArray[np.float32]
PHOTOS = 1000
TOP = 10


def neighbours(queries: Floats, gallery: Floats) -> NDArray[np.int64]:
    """(Q, TOP) rows of the gallery by falling cosine, the query's own row left out."""
    scores = np.matmul(queries, gallery.T)
    np.fill_diagonal(scores, -2)
    return np.argsort(-scores, axis=1)[:, :TOP]


def overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """The share of neighbours that two lists have in common, in percent."""
    common = [len(set(left) & set(right)) for left, right in zip(one, other, strict=True)]
    return 100 * float(np.mean(common)) / TOP


def bars() -> Iterator[Bar]:
    """Every figure of this page. Raises DataMissing without ../shared/data."""
    exact, fast = load_pack(PACK), load_pack(PACK, precision="bf16")
    photos = list(load_photos(read_clothing(DATA, "val"), CACHE).squares[:PHOTOS])
    one, other = exact.encode_images(photos), fast.encode_images(photos)
    cosines = (one * other).sum(1)
    detail = f"mean {cosines.mean():.5f}, {len(photos)} photos"
    yield Bar(
        "bf16 by fp32: least cosine",
        round(float(cosines.min()), 5),
        ">= 0.999",
        cosines.min() >= 0.999,
        "",
        detail,
    )
    truth = neighbours(one, one)
    for name, queries, gallery in (
        ("bf16", other, other),
        ("mixed", one, other),
        ("mixed, reversed", other, one),
    ):
        shared = overlap(truth, neighbours(queries, gallery))
        yield Bar(f"{name}: neighbours in common with fp32, of {TOP}", shared, ">= 98", shared >= 98, "%")
    stand_in = studio(DATA, load_photos(read_magento(DATA, "dev"), CACHE))
    rows = {name: compare(pack, stand_in)[-1] for name, pack in (("fp32", exact), ("bf16", fast))}
    lost = rows["fp32"].at_1 - rows["bf16"].at_1
    detail = "; ".join(f"{name} R@1 {row.at_1:g}, R@10 {row.at_10:g}" for name, row in rows.items())
    yield Bar(
        "studio photos, photo + colour: R@1 lost by bf16",
        round(lost, 2),
        "<= 0.5",
        lost <= 0.5,
        "points",
        detail,
    )


if __name__ == "__main__":
    show(bars())
