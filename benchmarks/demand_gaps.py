"""Whether what a shop does not have is found in what its shoppers ask: known gaps in a generated log.

    python -m benchmarks.demand_gaps

Of the demo shop 24 things are taken away: all that is of one kind and has one colour, pattern or material,
while the kind and the value stay. 20,000 searches are made up: nine of ten ask for one to four facets of a
product that is in stock, the others for one of those things, half of them with a size or a price besides. One
in twenty has a typo, one in fifty a word that no shop has, and in a third the kind comes from a photo. All of
it goes the way of real searches: understood, cut down to what is missing, written, made into days, read.
Found is what has five searches or more. Precision: of what is found, how much was taken away. Recall: of what
was taken away, how much is found.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.bar import Bar, show
from benchmarks.understanding import demo_rows
from catalog.database import open_engine, sessions, upgrade
from catalog.identity import keyword
from catalog.insight.reading import Period, gaps
from catalog.insight.rollup import roll
from catalog.insight.writing import write_events
from catalog.models import Image, Merchant, Product
from searcher.insight.demand import demand
from searcher.insight.gaps import Ask, asks, missing, written
from searcher.query import SearchQuery
from searcher.results import ProductHit, Results
from searcher.shelf import Row, Shelf
from searcher.understanding.wishes import Wishes

SEED, HOLES, SEARCHES, LEAST, DAYS = 5, 24, 20_000, 5, 14
PRECISION = RECALL = 0.9
FIELDS = ("colour", "pattern", "material")
PLACE = {"category": 0, "brand": 1, "colour": 2, "pattern": 3, "material": 4, "size": 7, "availability": 8}
Hole = tuple[str, str, str]  # kind as a path, field, value; as filters compare them


@dataclass(frozen=True)
class Asked:
    """One search: its words, the kind that its photo shows ("" without one), and what it is for."""

    words: str
    photo: str
    hole: Hole | None


def value(row: Row, field: str) -> str:
    """One facet of a product, as the shop writes it; the first where it has two."""
    return row.values[PLACE[field]].split("/")[0]


def taken_away(rows: Sequence[Row], rng: random.Random) -> tuple[list[Row], list[Hole]]:
    """The rows without some things, and those things."""
    kinds = Counter(row.values[0] for row in rows)
    pairs = Counter(
        (row.values[0], field, value(row, field)) for row in rows for field in FIELDS if value(row, field)
    )
    likely = [pair for pair, count in pairs.items() if 2 <= count < kinds[pair[0]] // 2]
    rng.shuffle(likely)
    left = list(rows)
    chosen: list[Hole] = []
    for kind, field, said in likely:
        rest = [row for row in left if row.values[0] != kind or not _has(row, field, said)]
        there = {row.values[0] for row in rest}, {value(row, field) for row in rest}
        if len(chosen) < HOLES and kind in there[0] and said in there[1]:
            chosen.append((kind, field, said))
            left = rest
    return left, [(keyword(kind), field, keyword(said)) for kind, field, said in chosen]


def _has(row: Row, field: str, said: str) -> bool:
    return said in row.values[PLACE[field]].split("/")


def log_of(rows: Sequence[Row], holes: Sequence[Hole], rng: random.Random) -> Iterator[Asked]:
    """The searches."""
    sizes = {row.values[0].casefold(): row.values[PLACE["size"]] for row in rows if row.values[PLACE["size"]]}
    stocked = [row for row in rows if row.values[PLACE["availability"]] != "out_of_stock"]
    weights = [1 / (at + 2) for at in range(len(holes))]
    for _ in range(SEARCHES):
        hole = rng.choices(holes, weights)[0] if rng.random() < 0.1 else None
        kind, parts = _for_hole(hole, sizes, rng) if hole else _for_row(rng.choice(stocked), rng)
        leaf = kind.rsplit(" > ", 1)[-1].lower()
        by_photo = rng.random() < 1 / 3 and bool(parts)
        words = " ".join(parts) if by_photo else _phrase(parts, leaf, rng)
        if rng.random() < 0.05:
            words = _mistyped(words, rng)
        if rng.random() < 0.02:
            words, hole = f"{rng.choice(('kimono', 'dirndl', 'spacesuit'))} {words}", hole
        yield Asked(words, kind if by_photo else "", hole)


def _for_hole(hole: Hole, sizes: dict[str, str], rng: random.Random) -> tuple[str, list[str]]:
    kind, _, said = hole
    more = [f"size {sizes[kind]}"] if kind in sizes and rng.random() < 0.25 else []
    more += ["under $900"] if rng.random() < 0.25 else []
    return kind, [said, *more]


def _for_row(row: Row, rng: random.Random) -> tuple[str, list[str]]:
    fields = [field for field in FIELDS if value(row, field)]
    some = rng.sample(fields, rng.randint(0, min(3, len(fields))))
    return row.values[0], [value(row, field).lower() for field in some]


def _phrase(parts: Sequence[str], leaf: str, rng: random.Random) -> str:
    if not parts:
        return leaf
    return f"{parts[0]} {leaf} {' '.join(parts[1:])}" if rng.random() < 0.7 else f"{leaf} {' '.join(parts)}"


def _mistyped(words: str, rng: random.Random) -> str:
    at = rng.randrange(max(len(words) - 1, 1))
    return words[:at] + words[at + 1 : at + 2] + words[at : at + 1] + words[at + 2 :]


def found_in(shelf: Shelf, asked: Sequence[Asked]) -> list[tuple[Hole | None, int]]:
    """What insight lists: (the hole that it is, or None; searches)."""
    wishes, today = Wishes(), datetime.now(UTC)
    rows = []
    for at, each in enumerate(asked):
        query = SearchQuery(1, each.words, reference="R" if each.photo else None)
        reading = wishes.read(SearchQuery(1, each.words), shelf)
        hit = ProductHit(Product(category=each.photo), Image(), 1.0)
        results = Results([hit] * 5 if each.photo else [], 5, query.mode, "m", wishes=reading.wishes)
        gap = missing(asks(query, results), shelf)
        rows.append(_event(at, each, written(gap), today - timedelta(days=at % DAYS)))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/log.sqlite3")
        upgrade(engine)
        ledger = sessions(engine)
        with ledger.begin() as session:
            session.add(Merchant(id=1, slug="demo"))
            session.flush()
            write_events(session, rows, [])
        roll(ledger)
        with ledger() as session:
            period = Period(1, (today - timedelta(days=DAYS)).date(), today.date())
            listed = demand(gaps(session, period, "facets", 400), shelf, 400)
        engine.dispose()
    return [(_hole(each.asks), each.searches) for each in listed if each.searches >= LEAST]


def _event(at: int, asked: Asked, gap: str, when: datetime) -> dict[str, object]:
    return {
        "merchant_id": 1, "day": when.date().isoformat(), "at": when, "uid": f"{at:016x}", "source": "shop",
        "mode": "words", "words": asked.words, "total": 1, "shown": 1, "weak": False, "latency": 30,
        "gap": gap, "unknown": "", "photo_id": "", "fingerprint": "", "top": [], "vector": "",
    }  # fmt: skip


def _hole(found: Sequence[Ask]) -> Hole | None:
    """The thing that a gap names; None where it is not a kind with one value."""
    by_field = {ask.field: ask.label.casefold() for ask in found}
    others = [field for field in by_field if field != "category"]
    if len(others) != 1 or "category" not in by_field:
        return None
    return by_field["category"], others[0], by_field[others[0]]


def bars() -> Iterator[Bar]:
    """Yield precision and recall."""
    rng = random.Random(SEED)
    rows, holes = taken_away(demo_rows(), rng)
    shelf, asked = Shelf(1, rows), list(log_of(rows, holes, rng))
    found = found_in(shelf, asked)
    leaves = {(kind.rsplit(" > ", 1)[-1], field, said) for kind, field, said in holes}
    right = {_leaf(hole) for hole, _ in found if hole and _leaf(hole) in leaves}
    wrong = [hole for hole, _ in found if not hole or _leaf(hole) not in leaves]
    precision, recall = (len(found) - len(wrong)) / max(len(found), 1), len(right) / len(leaves)
    said = f"{len(found)} found of {len(asked):,} searches, {len(wrong)} of them not taken away"
    yield Bar("demand gaps: precision", precision, f">= {PRECISION}", precision >= PRECISION, "", said)
    yield Bar("demand gaps: recall", recall, f">= {RECALL}", recall >= RECALL, "", f"of {len(leaves)}")


def _leaf(hole: Hole) -> Hole:
    return hole[0].rsplit(" > ", 1)[-1], hole[1], hole[2]


if __name__ == "__main__":
    show(bars())
