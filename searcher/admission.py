"""Whose turn it is at the model: so many at once, a few waiting, everybody else is told at once.

Without it every thread would encode, each slower the more there are, until nobody is answered in time.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from structlog import get_logger

log = get_logger("searcher")
AT_ONCE, WAITING, WAIT_S = 2, 8, 1.0


class ModelAway(Exception):
    """The model does not encode now; `retry_after` seconds from now it may."""

    def __init__(self, message: str = "The model is busy.", retry_after: int = 2) -> None:
        super().__init__(message)
        self.message, self.retry_after = message, retry_after


class Busy(ModelAway):
    """It has more to do than it can in time."""


class Admission:
    """Turns at one model. Thread-safe. A turn is waited for `wait_s` at most, by `waiting` at most."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING, wait_s: float = WAIT_S) -> None:
        self._turns = threading.Semaphore(at_once)
        self._most, self._wait_s = waiting, wait_s
        self._guard = threading.Lock()
        self.waiting = 0  # now
        self.refused = 0  # so far
        self._pressed_until = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block that encodes. Raises Busy, and ModelAway where the device or the library fails."""
        if not self._turns.acquire(blocking=False):
            self._wait()
        try:
            yield
        except (RuntimeError, MemoryError) as error:  # as PyTorch says that memory or a device is gone
            log.error("model-failed", exc_info=error)
            raise ModelAway("The model does not work.", retry_after=5) from error
        finally:
            self._turns.release()

    @property
    def pressed(self) -> bool:
        """Whether somebody waits, or has been refused a second ago: time to save work elsewhere."""
        return self.waiting > 0 or time.monotonic() < self._pressed_until

    def _wait(self) -> None:
        with self._guard:
            if self.waiting >= self._most:
                raise self._busy()
            self.waiting += 1
        try:
            if not self._turns.acquire(timeout=self._wait_s):
                raise self._busy()
        finally:
            with self._guard:
                self.waiting -= 1

    def _busy(self) -> Busy:
        self.refused += 1
        self._pressed_until = time.monotonic() + 1.0
        return Busy()
