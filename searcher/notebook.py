"""What is noted beside searches: put into a queue that never waits, and written by a thread, many at once.

A database that is away or slow costs a search nothing; then some of it goes unwritten, counted.
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from structlog import get_logger

log = get_logger("searcher")
T = TypeVar("T")
WAITING = 1000  # that wait to be written, at most
BATCH = 200
PAUSE_S = 1.0  # between two writes, so that one transaction takes several
AWAY_S = 5.0  # before the next try where the database cannot be written


class Notebook(Generic[T]):
    """Hands what is put into it to `write`, at most BATCH at once. Thread-safe; ends with `close`.

    `write` may raise SQLAlchemyError: what it was given counts as dropped.
    """

    def __init__(self, name: str, write: Callable[[list[T]], None], waiting: int = WAITING) -> None:
        self.name, self.write = name, write
        self.written = self.dropped = 0
        self._waiting: queue.Queue[T] = queue.Queue(waiting)
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    def put(self, noted: T) -> None:
        """Have it written soon. Never waits, never raises."""
        if self._stop.is_set():
            return
        try:
            self._waiting.put_nowait(noted)
        except queue.Full:
            self.dropped += 1
            return
        if self._writer is None:
            self._start()

    def close(self, patience_s: float = 3.0) -> None:
        """Write what waits, for `patience_s` at most, and end the thread."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join(patience_s)

    def _start(self) -> None:
        with self._guard:  # after any fork, because it is the first note that starts it
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._writer.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(PAUSE_S)
            if noted := self._taken():
                self._hand_over(noted)
        while noted := self._taken():  # what came before the end
            self._hand_over(noted)

    def _taken(self) -> list[T]:
        noted: list[T] = []
        while len(noted) < BATCH:
            try:
                noted.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return noted

    def _hand_over(self, noted: list[T]) -> None:
        try:
            self.write(noted)
            self.written += len(noted)
        except SQLAlchemyError as error:
            self.dropped += len(noted)
            log.warning(f"{self.name}-not-written", lost=len(noted), cause=repr(error)[:300])
            self._stop.wait(AWAY_S)
        except Exception as error:  # a fault of ours in what is only noted must not end the noting
            self.dropped += len(noted)
            log.error(f"{self.name}-failed", lost=len(noted), exc_info=error)
