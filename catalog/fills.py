"""How an index is filled, as SQL keeps it: pieces of the catalogue, who works on them, how far they are.

A piece is a range of image ids. One whose last id is before its first is no piece of the catalogue but a
comparison of ledger and collection: the last step of every fill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, select
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.database import unlimited
from catalog.models import Image, Product
from catalog.operations import FillRange, VectorIndex

RANGE = 256  # images of one piece
LATELY = timedelta(minutes=3)  # what the speed is taken from


@dataclass(frozen=True)
class FillProgress:
    """How far the fill of an index is. `per_s` counts images; None where nothing was done lately."""

    total: int
    done: int
    comparing: bool = False  # everything is written; ledger and collection are being compared
    per_s: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; None where that is not known."""
        left = max(self.total - self.done, 0)
        return left / self.per_s if self.per_s else None


def belongs() -> ColumnElement[bool]:
    """Whether an image (joined with its product) must be in every index, its bytes known."""
    return and_(
        Image.fingerprint != "", Image.sha256.is_not(None), Image.removed.is_(False),
        Product.hidden.is_(False), Product.deleted_at.is_(None),
    )  # fmt: skip


def embedded_images(session: Session) -> int:
    """How many images a new index will have to hold now; some may be hidden or gone by their product."""
    there = select(func.count()).where(Image.fingerprint != "", Image.sha256.is_not(None))
    return session.scalar(there.select_from(Image)) or 0


def plan(session: Session, index_id: int) -> bool:
    """Cut the images that are in the indexes into pieces, unless that was done; whether it was now."""
    _lock(session, index_id)
    if session.scalar(select(exists().where(FillRange.index_id == index_id))):
        return False
    unlimited(session.connection())  # one statement over every image
    number = func.row_number().over(order_by=Image.id)
    there = select(Image.id, ((number - 1) // RANGE).label("piece"))
    rows = there.where(Image.fingerprint != "", Image.sha256.is_not(None)).subquery()
    ends = func.min(rows.c.id), func.max(rows.c.id)
    pieces = select(literal(index_id), *ends, literal(0), literal(0)).group_by(rows.c.piece).order_by(ends[0])
    into = ["index_id", "first_image_id", "last_image_id", "images", "attempts"]
    session.execute(insert(FillRange).from_select(into, pieces))
    return bool(session.scalar(select(exists().where(FillRange.index_id == index_id))))


def add_pieces(session: Session, index_id: int, image_ids: Sequence[int]) -> int:
    """Have these images written again; return how many pieces that makes. Neighbours share a piece."""
    pieces: list[tuple[int, int]] = []
    for image_id in sorted(image_ids):
        if pieces and image_id - pieces[-1][0] < RANGE and image_id - pieces[-1][1] <= 2:
            pieces[-1] = (pieces[-1][0], image_id)
        else:
            pieces.append((image_id, image_id))
    for first, last in pieces:
        session.add(FillRange(index_id=index_id, first_image_id=first, last_image_id=last))
    return len(pieces)


def begin_comparison(session: Session, index_id: int) -> bool:
    """Queue the comparison that ends a fill, where every piece is done and none is queued yet."""
    _lock(session, index_id)
    open_ = exists().where(FillRange.index_id == index_id, FillRange.done_at.is_(None))
    if session.scalar(select(open_)):
        return False
    session.add(FillRange(index_id=index_id, first_image_id=1, last_image_id=0))
    return True


def is_comparison() -> ColumnElement[bool]:
    """Whether a row is a comparison and no piece of the catalogue."""
    return FillRange.last_image_id < FillRange.first_image_id


def comparisons(session: Session, index_id: int) -> int:
    """How many comparisons this fill has had, the present one included."""
    mine = select(func.count()).where(FillRange.index_id == index_id, is_comparison())
    return session.scalar(mine.select_from(FillRange)) or 0


def fill_progress(session: Session, index_id: int) -> FillProgress:
    """How far the fill is, in three small queries."""
    index = session.get_one(VectorIndex, index_id, populate_existing=True)
    of_index = FillRange.index_id == index_id
    done, open_ = session.execute(
        select(
            func.coalesce(func.sum(FillRange.images), 0),
            func.count().filter(FillRange.done_at.is_(None), ~is_comparison()),
        ).where(of_index)
    ).one()
    begun = bool(session.scalar(select(exists().where(of_index))))
    if index.state != "filling":
        return FillProgress(index.total, index.total)
    return FillProgress(
        total=index.total,
        done=min(int(done), index.total),
        comparing=begun and open_ == 0,
        per_s=_speed(session, index_id),
    )


def _speed(session: Session, index_id: int) -> float | None:
    """Images a second between the first and the last of the pieces that were done lately."""
    lately = (FillRange.index_id == index_id, FillRange.done_at > instant(session) - LATELY, ~is_comparison())
    times = func.min(FillRange.done_at), func.max(FillRange.done_at)
    counted = select(func.sum(FillRange.images), func.count(), *times).where(*lately)
    images, pieces, first, last = session.execute(counted).one()
    took = (last - first).total_seconds() if first is not None and last is not None else 0.0
    return images * (pieces - 1) / pieces / took if images and took > 0 else None


def _lock(session: Session, index_id: int) -> None:
    row = select(VectorIndex).where(VectorIndex.id == index_id).with_for_update()
    session.execute(row.execution_options(populate_existing=True)).all()
