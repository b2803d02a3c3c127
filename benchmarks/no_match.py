"""Whether searches for what a shop does not sell are told from real ones.

    python -m benchmarks.no_match

By photo, twice. A shop of people's own photos of clothes: two thirds of the classes are sold, at random,
twelve times; the validation photos of all classes are asked. And the studio shop, which sells T-shirts,
hoodies, trousers, shorts and jackets, asked with people's photos of those and of dresses, shoes, hats and
skirts (classes that it sells in part are left out). The strength is the kinship of a photo and its first ten
hits; the pack's cut is told in the second, the shop that it is like. By words: 346 requests that ask for
something the demo shop can have, and 105 that do not. Photos need the data folder beside the project, and say
so when it is missing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bar import ROOT, SHARED, Bar, show
from benchmarks.understanding import STRANGERS, demo_shelf, written
from embedding.pack import Pack, load_pack
from searcher.match import Match, by_words
from searcher.query import SearchQuery
from searcher.understanding.wishes import Wishes
from training.datasets import DataMissing, Photo, read_clothing, read_magento

AUROC, SPLITS, GALLERY, KIN = 0.9, 12, 1500, 10
SOLD = ("t-shirt", "hoodie", "pants", "shorts", "outwear")
UNSOLD = ("dress", "shoes", "hat", "skirt")
UNSOLD_WORDS = Path(__file__).parent / "unsold.txt"
Floats = NDArray[np.float32]


def auroc(real: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The chance that a real search is stronger than another one; a tie counts half."""
    mine, theirs = np.asarray(real)[:, None], np.asarray(other)[None]
    return float(((mine > theirs) + 0.5 * (mine == theirs)).mean())


def encoded(pack: Pack, photos: Sequence[Photo]) -> Floats:
    """(N, D) of the photos."""
    rows = []
    for at in range(0, len(photos), 32):
        pixels = [np.asarray(Image.open(p.path).convert("RGB")) for p in photos[at : at + 32]]
        rows.append(pack.encode_images(pixels))
    return np.concatenate(rows)


def strengths(pack: Pack, queries: Floats, gallery: Floats) -> list[float]:
    """The kinship of each photo and its first hits."""
    composed = np.stack([pack.compose(row, None) for row in queries])
    first = np.argsort(-(composed @ gallery.T), axis=1)[:, :KIN]
    return [pack.kinship(row, gallery[hits]) or 0.0 for row, hits in zip(queries, first, strict=True)]


def by_photos(pack: Pack) -> Iterator[Bar]:
    """The bars of searches by photo. Raises DataMissing."""
    if not (SHARED / "data" / "clothing").is_dir():
        raise DataMissing("There are no photos of clothes: put the data folder beside the project.")
    rng = np.random.default_rng(0)
    asked, kept = read_clothing(SHARED / "data", "val"), read_clothing(SHARED / "data", "train")
    kept = [kept[int(at)] for at in rng.choice(len(kept), GALLERY, replace=False)]
    queries, gallery = encoded(pack, asked), encoded(pack, kept)
    classes, theirs = np.array([p.category for p in asked]), np.array([p.category for p in kept])
    told = []
    for _ in range(SPLITS):
        names = np.unique(classes)
        sold = rng.choice(names, len(names) * 2 // 3, replace=False)
        found = np.array(strengths(pack, queries, gallery[np.isin(theirs, sold)]))
        real = np.isin(classes, sold)
        told.append(auroc(found[real], found[~real]))
    mean = float(np.mean(told))
    said = f"{SPLITS} choices of what is sold, the least {min(told):.3f}; {len(asked)} photos"
    yield Bar("no match by photo, people's photos: AUROC", mean, f">= {AUROC}", mean >= AUROC, "", said)
    studio = [p for split in ("train", "dev") for p in read_magento(SHARED / "data", split)]
    found = np.array(strengths(pack, queries, encoded(pack, studio)))
    real, other = found[np.isin(classes, SOLD)], found[np.isin(classes, UNSOLD)]
    score, cut = auroc(real, other), pack.least_kinship
    rightly, wrongly = (100 * float((each < cut).mean()) for each in (other, real))
    said = f"told of {rightly:.0f} %, wrongly of {wrongly:.0f} % (below {cut:g})"
    yield Bar("no match by photo, studio shop: AUROC", score, f">= {AUROC}", score >= AUROC, "", said)


def by_requests() -> Iterator[Bar]:
    """The bar of searches by words."""
    shelf, wishes = demo_shelf(), Wishes()

    def match(words: str) -> Match:
        return by_words(wishes.read(SearchQuery(1, words=words), shelf), shelf, lambda _word: True)

    asked = [each.words for each in (*written(), *written(STRANGERS)) if each.chips]
    real = [match(words) for words in asked]
    lines = [line for line in UNSOLD_WORDS.read_text().splitlines() if line and line[0] != "#"]
    other = [match(line) for line in lines]
    score = auroc([m.strength or 0.0 for m in real], [m.strength or 0.0 for m in other])
    told, wrongly = (100 * float(np.mean([m.weak for m in each])) for each in (other, real))
    said = f"told of {told:.0f} % of {len(other)}, wrongly of {wrongly:.1f} % of {len(real)}"
    yield Bar("no match by words: AUROC", score, f">= {AUROC}", score >= AUROC, "", said)


def bars() -> Iterator[Bar]:
    """Yield the bars. Raises DataMissing."""
    yield from by_requests()
    yield from by_photos(load_pack(ROOT / "packs" / "twirl-small", threads=2))


if __name__ == "__main__":
    show(bars())
