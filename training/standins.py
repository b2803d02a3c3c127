"""Stand-ins for a shop that the pack never saw, held out by source: no photo of these is trained on.

`recoloured`: clothing validation photos, dyed and re-posed; the target is the same garment in the asked
colour and another pose, among all photos in all colours and poses. `studio`: the dev half of the studio shop,
main photo and words to a main photo; `studio, all photos`: the same queries among all its photos.
`turned`: the same shop, to a back or detail view in the other colour.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.preprocess import Pixels
from training.colours import NAMES, name_probabilities
from training.datasets import STORED, Photo, Photos
from training.protocols import MODIFICATION, Protocol
from training.recolour import draw_dyes, recolour
from training.views import ViewConfig, make_views


@dataclass(frozen=True)
class StandIn:
    """Queries over a gallery. Query n is photo `queries[n]` with `texts[n]`; its hits are `targets[n]`."""

    name: str
    gallery: list[Pixels]
    queries: npt.NDArray[np.int64]  # rows of the gallery; the query image itself is excluded from its ranking
    texts: tuple[str, ...]
    targets: tuple[frozenset[int], ...]
    excluded: tuple[frozenset[int], ...]  # rows left out of the ranking, the query among them
    slices: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by axis ("colour"), a value a query
    protocol: Protocol = MODIFICATION


def recoloured(photos: Photos, colours: int = 4, limit: int = 400, seed: int = 5) -> StandIn:
    """`limit` photos in `colours` dyes, each in its own pose: limit x colours images and as many queries."""
    rng, torch_rng = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    clear = np.abs(photos.masks.astype(np.float32) / 255 - 0.5).mean((1, 2)) > 0.42
    chosen = np.flatnonzero(clear)[:limit]
    gallery, said = [], []
    for start in range(0, len(chosen), 25):
        for _ in range(colours):
            squares, names = _dyed(photos, chosen[start : start + 25], rng, torch_rng)
            gallery.append(squares)
            said.append(names)
    order = [
        (block // colours * 25 + n, block, n) for block, rows in enumerate(said) for n in range(len(rows))
    ]
    garments = np.array([garment for garment, _, _ in order])
    words = np.array([said[block][n] for _, block, n in order])
    images = [gallery[block][n] for _, block, n in order]
    categories = tuple(photos.rows[chosen[garment]].category for garment in garments)
    return _pairs(images, garments, words, categories, rng)


def _dyed(
    photos: Photos, chosen: npt.NDArray[np.int64], rng: np.random.Generator, torch_rng: torch.Generator
) -> tuple[list[Pixels], list[str]]:
    images = torch.from_numpy(photos.squares[chosen]).float() / 255
    small = torch.from_numpy(photos.masks[chosen])[:, None].float() / 255
    masks = F.interpolate(small, (STORED, STORED), mode="bilinear")[:, 0]
    dye = draw_dyes(len(chosen), rng)
    dyed = recolour(images, masks, torch.from_numpy(photos.medians[chosen]), dye)
    squares, _ = make_views(dyed, masks, ViewConfig(ground=0.0), torch_rng)
    return list(squares.numpy()), [NAMES[n].name for n in name_probabilities(dye.lab).argmax(1)]


def _pairs(
    images: list[Pixels],
    garments: npt.NDArray[np.int64],
    words: npt.NDArray[np.str_],
    categories: tuple[str, ...],
    rng: np.random.Generator,
) -> StandIn:
    """Each image as a query for another colour of its garment."""
    queries, texts, targets, excluded, colours = [], [], [], [], []
    for n, garment in enumerate(garments):
        others = np.flatnonzero((garments == garment) & (words != words[n]))
        if len(others):
            wanted = str(words[rng.choice(others)])
            queries.append(n)
            colours.append(wanted)
            texts.append(f"same but in {wanted}")
            targets.append(frozenset(int(m) for m in others if words[m] == wanted))
            excluded.append(frozenset({n}))
    slices = {"category": tuple(categories[n] for n in queries), "colour": tuple(colours)}
    return StandIn(
        "recoloured", images, np.array(queries), tuple(texts), tuple(targets), tuple(excluded), slices
    )


def studio(data: Path, photos: Photos) -> StandIn:
    """The 372 dev queries over the 196 main photos."""
    mains = [n for n, row in enumerate(photos.rows) if row.view == "main"]
    return _studio("studio", data, [photos.rows[n] for n in mains], [photos.squares[n] for n in mains])


def whole_studio(data: Path, photos: Photos) -> StandIn:
    """The same queries over all 319 photos; any photo of the target variant is a hit."""
    return _studio("studio, all photos", data, photos.rows, list(photos.squares))


def _studio(name: str, data: Path, rows: Sequence[Photo], gallery: list[Pixels]) -> StandIn:
    with (data / "magento" / "pairs_same_style_other_colour.csv").open(
        encoding="utf-8", newline=""
    ) as stream:
        pairs = [row for row in csv.DictReader(stream) if row["split"] == "dev"]
    place = {row.variant: n for n, row in enumerate(rows) if row.view == "main"}
    photos_of: dict[str, set[int]] = {}
    for n, row in enumerate(rows):
        photos_of.setdefault(row.variant, set()).add(n)
    queries = np.array([place[pair["query_variant"]] for pair in pairs])
    targets = tuple(frozenset(photos_of[pair["target_variant"]]) for pair in pairs)
    excluded = tuple(frozenset({int(query)}) for query in queries)
    slices = {
        "category": tuple(rows[n].category for n in queries),
        "colour": tuple(rows[place[pair["target_variant"]]].colour for pair in pairs),
    }
    return StandIn(name, gallery, queries, tuple(pair["text"] for pair in pairs), targets, excluded, slices)


def turned(photos: Photos) -> StandIn:
    """Main photo and "same but in COLOUR" to a back or detail view; mains of the style are left out."""
    rows = photos.rows
    queries, texts, targets, excluded, colours = [], [], [], [], []
    for n, row in enumerate(rows):
        if row.view != "main":
            continue
        style = [m for m, other in enumerate(rows) if other.garment == row.garment]
        wanted = sorted(
            {rows[m].colour for m in style if rows[m].view != "main" and rows[m].variant != row.variant}
        )
        for colour in wanted:
            queries.append(n)
            colours.append(colour)
            texts.append(f"same but in {colour}")
            targets.append(frozenset(m for m in style if rows[m].view != "main" and rows[m].colour == colour))
            excluded.append(
                frozenset(m for m in style if rows[m].view == "main" or rows[m].variant == row.variant)
            )
    slices = {"category": tuple(rows[n].category for n in queries), "colour": tuple(colours)}
    gallery, whom = list(photos.squares), np.array(queries)
    return StandIn("turned", gallery, whom, tuple(texts), tuple(targets), tuple(excluded), slices)
