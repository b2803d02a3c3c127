"""How well requests are understood: 105 written by hand, 240 by strangers and 300 generated, all with typos.

    python -m benchmarks.understanding [--wrong]

Precision: of the chips that were found, how many were asked for. Recall: of those asked for, how many were
found. A chip counts when field, value and negation are right. The vocabulary is the demo shop's. With --wrong
every request that was not understood exactly is printed.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from atelier.catalogue import plan
from atelier.merchandise import columns
from benchmarks.bar import Bar, show
from searcher.filters import FACET_FIELDS
from searcher.shelf import Row, Shelf
from searcher.understanding.parse import understand
from searcher.understanding.vocabulary import Vocabulary

PRODUCTS, SEED, GENERATED = 600, 7, 300
PRECISION, RECALL = 0.95, 0.9
REQUESTS = Path(__file__).parent / "requests.txt"
STRANGERS = Path(__file__).parent / "requests_of_strangers.txt"
WISHES = Path(__file__).parent / "wishes.txt"
_COLUMNS = {"category": "product_type", "colour": "color"}


@dataclass(frozen=True)
class Request:
    """A request and the keys of the chips that must be understood, as `Chip.key` says them."""

    words: str
    chips: frozenset[str]


def written(file: Path = REQUESTS) -> list[Request]:
    """The requests of a file that people wrote."""
    lines = [line for line in file.read_text().splitlines() if line.strip() and line[0] != "#"]
    pairs = (line.partition("|") for line in lines)
    return [Request(words.strip(), frozenset(_keys(said))) for words, _, said in pairs]


def _keys(said: str) -> Iterator[str]:
    """ "colour=sky blue brand=a b" -> its parts: a value may have spaces, a field none."""
    part: list[str] = []
    for word in said.split():
        if "=" in word and part:
            yield " ".join(part)
            part = []
        part.append(word)
    if part:
        yield " ".join(part)


@lru_cache(maxsize=1)
def demo_shelf() -> Shelf:
    """The demo shop's shelf, its pictures not drawn."""
    return Shelf(1, demo_rows())


def demo_rows() -> list[Row]:
    """What stands on it."""
    feed = [columns(r.sku, r.group, r.garment, r.seed, r.family) for r in plan(PRODUCTS, SEED)]
    return [
        Row(n, str(each["id"]), str(each["item_group_id"]), str(each["title"]), 1, _values(each))
        for n, each in enumerate(feed, start=1)
    ]


def _values(row: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(row[_COLUMNS.get(name, name)]) for name in FACET_FIELDS)


_WANTED = (
    "{adj}", "{prep}", "but {prep} please", "the same {prep}", "I'd rather have it {prep}",
    "do you have this {prep}?", "a {adj} one", "make it {adj}", "something like this but {adj}",
    "looking for the same thing {prep}", "{adj} this but", "want it {prep}",
)  # fmt: skip
_DENIED = ("not {adj}", "anything but {adj}", "please not {adj}", "like this, only not {adj}")
_KINDS = ("dresses", "skirts", "shirts", "coats", "jeans", "cardigans", "blazers", "hoodies", "sweaters")
_LIMITS = (
    (" under $40", "price=..4000"),
    (", max 75 dollars", "price=..7500"),
    (" between 30 and 90", "price=3000..9000"),
)


@lru_cache(maxsize=1)
def _wishes() -> list[tuple[str, str, str]]:
    """(key, adjective, phrase) of everything that generated requests ask for."""
    lines = [line for line in WISHES.read_text().splitlines() if line[0] != "#"]
    return [(key, adj, prep) for key, adj, prep in (map(str.strip, line.split("|")) for line in lines)]


def generated(count: int = GENERATED, seed: int = SEED) -> list[Request]:
    """Wishes in many wordings, a third with a kind of garment, a fifth with a price, some with a typo."""
    rng = np.random.default_rng(seed)
    return [_generated(rng) for _ in range(count)]


def _generated(rng: np.random.Generator) -> Request:
    asked = _wishes()
    key, adj, prep = asked[rng.integers(len(asked))]
    denied = bool(adj) and rng.random() < 0.2
    templates = _DENIED if denied else [each for each in _WANTED if adj or "{prep}" in each]
    words = templates[rng.integers(len(templates))].format(adj=adj, prep=prep)
    keys = {f"-{key}" if denied else key}
    if rng.random() < 0.33:
        kind = _KINDS[rng.integers(len(_KINDS))]
        words, keys = (
            f"{kind.rstrip('s') if kind not in ('dresses', 'jeans') else kind}, {words}",
            {*keys, f"category={kind}"},
        )
    if rng.random() < 0.25:
        words = _slip(words, rng)
    if rng.random() < 0.2:
        limit, priced = _LIMITS[rng.integers(len(_LIMITS))]
        words, keys = words + limit, {*keys, priced}
    return Request(words, frozenset(keys))


def _slip(words: str, rng: np.random.Generator) -> str:
    """Two letters swapped, one left out or one doubled, inside one of the longer words."""
    parts = words.split()
    long = [n for n, part in enumerate(parts) if len(part) > 4]
    if not long:
        return words
    n = long[rng.integers(len(long))]
    at = int(rng.integers(1, len(parts[n]) - 2))
    part, way = parts[n], rng.integers(3)
    swapped = part[:at] + part[at + 1] + part[at] + part[at + 2 :]
    parts[n] = (swapped, part[:at] + part[at + 1 :], part[: at + 1] + part[at:])[way]
    return " ".join(parts)


def understood(request: Request, vocabulary: Vocabulary) -> frozenset[str]:
    """The keys of the chips found."""
    return frozenset(chip.key for chip in understand(request.words, vocabulary).chips)


def scores(
    requests: list[Request], vocabulary: Vocabulary
) -> tuple[float, float, list[tuple[Request, frozenset[str]]]]:
    """Precision, recall, and the requests that were not understood exactly."""
    found = [understood(each, vocabulary) for each in requests]
    right = sum(len(each.chips & got) for each, got in zip(requests, found, strict=True))
    wrong = [(each, got) for each, got in zip(requests, found, strict=True) if each.chips != got]
    return right / sum(map(len, found)), right / sum(len(each.chips) for each in requests), wrong


def bars() -> Iterator[Bar]:
    """Precision and recall on both sets."""
    vocabulary = Vocabulary.of(demo_shelf())
    sets = (("written by hand", written()), ("of strangers", written(STRANGERS)), ("generated", generated()))
    for name, requests in sets:
        precision, recall, wrong = scores(requests, vocabulary)
        beside = f"{len(requests)} requests, {len(requests) - len(wrong)} understood exactly"
        yield Bar(
            f"requests {name}: precision of chips",
            precision,
            f">= {PRECISION}",
            precision >= PRECISION,
            "",
            beside,
        )
        yield Bar(f"requests {name}: recall of chips", recall, f">= {RECALL}", recall >= RECALL, "", beside)


def _show_wrong() -> None:
    vocabulary = Vocabulary.of(demo_shelf())
    for request, got in scores([*written(), *written(STRANGERS), *generated()], vocabulary)[2]:
        print(f"{request.words!r}: wanted {sorted(request.chips)}, found {sorted(got)}")


if __name__ == "__main__":
    _show_wrong() if "--wrong" in sys.argv else show(bars())
