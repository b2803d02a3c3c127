"""What a comparison of two models asks: the latest searches of the shop, or searches drawn from its items."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Merchant, Product
from catalog.operations import QueryLog
from searcher.errors import QueryRefused
from searcher.filters import Filters
from searcher.models import Model
from searcher.photos import QueryPhotos
from searcher.query import SearchQuery
from searcher.shelf import Column, Shelf
from searcher.stock import Stock

LIMIT = 10  # hits that are compared
LEAST_LOGGED = 20  # searches; with fewer, what shoppers ask is not known yet
READ = 10_000  # of the log's latest rows, among which distinct searches are looked for
_SEED = 20
_ASPECTS = ("colour", "pattern", "material")  # of which a drawn search changes one


@dataclass(frozen=True)
class Questions:
    """The searches to compare on. `gone` counts logged ones whose photo or item is no longer there."""

    queries: tuple[SearchQuery, ...]
    logged: bool  # whether shoppers asked them; else they are drawn
    gone: int = 0


def questions(
    sessions: sessionmaker[Session], stock: Stock, photos: QueryPhotos, model: Model, count: int
) -> Questions:
    """The latest `count` different searches that were logged; fewer than 20 are replaced by drawn ones."""
    usable: list[SearchQuery] = []
    gone = 0
    for query in _logged(sessions):
        if len(usable) == count:
            break
        if _answerable(query, photos, model):
            usable.append(query)
        else:
            gone += 1
    if len(usable) >= min(LEAST_LOGGED, count):
        return Questions(tuple(usable), logged=True, gone=gone)
    return Questions(tuple(drawn(sessions, stock, count)), logged=False, gone=gone)


def _logged(sessions: sessionmaker[Session]) -> Iterator[SearchQuery]:
    """Different searches, the latest first."""
    with sessions() as session:
        rows = session.scalars(select(QueryLog).order_by(QueryLog.at.desc(), QueryLog.id.desc()).limit(READ))
        seen = set()
        for row in rows.all():
            try:
                query = _query(row)
            except QueryRefused:  # a filter of another version
                continue
            if (digest := query.digest()) not in seen:
                seen.add(digest)
                yield query


def _query(row: QueryLog) -> SearchQuery:
    return SearchQuery(
        row.merchant_id,
        words=row.words,
        photo_id=row.photo_id or None,
        reference=row.reference or None,
        balance=row.balance,
        filters=Filters.from_mapping(row.filters),
        limit=LIMIT,
        facets=False,
    )


def _answerable(query: SearchQuery, photos: QueryPhotos, model: Model) -> bool:
    if query.photo_id is not None and photos.webp(query.photo_id) is None:
        return False
    if query.reference is None:
        return True
    try:
        return model.encoder.of_product(model.encoder.product(query.merchant_id, query.reference)) is not None
    except QueryRefused:
        return False


def drawn(sessions: sessionmaker[Session], stock: Stock, count: int, seed: int = _SEED) -> list[SearchQuery]:
    """Searches made of the shops' own items: one of them in another colour, pattern or material, or words.

    The same ones each time while the shops stay as they are.
    """
    rng = random.Random(seed)
    shelves = [shelf for shelf in _shelves(sessions, stock) if len(shelf)]
    if not shelves:
        return []
    chosen = rng.choices(shelves, weights=[len(shelf) for shelf in shelves], k=4 * count)
    places = [(shelf, rng.randrange(len(shelf))) for shelf in chosen]
    skus = _skus(sessions, {int(shelf.ids[row]) for shelf, row in places})
    queries: dict[str, SearchQuery] = {}
    for shelf, row in places:
        sku = skus.get(int(shelf.ids[row]))
        if sku is not None and len(queries) < count:
            query = _draw(shelf, row, sku, rng)
            queries.setdefault(query.digest(), query)
    return list(queries.values())


def _shelves(sessions: sessionmaker[Session], stock: Stock) -> list[Shelf]:
    with sessions() as session:
        merchants = session.scalars(select(Merchant.id).order_by(Merchant.id)).all()
    return [stock.shelf(merchant) for merchant in merchants]


def _skus(sessions: sessionmaker[Session], ids: set[int]) -> dict[int, str]:
    listed = sorted(ids)
    found: dict[int, str] = {}
    with sessions() as session:
        for start in range(0, len(listed), 500):
            rows = select(Product.id, Product.sku).where(Product.id.in_(listed[start : start + 500]))
            found |= {number: sku for number, sku in session.execute(rows)}  # noqa: C416 - rows are tuples
    return found


def _draw(shelf: Shelf, row: int, sku: str, rng: random.Random) -> SearchQuery:
    """One search from a row of a shelf: three in four are the item and a change, the others words."""
    aspects = [name for name in _ASPECTS if len(shelf.columns[name].values) > 1]
    if not aspects:
        return SearchQuery(shelf.merchant_id, reference=sku, limit=LIMIT, facets=False)
    aspect = rng.choice(aspects)
    column = shelf.columns[aspect]
    own = set(_labels(column, row))
    label = rng.choice([each for each in column.labels if each not in own] or column.labels)
    if rng.random() < 0.25:
        kind = (_labels(shelf.columns["category"], row) or [""])[-1].rsplit(" > ", 1)[-1]
        words = f"{label} {kind}".strip().lower()
        return SearchQuery(shelf.merchant_id, words=words, limit=LIMIT, facets=False)
    words = f"{label.lower()} instead" if aspect == "pattern" else f"in {label.lower()}"
    return SearchQuery(shelf.merchant_id, words=words, reference=sku, limit=LIMIT, facets=False)


def _labels(column: Column, row: int) -> Sequence[str]:
    return [column.labels[code] for code in column.codes[column.rows == row].tolist()]
