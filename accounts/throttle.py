"""How often something may be tried: counted in SQL, because guessing must not get easier when Redis is away.

A try is counted before it is judged, so that many at once are many. What is counted, an account or a visitor,
is named by a keyed hash: the table tells nobody's address.
"""

import hmac
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from accounts.models import LoginAttempt
from catalog.clock import instant

Made = sessionmaker[Session]


@dataclass(frozen=True)
class Limit:
    """So many tries in a window that begins with the first; then none until it has passed."""

    name: str
    most: int
    window_s: int


# Ten tries of one visitor at one account; a hundred an hour at an account from everywhere (NIST SP 800-63B),
# so many that one stranger's guesses lock nobody out; and one visitor's tries at any account.
PAIR, ACCOUNT, VISITOR = Limit("pair", 10, 900), Limit("account", 100, 3600), Limit("visitor", 50, 900)
SECOND_FACTOR = Limit("second-factor", 10, 900)
SIGN_UP = Limit("sign-up", 10, 3600)
LINK = Limit("link", 50, 900)  # tries at one-time links
CONFIRM = Limit("confirm", 10, 900)
OPERATOR = Limit("operator", 10, 900)  # wrong tokens of one visitor at the operators' listener
OPERATOR_CODE = Limit("operator-code", 1, 90)  # uses of one time step's code there


class TooOften(Exception):
    """One try too many; `wait_s` is when there is one again."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many tries: {wait_s} s to wait.")
        self.wait_s = wait_s


class Throttle:
    """Counts tries."""

    def __init__(self, sessions: Made, key: bytes) -> None:
        self._sessions, self._key = sessions, key

    def count(self, *tries: tuple[Limit, str]) -> None:
        """Count one try at each of these. Raises TooOften when one of them is used up, database or not."""
        with self._sessions.begin() as session:
            waits = [self._count(session, limit, self._name(limit, what)) for limit, what in tries]
        if any(waits):
            raise TooOften(max(waits))

    def forget(self, *tries: tuple[Limit, str]) -> None:
        """It went well: what was counted against these is taken back."""
        names = [self._name(limit, what) for limit, what in tries]
        with self._sessions.begin() as session:
            session.execute(delete(LoginAttempt).where(LoginAttempt.key.in_(names)))

    def _name(self, limit: Limit, what: str) -> str:
        return hmac.digest(self._key, f"{limit.name}\0{what}".encode(), "sha256").hex()

    def _count(self, session: Session, limit: Limit, name: str) -> int:
        at = instant(session)
        begun = at - timedelta(seconds=limit.window_s)
        if not self._add(session, name, at, begun):
            self._clear(session, at)
            try:
                with session.begin_nested():
                    session.add(LoginAttempt(key=name, count=1, since=at))
            except IntegrityError:  # somebody else was faster
                self._add(session, name, at, begun)
        count, since = session.execute(
            select(LoginAttempt.count, LoginAttempt.since).where(LoginAttempt.key == name)
        ).one()
        left = math.ceil((since - begun).total_seconds())  # more than the window if another began later
        return min(max(1, left), limit.window_s) if count > limit.most else 0

    def _add(self, session: Session, name: str, at: datetime, begun: datetime) -> bool:
        over = LoginAttempt.since <= begun
        more = {
            "count": case((over, 1), else_=LoginAttempt.count + 1),
            "since": case((over, at), else_=LoginAttempt.since),
        }
        done = session.execute(
            update(LoginAttempt).where(LoginAttempt.key == name).values(more),
            execution_options={"synchronize_session": False},
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]

    def _clear(self, session: Session, at: datetime) -> None:
        """Let go of what no window reaches back to."""
        session.execute(delete(LoginAttempt).where(LoginAttempt.since < at - timedelta(hours=2)))


def counted(throttle: Throttle, tries: Iterable[tuple[Limit, str]], check: Callable[[], bool]) -> bool:
    """Whether the check holds; each try counts, a good one is taken back. Raises TooOften."""
    held = list(tries)
    throttle.count(*held)
    good = check()
    if good:
        throttle.forget(*(each for each in held if each[0] is not VISITOR))
    return good
