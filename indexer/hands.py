"""What one process has in hand: many batches at once, or one suspect and nothing else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Hands:
    """Lets batches be worked side by side, and an image that ends its worker be worked alone.

    Whatever else were in hand then would die with it, and be taken for poison too.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches = 0
        self._alone = False  # somebody has nothing beside, or waits for that

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others; waits while one works alone or is about to."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._batches += 1
        try:
            yield
        finally:
            with self._changed:
                self._batches -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work when nobody else does; new batches wait meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
            self._changed.wait_for(lambda: self._batches == 0)
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
