"""The round that makes days of what shoppers asked and chose, and forgets what is old."""

import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

from catalog.insight.rollup import forget, roll
from indexer.claims import Sessions

log = get_logger("indexer")
EVERY_S, FORGET_S = 30.0, 3600.0
SHARE = 0.05  # of the time, at most: a busy day takes longer to be made anew


class Insights:
    """Does what is due when called, and nothing else. An outage is for the next time."""

    def __init__(self, sessions: Sessions, days: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.sessions, self.days, self._clock = sessions, days, clock
        self._roll_at = self._forget_at = float("-inf")

    def __call__(self) -> int:
        """Make the days anew that have changed; how many."""
        now = self._clock()
        if now < self._roll_at:
            return 0
        self._roll_at = now + EVERY_S
        try:
            made = roll(self.sessions) if self.days else 0
            if now >= self._forget_at:
                forget(self.sessions, self.days)
                self._forget_at = now + FORGET_S
        except SQLAlchemyError as error:
            log.warning("insight-waits", reason=repr(error)[:200])
            return 0
        self._roll_at = max(self._roll_at, self._clock() + (self._clock() - now) / SHARE)
        return made
