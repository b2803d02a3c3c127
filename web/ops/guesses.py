"""How often a visitor may show a wrong token: counted in SQL, and here for when the database is away.

Operators come because something is broken, and it may be the database: so this neither opens nor closes with
it. What this process has counted holds by itself; the count in SQL holds for every process and outlives them.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from structlog import get_logger

from accounts.throttle import OPERATOR, OPERATOR_CODE, Limit, Throttle, TooOften
from catalog import patience
from catalog.database import AWAY

log = get_logger("web")
MOST_VISITORS = 10_000  # that are remembered here
PATIENCE_S = 2.0  # for the database


@dataclass
class _Tries:
    """Of one visitor, in the window that ends at `until` (time.monotonic())."""

    count: int
    until: float


class Guesses:
    """Judges tokens, so many wrong ones of a visitor. Thread-safe."""

    def __init__(self, throttle: Throttle, limit: Limit = OPERATOR) -> None:
        self._throttle, self._limit = throttle, limit
        self._lock = Lock()
        self._own: dict[str, _Tries] = {}
        self._step = 0  # of the last code

    def judge(self, who: str, is_right: Callable[[], bool]) -> bool:
        """Whether it is right; if not, that counts. Raises TooOften, before it looks, after too many."""
        self._take(who)
        if is_right():
            self._give_back(who)
            return True
        self._count_for_all(who)
        return False

    def forgive(self, who: str) -> None:
        """Begin anew: this visitor has logged in."""
        with self._lock:
            self._own.pop(who, None)
        self._in_sql(lambda: self._throttle.forget((self._limit, who)))

    def use_step(self, step: int) -> bool:
        """Use up the code of a time step; False where it was used before, in whatever process."""
        with self._lock:
            fresh, self._step = step > self._step, max(step, self._step)
        if not fresh:
            return False
        try:
            self._in_sql(lambda: self._throttle.count((OPERATOR_CODE, str(step))))
        except TooOften:
            return False
        return True

    def _take(self, who: str) -> None:
        """One try, before it is judged: many at once are many."""
        now = time.monotonic()
        with self._lock:
            tries = self._own.get(who)
            if tries is None or tries.until <= now:
                self._make_room(now)
                tries = self._own[who] = _Tries(0, now + self._limit.window_s)
            if tries.count >= self._limit.most:
                raise TooOften(max(1, math.ceil(tries.until - now)))
            tries.count += 1

    def _give_back(self, who: str) -> None:
        with self._lock:
            if (tries := self._own.get(who)) is not None:
                tries.count -= 1
                if tries.count <= 0:
                    del self._own[who]

    def _count_for_all(self, who: str) -> None:
        try:
            self._in_sql(lambda: self._throttle.count((self._limit, who)))
        except TooOften as error:  # by what other processes have seen; this one need not ask again
            with self._lock:
                self._own[who] = _Tries(self._limit.most, time.monotonic() + error.wait_s)
            raise

    def _in_sql(self, write: Callable[[], None]) -> None:
        try:
            with patience.within(PATIENCE_S):
                write()
        except AWAY as error:
            log.warning("ops-tries-not-shared", cause=repr(error)[:200])

    def _make_room(self, now: float) -> None:
        """Let go of windows that are over; of the oldest too, where very many come."""
        if len(self._own) < MOST_VISITORS:
            return
        self._own = {who: tries for who, tries in self._own.items() if tries.until > now}
        for who in list(self._own)[: len(self._own) - MOST_VISITORS + 1]:
            del self._own[who]
