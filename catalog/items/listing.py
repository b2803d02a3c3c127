"""A merchant's items by state, failure, facet, hint and words, newest first, a page at a time.

However large the shop, a page is read along an index: what is asked for narrowest is looked up first, and
the next page goes on below the last id that was seen. An item's state is that of its main picture, unless
it is hidden; it counts as failed where any of its pictures has failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, text
from sqlalchemy.orm import Session, selectinload

from catalog.items.conditions import failed, hidden, title_has
from catalog.items.tables import ItemHint
from catalog.listing import beginning_with
from catalog.models import IMAGE_STATES, Image, Product

PAGE = 50
PROBED = 1000  # ids of one condition that are looked up; what has more is looked for row by row
MOST_WORDS = 8
KNOWN = 5000  # categories or brands of a shop that are looked through for one in another letter case
# What many items meet is met on the way along an index in the list's own order, soon enough for a page.
# PostgreSQL's planner would rather read the table, find them all and sort them, or wait for parallel workers.
_BY_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)"
)
_UNSORTED = text(
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true)"
)


@dataclass(frozen=True)
class ItemFilter:
    """What a list is narrowed to; "" does not narrow. `category` takes all that is below it along."""

    state: str = ""  # one of IMAGE_STATES
    code: str = ""  # of a failure
    category: str = ""
    brand: str = ""
    availability: str = ""
    hint: str = ""  # the code of something to mend
    words: str = ""  # the beginning of a sku or title; where none begins so, words of a title

    def said(self) -> dict[str, str]:
        """Only what narrows, by name."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}


@dataclass(frozen=True)
class Item:
    """One line of the list."""

    product: Product
    images: tuple[Image, ...]  # the main one first; removed ones are left out
    hints: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """As far as it has come: that of its main picture, or hidden."""
        if self.product.hidden:
            return "hidden"
        return self.images[0].state if self.images else "failed"

    @property
    def failed(self) -> tuple[Image, ...]:
        """The pictures that failed."""
        return tuple(image for image in self.images if image.state == "failed")

    @property
    def picture(self) -> Image | None:
        """The first picture that can be shown."""
        return next((image for image in self.images if image.sha256), None)


@dataclass(frozen=True)
class ItemPage:
    """Lines, and the id that the next page goes on below; None at the end."""

    items: list[Item]
    following: int | None = None


def items_page(
    session: Session, merchant_id: int, wanted: ItemFilter, below: int | None = None, limit: int = PAGE
) -> ItemPage:
    """One page of what the filter leaves, newest first."""
    ids = matching_ids(session, merchant_id, wanted, below, limit + 1)
    items = read_items(session, merchant_id, ids[:limit])
    return ItemPage(items, ids[limit - 1] if len(ids) > limit else None)


def matching_ids(
    session: Session, merchant_id: int, wanted: ItemFilter, below: int | None = None, limit: int = PAGE
) -> list[int]:
    """Up to `limit` product ids of what the filter leaves, falling, those below `below`."""
    ordered = _ordered(session, merchant_id, wanted, below)
    return list(session.scalars(ordered.limit(limit)))


def count_matching(session: Session, merchant_id: int, wanted: ItemFilter) -> int:
    """How many items the filter leaves."""
    found = _ordered(session, merchant_id, wanted, None).order_by(None).subquery()
    return int(session.scalar(select(func.count()).select_from(found)) or 0)


def read_items(session: Session, merchant_id: int, ids: Sequence[int]) -> list[Item]:
    """These items of the merchant with their pictures and hints, in this order; what is gone is left out."""
    mine = select(Product).where(Product.merchant_id == merchant_id, Product.id.in_(ids))
    mine = mine.where(Product.deleted_at.is_(None)).options(selectinload(Product.images))
    rows = {product.id: product for product in session.scalars(mine)}
    hints = select(ItemHint.product_id, ItemHint.code).where(ItemHint.product_id.in_(list(rows)))
    codes: dict[int, list[str]] = {}
    for product_id, code in session.execute(hints.where(~ItemHint.dismissed).order_by(ItemHint.code)):
        codes.setdefault(product_id, []).append(code)
    return [
        Item(rows[each], tuple(rows[each].images), tuple(codes.get(each, ()))) for each in ids if each in rows
    ]


def find_item(session: Session, merchant_id: int, product_id: int) -> Item | None:
    """One item; None where there is none, or it is deleted."""
    return next(iter(read_items(session, merchant_id, [product_id])), None)


def values_of(session: Session, merchant_id: int, column: str, limit: int = 300) -> list[str]:
    """The first values of "category" or "brand", in order: each found behind the one before."""
    named = getattr(Product, column)
    mine = and_(Product.merchant_id == merchant_id, named > "")
    first = select(func.min(named).label("value")).where(mine).cte("seen", recursive=True)
    behind = select(func.min(named)).where(Product.merchant_id == merchant_id, named > first.c.value)
    seen = first.union_all(select(behind.scalar_subquery()).where(first.c.value.is_not(None)))
    return list(session.scalars(select(seen.c.value).where(seen.c.value.is_not(None)).limit(limit)))


def _ordered(session: Session, merchant_id: int, wanted: ItemFilter, below: int | None) -> Select[int]:
    """Product ids of what the filter leaves, falling."""
    postgres = session.get_bind().dialect.name == "postgresql"
    if postgres:
        session.execute(_BY_INDEX)
    mine = [Product.merchant_id == merchant_id, Product.deleted_at.is_(None)]
    legs = _legs(session, merchant_id, wanted)
    few = [ids for leg in legs if (ids := _few(session, *leg.ids)) is not None]
    driver = next((leg for leg in legs if leg.of_pictures is not None), None) if not few else None
    column = Image.product_id if driver else Product.id
    order: list[ColumnElement[int]] = [column.desc()]
    if few:
        mine.append(Product.id.in_(sorted(set(few[0]).intersection(*few[1:]))))
    elif postgres:
        session.execute(_UNSORTED)
        if driver is None and not any(leg.in_order for leg in legs):
            # As a range the merchant stays part of the order, which is then that of one index alone: along
            # the primary key the rows of others would be read, too.
            mine[0] = Product.merchant_id.between(merchant_id, merchant_id)
            order = [Product.merchant_id.desc(), column.desc()]
    found = select(column).where(*mine, *(leg.row for leg in legs if leg is not driver))
    if driver is not None and driver.of_pictures is not None:  # several of an item may have failed
        found = found.join(Image.product).where(driver.of_pictures).distinct()
    if below is not None:
        found = found.where(
            column < below, Product.id < below
        )  # PostgreSQL does not conclude it of the other
    return found.order_by(*order)


@dataclass(frozen=True)
class _Leg:
    """One condition: as ids along an index, any of these, and as it is asked of one row."""

    ids: tuple[Select[int], ...]
    row: ColumnElement[bool]
    of_pictures: ColumnElement[bool] | None = None  # the same of image rows, which lie in order of product
    in_order: bool = False  # whether an index has its products in order


def _legs(session: Session, merchant_id: int, wanted: ItemFilter) -> list[_Leg]:
    legs = []
    if wanted.code or wanted.state == "failed":
        which = failed(merchant_id, wanted.code)
        legs.append(_pictured(which, None if wanted.code else which))
    if wanted.state == "hidden":
        legs.append(_Leg((select(Product.id).where(hidden(merchant_id)),), Product.hidden.is_(True)))
    elif wanted.state:
        legs += _in_state(merchant_id, wanted.state)
    if wanted.category:
        legs.append(_column(merchant_id, Product.category.in_(_below(session, merchant_id, wanted.category))))
    if wanted.brand:
        legs.append(_branded(session, merchant_id, wanted.brand))
    if wanted.availability:
        legs.append(_column(merchant_id, Product.availability == wanted.availability, in_order=True))
    if wanted.hint:
        legs.append(_hinted(merchant_id, wanted.hint))
    if wanted.words:
        legs.append(_worded(session, merchant_id, wanted.words))
    return legs


def _in_state(merchant_id: int, state: str) -> list[_Leg]:
    if state not in IMAGE_STATES:
        return [_Leg((select(Product.id).where(false()),), false())]
    if state == "failed":
        return []
    main = and_(Image.merchant_id == merchant_id, Image.state == state, Image.position == 0)
    shown = Product.hidden.is_(False)
    leg = _pictured(main, main)
    return [_Leg(leg.ids, and_(leg.row, shown), and_(main, shown))]


def _pictured(which: ColumnElement[bool], in_order: ColumnElement[bool] | None) -> _Leg:
    row = exists().where(Image.product_id == Product.id, which)
    return _Leg((select(Image.product_id).where(which),), row, in_order)


def _column(merchant_id: int, condition: ColumnElement[bool], in_order: bool = False) -> _Leg:
    ids = select(Product.id).where(Product.merchant_id == merchant_id, condition)
    return _Leg((ids,), condition, in_order=in_order)


def _hinted(merchant_id: int, code: str) -> _Leg:
    mine = and_(ItemHint.merchant_id == merchant_id, ItemHint.code == code, ~ItemHint.dismissed)
    row = exists().where(ItemHint.product_id == Product.id, mine)
    return _Leg((select(ItemHint.product_id).where(mine),), row)


def _worded(session: Session, merchant_id: int, words: str) -> _Leg:
    halves = [
        select(Product.id).where(Product.merchant_id == merchant_id, beginning_with(session, column, words))
        for column in (Product.sku, Product.title)
    ]
    if any(session.scalars(half.limit(1)).first() is not None for half in halves):
        low, columns = words.lower(), (Product.sku, Product.title)
        row = or_(*(func.substr(func.lower(column), 1, len(low)) == low for column in columns))
        return _Leg(tuple(halves), row)
    said = sorted(words.lower().split()[:MOST_WORDS], key=_common)
    return _column(merchant_id, and_(*(title_has(session, word) for word in said)))


def _common(word: str) -> bool:
    """What has a digit is in few titles. It is asked first: most titles are then asked for one word only."""
    return not any(letter.isdigit() for letter in word)


def _branded(session: Session, merchant_id: int, brand: str) -> _Leg:
    exactly = _column(merchant_id, Product.brand == brand, in_order=True)
    if session.scalars(exactly.ids[0].limit(1)).first() is not None:
        return exactly
    known = values_of(session, merchant_id, "brand", limit=KNOWN)
    return _column(merchant_id, Product.brand.in_([each for each in known if each.lower() == brand.lower()]))


def _below(session: Session, merchant_id: int, category: str) -> list[str]:
    """The shop's categories that are this one or below it; in any letter case where none is so exactly."""
    known = values_of(session, merchant_id, "category", limit=KNOWN)
    exactly = [each for each in known if f"{each} > ".startswith(f"{category} > ")]
    said = f"{category} > ".lower()
    return exactly or [each for each in known if f"{each} > ".lower().startswith(said)]


def _few(session: Session, *ways: Select[Any]) -> list[int] | None:
    """The ids that any of these find; None where one finds more than PROBED."""
    found: list[int] = []
    for ids in ways:
        some = session.scalars(ids.limit(PROBED + 1)).all()
        if len(some) > PROBED:
            return None
        found += some
    return found
