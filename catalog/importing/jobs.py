"""Imports that are asked for and done by whoever has time: a line of requests in SQL, claimed with a lease.

    enqueue -> waiting -> claim -> running -> (renew, with every batch) -> finish -> done, rehearsed, failed

A claim is a token. Whoever holds it renews it with all that it writes; when it has been silent for the lease,
by the database's clock, another takes the request over and goes on behind the batches that are in. What is
written with a token that is no longer the request's is refused (ClaimLost), so two never write one import.
Of one merchant one import runs at a time; looks at what would come of one do not wait for it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.orm import Session, aliased, sessionmaker

from catalog.clock import instant
from catalog.importing.tables import ImportRequest
from catalog.models import Merchant

LEASE_S = 60.0  # of silence; signs of life come every few seconds
MOST_ATTEMPTS = 3  # claims without any progress: then it is the feed that ends its workers
WRITING = ("import", "undo")  # steps that change the catalogue
OPEN = ("waiting", "running")
RESTING = ("draft", "rehearsed")  # nothing of them is in the catalogue, and nobody works on them
_DEADLY = (
    f"Working on this ended the process {MOST_ATTEMPTS} times. What had gone in is kept. Export the feed "
    "again, or split it in two."
)
_LOOKED_AT = 20  # requests that one claim considers

Sessions = sessionmaker[Session]


class ClaimLost(Exception):
    """The request is another's by now, or was called off: write nothing more for it."""


class RequestRefused(Exception):
    """What was asked for cannot be done now: a stable `code`, what is wrong, and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


@dataclass(frozen=True)
class Claim:
    """A request in somebody's hands."""

    id: int
    merchant_id: int
    step: str
    token: str


def enqueue(
    session: Session,
    merchant_id: int,
    *,
    file: str = "",
    filename: str = "",
    images: str = "",
    url: str = "",
    step: str = "import",
    options: Mapping[str, Any] | None = None,
    asked_by: str = "",
    schedule_id: int | None = None,
) -> int:
    """Put a request in the line; return its id. Ring the bell after the commit.

    `file` and `images` are keys of `catalog.storage.feed_files`, `options` those of
    `catalog.importing.options`.
    """
    request = ImportRequest(
        merchant_id=merchant_id, file=file, filename=filename[:300], images=images, url=url, step=step,
        options=dict(options or {}), asked_by=asked_by[:255], schedule_id=schedule_id,
        created_at=instant(session),
    )  # fmt: skip
    session.add(request)
    session.flush()
    return request.id


def find(session: Session, merchant_id: int, request_id: int) -> ImportRequest | None:
    """This merchant's request of that id, or None."""
    mine = ImportRequest.id == request_id, ImportRequest.merchant_id == merchant_id
    return session.scalars(select(ImportRequest).where(*mine)).one_or_none()


def again(session: Session, request: ImportRequest, step: str) -> None:
    """Put a request that rests back in the line, for another step. Raises RequestRefused for one in it."""
    values = {
        "state": "waiting",
        "step": step,
        "batches": 0,
        "attempts": 0,
        "message": "",
        "finished_at": None,
    }
    resting = ImportRequest.id == request.id, ImportRequest.state.not_in(OPEN)
    if not _changed(session, update(ImportRequest).where(*resting).values(values)):
        raise RequestRefused(
            "import-busy", "This import is waiting or running already.", "Wait for its end, or stop it."
        )
    session.refresh(request)


def stop(session: Session, request: ImportRequest) -> bool:
    """Call a request off: what has gone in stays, nothing more goes in. False when it is over already."""
    values = {
        "state": "cancelled", "claimed_by": None, "claimed_at": None, "finished_at": instant(session),
        "message": "Stopped by hand.",
    }  # fmt: skip
    open_ = ImportRequest.id == request.id, ImportRequest.state.in_(OPEN)
    return _changed(session, update(ImportRequest).where(*open_).values(values))


def delete_resting(session: Session, request: ImportRequest) -> bool:
    """Forget a request that was looked at or tried and never run; its files go with the next tidying.

    False for any other.
    """
    resting = ImportRequest.id == request.id, ImportRequest.state.in_(RESTING), ImportRequest.job_id.is_(None)
    return _changed(session, delete(ImportRequest).where(*resting))


def writing(session: Session, merchant_id: int) -> ImportRequest | None:
    """The merchant's import or undoing that is under way or has waited longest."""
    open_ = ImportRequest.state.in_(OPEN), ImportRequest.step.in_(WRITING)
    mine = select(ImportRequest).where(ImportRequest.merchant_id == merchant_id, *open_)
    return session.scalars(mine.order_by(ImportRequest.id).limit(1)).first()


def due(session: Session, lease_s: float = LEASE_S) -> bool:
    """Whether any request waits for somebody, or was left by somebody."""
    free = select(ImportRequest.id).where(
        _free(instant(session), lease_s), ~_blocked(instant(session), lease_s)
    )
    return session.scalar(free.limit(1)) is not None


def claim(
    sessions: Sessions,
    worker_id: str,
    lease_s: float = LEASE_S,
    is_gone: Callable[[str], bool] = lambda _holder: False,
    only: int | None = None,
) -> Claim | None:
    """Take the request that has waited longest, or one that was left; None when there is none.

    `is_gone` says of a holder that its process has ended: then nobody waits for the lease. With `only`, no
    other request than that is taken.
    """
    token = f"{worker_id[:80]}/{secrets.token_hex(6)}"
    release_gone(sessions, is_gone)
    with sessions.begin() as session:
        at = instant(session)
        free = select(ImportRequest).where(_free(at, lease_s), ~_blocked(at, lease_s))
        free = free if only is None else free.where(ImportRequest.id == only)
        for request in session.scalars(free.order_by(ImportRequest.id).limit(_LOOKED_AT)):
            if _take(session, request.id, token, lease_s):
                session.refresh(request)
                return Claim(request.id, request.merchant_id, request.step, token)
    return None


def _take(session: Session, request_id: int, token: str, lease_s: float) -> bool:
    """Take one request, if it is still free when the merchant's turn is ours; give up one that is deadly."""
    merchant = select(Merchant.id).join(ImportRequest, ImportRequest.merchant_id == Merchant.id)
    turn = merchant.where(ImportRequest.id == request_id).with_for_update(of=Merchant, key_share=True)
    session.execute(turn)
    at = instant(session)
    still = ImportRequest.id == request_id, _free(at, lease_s), ~_blocked(at, lease_s)
    found = select(ImportRequest).where(*still).with_for_update(of=ImportRequest)
    request = session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    if request is None:
        return False
    if request.attempts >= MOST_ATTEMPTS:
        request.state, request.message, request.finished_at = "failed", _DEADLY, at
        request.claimed_by = request.claimed_at = None
        session.flush()
        return False
    request.state, request.claimed_by, request.claimed_at = "running", token, at
    request.attempts += 1
    session.flush()
    return True


def _free(at: datetime, lease_s: float) -> ColumnElement[bool]:
    silent = or_(
        ImportRequest.claimed_at.is_(None), ImportRequest.claimed_at < at - timedelta(seconds=lease_s)
    )
    return or_(ImportRequest.state == "waiting", and_(ImportRequest.state == "running", silent))


def _blocked(at: datetime, lease_s: float) -> ColumnElement[bool]:
    """Whether another import of the merchant runs, or has waited longer: one after the other."""
    other = aliased(ImportRequest)
    first = or_(other.state == "running", and_(other.state == "waiting", other.id < ImportRequest.id))
    mine = and_(other.merchant_id == ImportRequest.merchant_id, other.id != ImportRequest.id)
    before = select(other.id).where(mine, other.step.in_(WRITING), first).exists()
    return and_(ImportRequest.step.in_(WRITING), ImportRequest.state == "waiting", before)


def release_gone(sessions: Sessions, is_gone: Callable[[str], bool]) -> None:
    """Let go of what processes held that have ended: nobody waits for their lease."""
    held = select(ImportRequest.claimed_by).where(
        ImportRequest.state == "running", ImportRequest.claimed_by.is_not(None)
    )
    with sessions() as session:
        gone = [str(token) for token in session.scalars(held) if is_gone(str(token))]
    if gone:
        with sessions.begin() as session:
            free = update(ImportRequest).where(ImportRequest.claimed_by.in_(gone))
            session.execute(free.values(claimed_at=None))


def renew(session: Session, claim: Claim, **values: Any) -> None:
    """Write `values` to the request and that we are alive, if it is still ours. Raises ClaimLost."""
    ours = ImportRequest.id == claim.id, ImportRequest.claimed_by == claim.token
    said = {"claimed_at": instant(session), **values}
    if not _changed(session, update(ImportRequest).where(*ours).values(said)):
        raise ClaimLost(f"import request {claim.id}")


def finish(session: Session, claim: Claim, state: str, message: str = "", **values: Any) -> None:
    """End a request that is still ours. Raises ClaimLost."""
    renew(
        session, claim, state=state, message=message[:1000], finished_at=instant(session), claimed_by=None,
        **values,
    )  # fmt: skip


def give_back(session: Session, claim: Claim) -> None:
    """Let another take it up at once, without blame: we are to stop, or the world is away."""
    ours = ImportRequest.id == claim.id, ImportRequest.claimed_by == claim.token
    session.execute(update(ImportRequest).where(*ours).values(_given_back()))


def give_back_all(session: Session, worker_id: str) -> int:
    """Give back what a worker held that was told to stop and has ended; return how many requests."""
    mine = ImportRequest.claimed_by.startswith(f"{worker_id[:80]}/", autoescape=True)
    held = update(ImportRequest).where(ImportRequest.state == "running", mine)
    return int(session.execute(held.values(_given_back())).rowcount)  # type: ignore[attr-defined]


def _given_back() -> dict[str, Any]:
    fewer = case((ImportRequest.attempts > 0, ImportRequest.attempts - 1), else_=0)
    return {"state": "waiting", "claimed_by": None, "claimed_at": None, "attempts": fewer}


def _changed(session: Session, change: Any) -> bool:
    return bool(session.execute(change).rowcount)  # type: ignore[attr-defined]
