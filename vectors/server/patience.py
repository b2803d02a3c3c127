"""How long a call of the server is tried, and when it is not even begun.

A call has one limit for all its tries together. What may pass is tried again after a random pause that
grows: "full jitter", Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. While the
server is away, a breaker lets one call a second find out whether it is back; the others are told at once.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from vectors.budget import spending
from vectors.protocol import VectorStoreError, VectorStoreUnavailable
from vectors.server.crew import Crew, Late
from vectors.server.errors import FORBIDDEN, TIMEOUT, late, translate

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0  # before the second try, and before any
FAILURES = 3  # in a row, after which the server counts as away
AGAIN_S = 1.0  # then one call so often looks whether it is back


@dataclass(frozen=True)
class Patience:
    """Seconds for all tries of a call together, and seconds after which none is begun.

    A call that is `patient` also waits so long for a server that is known to be away.
    """

    answer_s: float
    retry_s: float
    patient: bool = False


WRITE = Patience(answer_s=60.0, retry_s=15.0, patient=True)


class StillAway(VectorStoreUnavailable):
    """What the last call found; this one was not begun."""


class Caller(Protocol):
    """Makes a call of the client, and our errors of what it raises."""

    def call(self, name: str, work: Callable[[], T], patience: Patience) -> T:
        """What `work` gives. `name` is the collection that errors speak of."""

    def close(self) -> None:
        """Nothing is called after."""


class Breaker:
    """Counts failures in a row. Safe between threads."""

    def __init__(self, failures: int = FAILURES, again_s: float = AGAIN_S) -> None:
        self._limit, self._again_s = failures, again_s
        self._failures, self._next = 0, 0.0
        self._last: VectorStoreUnavailable | None = None
        self._guard = threading.Lock()

    def check(self) -> None:
        """Raise the last failure again while the server is away, but for the one whose turn it is to look."""
        with self._guard:
            if self._last is None or self._failures < self._limit:
                return
            now = time.monotonic()
            if now >= self._next:
                self._next = now + self._again_s
                return
            raise StillAway(self._last.code, self._last.message, self._last.fix)

    def failed(self, error: VectorStoreUnavailable) -> None:
        """A call found the server away."""
        with self._guard:
            self._failures += 1
            self._last, self._next = error, time.monotonic() + self._again_s
            news = self._failures == self._limit
        if news:
            log.warning("Qdrant is away, %s: %s %s", error.code, error.message, error.fix)

    def answered(self) -> None:
        """The server has answered, whatever it said."""
        with self._guard:
            back = self._failures >= self._limit
            self._failures, self._last = 0, None
        if back:
            log.info("Qdrant answers again")


class Patient:
    """Calls in time: tried again while they may pass, given up when they are late."""

    def __init__(self) -> None:
        self._crew, self._breaker = Crew(), Breaker()

    def call(self, name: str, work: Callable[[], T], patience: Patience) -> T:
        """See `Caller`. Raises VectorStoreError; a fault of this program passes as it is."""
        with spending(patience.answer_s) as limit:
            return self._in_time(name, work, replace(patience, answer_s=limit))

    def _in_time(self, name: str, work: Callable[[], T], patience: Patience) -> T:
        began, pause = time.monotonic(), FIRST_PAUSE_S
        last_try_s = min(patience.retry_s, patience.answer_s)
        while True:
            try:
                return self._once(name, work, patience.answer_s - (time.monotonic() - began))
            except VectorStoreUnavailable as error:
                wait, spent = random.uniform(0.0, pause), time.monotonic() - began
                if spent + wait > last_try_s or not _may_pass(error, patience):
                    raise
            time.sleep(wait)
            pause = min(LONGEST_PAUSE_S, 2 * pause)

    def close(self) -> None:
        """See `Caller`."""
        self._crew.close()

    def _once(self, name: str, work: Callable[[], T], limit_s: float) -> T:
        self._breaker.check()
        try:
            answer = self._crew.run(work, max(0.001, limit_s))
        except Exception as error:
            ours = late() if isinstance(error, Late) else translate(name, error)
            if ours is None:
                raise
            if isinstance(ours, VectorStoreUnavailable):
                self._breaker.failed(ours)
            else:
                self._breaker.answered()
            raise ours from error
        self._breaker.answered()
        return answer


def _may_pass(error: VectorStoreUnavailable, patience: Patience) -> bool:
    """Whether to try again: not after waiting in vain, nor with a key that is refused."""
    if isinstance(error, StillAway):
        return patience.patient and error.code != FORBIDDEN
    return error.code not in (TIMEOUT, FORBIDDEN)


class Serial:
    """One call at a time in the caller's own thread: the client's local mode."""

    def __init__(self) -> None:
        self._turn: AbstractContextManager[object] = threading.RLock()

    def call(self, name: str, work: Callable[[], T], patience: Patience) -> T:
        """See `Caller`."""
        with self._turn:
            try:
                return work()
            except Exception as error:
                ours: VectorStoreError | None = translate(name, error)
                if ours is None:
                    raise
                raise ours from error

    def close(self) -> None:
        """Nothing is held."""
