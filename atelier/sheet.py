"""The contact sheet: many garments on one page, to judge the drawing by eye."""

from pathlib import Path

import numpy as np
from PIL import Image

from atelier.attributes import KINDS, Garment, sample_garment
from atelier.drawing import RATIO, draw

GAP = 6  # px between pictures


def contact_sheet(
    rows: int = 8, columns: int = 8, cell: int = 200, seed: int = 7, kind: str = ""
) -> Image.Image:
    """`rows` x `columns` garments, drawn at 640 px and brought down to `cell` px wide; kinds take turns."""
    height = int(cell * RATIO)
    sheet = Image.new("RGB", (columns * (cell + GAP) + GAP, rows * (height + GAP) + GAP), (255, 255, 255))
    for index, garment in enumerate(selection(rows * columns, seed, kind)):
        picture = draw(garment, 640, seed * 1009 + index).resize((cell, height), Image.Resampling.LANCZOS)
        x, y = index % columns, index // columns
        sheet.paste(picture, (GAP + x * (cell + GAP), GAP + y * (height + GAP)))
    return sheet


def selection(count: int, seed: int, kind: str = "") -> list[Garment]:
    """`count` garments; without a kind, all kinds in turn, the order shuffled from round to round."""
    rng = np.random.default_rng([seed, 29])
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += [kind] if kind else [KINDS[int(index)] for index in rng.permutation(len(KINDS))]
    return [sample_garment(rng, name) for name in kinds[:count]]


def write_sheet(path: Path, rows: int, columns: int, cell: int, seed: int, kind: str = "") -> None:
    """Draw a contact sheet into a file; the name's ending chooses JPEG, WebP or PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(rows, columns, cell, seed, kind)
    sheet.save(path, quality=82, method=6) if path.suffix == ".webp" else sheet.save(path, quality=86)
