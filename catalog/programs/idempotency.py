"""One answer to one request, however often it is sent: the Idempotency-Key of a POST.

The key is taken, what is asked for is done and its answer is kept in one transaction. Whoever comes with the
same key meanwhile waits for its end and gets that answer; a process that dies leaves neither. What is refused
is not kept: nothing was done, so it may be mended and sent again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.programs.tables import KeptAnswer

KEPT = timedelta(days=1)
MAX_KEY = 255


class KeyReused(Exception):
    """The key was used for another request."""


@dataclass(frozen=True)
class Answer:
    """What is said to a request: the status, some headers, the body's text."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


def kept_answer(session: Session, merchant_id: int, key: str, request: str) -> Answer | None:
    """The answer that was given to this request within a day, or None. Raises KeyReused."""
    mine = KeptAnswer.merchant_id == merchant_id, KeptAnswer.key == key
    row = session.scalars(select(KeptAnswer).where(*mine)).one_or_none()
    return None if row is None or row.created_at <= instant(session) - KEPT else _again(row, request)


def _again(row: KeptAnswer, request: str) -> Answer:
    if row.request != request:
        raise KeyReused(row.key)
    return Answer(row.status, row.body, row.headers, replayed=True)


def answer_once(
    session: Session, merchant_id: int, key: str, request: str, make: Callable[[Session], Answer]
) -> Answer:
    """The kept answer to this request, or the one that `make` gives now; the caller commits.

    `request` is a hash of all that was asked. Raises KeyReused, and whatever `make` raises.
    """
    mine = KeptAnswer.merchant_id == merchant_id, KeptAnswer.key == key
    session.execute(delete(KeptAnswer).where(*mine, KeptAnswer.created_at <= instant(session) - KEPT))
    if not _take(session, merchant_id, key, request):
        return _again(session.scalars(select(KeptAnswer).where(*mine)).one(), request)
    made = make(session)
    said = {"status": made.status, "headers": dict(made.headers), "body": made.body}
    session.execute(update(KeptAnswer).where(*mine).values(said))
    return made


def forget_answers(session: Session) -> int:
    """Drop the answers that are older than a day; return how many."""
    old = delete(KeptAnswer).where(KeptAnswer.created_at <= instant(session) - KEPT)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def _take(session: Session, merchant_id: int, key: str, request: str) -> bool:
    """Take the key, waiting for one who has it in an open transaction; False where it is taken for good."""
    engine = session.get_bind().dialect.name
    insert = postgresql.insert if engine == "postgresql" else sqlite.insert
    row = {
        "merchant_id": merchant_id, "key": key, "request": request, "status": 0, "headers": {}, "body": "",
        "created_at": instant(session),
    }  # fmt: skip
    taken = insert(KeptAnswer).values(row).on_conflict_do_nothing(index_elements=["merchant_id", "key"])
    return session.scalar(taken.returning(KeptAnswer.id)) is not None  # not every driver counts rows
