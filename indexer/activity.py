"""What a worker does, written down for people: how fast each stage goes, who works, who is silent.

Counts are added to those of the other workers, in the database, every few seconds. A database that is away
costs nothing: the counts wait in memory.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.database import AWAY
from catalog.models import now
from catalog.operations import StageMinute, Worker
from indexer.claims import Sessions
from indexer.pipeline import Done

EVERY_S = 3.0
# What the ledger shows, and the work of a batch that it is made of.
STAGES = {
    "fetch": ("fetch",), "decode": ("decode", "store"), "embed": ("embed",), "upsert": ("upsert",),
    "mark": ("claim", "mark"),
}  # fmt: skip

# Whose batch counts a stage's images, where others spend time on it too: an image is counted once.
COUNTED = {"fetch": "images", "decode": "images", "embed": "embed"}


class Activity:
    """The record of one worker process. Safe between threads; `close` says goodbye."""

    def __init__(
        self,
        sessions: Sessions,
        worker_name: str,
        queues: Iterable[str] = (),
        device: str = "",
        every_s: float = EVERY_S,
    ) -> None:
        self._sessions, self._every_s = sessions, every_s
        self._worker = {
            "name": worker_name[:100], "host": socket.gethostname()[:255], "pid": os.getpid(),
            "queues": ",".join(queues)[:100], "device": device[:32], "started_at": now(),
        }  # fmt: skip
        self._minutes: dict[tuple[datetime, str], list[float]] = {}  # images, failures, seconds
        self._images = self._failures = 0
        self._written = float("-inf")
        self._guard = threading.Lock()

    def report(self, done: Done) -> None:
        """Count a batch: `Pipeline(..., report=activity.report)`."""
        ended = done.live + done.gone
        with self._guard:
            self._images += ended
            self._failures += done.failed
            for stage, parts in STAGES.items():
                took = sum(done.seconds.get(part, 0.0) for part in parts)
                if took:
                    images = ended if stage == "mark" else done.claimed
                    counted = COUNTED.get(stage, done.stage) == done.stage
                    self._count(stage, images if counted else 0, done.failures.get(stage, 0), took)
        self.beat()

    def add(self, stage: str, images: int, seconds: float, failures: int = 0) -> None:
        """Count work that is no batch of the pipeline's."""
        with self._guard:
            self._count(stage, images, failures, seconds)
        self.beat()

    def _count(self, stage: str, images: int, failures: int, seconds: float) -> None:
        minute = self._minutes.setdefault((now().replace(second=0, microsecond=0), stage), [0, 0, 0.0])
        for place, more in enumerate((images, failures, seconds)):
            minute[place] += more

    def beat(self) -> None:
        """Say that we are alive and what was done, if it is time."""
        with self._guard:
            if time.monotonic() - self._written < self._every_s:
                return
            self._written = time.monotonic()
        self.flush()

    def flush(self) -> None:
        """Write what was counted."""
        with self._guard:
            minutes, self._minutes = self._minutes, {}
            images, failures = self._images, self._failures
            self._images = self._failures = 0
        try:
            with self._sessions.begin() as session:
                for (minute, stage), counts in sorted(minutes.items()):
                    _add_minute(session, minute, stage, counts)
                _add_worker(session, {**self._worker, "images": images, "failures": failures})
        except AWAY:
            self._take_back(minutes, images, failures)

    def _take_back(
        self, minutes: dict[tuple[datetime, str], list[float]], images: int, failures: int
    ) -> None:
        with self._guard:
            self._images += images
            self._failures += failures
            for key, counts in minutes.items():
                kept = self._minutes.setdefault(key, [0, 0, 0.0])
                for place, more in enumerate(counts):
                    kept[place] += more

    def close(self) -> None:
        """Write the rest and sign off: a worker that ended as it should is not missed."""
        self.flush()
        try:
            with self._sessions.begin() as session:
                session.execute(delete(Worker).where(Worker.name == self._worker["name"]))
        except AWAY:
            return  # it will be seen as silent, which is true


def _add_minute(session: Session, minute: datetime, stage: str, counts: list[float]) -> None:
    images, failures, seconds = counts
    values = {"minute": minute, "stage": stage, "images": images, "failures": failures, "seconds": seconds}
    row = _insert(session, StageMinute, values)
    more = {
        name: getattr(StageMinute, name) + row.excluded[name] for name in ("images", "failures", "seconds")
    }
    session.execute(row.on_conflict_do_update(index_elements=["minute", "stage"], set_=more))


def _add_worker(session: Session, values: dict[str, Any]) -> None:
    row = _insert(session, Worker, {**values, "seen_at": instant(session)})
    more = {name: getattr(Worker, name) + row.excluded[name] for name in ("images", "failures")}
    said = {name: row.excluded[name] for name in ("host", "pid", "queues", "device", "started_at", "seen_at")}
    session.execute(row.on_conflict_do_update(index_elements=["name"], set_={**said, **more}))


def _insert(session: Session, table: type[Any], values: dict[str, Any]) -> Any:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table).values(**values)
