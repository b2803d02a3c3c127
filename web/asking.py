"""A question to something that may be slow or away: asked in a thread, once at a time, the answer kept.

Whoever wants the answer waits no longer than their patience, however long the thing asked hangs.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What came back, `seconds` after it was asked; `value` is None where `error` says why."""

    value: T | None
    error: Exception | None
    seconds: float
    at: float  # time.monotonic() when it came


class Question(Generic[T]):
    """Asks again when the last answer is older than `fresh_s`. Thread-safe.

    An answer that took long to find is kept longer: at most a `share` of the time goes into asking.
    """

    def __init__(self, name: str, ask: Callable[[], T], fresh_s: float, share: float = 0.1) -> None:
        self.name = name
        self._ask, self._fresh_s, self._share = ask, fresh_s, share
        self._lock = threading.Lock()
        self.last: Answer[T] | None = None
        self._under_way: threading.Event | None = None
        self._asked_at = self._fresh_until = 0.0

    def answer(self, patience_s: float) -> Answer[T] | None:
        """A fresh answer if it comes within `patience_s`, else the last one; None before the first."""
        under_way = self.begin()
        if under_way is not None:
            under_way.wait(patience_s)
        return self.last

    def forget(self) -> None:
        """Ask anew next time: what was known has just been changed."""
        with self._lock:
            self._fresh_until = 0.0

    @property
    def asked_s(self) -> float:
        """How long ago it was asked last."""
        return time.monotonic() - self._asked_at

    def begin(self) -> threading.Event | None:
        """Ask if it is time; what tells when the answer is there, None while the last one is fresh."""
        with self._lock:
            if self._under_way is None and time.monotonic() >= self._fresh_until:
                self._under_way, self._asked_at = threading.Event(), time.monotonic()
                threading.Thread(target=self._run, name=f"ask-{self.name}", daemon=True).start()
            return self._under_way

    def _run(self) -> None:
        value, error = None, None
        try:
            value = self._ask()
        except Exception as raised:  # handed to whoever wanted to know
            error = raised
        with self._lock:
            now = time.monotonic()
            took = now - self._asked_at
            self.last = Answer(value, error, took, now)
            self._fresh_until = now + max(self._fresh_s, took / self._share)
            answered, self._under_way = self._under_way, None
        if answered is not None:
            answered.set()
