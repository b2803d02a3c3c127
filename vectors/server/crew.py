"""Threads that wait for a server, so that no caller waits longer than it said it would.

The client's own timeouts are whole seconds, and over REST they count from byte to byte: a server that sends
one a second is waited for without end, a name that does not resolve for as long as the resolver likes. A call
that is late is left to its thread, which is no longer counted; its answer is thrown away.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")

SIZE = 32  # calls under way at once; more wait for their turn, within their time
STUCK = 128  # threads that may wait for late answers beside these


class Late(Exception):
    """The call has not come back in time."""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self.done: Future[T] = Future()
        self.given_up = False
        self._work = work

    def run(self) -> None:
        if not self.done.set_running_or_notify_cancel():
            return  # its caller has gone
        try:
            self.done.set_result(self._work())
        except BaseException as error:  # carried to the caller
            self.done.set_exception(error)


class Crew:
    """Daemon threads, hired as they are needed and kept. Safe between threads."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._hired = self._asked = self._stuck = 0

    def run(self, work: Callable[[], T], timeout_s: float) -> T:
        """What `work` gives or raises; raises Late when that takes longer."""
        job = _Job(work)
        with self._guard:
            self._asked += 1
            if self._hired < min(self._asked, self._size) and self._stuck < STUCK:
                self._hire()
        self._jobs.put(job)
        try:
            return job.done.result(timeout_s)
        except TimeoutError:
            if self._give_up(job):
                raise Late from None
            return job.done.result()  # it came back meanwhile, or the error is its own
        finally:
            with self._guard:
                self._asked -= 1

    def close(self) -> None:
        """Send home who waits for work."""
        with self._guard:
            for _ in range(self._hired):
                self._jobs.put(None)
            self._hired = 0

    def _give_up(self, job: _Job[Any]) -> bool:
        """Leave a job to its thread, in whose place another may be hired; False when it has come back."""
        if job.done.cancel():
            return True  # it was not begun
        with self._guard:
            if job.done.done():
                return False
            job.given_up = True
            self._hired -= 1
            self._stuck += 1
        return True

    def _hire(self) -> None:
        self._hired += 1
        threading.Thread(target=self._work, name="qdrant", daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            with self._guard:
                if job.given_up:
                    self._stuck -= 1
                    return
