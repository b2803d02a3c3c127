"""Seconds that a caller has for all that it asks of PostgreSQL: then it is told that the database is away.

A server that is stopped, or behind a network that swallows packets, keeps its side of every connection open:
no limit of the server's own (statement_timeout) ends the wait, and TCP notices nothing. Who has set no limit
waits as before. Two waits in vain, one after the other, and callers with a limit are refused at once; one of
them each second looks whether it answers again.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, TypeVar

from sqlalchemy.pool import QueuePool

FAILURES, AGAIN_S = 2, 1.0
LEAST_S = 0.001  # what is left of a time that is over: enough to say so
T = TypeVar("T")

_until: ContextVar[float | None] = ContextVar("database_until", default=None)


def begin(seconds: float) -> Token[float | None]:
    """From now on this thread waits so long for the database, all in all; `end` takes the token."""
    return _until.set(time.monotonic() + seconds)


def end(token: Token[float | None]) -> None:
    """Wait as before."""
    _until.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """A block that waits so long for the database, all in all. What comes late is an OperationalError."""
    token = begin(seconds)
    try:
        yield
    finally:
        end(token)


def left_s() -> float | None:
    """Seconds that this thread has left; None where nobody has set a limit."""
    until = _until.get()
    return None if until is None else max(LEAST_S, until - time.monotonic())


def spent() -> bool:
    """Whether this thread's time is over."""
    until = _until.get()
    return until is not None and time.monotonic() >= until


class Health:
    """Of one database, as those with a limit find it. Thread-safe."""

    def __init__(self, failures: int = FAILURES, again_s: float = AGAIN_S) -> None:
        self._limit, self._again_s = failures, again_s
        self._failures, self._next = 0, 0.0
        self._guard = threading.Lock()

    def away(self) -> bool:
        """Whether to refuse at once: it was waited for in vain, and it is nobody's turn to look."""
        with self._guard:
            if self._failures < self._limit:
                return False
            now = time.monotonic()
            if now < self._next:
                return True
            self._next = now + self._again_s
            return False

    def late(self) -> None:
        """Somebody has waited in vain."""
        with self._guard:
            self._failures += 1
            self._next = time.monotonic() + self._again_s

    def answered(self) -> None:
        """It has answered."""
        if self._failures:
            with self._guard:
                self._failures = 0


class ImpatientPool(QueuePool):
    """A pool of connections where nobody waits longer for a free one than the time they have."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._wait_s = 30.0
        super().__init__(*given, **named)  # which sets `_timeout`

    @property
    def _timeout(self) -> float:
        left = left_s()
        return self._wait_s if left is None else min(self._wait_s, left)

    @_timeout.setter
    def _timeout(self, seconds: float) -> None:
        self._wait_s = seconds


def in_time(work: Callable[[], T], seconds: float, undo: Callable[[T], object]) -> T:
    """What `work` gives, done in a thread. Raises TimeoutError when it is late; its result is then undone."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            if done.set_running_or_notify_cancel():
                done.set_exception(error)
            return
        if done.set_running_or_notify_cancel():
            done.set_result(result)
        else:
            undo(result)

    threading.Thread(target=run, name="connect", daemon=True).start()
    try:
        return done.result(seconds)
    except Late:
        if done.cancel():
            raise
        return done.result()  # it came in the very last moment
