"""What marking the piece gains: photos of two garments side by side, one of them meant.

    python -m benchmarks.crop

Main photos of two styles of the studio shop that the pack was not trained on become one photo; the left or
the right one is meant. The gallery are all photos of that half of the shop but the two themselves; a hit is
any other photo of the meant style. The same with the box that is suggested for the meant piece. Then photos
of clothes by many people, two side by side on their own grounds, and one alone: how often each piece is
boxed, and how often one piece is taken for several. Needs the data folder beside the project, and says so
when it is missing.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bar import ROOT, SHARED, Bar, show
from embedding.pack import Pack, load_pack
from searcher.crop import Crop
from searcher.garments import garments
from training.datasets import DataMissing, Photo, read_clothing, read_magento

GAIN, QUERIES, HEIGHT, SEED = 2.0, 300, 480, 3
BOXED, TAKEN_APART, COUPLES = 0.5, 10.0, 150  # overlap of a box with its half; per cent; photos of two
HALVES = (Crop(0, 0, 0.5, 1), Crop(0.5, 0, 0.5, 1))
Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]  # (N, D) unit rows
Pair = tuple[int, int]  # photos: the meant one, and the one beside it


def read(photo: Photo) -> Pixels:
    """(HEIGHT, HEIGHT * 4/5, 3) of a photo."""
    with Image.open(photo.path) as image:
        return np.asarray(image.convert("RGB").resize((HEIGHT * 4 // 5, HEIGHT)))


def recall(queries: Vectors, gallery: Vectors, chosen: Sequence[Pair], photos: Sequence[Photo]) -> float:
    """Per cent of queries with another photo of the meant style among the first ten."""
    found = 0
    styles = np.array([photo.garment for photo in photos])
    for vector, (meant, other) in zip(queries, chosen, strict=True):
        scores = gallery @ vector
        scores[[meant, other]] = -np.inf
        found += styles[meant] in styles[np.argsort(-scores)[:10]]
    return 100 * found / len(chosen)


def bars() -> Iterator[Bar]:
    """R@10 of the cropped photo against the whole one's. Raises DataMissing."""
    if not (SHARED / "data" / "magento").is_dir():
        raise DataMissing("There are no studio photos: put the data folder beside the project.")
    photos = read_magento(SHARED / "data", "dev")
    pack = load_pack(ROOT / "packs" / "twirl-small", threads=2)
    pixels = [read(photo) for photo in photos]
    gallery = np.concatenate([pack.encode_images(pixels[at : at + 32]) for at in range(0, len(pixels), 32)])
    rng = np.random.default_rng(SEED)
    chosen, whole, cropped, suggested = _pairs(photos, rng), list[Pixels](), list[Pixels](), list[Pixels]()
    for meant, other in chosen:
        side = int(rng.integers(2))
        both = np.concatenate([pixels[n] for n in ((meant, other), (other, meant))[side]], axis=1)
        whole.append(both)
        cropped.append(HALVES[side].of(both))
        suggested.append(_meant(pack, both, HALVES[side]).of(both))
    figures = [recall(_by_photo(pack, some), gallery, chosen, photos) for some in (whole, cropped, suggested)]
    ratio = figures[1] / max(figures[0], 0.1)
    detail = f"{len(chosen)} photos of two garments: whole {figures[0]:.1f} %, marked {figures[1]:.1f} %"
    name = "the marked piece of a photo, R@10, of the whole photo's"
    yield Bar(name, ratio, f">= {GAIN}x", ratio >= GAIN, "x", detail)
    ratio = figures[2] / max(figures[0], 0.1)
    name = "the suggested box of the piece, R@10, of the whole photo's"
    yield Bar(name, ratio, f">= {GAIN}x", ratio >= GAIN, "x", f"suggested {figures[2]:.1f} %")
    yield from _by_many_people(pack, rng)


def _by_many_people(pack: Pack, rng: np.random.Generator) -> Iterator[Bar]:
    """Boxes on photos of clothes that people took themselves."""
    clothes = read_clothing(SHARED / "data", "val")
    drawn = [read(clothes[int(n)]) for n in rng.choice(len(clothes), 3 * COUPLES, replace=False)]
    couples = [np.concatenate(drawn[at : at + 2], axis=1) for at in range(0, 2 * COUPLES, 2)]
    boxed = [
        any(_overlap(box, half) >= BOXED for box in _boxes(pack, both)) for both in couples for half in HALVES
    ]
    apart = [len(_boxes(pack, one)) > 1 for one in drawn[2 * COUPLES :]]
    found, torn = 100 * float(np.mean(boxed)), 100 * float(np.mean(apart))
    said = f"{COUPLES} photos of two, an overlap of {BOXED:g} with its half"
    yield Bar("pieces boxed, people's own photos", found, ">= 80", found >= 80, "%", said)
    said = f"{COUPLES} photos of one"
    yield Bar("one piece taken for several", torn, f"<= {TAKEN_APART:g}", torn <= TAKEN_APART, "%", said)


def _boxes(pack: Pack, pixels: Pixels) -> list[Crop]:
    patches = pack.patches(pixels)
    return [] if patches is None else garments(patches)


def _meant(pack: Pack, pixels: Pixels, half: Crop) -> Crop:
    """The suggested box that a shopper who means this half would choose; the whole without a choice."""
    boxes = _boxes(pack, pixels)
    return max(boxes, key=lambda box: _overlap(box, half)) if len(boxes) > 1 else Crop(0, 0, 1, 1)


def _overlap(one: Crop, other: Crop) -> float:
    """Intersection over union."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    both = max(across, 0.0) * max(down, 0.0)
    return both / (one.width * one.height + other.width * other.height - both)


def _pairs(photos: Sequence[Photo], rng: np.random.Generator) -> list[Pair]:
    """Main photos of two styles, at random."""
    main = [n for n, photo in enumerate(photos) if photo.scene]
    drawn = [(int(a), int(b)) for a, b in rng.choice(main, (3 * QUERIES, 2))]
    return [(a, b) for a, b in drawn if photos[a].garment != photos[b].garment][:QUERIES]


def _by_photo(pack: Pack, pixels: Sequence[Pixels]) -> Vectors:
    """The queries of photos alone."""
    encoded = np.concatenate([pack.encode_images(pixels[at : at + 32]) for at in range(0, len(pixels), 32)])
    return np.stack([pack.compose(row, None) for row in encoded])


if __name__ == "__main__":
    show(bars())
