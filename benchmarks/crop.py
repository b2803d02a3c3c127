"""What marking the piece gains: photos of two garments side by side, one of them meant.

    python -m benchmarks.crop

Main photos of two styles of the studio shop that the pack was not trained on become one photo; the left or
the right one is meant. The gallery are all photos of that half of the shop but the two themselves; a hit is
any other photo of the meant style. Needs the data folder beside the project, and says so when it is missing.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bar import ROOT, SHARED, Bar, show
from embedding.pack import Pack, load_pack
from searcher.crop import Crop
from training.datasets import DataMissing, Photo, read_magento

GAIN, QUERIES, HEIGHT, SEED = 2.0, 300, 480, 3
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
    chosen, whole, cropped = _pairs(photos, rng), list[Pixels](), list[Pixels]()
    for meant, other in chosen:
        side = int(rng.integers(2))
        both = np.concatenate([pixels[n] for n in ((meant, other), (other, meant))[side]], axis=1)
        whole.append(both)
        cropped.append(HALVES[side].of(both))
    figures = [recall(_by_photo(pack, some), gallery, chosen, photos) for some in (whole, cropped)]
    ratio = figures[1] / max(figures[0], 0.1)
    detail = f"{len(chosen)} photos of two garments: whole {figures[0]:.1f} %, marked {figures[1]:.1f} %"
    name = "the marked piece of a photo, R@10, of the whole photo's"
    yield Bar(name, ratio, f">= {GAIN}x", ratio >= GAIN, "x", detail)


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
