"""Sessions of the console, one row a browser: they can be seen and ended from anywhere, at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from accounts.models import LoginSession
from accounts.tokens import digest, draw
from catalog.clock import instant

TOUCH_S = 60  # a session's last use is written down about so often


@dataclass(frozen=True)
class Lifetime:
    """How long a session lives: without use, and at all."""

    idle_s: int
    absolute_s: int


def begin(session: Session, user_id: int, data: Mapping[str, Any], agent: str, life: Lifetime) -> str:
    """Open a session; the token returned is shown to the browser and kept nowhere. Old ones are cleared."""
    at, token = instant(session), draw()
    session.execute(delete(LoginSession).where(LoginSession.expires_at < at))
    session.add(
        LoginSession(
            digest=digest(token), user_id=user_id, data=dict(data), agent=agent[:200],
            created_at=at, seen_at=at, expires_at=at + timedelta(seconds=life.absolute_s),
        )
    )  # fmt: skip
    return token


def find(session: Session, token: str, life: Lifetime) -> LoginSession | None:
    """The session of a token, unless it is over."""
    at = instant(session)
    return session.scalars(
        select(LoginSession).where(
            LoginSession.digest == digest(token),
            LoginSession.expires_at > at,
            LoginSession.seen_at > at - timedelta(seconds=life.idle_s),
        )
    ).one_or_none()


def stale(session: Session, row: LoginSession) -> bool:
    """Whether its last use should be written down anew."""
    return row.seen_at < instant(session) - timedelta(seconds=TOUCH_S)


def keep(session: Session, session_id: int, data: Mapping[str, Any]) -> None:
    """Write down what a session holds, and that it is used now."""
    kept = {"data": dict(data), "seen_at": instant(session)}
    session.execute(update(LoginSession).where(LoginSession.id == session_id).values(kept))


def of_user(session: Session, user_id: int, life: Lifetime) -> list[LoginSession]:
    """The sessions of a user that are not over, the latest used first."""
    at = instant(session)
    mine = select(LoginSession).where(
        LoginSession.user_id == user_id,
        LoginSession.expires_at > at,
        LoginSession.seen_at > at - timedelta(seconds=life.idle_s),
    )
    return list(session.scalars(mine.order_by(LoginSession.seen_at.desc(), LoginSession.id.desc())))


def end(session: Session, session_id: int, user_id: int) -> bool:
    """End one session of a user; False where there is none of that number."""
    mine = delete(LoginSession).where(LoginSession.id == session_id, LoginSession.user_id == user_id)
    return bool(session.execute(mine).rowcount)  # type: ignore[attr-defined]


def end_all(session: Session, user_id: int, but: int | None = None) -> int:
    """End every session of a user, or every other one; returns how many."""
    mine = delete(LoginSession).where(LoginSession.user_id == user_id, LoginSession.id != (but or 0))
    return int(session.execute(mine).rowcount)  # type: ignore[attr-defined]


def forget(session: Session, session_id: int) -> None:
    """End a session that shows its own token."""
    session.execute(delete(LoginSession).where(LoginSession.id == session_id))
