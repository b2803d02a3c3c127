"""The photos that a pack is trained on, read once: squares, masks and what is known of each.

photos = load_photos(read_clothing(Path("../shared/data"), "train"), cache=Path("runs/cache"))
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from embedding.colour import colour_codes
from embedding.preprocess import Pixels, Preprocessing, prepare
from training.colours import name_table
from training.masks import SIDE, difference_mask, garment_mask, mask_like, masked_histogram, median_lab

Floats = npt.NDArray[np.float32]

STORED = 256  # side of the squares in memory; views are cut from them


class DataMissing(Exception):
    """A data folder that training or a benchmark needs is not there."""


@dataclass(frozen=True)
class Photo:
    """One photo and what is known of it."""

    path: Path
    source: str  # clothing | magento | atelier
    garment: str  # photos of one garment share it, whatever the colour
    variant: str  # photos of one garment in one colour share it
    category: str  # the source's own class, casefolded
    view: str = "main"  # main | back | alt | other
    colour: str = ""  # as the shop says it, "" when it says nothing
    texts: tuple[str, ...] = ()  # titles and descriptions, whole sentences
    facts: tuple[tuple[str, str], ...] = ()  # attribute and value, as `training.vocabulary` names them
    scene: str = ""  # photos of one scene differ in nothing but the garment's colour


@dataclass(frozen=True)
class Photos:
    """Photos in memory. Row n of each array is photo n."""

    rows: tuple[Photo, ...]
    squares: npt.NDArray[np.uint8]  # (N, STORED, STORED, 3) RGB
    masks: npt.NDArray[np.uint8]  # (N, SIDE, SIDE), 255 = surely garment
    medians: Floats  # (N, 3) CIE Lab of the garment
    names: Floats  # (N, colour names), rows sum to 1

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, keep: npt.NDArray[np.bool_]) -> "Photos":
        """The photos where `keep` is true."""
        rows = tuple(row for row, kept in zip(self.rows, keep, strict=True) if kept)
        return Photos(rows, self.squares[keep], self.masks[keep], self.medians[keep], self.names[keep])


def _manifest(folder: Path) -> list[dict[str, str]]:
    path = folder / "manifest.csv"
    if not path.is_file():
        raise DataMissing(f"{path} is missing: training and this benchmark need the photos of ../shared/data")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_clothing(data: Path, split: str) -> list[Photo]:
    """The clothing photos of one split, each its own garment."""
    folder = data / "clothing"
    rows = [row for row in _manifest(folder) if row["split"] == split]
    return [
        Photo(folder / row["image"], "clothing", row["image"], row["image"], row["category"].casefold())
        for row in rows
        if row["category"]
    ]


def read_magento(data: Path, split: str) -> list[Photo]:
    """The studio photos of one split, all views."""
    folder, photos = data / "magento", []
    for row in _manifest(folder):
        if row["split"] != split:
            continue
        category = row["category"].split("/")[-1].casefold()
        main = Photo(
            folder / row["image"], "magento", row["style"], row["variant_id"], category,
            colour=row["colour"].casefold(), texts=_sentences(row["title"], row["description"]),
            scene=row["style"],
        )  # fmt: skip
        photos.append(main)
        for extra in filter(None, row["additional_images"].split("|")):
            view = next((name for name in ("back", "alt") if name in extra), "other")
            photos.append(replace(main, path=folder / extra, view=view, scene=""))
    return photos


def _sentences(title: str, description: str) -> tuple[str, ...]:
    parts = description.replace("•", ".").split(".")
    return (title, *(part.strip() for part in parts if len(part.split()) > 2))


def load_photos(photos: Iterable[Photo], cache: Path | None = None) -> Photos:
    """Read, square and mask `photos`; with `cache`, a second call reads one file instead.

    A missing or broken photo raises: a silent gap would make every figure measured on the rest a lie.
    """
    rows = tuple(photos)
    key = hashlib.sha256(repr([(str(row.path), row.garment) for row in rows]).encode()).hexdigest()[:16]
    stored = cache / f"photos-{key}.npz" if cache else None
    if stored and stored.is_file():
        arrays = np.load(stored)
        return Photos(rows, *(arrays[name] for name in ("squares", "masks", "medians", "names")))
    squares = np.stack([_square(row.path) for row in rows])
    loaded = _describe(rows, squares, _masks(rows, squares))
    if stored:
        stored.parent.mkdir(parents=True, exist_ok=True)
        np.savez(stored, squares=squares, masks=loaded.masks, medians=loaded.medians, names=loaded.names)
    return loaded


def join_photos(first: Photos, second: Photos) -> Photos:
    """Two sets of photos, one after the other."""
    names = ("squares", "masks", "medians", "names")
    arrays = (np.concatenate([getattr(first, name), getattr(second, name)]) for name in names)
    return Photos(first.rows + second.rows, *arrays)


def _square(path: Path) -> Pixels:
    with Image.open(path) as image:
        return prepare(np.asarray(image.convert("RGB")), Preprocessing(size=STORED))


def _describe(rows: tuple[Photo, ...], squares: npt.NDArray[np.uint8], masks: list[Floats]) -> Photos:
    medians = np.stack([median_lab(square, mask) for square, mask in zip(squares, masks, strict=True)])
    names = np.stack([colour_shares(square, mask) for square, mask in zip(squares, masks, strict=True)])
    return Photos(rows, squares, (np.stack(masks) * 255).astype(np.uint8), medians, names)


def colour_shares(square: Pixels, mask: Floats) -> Floats:
    """(S, S, 3) uint8 and its mask -> (names,) float32: how much of the garment bears each colour name."""
    step = square.shape[0] // SIDE
    small = square[step // 2 :: step, step // 2 :: step][:SIDE, :SIDE]
    weight = mask**2 + 1e-4
    shares = (name_table()[colour_codes(small)] * weight[..., None]).sum((0, 1))
    return np.asarray(shares / shares.sum(), dtype=np.float32)


def _masks(rows: tuple[Photo, ...], squares: npt.NDArray[np.uint8]) -> list[Floats]:
    """One mask a photo: from the other colours of its scene, else of its variant, else by itself."""
    masks = [garment_mask(square) for square in squares]
    scenes: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        if row.scene:
            scenes[row.scene].append(n)
    histograms: dict[str, Floats] = {}
    for members in scenes.values():
        shared = difference_mask([squares[n] for n in members]) if len(members) > 1 else None
        if shared is not None:
            for n in members:
                masks[n] = shared
                histograms[rows[n].variant] = masked_histogram(squares[n], shared)
    for n, row in enumerate(rows):
        if not row.scene and row.variant in histograms:
            masks[n] = mask_like(squares[n], histograms[row.variant])
    return masks
