"""The atelier's garments as training photos: families that differ in one attribute, and the words for it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from atelier import Garment, change, describe, draw, sample_garment
from training.datasets import STORED, Photo

_FACTS = ("pattern", "sleeve", "neckline", "length", "fabric", "detail", "gender")


@dataclass(frozen=True)
class Drawing:
    """One picture to draw."""

    garment: Garment
    seed: int
    photo: Photo


@dataclass(frozen=True)
class Edit:
    """Words that lead from one variant to another; one attribute differs."""

    source: str  # variant
    target: str  # variant
    attribute: str
    words: str


def plan_families(folder: Path, count: int, seed: int) -> tuple[list[Drawing], list[Edit]]:
    """`count` families of five pictures and the edits inside them.

    A family is the garment, another colour of it in the same pose and in another one, and two other changes.
    """
    rng = np.random.default_rng(seed)
    drawings, edits = [], []
    for n in range(count):
        family, changes = _family(folder, f"drawn-{seed}-{n}", rng)
        drawings += family
        edits += changes
    return drawings, edits


def _family(folder: Path, name: str, rng: np.random.Generator) -> tuple[list[Drawing], list[Edit]]:
    base = sample_garment(rng)
    pose, other = (int(seed) for seed in rng.integers(1 << 30, size=2))
    dyed, dye_words = _changed(base, rng, "colour")
    turned = replace(dyed, presentation=other_presentation(base))
    plain = Drawing(base, pose, _photo(folder, name, f"{name}-0", base, "0", scene=name))
    drawings = [
        plain,
        Drawing(dyed, pose, _photo(folder, name, f"{name}-1", dyed, "1", scene=name)),
        Drawing(turned, other, _photo(folder, name, f"{name}-1", turned, "2")),
    ]
    edits = [Edit(f"{name}-0", f"{name}-1", "colour", dye_words)]
    for mark in ("3", "4"):
        edited, attribute, words = change(base, rng)
        while attribute == "colour":
            edited, attribute, words = change(base, rng)
        variant = f"{name}-{mark}"
        turn = edited if mark == "3" else replace(edited, presentation=other_presentation(base))
        drawings.append(Drawing(turn, other, _photo(folder, variant, variant, turn, mark)))
        edits.append(Edit(f"{name}-0", variant, attribute, words))
    return drawings, edits


def _changed(garment: Garment, rng: np.random.Generator, attribute: str) -> tuple[Garment, str]:
    edited, found, words = change(garment, rng)
    while found != attribute:
        edited, found, words = change(garment, rng)
    return edited, words


def other_presentation(garment: Garment) -> str:
    """On a figure what lies flat, and flat what is worn; shoes and bags are never worn."""
    if garment.kind in ("sneaker", "bag"):
        return "flat"
    return "flat" if garment.presentation == "figure" else "figure"


def _photo(folder: Path, garment: str, variant: str, drawn: Garment, mark: str, scene: str = "") -> Photo:
    title, description = describe(drawn)
    facts = tuple((name, getattr(drawn, name)) for name in _FACTS if getattr(drawn, name))
    return Photo(
        path=folder / f"{garment.removesuffix('-' + mark)}-{mark}.png",
        source="atelier",
        garment=garment,
        variant=variant,
        category=drawn.kind,
        view="main" if scene or drawn.presentation == "flat" else "other",
        colour=drawn.colour,
        texts=(title, *(part.strip() for part in description.split(".") if len(part.split()) > 3)),
        facts=facts,
        scene=scene,
    )


def _render(drawing: Drawing) -> None:
    if not drawing.photo.path.is_file():
        draw(drawing.garment, STORED, drawing.seed).save(drawing.photo.path)


def draw_families(
    folder: Path, count: int, seed: int, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Photo], list[Edit]]:
    """Draw what is not drawn yet into `folder`; the photos and the edits between their variants."""
    drawings, edits = plan_families(folder, count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        for done, _ in enumerate(pool.map(_render, drawings, chunksize=8), start=1):
            if progress:
                progress(done, len(drawings))
    return [drawing.photo for drawing in drawings], edits
