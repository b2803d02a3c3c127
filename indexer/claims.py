"""Who takes which waiting images next: edits before bulk imports, and every merchant that waits its share.

A stage's rows are read along the index (state, queue, priority, merchant_id, next_attempt_at, id): one step
for each merchant that waits and one for each row that is taken, however many are queued behind them. What
a worker died over has a priority behind all others and is taken alone.
"""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select, text, update
from sqlalchemy.orm import Session, contains_eager, sessionmaker

from catalog.clock import instant
from catalog.identity import point_id
from catalog.models import BULK, EDIT, SUSPECT, Image, Product
from indexer.validators import Validators

WORKER_DIED = "worker-died"  # the error code of a row whose worker died while it held it
IN_HAND = {"images": "fetching", "embed": "embedding", "index": "embedding"}  # the state of a claimed row
CLAIMED = ("fetching", "embedding")
PRIORITIES = (EDIT, BULK)
SUSPECTS = (EDIT + SUSPECT, BULK + SUSPECT)
MERCHANTS = 64  # that one claim serves at most; the next one goes on behind them

Sessions = sessionmaker[Session]

# PostgreSQL's planner, whose figures are those of before an import, may think that sorting what is queued
# costs nothing. Without a sort only the index of the claim gives the order that is asked for.
_STEER = text(
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true), "
    "set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
)


@dataclass(eq=False)
class Job:
    """One claimed image, and what the pipeline has found out about it so far."""

    image: Image
    product: Product
    token: str
    sha256: str | None = None  # of the raw bytes, once their renditions are kept
    size: tuple[int, int] | None = None  # width, height of the original
    validators: Validators | None = None  # of the host, where the bytes were fetched just now
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)  # (D,) by fingerprint

    @property
    def point_id(self) -> str:
        """The point of this image position."""
        return point_id(self.product.merchant_id, self.product.sku, self.image.position)

    @property
    def gone(self) -> bool:
        """Whether no index must have it."""
        return self.image.removed or self.product.hidden or self.product.deleted_at is not None

    @property
    def suspect(self) -> bool:
        """Whether a worker died while holding it."""
        return self.image.priority >= SUSPECT

    @property
    def indexed(self) -> bool:
        """Whether the vectors of its point are of its bytes."""
        return bool(self.image.fingerprint)


class Claims:
    """The claims of one worker. It remembers whom it served last, so that everybody has a turn."""

    def __init__(self, sessions: Sessions, worker_id: str) -> None:
        self.sessions, self.worker_id = sessions, worker_id
        self._served: dict[tuple[str, int], int] = {}  # the merchant served last, where not all were
        self._holding: set[str] = set()
        self._guard = threading.Lock()

    def take(self, stage: str, limit: int) -> list[Job]:
        """Claim up to `limit` due images of a stage; [] when only suspects are due. Then `let_go`."""
        due = self._due(stage, PRIORITIES, limit)
        return self._claim(stage, due, limit) if due else []

    def take_suspect(self, stage: str) -> list[Job]:
        """Claim one image that a worker died over, if one is due: we may have nothing else in hand then."""
        due = self._due(stage, SUSPECTS, 1)
        return self._claim(stage, due, 1) if due else []

    def let_go(self, jobs: Sequence[Job]) -> None:
        """Say that we have them in hand no more, whatever became of them."""
        with self._guard:
            self._holding -= {job.token for job in jobs}

    @property
    def holding(self) -> frozenset[str]:
        """The tokens of what is in hand: any other claim of this worker is one that it has lost."""
        with self._guard:
            return frozenset(self._holding)

    def has_suspect(self, stage: str) -> bool:
        """Whether `take_suspect` would find one."""
        return bool(self._due(stage, SUSPECTS, 1))

    def due(self, stage: str) -> bool:
        """Whether a claim of this stage would find anything, suspects included."""
        return bool(self._due(stage, (*PRIORITIES, *SUSPECTS), 1))

    def gathered(self, limit: int) -> bool:
        """Whether a batch to embed should begin: it is full or urgent, or nothing more is on its way."""
        with self.sessions() as session:
            _steer(session)
            urgent = _queued_up_to(session, "embed", EDIT, 1)
            if urgent or _queued_up_to(session, "embed", BULK, limit) == limit:
                return True
            decoding = session.scalar(select(_row.c.id).where(_row.c.state == IN_HAND["images"]).limit(1))
        return decoding is None and not self.due("images")

    def _due(self, stage: str, priorities: Sequence[int], limit: int) -> dict[int, list[int]]:
        """{priority: merchants with due rows, in turn}; read without a lock, for most looks find nothing."""
        with self.sessions() as session:
            _steer(session)
            at = instant(session)
            found = {each: self._merchants(session, stage, each, limit, at) for each in priorities}
        return {priority: merchants for priority, merchants in found.items() if merchants}

    def _merchants(self, session: Session, stage: str, priority: int, limit: int, at: datetime) -> list[int]:
        """Merchants with due rows behind the one that was served last, then from the first on."""
        limit = min(limit, MERCHANTS)
        with self._guard:
            after = self._served.get((stage, priority), 0)
        look = {"stage": stage, "priority": priority, "now": at}
        found = list(session.scalars(DUE_MERCHANTS, {**look, "above": after, "upto": _LAST, "most": limit}))
        if after and len(found) < limit:
            earlier = {**look, "above": 0, "upto": after, "most": limit - len(found)}
            found += session.scalars(DUE_MERCHANTS, earlier)
        return found

    def _claim(self, stage: str, due: dict[int, list[int]], limit: int) -> list[Job]:
        token = f"{self.worker_id[:80]}/{secrets.token_hex(6)}"
        with self._guard:
            self._holding.add(token)
        jobs: list[Job] = []
        try:
            with self.sessions.begin() as session:
                _steer(session)
                at = instant(session)  # once: it is a question to the database
                jobs = _held(session, stage, self._taken(session, stage, due, limit, at), token, at)
        finally:
            if not jobs:
                with self._guard:
                    self._holding.discard(token)
        return jobs

    def _taken(
        self, session: Session, stage: str, due: dict[int, list[int]], limit: int, at: datetime
    ) -> list[int]:
        """Rows of one priority: an edit would wait for the bulk rows in its batch."""
        for priority, merchants in due.items():
            if taken := _shares(session, stage, priority, merchants, limit, at):
                self._remember(stage, priority, merchants, limit)
                return taken
        return []

    def _remember(self, stage: str, priority: int, merchants: list[int], limit: int) -> None:
        with self._guard:
            all_seen = len(merchants) < min(limit, MERCHANTS)
            self._served[stage, priority] = 0 if all_seen else merchants[-1]


_row = Image.__table__
_LAST = 2**31 - 1
_queued = and_(
    _row.c.state == "queued", _row.c.queue == bindparam("stage"), _row.c.priority == bindparam("priority")
)


def _rows_of(merchant: ColumnElement[int], fresh: bool) -> Select[Any]:
    """Ids of one merchant's due rows: new ones in their order, or those whose pause is over."""
    of_time = _row.c.next_attempt_at.is_(None) if fresh else _row.c.next_attempt_at <= bindparam("now")
    rows = select(_row.c.id).where(_queued, _row.c.merchant_id == merchant, of_time)
    return rows.order_by(_row.c.next_attempt_at, _row.c.id)


def _next_merchant(above: ColumnElement[int]) -> ColumnElement[int]:
    bounds = (_row.c.merchant_id > above, _row.c.merchant_id <= bindparam("upto"))
    rows = select(_row.c.merchant_id).where(_queued, *bounds)
    return rows.order_by(_row.c.merchant_id, _row.c.next_attempt_at, _row.c.id).limit(1).scalar_subquery()


def _due_merchants() -> Select[Any]:
    """Merchants in (above, upto] that have due rows: each found behind the one before, a loose index scan."""
    above = bindparam("above", type_=_row.c.merchant_id.type)
    waiting = select(_next_merchant(above).label("merchant_id")).cte("waiting", recursive=True)
    known = waiting.c.merchant_id.is_not(None)
    waiting = waiting.union_all(select(_next_merchant(waiting.c.merchant_id)).where(known))
    merchant = waiting.c.merchant_id
    first = [_rows_of(merchant, fresh).limit(1).scalar_subquery() for fresh in (True, False)]
    due = func.coalesce(*first).is_not(None)
    return select(merchant).where(merchant.is_not(None), due).limit(bindparam("most"))


def _untaken(fresh: bool) -> Select[Any]:
    rows = _rows_of(bindparam("merchant"), fresh).where(_row.c.id.not_in(bindparam("taken", expanding=True)))
    return rows.limit(bindparam("most")).with_for_update(skip_locked=True, key_share=True)


# Built once: building them costs more than what the databases do for them.
DUE_MERCHANTS = _due_merchants()
UNTAKEN = (_untaken(fresh=True), _untaken(fresh=False))
QUEUED = (
    select(_row.c.id).where(_queued).order_by(_row.c.merchant_id, _row.c.next_attempt_at, _row.c.id)
    .limit(bindparam("most"))
)  # fmt: skip


def _queued_up_to(session: Session, stage: str, priority: int, most: int) -> int:
    """How many rows are queued, due or not, counted up to `most`."""
    return len(session.scalars(QUEUED, {"stage": stage, "priority": priority, "most": most}).all())


def _shares(
    session: Session, stage: str, priority: int, merchants: list[int], limit: int, at: datetime
) -> list[int]:
    """Up to `limit` rows, evenly from each merchant; what one does not need, the others share."""
    taken: list[int] = []
    while merchants and len(taken) < limit:
        share, over = divmod(limit - len(taken), len(merchants))
        more = []
        for place, merchant in enumerate(merchants):
            wanted = share + (place < over)
            found = _rows(session, stage, priority, merchant, wanted, taken, at)
            taken += found
            if len(found) == wanted:
                more.append(merchant)
        merchants = more
    return taken


def _rows(
    session: Session, stage: str, priority: int, merchant: int, limit: int, taken: list[int], at: datetime
) -> list[int]:
    """Ids of due rows that no other worker is about to take, locked until the claim is committed."""
    place = {"stage": stage, "priority": priority, "merchant": merchant}
    look = {**place, "taken": taken, "now": at}
    found: list[int] = []
    for untaken in UNTAKEN:
        if len(found) < limit:
            found += session.scalars(untaken, {**look, "most": limit - len(found)})
    return found


def _held(session: Session, stage: str, ids: list[int], token: str, at: datetime) -> list[Job]:
    """Write the claim and read what it holds: after the lock, so that image and product are of one moment."""
    if not ids:
        return []
    claimed = {"state": IN_HAND[stage], "claimed_by": token, "claimed_at": at}
    ours = update(Image).where(Image.id.in_(ids)).values(attempts=Image.attempts + 1, **claimed)
    session.execute(ours.execution_options(synchronize_session=False))
    rows = select(Image).join(Image.product).options(contains_eager(Image.product)).where(Image.id.in_(ids))
    images = {image.id: image for image in session.scalars(rows)}
    return [Job(images[each], images[each].product, token, size=_size(images[each])) for each in ids]


def _size(image: Image) -> tuple[int, int] | None:
    return (image.width, image.height) if image.width and image.height else None


def _steer(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_STEER)
