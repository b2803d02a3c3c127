"""Who works on which piece of a fill. A claim is a token that is renewed with every batch written.

A piece whose worker is silent for longer than the lease, or whose process on this machine is gone, is
another's: writing it again changes nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, Update, or_, select, update

from catalog.clock import instant
from catalog.operations import FillRange, VectorIndex
from catalog.site import IndexRef
from indexer.claims import Sessions
from indexer.machine import is_alive, of_this_machine

BURST_S = 10.0  # of the rate that may be caught up with: nobody may have been asked for so long


@dataclass(frozen=True)
class Piece:
    """A claimed piece of the fill of an index: the images with ids in [first, last]."""

    id: int
    index: IndexRef
    first: int
    last: int
    token: str

    @property
    def comparison(self) -> bool:
        """Whether it is no piece of the catalogue but the comparison at the end."""
        return self.last < self.first


def claim(sessions: Sessions, index: IndexRef, worker_id: str, lease_s: float) -> Piece | None:
    """Take the next piece that is nobody's, None when there is none."""
    token = f"{worker_id[:80]}/{secrets.token_hex(6)}"
    with sessions.begin() as session:
        at = instant(session)
        free = or_(FillRange.claimed_at.is_(None), FillRange.claimed_at < at - timedelta(seconds=lease_s))
        open_ = select(FillRange).where(FillRange.index_id == index.id, FillRange.done_at.is_(None), free)
        row = session.scalars(
            open_.order_by(FillRange.id).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        row.claimed_by, row.claimed_at, row.attempts = token, at, row.attempts + 1
        return Piece(row.id, index, row.first_image_id, row.last_image_id, token)


def written(sessions: Sessions, piece: Piece, images: int = 0, upto: int | None = None) -> bool:
    """Count images as written, up to this id, and renew the claim; whether the piece was still ours."""
    with sessions.begin() as session:
        at = instant(session)
        values: dict[str, Any] = {"images": FillRange.images + images, "claimed_at": at}
        if upto is not None and upto >= piece.last:
            values["done_at"] = at
        elif upto is not None:
            values["first_image_id"] = upto + 1
        return _done(session.execute(_held(piece).values(values)))


def reserve(sessions: Sessions, index: IndexRef, images: int) -> float:
    """Take the rate's time for so many images, for whichever worker asks; else seconds to wait for it.

    0 says that the batch may be written. Time that nobody took is kept for `BURST_S` seconds only.
    """
    with sessions.begin() as session:
        row = select(VectorIndex).where(VectorIndex.id == index.id).with_for_update()
        held = session.scalars(row).one_or_none()
        if held is None or held.rate is None:
            return 0.0
        at = instant(session)
        next_at = max(held.next_batch_at or at, at - timedelta(seconds=BURST_S))
        if next_at > at:
            return (next_at - at).total_seconds()
        held.next_batch_at = next_at + timedelta(seconds=images / held.rate)
        return 0.0


def finish(sessions: Sessions, piece: Piece) -> bool:
    """Note that all of a piece is written; whether it was still ours."""
    with sessions.begin() as session:
        return _done(session.execute(_held(piece).values(done_at=instant(session))))


def give_back(sessions: Sessions, piece: Piece) -> None:
    """Let others take a piece that is not done."""
    with sessions.begin() as session:
        session.execute(_held(piece).values(claimed_by=None, claimed_at=None))


def busy(sessions: Sessions, index: IndexRef) -> bool:
    """Whether any piece is not done, whoever holds it."""
    open_ = select(FillRange.id).where(FillRange.index_id == index.id, FillRange.done_at.is_(None)).limit(1)
    with sessions() as session:
        return session.scalar(open_) is not None


def release_dead(sessions: Sessions, index: IndexRef) -> int:
    """Free what workers of this machine held whose process is gone; how many."""
    mine = of_this_machine(FillRange.claimed_by)
    open_ = (FillRange.index_id == index.id, FillRange.done_at.is_(None))
    with sessions() as session:
        tokens = session.scalars(select(FillRange.claimed_by).where(*open_, mine)).all()
    dead = [str(token) for token in tokens if not is_alive(str(token))]
    if not dead:
        return 0
    with sessions.begin() as session:
        free = update(FillRange).where(*open_, FillRange.claimed_by.in_(dead))
        return int(_result(session.execute(free.values(claimed_by=None, claimed_at=None))).rowcount)


def _held(piece: Piece) -> Update:
    return update(FillRange).where(FillRange.id == piece.id, FillRange.claimed_by == piece.token)


def _done(result: object) -> bool:
    return bool(_result(result).rowcount)


def _result(result: object) -> "CursorResult[object]":
    assert isinstance(result, CursorResult)  # noqa: S101 - what an update gives
    return result
