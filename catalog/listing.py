"""What a merchant's console and the operators list: items by how they begin, pictures by state, imports.

Each goes by an index, however large the shop: pages are asked for by the last id that was seen.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager

from catalog.models import Image, ImportJob, Product

PAGE = 50
_LAST = "\U0010ffff"  # no text that begins like this one comes after this one followed by it


def find_items(session: Session, merchant_id: int, begins: str, limit: int = PAGE) -> Sequence[Product]:
    """Up to `limit` products whose sku or title begins so, letter case aside; deleted ones are left out."""
    of = and_(Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
    found = [
        select(Product.id).where(of, beginning_with(session, column, begins)).limit(limit)
        for column in (Product.sku, Product.title)
    ]
    # Each half in brackets of its own, for its limit; SQLite knows no others than those of a subquery.
    halves = union(*(select(half.subquery().c.id) for half in found)).subquery()
    wanted = select(Product).where(Product.id.in_(select(halves.c.id))).order_by(Product.id).limit(limit)
    return session.scalars(wanted).all()


def beginning_with(session: Session, column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """A range, byte by byte as the index has it: LIKE finds no index when the text is a parameter."""
    low, lowered = text.lower(), func.lower(column)
    if session.get_bind().dialect.name == "postgresql":
        least, below = lowered.op("~>=~", is_comparison=True), lowered.op("~<~", is_comparison=True)
        return and_(least(low), below(low + _LAST))
    return and_(lowered >= low, lowered < low + _LAST)


def count_states(session: Session, merchant_id: int) -> dict[str, int]:
    """{state: pictures} of the merchant."""
    counted = select(Image.state, func.count()).where(Image.merchant_id == merchant_id).group_by(Image.state)
    return {state: count for state, count in session.execute(counted)}  # noqa: C416 - the rows are tuples


def images_in_state(
    session: Session, merchant_id: int, state: str, after: int = 0, limit: int = PAGE
) -> Sequence[Image]:
    """Pictures in one state with their products, those with ids after `after`."""
    mine = and_(Image.merchant_id == merchant_id, Image.state == state, Image.id > after)
    return _images(session, mine, limit)


def count_failures(session: Session, merchant_id: int) -> dict[str, int]:
    """{error code: failed pictures} of the merchant."""
    failed = and_(Image.merchant_id == merchant_id, Image.state == "failed")
    counted = select(Image.error_code, func.count()).where(failed).group_by(Image.error_code)
    return {code: count for code, count in session.execute(counted)}  # noqa: C416 - the rows are tuples


def failed_images(
    session: Session, merchant_id: int, code: str, after: int = 0, limit: int = PAGE
) -> Sequence[Image]:
    """Failed pictures of one error code with their products, those with ids after `after`."""
    mine = and_(Image.merchant_id == merchant_id, Image.state == "failed", Image.error_code == code)
    return _images(session, and_(mine, Image.id > after), limit)


def _images(session: Session, which: ColumnElement[bool], limit: int) -> Sequence[Image]:
    found = select(Image).join(Image.product).options(contains_eager(Image.product)).where(which)
    return session.scalars(found.order_by(Image.id).limit(limit)).all()


def list_imports(session: Session, merchant_id: int, limit: int = PAGE) -> Sequence[ImportJob]:
    """The newest imports first."""
    mine = select(ImportJob).where(ImportJob.merchant_id == merchant_id)
    return session.scalars(mine.order_by(ImportJob.started_at.desc()).limit(limit)).all()
