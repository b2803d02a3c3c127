"""The doorbell: tells whoever indexes that the ledger has work. Losing a ring costs a moment, never an image.

`WakeFile` is the embedded shape's bell, `CeleryBell` that of the deployed one. Ring after the commit.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from indexer.task_limits import Limits

if TYPE_CHECKING:  # a process that never rings never loads Celery
    from celery import Celery

log = structlog.get_logger("queue")

STAGES = ("index", "images", "embed")  # the queues in which a change of the catalogue may wait
MOST = 64  # messages that wait in a queue; whoever finds work rings for more
HINTS = 50  # product ids that a message carries; the ledger has them all
ANSWER_S = 0.4  # that Redis is given, for each of connecting and answering
PAUSE_S = 5.0  # for which a Redis that did not answer is left alone


class Bell(Protocol):
    """What is rung when the ledger has work."""

    def ring(self, product_ids: Iterable[int] = ()) -> None:
        """Say that these products, or some, have work waiting. Never raises and never waits for long."""


class WakeFile:
    """The embedded bell: the time of a file. The indexer looks at it while it waits."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def ring(self, product_ids: Iterable[int] = ()) -> None:
        """Wake the indexer of this data folder; which products it is, the ledger knows."""
        self.path.touch()

    def rung(self) -> int:
        """A number that changes with each ring; 0 before the first."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0


class CeleryBell:
    """The deployed bell: messages in Redis, a bounded number in each queue.

    A Redis that is away costs a ring, which is logged and counted in `missed`: `twirl beat` looks at the
    ledger every few seconds and rings again. Threads may share one. Usable after a fork if it has never
    rung before.
    """

    def __init__(self, url: str, limits: Limits) -> None:
        self._url, self._limits = url, limits
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        self.rung = self.missed = 0

    def ring(self, product_ids: Iterable[int] = ()) -> None:
        """Have one message wait in every queue that a change may be in; several rings make no more."""
        hint = list(islice(product_ids, HINTS))
        self._try([(queue, 1) for queue in STAGES], {"products": hint} if hint else {})

    def call(self, *queues: str, wanted: int = 1) -> int:
        """Have `wanted` messages wait in each of these queues, at most MOST; return how many were added."""
        return self._try([(queue, min(wanted, MOST)) for queue in queues], {}) if queues else 0

    def post(self, queue: str, task: str) -> int:
        """Ask for one certain task, unless MOST messages wait in its queue; return how many were added."""
        return self._try([(queue, MOST)], {}, task)

    def waiting(self, queues: Sequence[str] = STAGES) -> dict[str, int] | None:
        """{queue: messages that wait}; None when Redis does not say."""
        try:
            return dict(zip(queues, self._lengths(queues), strict=True))
        except Exception as error:  # whatever client or transport raise
            log.warning("bell-away", reason=_words(error))
            return None

    def close(self) -> None:
        """Let go of the connections."""
        if "_app" in self.__dict__:
            self._app.close()

    @cached_property
    def _app(self) -> "Celery":
        from indexer.broker import make_broker

        once = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
        app = make_broker(self._url, self._limits, socket_s=ANSWER_S)
        app.conf.broker_transport_options = {**app.conf.broker_transport_options, **once}
        return app

    def _try(self, wanted: Sequence[tuple[str, int]], said: dict[str, Any], task: str = "") -> int:
        if time.monotonic() < self._quiet_until:
            self._count(missed=1)
            return 0
        try:
            sent = self._send(wanted, said, task)
        except Exception as error:  # a ring is a courtesy: whatever hinders it must not fail the caller
            self._quiet_until = time.monotonic() + PAUSE_S
            self._count(missed=1)
            log.warning("bell-unheard", reason=_words(error), missed=self.missed)
            return 0
        self._count(rung=sent)
        return sent

    def _send(self, wanted: Sequence[tuple[str, int]], said: dict[str, Any], task: str) -> int:
        queues = [queue for queue, _ in wanted]
        lengths = self._lengths(queues)
        request = structlog.contextvars.get_contextvars().get("request_id")
        headers = {"request_id": request} if request else {}
        sent = 0
        for (queue, enough), there in zip(wanted, lengths, strict=True):
            for _ in range(enough - there if not task else min(enough - there, 1)):
                self._app.send_task(
                    task or f"twirl.{queue}", kwargs=said, queue=queue, headers=headers, retry=False
                )
                sent += 1
        return sent

    def _lengths(self, queues: Sequence[str]) -> list[int]:
        with self._app.connection_or_acquire() as connection:
            asked = connection.default_channel.client.pipeline(transaction=False)
            for queue in queues:
                asked.llen(queue)
            return [int(length) for length in asked.execute()]

    def _count(self, rung: int = 0, missed: int = 0) -> None:
        with self._lock:
            self.rung += rung
            self.missed += missed


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
