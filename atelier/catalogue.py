"""The demo catalogue: families of styles that differ in one attribute, with a feed and queries."""

import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np

from atelier.arrays import Rng
from atelier.attributes import CHANGEABLE, Garment, allowed, pick, sample_garment
from atelier.changes import change, phrase
from atelier.drawing import draw
from atelier.merchandise import columns

Progress = Callable[[int, int], None]
QUALITY = 88
COLOUR_COUNTS = (0.38, 0.30, 0.20, 0.12)  # how many products come in 1, 2, 3 and 4 colours


@dataclass(frozen=True)
class Row:
    """One sellable variant."""

    sku: str
    group: str
    family: int
    garment: Garment
    seed: int  # of its drawing


def write_catalogue(
    folder: Path,
    products: int = 600,
    seed: int = 7,
    progress: Progress | None = None,
    workers: int = 2,
    size: int = 640,
) -> Path:
    """Draw `products` item groups with their colour variants; write feed.jsonl, queries.jsonl and images/.

    Returns the feed's path. `progress(done, total)` is called after each picture. The same arguments give the
    same files, whatever the number of workers.
    """
    if products < 1 or workers < 1:
        raise ValueError(f"products is {products} and workers {workers}; give 1 or more of each")
    rows = plan(products, seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for done, _ in enumerate(_drawn(rows, folder / "images", size, workers), start=1):
        if progress:
            progress(done, len(rows))
    _write_lines(folder / "queries.jsonl", [query.__dict__ for query in queries(rows, seed)])
    feed = folder / "feed.jsonl"
    listed = [columns(row.sku, row.group, row.garment, row.seed, row.family) for row in _mixed(rows, seed)]
    _write_lines(feed, listed)
    return feed


def _mixed(rows: list[Row], seed: int) -> list[Row]:
    """The rows with their groups in a mixed order: siblings side by side would make a dull first page."""
    groups = list(dict.fromkeys(row.group for row in rows))
    place = {
        group: index for index, group in enumerate(np.random.default_rng([seed, 17]).permutation(groups))
    }
    return sorted(rows, key=lambda row: place[row.group])  # stable: variants keep their order


def _write_lines(path: Path, records: list[dict[str, object]]) -> None:
    """Write all the lines or none: a file that is there is whole."""
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _drawn(rows: list[Row], folder: Path, size: int, workers: int) -> Iterator[str]:
    tasks = [(row.garment, row.seed, size, str(folder / f"{row.sku}.jpg")) for row in rows]
    if workers == 1:
        yield from map(draw_file, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(draw_file, tasks, chunksize=8)


def draw_file(task: tuple[Garment, int, int, str]) -> str:
    """Draw one picture to a JPEG; (garment, seed, size, path) -> path."""
    garment, seed, size, path = task
    draw(garment, size, seed).save(path, quality=QUALITY)
    return path


def plan(products: int, seed: int) -> list[Row]:
    """The rows of the catalogue, without drawing them."""
    rng = np.random.default_rng([seed, 11])
    rows: list[Row] = []
    taken: set[tuple[str, ...]] = set()
    groups = family = 0
    while groups < products:
        family += 1
        colours: tuple[str, ...] = ()
        for style in _family(rng, taken, products - groups):
            groups += 1
            colours = _colours(style, colours, rng)
            rows += _variants(style, colours, groups, family, len(rows), seed)
    return rows


def _family(rng: Rng, taken: set[tuple[str, ...]], room: int) -> list[Garment]:
    """A base style and siblings that each differ in one attribute other than colour from one before them."""
    base = sample_garment(rng)
    while style_key(base) in taken:
        base = sample_garment(rng)
    styles = [base]
    taken.add(style_key(base))
    for _ in range(int(rng.integers(1, 6))):
        parent = styles[0] if rng.random() < 0.75 else styles[int(rng.integers(len(styles)))]
        sibling, attribute, _words = change(parent, rng)
        if attribute == "colour" or style_key(sibling) in taken or len(styles) >= room:
            continue
        if rng.random() < 0.25 and sibling.kind not in ("sneaker", "bag"):
            sibling = replace(sibling, presentation="flat" if sibling.presentation == "figure" else "figure")
        styles.append(sibling)
        taken.add(style_key(sibling))
    return styles


def style_key(garment: Garment) -> tuple[str, ...]:
    """All attributes but colour and presentation: what makes a style of its own."""
    return astuple(replace(garment, colour="", presentation=""))


def _colours(style: Garment, before: tuple[str, ...], rng: Rng) -> tuple[str, ...]:
    """The colours that a style comes in: its own first, and some of its siblings'."""
    count = 1 + int(rng.choice(len(COLOUR_COUNTS), p=COLOUR_COUNTS))
    able = allowed(style, "colour")
    kept = [style.colour, *[name for name in before if name in able and name != style.colour]]
    while len(kept) < min(count, len(able)):
        name = pick(rng, able)
        if name not in kept:
            kept.append(name)
    return tuple(kept[:count])


def _variants(
    style: Garment, colours: tuple[str, ...], group: int, family: int, start: int, seed: int
) -> list[Row]:
    code = f"TW-{style.kind[:2].upper()}{group:04d}"
    return [
        Row(
            f"{code}-{colour[:3].upper()}{index}" if " " not in colour else f"{code}-SKY{index}",
            code,
            family,
            replace(style, colour=colour),
            seed * 100_003 + start + index,
        )
        for index, colour in enumerate(colours)
    ]


@dataclass(frozen=True)
class Query:
    """One generated query and its true answers in the catalogue."""

    query: str  # sku of the reference
    words: str
    attribute: str
    targets: list[str]


def queries(rows: list[Row], seed: int, count: int = 500) -> list[Query]:
    """Up to `count` queries: a row, words for one changed attribute, and every row that answers them."""
    rng = np.random.default_rng([seed, 13])
    known = {_identity(row.garment): row for row in rows}
    found: list[Query] = []
    pairs = list(_pairs(rows, known))
    for index in rng.permutation(len(pairs)):
        row, target, attribute = pairs[int(index)]
        found.append(
            Query(row.sku, phrase(row.garment, target.garment, attribute, rng), attribute, [target.sku])
        )
    return _balanced(found, count)


def _identity(garment: Garment) -> tuple[str, ...]:
    return astuple(replace(garment, presentation=""))


def _pairs(rows: list[Row], known: dict[tuple[str, ...], Row]) -> Iterator[tuple[Row, Row, str]]:
    """Ordered pairs of rows that differ in exactly one attribute, with that attribute."""
    for row in rows:
        for attribute in CHANGEABLE:
            for value in allowed(row.garment, attribute):
                if value == getattr(row.garment, attribute):
                    continue
                other = known.get(_identity(replace(row.garment, **{attribute: value})))
                if other:
                    yield row, other, attribute


def _balanced(found: list[Query], count: int) -> list[Query]:
    """Take queries in turn from each attribute, so that colour does not crowd out the rest."""
    piles: dict[str, list[Query]] = {
        name: [query for query in found if query.attribute == name] for name in CHANGEABLE
    }
    kept: list[Query] = []
    while len(kept) < count and any(piles.values()):
        for name in CHANGEABLE:
            kept += [piles[name].pop()] if piles[name] else []
    return kept[:count]
