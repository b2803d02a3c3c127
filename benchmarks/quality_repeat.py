"""Two trainings with one seed, and what their packs reach.

    python -m benchmarks.quality_repeat

A small drawn shop is learned twice from nothing but its files, as `twirl train --catalogue` does it, and both
candidates are judged on the held-out articles. Nothing is kept between the two runs.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from atelier import write_catalogue
from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import PACK
from embedding.pack_files import read_info, read_weights
from training.catalogue.recipe import Recipe
from training.catalogue.run import Outcome, Workshop, train_on_catalogue

PRODUCTS = 60
RECIPE = Recipe(threads=1, steps=60, batch=64, wordings=400)


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """The largest difference between two runs, of any metric and of any weight."""
    with tempfile.TemporaryDirectory() as folder:
        shop = drawn_shop(Path(folder))
        runs = [learned(shop, directory, Path(folder) / name) for name in ("one", "other")]
        metrics, weights = differences(*runs)
    one = runs[0][0].judgement
    detail = f"{len(one.exam)} queries; composed R@1 {one.won.percent(1):.2f}"
    for name, figure in (("metric", metrics), ("weight", weights)):
        bar = f"two runs with one seed: largest difference of a {name}"
        yield Bar(bar, figure, "<= 1e-6", figure <= 1e-6, "", detail)


def drawn_shop(folder: Path) -> Path:
    """PRODUCTS drawn articles as an exported catalogue; returns its file."""
    feed = write_catalogue(folder, PRODUCTS, seed=21, size=256)
    rows = [json.loads(line) for line in feed.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["image_link"] = str(folder / row["image_link"])
    path = folder / "catalogue.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def learned(shop: Path, pack: Path, folder: Path) -> tuple[Outcome, Path]:
    """One whole run, features and all."""
    out = folder / "candidate"
    return train_on_catalogue(shop, pack, out, Workshop(folder / "work"), RECIPE, "repeat"), out


def differences(one: tuple[Outcome, Path], other: tuple[Outcome, Path]) -> tuple[float, float]:
    """The largest difference of a metric and of a weight."""
    tables = [run[0].judgement.record()["R@1, R@10"] for run in (one, other)]
    metrics = max(float(np.max(np.abs(np.subtract(tables[0][row], tables[1][row])))) for row in tables[0])
    states = [read_weights(run[1], read_info(run[1])) for run in (one, other)]
    weights = max(float((states[0][name] - states[1][name]).abs().max()) for name in states[0])
    return metrics, weights


if __name__ == "__main__":
    show(bars())
