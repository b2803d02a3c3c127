"""Retrieval quality of the shipped pack on photos that it was not trained on.

    python -m benchmarks.quality_retrieval

Needs ../shared/data, and says so when it is missing. Protocols: the query image is excluded; `studio` is the
dev half of the studio shop, main photos only; `turned` asks it for a back or detail view in another colour;
`recoloured` is clothing validation photos dyed and re-posed. The last two stand in for shops never seen.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.bar import ROOT, SHARED, Bar, show
from embedding.pack import Pack, TowerPack, Towers, load_tower_pack
from training.baselines import Row, compare
from training.datasets import Photos, load_photos, read_clothing, read_magento
from training.quality import caption_queries, category_precision, word_recall
from training.standins import StandIn, recoloured, studio, turned

DATA = SHARED / "data"
PACK = ROOT / "packs" / "twirl-small"
CACHE = ROOT / "runs" / "small"


def _table(rows: list[Row]) -> str:
    return "; ".join(f"{row.method} {row.at_1:g}/{row.at_10:g}" for row in rows)


def _studio(pack: Pack, stand_in: StandIn) -> Iterator[Bar]:
    rows = compare(pack, stand_in)
    composed, table = rows[-1], _table(rows)
    for name, figure, target in (("R@1", composed.at_1, 82), ("R@10", composed.at_10, 98)):
        yield Bar(
            f"studio photos: photo + colour, {name}", figure, f">= {target}", figure >= target, "%", table
        )


def _unseen(pack: Pack, stand_in: StandIn) -> Iterator[Bar]:
    *others, composed = compare(pack, stand_in)
    table, best = _table([*others, composed]), max(row.at_10 for row in others)
    single = max(row.at_1 for row in others if row.method in ("photo alone", "words alone"))
    name = f"{stand_in.name}: photo + colour"
    ahead = composed.at_1 > single
    yield Bar(f"{name}, R@1", composed.at_1, f"> {single:g}, photo or words", ahead, "%", table)
    yield Bar(f"{name}, R@10", composed.at_10, f">= {best:g}, others", composed.at_10 >= best, "%", table)


def untrained(pack: TowerPack) -> TowerPack:
    """The same towers with heads that nobody trained: what words alone find by luck."""
    torch.manual_seed(0)
    towers = Towers(pack.info.config)
    towers.image.vit.load_state_dict(pack.vision_state())
    return pack.with_towers(towers)


def _words(pack: TowerPack, held_out: Photos, gallery: np.ndarray) -> Iterator[Bar]:
    queries, luck = caption_queries(held_out), untrained(pack)
    found = word_recall(pack, queries, gallery)
    floor = word_recall(luck, queries, luck.encode_images(list(held_out.squares)))
    beside = f"untrained heads {floor:.2f}; {len(queries.texts)} captions of {len(held_out)} photos"
    yield Bar(
        "words alone: R@10 of the very photo", found, ">= 3 x untrained", found >= 3 * floor, "%", beside
    )


def _categories(pack: Pack, held_out: Photos, gallery: np.ndarray, train: Photos) -> Iterator[Bar]:
    known = pack.encode_images(list(train.squares))
    wanted, labels = ([row.category for row in photos.rows] for photos in (held_out, train))
    figure = category_precision(pack, gallery, wanted, known, labels)
    yield Bar(
        "category precision@10 by photo", figure, ">= 0.70", figure >= 0.70, "", "17 classes, val by train"
    )


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """Every figure of this page, as it is measured. Raises DataMissing without ../shared/data."""
    pack = load_tower_pack(directory, threads=2)
    dev = load_photos(read_magento(DATA, "dev"), CACHE)
    held_out = load_photos(read_clothing(DATA, "val"), CACHE)
    yield from _studio(pack, studio(DATA, dev))
    yield from _unseen(pack, turned(dev))
    yield from _unseen(pack, recoloured(held_out))
    gallery = pack.encode_images(list(held_out.squares))
    yield from _words(pack, held_out, gallery)
    yield from _categories(pack, held_out, gallery, load_photos(read_clothing(DATA, "train"), CACHE))


if __name__ == "__main__":
    show(bars())
