"""Who takes which waiting images next: edits before bulk imports, and every merchant that waits its share.

A stage's rows are read along the index (state, queue, priority, merchant_id, next_attempt_at, id): one step
for each merchant that waits and one for each row that is taken, however many are queued behind them. What
a worker died over has a priority behind all others and is taken alone.
"""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, select, text, update
from sqlalchemy.orm import Session, contains_eager, sessionmaker

from catalog.identity import point_id
from catalog.models import BULK, EDIT, SUSPECT, Image, Product, now

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
        self._guard = threading.Lock()

    def take(self, stage: str, limit: int) -> list[Job]:
        """Claim up to `limit` due images of a stage; [] when none is due but suspects."""
        due = self._due(stage, PRIORITIES, limit)
        return self._claim(stage, due, limit) if due else []

    def take_suspect(self, stage: str) -> list[Job]:
        """Claim one image that a worker died over, if one is due: we may have nothing else in hand then."""
        due = self._due(stage, SUSPECTS, 1)
        return self._claim(stage, due, 1) if due else []

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
            if session.scalars(_first("embed", EDIT, 1)).all():
                return True
            full = len(session.scalars(_first("embed", BULK, limit)).all()) >= limit
            decoding = session.scalar(select(Image.id).where(Image.state == IN_HAND["images"]).limit(1))
        return full or (decoding is None and not self.due("images"))

    def _due(self, stage: str, priorities: Sequence[int], limit: int) -> dict[int, list[int]]:
        """{priority: merchants with due rows, in turn}; read without a lock, for most looks find nothing."""
        with self.sessions() as session:
            _steer(session)
            found = {each: self._merchants(session, stage, each, limit) for each in priorities}
        return {priority: merchants for priority, merchants in found.items() if merchants}

    def _merchants(self, session: Session, stage: str, priority: int, limit: int) -> list[int]:
        """Merchants with due rows behind the one that was served last, then from the first on."""
        limit = min(limit, MERCHANTS)
        with self._guard:
            after = self._served.get((stage, priority), 0)
        found = list(session.scalars(due_merchants(stage, priority, after).limit(limit)))
        if after and len(found) < limit:
            earlier = due_merchants(stage, priority, 0, upto=after).limit(limit - len(found))
            found += session.scalars(earlier)
        return found

    def _claim(self, stage: str, due: dict[int, list[int]], limit: int) -> list[Job]:
        token = f"{self.worker_id[:80]}/{secrets.token_hex(6)}"
        with self.sessions.begin() as session:
            _steer(session)
            taken: list[int] = []
            for priority, merchants in due.items():
                if len(taken) < limit:
                    taken += _shares(session, stage, priority, merchants, limit - len(taken))
                    self._remember(stage, priority, merchants, limit)
            return _held(session, stage, taken, token)

    def _remember(self, stage: str, priority: int, merchants: list[int], limit: int) -> None:
        with self._guard:
            all_seen = len(merchants) < min(limit, MERCHANTS)
            self._served[stage, priority] = 0 if all_seen else merchants[-1]


def due_merchants(stage: str, priority: int, after: int, upto: int | None = None) -> Select[Any]:
    """Merchants with an id in (after, upto] that have due rows."""
    waiting = _waiting(stage, priority, after, upto)
    merchant = waiting.c.merchant_id
    fresh = due_rows(stage, priority, merchant, fresh=True).limit(1).scalar_subquery()
    again = due_rows(stage, priority, merchant, fresh=False).limit(1).scalar_subquery()
    return select(merchant).where(merchant.is_not(None), func.coalesce(fresh, again).is_not(None))


def due_rows(stage: str, priority: int, merchant: ColumnElement[int], fresh: bool) -> Select[Any]:
    """Ids of one merchant's rows: new ones in their order, or those whose pause is over."""
    of_time = Image.next_attempt_at.is_(None) if fresh else Image.next_attempt_at <= now()
    return (
        select(Image.id)
        .where(_queued(stage, priority), Image.merchant_id == merchant, of_time)
        .order_by(Image.next_attempt_at, Image.id)
    )


def _queued(stage: str, priority: int) -> ColumnElement[bool]:
    return and_(Image.state == "queued", Image.queue == stage, Image.priority == priority)


def _first(stage: str, priority: int, limit: int) -> Select[Any]:
    """Ids of up to `limit` queued rows, due or not."""
    rows = select(Image.id).where(_queued(stage, priority))
    return rows.order_by(Image.merchant_id, Image.next_attempt_at, Image.id).limit(limit)


def _waiting(stage: str, priority: int, after: int, upto: int | None) -> CTE:
    """The merchants that have rows here, each found behind the one before: a loose index scan."""

    def next_merchant(above: ColumnElement[int]) -> ColumnElement[int]:
        bounds = [Image.merchant_id > above, *([Image.merchant_id <= upto] if upto is not None else [])]
        rows = select(Image.merchant_id).where(_queued(stage, priority), *bounds)
        return rows.order_by(Image.merchant_id, Image.next_attempt_at, Image.id).limit(1).scalar_subquery()

    first = select(next_merchant(literal(after)).label("merchant_id")).cte("waiting", recursive=True)
    following = select(next_merchant(first.c.merchant_id)).where(first.c.merchant_id.is_not(None))
    return first.union_all(following)


def _shares(session: Session, stage: str, priority: int, merchants: list[int], limit: int) -> list[int]:
    """Up to `limit` rows, evenly from each merchant; what one does not need, the others share."""
    taken: list[int] = []
    while merchants and len(taken) < limit:
        share, over = divmod(limit - len(taken), len(merchants))
        more = []
        for place, merchant in enumerate(merchants):
            wanted = share + (place < over)
            found = _rows(session, stage, priority, merchant, wanted, taken) if wanted else []
            taken += found
            if wanted and len(found) == wanted:
                more.append(merchant)
        merchants = more
    return taken


def _rows(
    session: Session, stage: str, priority: int, merchant: int, limit: int, taken: list[int]
) -> list[int]:
    """Ids of due rows that no other worker is about to take, locked until the claim is committed."""
    found: list[int] = []
    for fresh in (True, False):
        if len(found) < limit:
            rows = due_rows(stage, priority, literal(merchant), fresh).where(Image.id.not_in(taken))
            rows = rows.limit(limit - len(found)).with_for_update(skip_locked=True, key_share=True)
            found += session.scalars(rows)
    return found


def _held(session: Session, stage: str, ids: list[int], token: str) -> list[Job]:
    """Write the claim and read what it holds: after the lock, so that image and product are of one moment."""
    if not ids:
        return []
    claimed = {"state": IN_HAND[stage], "claimed_by": token, "claimed_at": now()}
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
