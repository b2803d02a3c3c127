"""Retrieval quality of the shipped pack on photos that it was not trained on.

    python -m benchmarks.quality_retrieval

Needs ../shared/data, and says so when it is missing. Protocols: the query image is excluded; `studio` is the
dev half of the studio shop, its first photos or all; `turned` asks it for a back or detail view in another
colour; `recoloured` is clothing validation photos dyed and re-posed. The last two stand in for unseen shops.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import (
    CACHE,
    DATA,
    PACK,
    ahead,
    at_least,
    evaluation,
    first_pack,
    pack_at,
    table,
    times_of_seed,
)
from embedding.pack import TowerPack, Towers
from training.datasets import DataMissing, load_photos, read_clothing
from training.quality import caption_queries, word_recall
from training.report_answers import Answers
from training.report_evaluation import Evaluation
from training.report_photos import Measure

WORDS, CATEGORY = "words to the very photo, R@10", "photo to the same category, precision@10"


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """Every figure of this page, as it is measured. Raises DataMissing without ../shared/data."""
    found = evaluation(directory)
    yield from photo_bars(found)
    if found.missing:
        raise DataMissing("; ".join(f"{each.part}: {each.why}" for each in found.missing))
    pack = pack_at(directory)
    if isinstance(pack, TowerPack):
        yield _against_luck(pack, found)


def photo_bars(found: Evaluation) -> Iterator[Bar]:
    """What the photos of an evaluation are held to; nothing for those that are missing."""
    by_name = {each.stand_in.name: each for each in found.stand_ins}
    for name in ("studio", "studio, all photos"):
        if name in by_name:
            yield from _studio(by_name[name])
    for name in ("turned", "recoloured"):
        if name in by_name:
            yield ahead(by_name[name])
    for measure in found.photos:
        if measure.name in (CATEGORY, WORDS):
            yield slices_ahead(measure, first_pack())
        if measure.name == CATEGORY:
            yield at_least(CATEGORY, measure.figure.mean, 78, measure.terms)


def _studio(answers: Answers) -> Iterator[Bar]:
    name, methods = answers.stand_in.name, table(answers.rows)
    yield at_least(f"{name}: photo + colour, R@1", answers.composed.at_1, 92, methods)
    yield at_least(f"{name}: photo + colour, R@10", answers.composed.at_10, 98)
    if answers.rivals:
        yield times_of_seed(answers)


def slices_ahead(measure: Measure, first: Mapping[str, float]) -> Bar:
    """On how many categories the pack is better than the first issue's."""
    known = {each.value: first[f"{measure.name}: {each.value}"] for each in measure.slices}
    better = sum(each.figure.mean > known[each.value] for each in measure.slices)
    behind = [f"{each.value} {each.figure.mean:g} ({known[each.value]:g})" for each in measure.slices]
    detail = f"now (then): {', '.join(behind)}"
    return at_least(f"{measure.name}: slices ahead of the first pack", better, len(known), detail, "")


def untrained(pack: TowerPack) -> TowerPack:
    """The same towers with heads that nobody trained: what words alone find by luck."""
    torch.manual_seed(0)
    towers = Towers(pack.info.config)
    towers.image.vit.load_state_dict(pack.vision_state())
    return pack.with_towers(towers)


def _against_luck(pack: TowerPack, found: Evaluation) -> Bar:
    held_out = load_photos(read_clothing(DATA, "val"), CACHE)
    luck = untrained(pack)
    floor = word_recall(luck, caption_queries(held_out), luck.encode_images(list(held_out.squares)))
    words = next(each for each in found.photos if each.name == WORDS)
    detail = f"untrained heads {floor:.2f}; {words.terms}"
    return at_least(WORDS, words.figure.mean, round(3 * floor, 2), detail)


if __name__ == "__main__":
    show(bars())
