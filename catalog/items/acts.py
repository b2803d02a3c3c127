"""What is done to many items at once: hide, show, delete, take the deletion back, retry, set availability,
check pictures for changes.

Rows are changed by a few statements for hundreds at a time. A run over all that a filter leaves ends after a
while and says where it stood, so that no request lasts for ever: it is begun again from there.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, selectinload, sessionmaker

from catalog.changes import note_change
from catalog.clock import instant
from catalog.items.listing import ItemFilter, matching_ids
from catalog.models import AVAILABILITIES, BULK, EDIT, Image, Merchant, Product
from catalog.picture_checks import ask_items

ACTS = ("hide", "show", "delete", "undelete", "retry", "availability", "check")
AT_ONCE = 500  # items of one transaction: some tens of milliseconds
FEW = 50  # up to so many go before everybody's imports
BUDGET_S = 8.0


@dataclass(frozen=True)
class Act:
    """One of ACTS; `value` is the availability to set."""

    name: str
    value: str = ""

    def __post_init__(self) -> None:
        if self.name not in ACTS or (self.name == "availability" and self.value not in AVAILABILITIES):
            raise ValueError(f"Nothing that can be done to items: {self.name} {self.value}.")


@dataclass
class Acted:
    """How many items were changed, how many were so already, and the id to go on below; None at the end."""

    changed: int = 0
    same: int = 0
    below: int | None = None


def act_on(sessions: sessionmaker[Session], merchant_id: int, act: Act, product_ids: Sequence[int]) -> Acted:
    """Do it to these items of the merchant; others' and unknown ids count as nothing."""
    acted = Acted()
    for start in range(0, len(product_ids), AT_ONCE):
        _chunk(sessions, merchant_id, act, product_ids[start : start + AT_ONCE], acted, len(product_ids))
    return acted


def act_on_matching(
    sessions: sessionmaker[Session],
    merchant_id: int,
    act: Act,
    wanted: ItemFilter,
    below: int | None = None,
    budget_s: float = BUDGET_S,
) -> Acted:
    """Do it to all that the filter leaves, those below an id, until it is done or the time is over."""
    acted, until = Acted(), time.monotonic() + budget_s
    for ids in _matching(sessions, merchant_id, wanted, below):
        _chunk(sessions, merchant_id, act, ids, acted, AT_ONCE)
        acted.below = ids[-1]
        if time.monotonic() > until:
            return acted
    acted.below = None
    return acted


def deleted_items(
    session: Session, merchant_id: int, since: datetime | None = None, limit: int = AT_ONCE
) -> Sequence[Product]:
    """Items that were deleted and can be brought back, the last ones first; those since an instant."""
    gone = select(Product).where(Product.merchant_id == merchant_id, Product.deleted_at.is_not(None))
    if since is not None:
        gone = gone.where(Product.deleted_at >= since)
    gone = gone.options(selectinload(Product.images))
    return session.scalars(gone.order_by(Product.deleted_at.desc(), Product.id.desc()).limit(limit)).all()


def _matching(
    sessions: sessionmaker[Session], merchant_id: int, wanted: ItemFilter, below: int | None
) -> Iterator[list[int]]:
    while True:
        with sessions() as session:
            ids = matching_ids(session, merchant_id, wanted, below, AT_ONCE)
        if not ids:
            return
        yield ids
        below = ids[-1]


def _chunk(
    sessions: sessionmaker[Session], merchant_id: int, act: Act, ids: Sequence[int], acted: Acted, all_: int
) -> None:
    """One transaction, tried again where the database took another's side (a deadlock, a long lock)."""
    for last in (False, False, True):
        try:
            with sessions.begin() as session:
                here, changed = _act(session, merchant_id, act, ids, EDIT if all_ <= FEW else BULK)
        except OperationalError:
            if last:
                raise
        else:
            acted.changed += changed
            acted.same += here - changed
            return


def _act(session: Session, merchant_id: int, act: Act, ids: Sequence[int], priority: int) -> tuple[int, int]:
    """How many of these items there are, and how many were changed."""
    _lock(session, merchant_id, ids)
    mine = (Product.merchant_id == merchant_id, Product.id.in_(ids))
    there = Product.deleted_at.is_not(None) if act.name == "undelete" else Product.deleted_at.is_(None)
    here = session.scalar(select(func.count()).select_from(Product).where(*mine, there)) or 0
    if act.name == "check":
        return int(here), ask_items(session, merchant_id, ids)
    rows = session.execute(
        select(Product.id, Product.hidden, Product.locked).where(*mine, there, _wants(act))
    ).all()
    if rows and act.name != "retry":
        _change(session, act, rows)
        note_change(session, [merchant_id])
    gone = [row.id for row in rows if _gone(act, row.hidden)]
    _queue(session, gone, priority, gone=True)
    _queue(
        session,
        [row.id for row in rows if row.id not in set(gone)],
        priority,
        only_failed=act.name == "retry",
    )
    return int(here), len(rows)


def _wants(act: Act) -> ColumnElement[bool]:
    """The items that are not so yet."""
    failed = Product.images.any(Image.state == "failed")
    conditions: dict[str, ColumnElement[bool]] = {
        "hide": Product.hidden.is_(False), "show": Product.hidden.is_(True), "retry": failed,
        "availability": Product.availability != act.value,
    }  # fmt: skip
    return conditions.get(act.name, Product.id.is_not(None))


def _gone(act: Act, hidden: bool) -> bool:
    return act.name in ("hide", "delete") or (hidden and act.name != "show")


def _change(session: Session, act: Act, rows: Sequence[Any]) -> None:
    at = instant(session)
    changes: dict[str, dict[str, Any]] = {
        "hide": {"hidden": True}, "show": {"hidden": False}, "delete": {"deleted_at": at},
        "undelete": {"deleted_at": None}, "availability": {"availability": act.value},
    }  # fmt: skip
    values = {"rev": Product.rev + 1, "updated_at": at, **changes[act.name]}
    ids = [row.id for row in rows]
    session.execute(update(Product).where(Product.id.in_(ids)).values(values), execution_options=_AS_SQL)
    if act.name == "availability":  # the next feed has its say again, where nothing is locked
        free = [row.id for row in rows if "availability" not in row.locked]
        anew = update(Product).where(Product.id.in_(free)).values(content_hash="")
        session.execute(anew, execution_options=_AS_SQL)


_AS_SQL = {"synchronize_session": False}


def _queue(
    session: Session, ids: Sequence[int], priority: int, gone: bool = False, only_failed: bool = False
) -> None:
    """Queue the items' pictures for the first stage that has something to do, as `catalog.products` does."""
    if not ids:
        return
    stage: Any = case(
        (Image.removed.is_(True), "index"), (Image.sha256.is_(None), "images"),
        (Image.fingerprint != "", "index"), else_="embed",
    )  # fmt: skip
    theirs = update(Image).where(Image.product_id.in_(ids))
    if only_failed:
        theirs = theirs.where(Image.state == "failed", Image.removed.is_(False))
    session.execute(
        theirs.values(
            state="queued", queue="index" if gone else stage, priority=priority, attempts=0,
            next_attempt_at=None, error_code="", error_message="", claimed_by=None, claimed_at=None,
        ),
        execution_options=_AS_SQL,
    )  # fmt: skip


def _lock(session: Session, merchant_id: int, ids: Sequence[int]) -> None:
    """On PostgreSQL the merchant's turn, then the images in order of id, as every other writer does."""
    if session.get_bind().dialect.name != "postgresql":
        return
    turn = select(Merchant.id).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    session.execute(turn)
    theirs = select(Image.id).where(Image.product_id.in_(ids), Image.merchant_id == merchant_id)
    session.execute(theirs.order_by(Image.id).with_for_update())
