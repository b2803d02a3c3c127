"""The published network trained on the studio shop's women's half, as a row beside the pack.

    python -m benchmarks.seed_studio [--epochs 16]

Published losses, rates and schedule on DeiT-tiny; a fifth of the styles tells which epoch is best. It takes
some ten minutes of two quiet cores and goes on epoch by epoch from runs/seed. Where that folder has a trained
network, `quality_retrieval` and `quality_report` show its row too.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import CACHE, DATA, PACK, SEED, pack_at, times_of_seed
from embedding.minilm import TextTower, find_minilm
from training.datasets import Photos, load_photos, read_magento
from training.evaluation import ranking, recall_at_k
from training.published.loop import Example, SeedLoop, SeedTraining
from training.published.network import Seed, SeedConfig
from training.report_answers import answer
from training.report_seed import SeedRival, load_seed
from training.standins import StandIn, studio
from training.weights import deit_to_vit

HELD_OUT = 5  # every fifth style


class StudioPairs:
    """Main photos of the women's half, and its pairs "same but in COLOUR"."""

    def __init__(self, photos: Photos, pairs: list[Example]) -> None:
        self.photos, self.pairs = photos, pairs

    def epoch(self, rng: np.random.Generator) -> list[Example]:
        """All pairs in a new order."""
        return [self.pairs[n] for n in rng.permutation(len(self.pairs))]

    def image(self, number: int) -> Image.Image:
        """The photo in that row."""
        return Image.fromarray(self.photos.squares[number])


def read_pairs(photos: Photos) -> tuple[list[Example], list[Example]]:
    """The pairs to learn from, and those of the held-out styles."""
    rows = {row.variant: n for n, row in enumerate(photos.rows) if row.view == "main"}
    styles = sorted({photos.rows[n].garment for n in rows.values()})
    held = set(styles[::HELD_OUT])
    kept: tuple[list[Example], list[Example]] = ([], [])
    path = DATA / "magento" / "pairs_same_style_other_colour.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        for pair in csv.DictReader(stream):
            if pair["split"] == "train":
                source, target = rows[pair["query_variant"]], rows[pair["target_variant"]]
                kept[photos.rows[source].garment in held].append(Example(source, target, pair["text"]))
    return kept


def held_out_queries(photos: Photos, pairs: list[Example]) -> StandIn:
    """The held-out pairs over all main photos."""
    mains = [n for n, row in enumerate(photos.rows) if row.view == "main"]
    place = {n: m for m, n in enumerate(mains)}
    queries = np.array([place[pair.source] for pair in pairs])
    return StandIn(
        "women's half, held-out styles",
        [photos.squares[n] for n in mains],
        queries,
        tuple(pair.text for pair in pairs),
        tuple(frozenset({place[pair.target]}) for pair in pairs),
        tuple(frozenset({int(query)}) for query in queries),
    )


def train(folder: Path, epochs: int) -> float:
    """Train or go on; returns the best R@1 on the held-out styles. Raises DataMissing."""
    torch.manual_seed(0)
    photos = load_photos(read_magento(DATA, "train"), CACHE)
    learned, held = read_pairs(photos)
    asked, text = held_out_queries(photos, held), TextTower(find_minilm())
    network = Seed(SeedConfig())
    network.tower.vit.load_state_dict(deit_to_vit(DATA / "weights" / "deit-tiny-patch16-224"))

    def validate(network: Seed) -> float:
        scores = SeedRival(network, text).scores(asked)
        return recall_at_k(ranking(scores, asked.excluded), asked.targets, 1)

    config = SeedTraining(epochs=epochs)
    return SeedLoop(network, text, StudioPairs(photos, learned), validate, config, folder).run()


def bars(directory: Path = PACK, epochs: int = SeedTraining.epochs) -> Iterator[Bar]:
    """The pack's R@1 of the published network's, on the men's half. Raises DataMissing."""
    train(SEED, epochs)
    rival = load_seed(SEED)
    asked = studio(DATA, load_photos(read_magento(DATA, "dev"), CACHE))
    yield times_of_seed(answer(pack_at(directory), asked, rivals=[rival] if rival else []))


def main() -> None:
    """Read the command line, train and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=SeedTraining.epochs)
    show(bars(epochs=parser.parse_args().epochs))


if __name__ == "__main__":
    main()
