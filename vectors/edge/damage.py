"""A collection that cannot be read is set aside, so that the engine goes on without it and it is built anew.

It is renamed, never deleted: NAME.damaged-20261124T015000Z. Only the newest few are kept.
"""

import logging
import os
import shutil
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from vectors.protocol import VectorStoreError

log = logging.getLogger(__name__)

UNREADABLE = 65  # the status of a shard process whose files make no sense
PANICKED = 70  # of one that the engine's code has given up in the middle of a call
KEPT = 2  # of one collection
# A shard that dies so often, each time soon, has files that kill it; a kill from outside speaks of nothing.
TIMES = {UNREADABLE: 2, PANICKED: 3}
TIMES |= {-number: 3 for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL)}
SOON_S = 300.0
_MARK = ".damaged-"
# What the machine lacks for the moment; the files may be as they should be.
_WANT = ("WouldBlock", "No space left", "Cannot allocate memory", "Too many open files", "Permission denied")


def is_damage(error: BaseException) -> bool:
    """Whether an error of the engine at opening speaks against the files."""
    return not isinstance(error, KeyboardInterrupt | SystemExit) and not any(
        want in str(error) for want in _WANT
    )


def is_panic(error: BaseException) -> bool:
    """Whether the engine's code has broken off, which leaves the shard in no known state."""
    return type(error).__name__ == "PanicException"


class Deaths:
    """How a collection's shard has died lately."""

    def __init__(self) -> None:
        self._causes: list[int] = []

    def note(self, status: int, lived_s: float) -> bool:
        """Whether this death was one too many of its kind."""
        if status not in TIMES:
            return False
        if lived_s > SOON_S:
            self._causes.clear()
        self._causes.append(status)
        return self._causes.count(status) >= TIMES[status]


def set_aside(path: Path) -> Path:
    """Rename a collection's folder, or a file; give its new place."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}{_MARK}{stamp}")
    path.rename(aside)
    log.error("%s is damaged: it was set aside as %s and is built anew", path.name, aside)
    for older in sorted(path.parent.glob(f"{path.name}{_MARK}*"))[:-KEPT]:
        if older.is_dir():
            shutil.rmtree(older, ignore_errors=True)
        else:
            older.unlink(missing_ok=True)
    return aside


def is_aside(path: Path) -> bool:
    """Whether this was set aside."""
    return _MARK in path.name


def leave_at_once(status: int) -> None:
    """End this process as it is: nothing of a shard in no known state is to be flushed or closed."""
    logging.shutdown()
    os._exit(status)


class Suspicion:
    """Errors of the engine while it serves: once in a while they are a reason to read everything."""

    PAUSE_S = 60.0  # between two readings

    def __init__(self) -> None:
        self._raised = False
        self._read_at = -self.PAUSE_S

    def __enter__(self) -> None:
        """An operation of the engine; what it raises is noted."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, VectorStoreError):  # which speaks of the call, not of the shard
            return
        if is_panic(error):
            log.critical("the engine's code has broken off", exc_info=error)
            leave_at_once(PANICKED)
        self._raised = self._raised or is_damage(error)

    def due(self) -> bool:
        """Whether to read everything now; once for each suspicion."""
        if not self._raised or time.monotonic() - self._read_at < self.PAUSE_S:
            return False
        self._raised, self._read_at = False, time.monotonic()
        return True
