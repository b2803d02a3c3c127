"""What a pack reaches on photos that it was not trained on: the figures that its `pack.json` carries."""

from pathlib import Path
from typing import Any

from embedding.pack import Pack
from training.baselines import compare
from training.datasets import load_photos, read_clothing, read_magento
from training.quality import caption_queries, category_precision, same_piece_recall, word_recall
from training.standins import StandIn, recoloured, studio, turned


def stand_ins(data: Path, work: Path | None) -> list[StandIn]:
    """The three stand-ins for an unseen shop."""
    studio_photos = load_photos(read_magento(data, "dev"), work)
    clothing = load_photos(read_clothing(data, "val"), work)
    return [studio(data, studio_photos), turned(studio_photos), recoloured(clothing)]


def measure(pack: Pack, data: Path, work: Path | None = None) -> dict[str, Any]:
    """Recall of every method on every stand-in, words alone, and category precision by photo."""
    figures: dict[str, Any] = {}
    for stand_in in stand_ins(data, work):
        figures[f"{stand_in.name}: queries, photos"] = [len(stand_in.queries), len(stand_in.gallery)]
        for row in compare(pack, stand_in):
            figures[f"{stand_in.name}: {row.method}, R@1 / R@10"] = [row.at_1, row.at_10]
    studio_photos = load_photos(read_magento(data, "dev"), work)
    vectors = pack.encode_images(list(studio_photos.squares))
    for k in (1, 5):
        figures[f"photo alone, the same piece from another side, R@{k}"] = round(
            same_piece_recall(pack, studio_photos, vectors, k), 1
        )
    held_out = load_photos(read_clothing(data, "val"), work)
    gallery = pack.encode_images(list(held_out.squares))
    figures["words to held-out clothing photos, R@10"] = round(
        word_recall(pack, caption_queries(held_out), gallery), 1
    )
    train = load_photos(read_clothing(data, "train"), work)
    known = pack.encode_images(list(train.squares))
    precision = category_precision(
        pack, gallery, [row.category for row in held_out.rows], known, [row.category for row in train.rows]
    )
    figures["category precision@10 by photo"] = round(precision, 3)
    return figures
