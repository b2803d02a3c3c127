"""The searches of the storefront, kept so that another model can be compared on what shoppers really ask.

Nothing of who searched is kept: no address, no browser. A search is noted in a queue and written by a thread;
a database that is away or slow costs searches nothing, and then some go unnoted, counted.
"""

import queue
import threading
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.models import now
from catalog.operations import QueryLog as Logged
from searcher.query import SearchQuery
from searcher.results import Results

log = get_logger("searcher")
TOP = 10
WAITING = 1000  # searches that wait to be written, at most
BATCH = 200
PAUSE_S = 1.0  # between two writes, so that one transaction takes several searches
AWAY_S = 5.0  # before the next try where the database cannot be written


class QueryLog:
    """Notes first pages of searches; `on` False notes nothing. Thread-safe; its thread ends with `close`."""

    def __init__(self, sessions: sessionmaker[Session], on: bool = True, waiting: int = WAITING) -> None:
        self.sessions, self.on = sessions, on
        self.written = self.dropped = 0
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(waiting)
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    def note(self, query: SearchQuery, results: Results) -> None:
        """Keep a search that asked something, if it is a first page. Never waits, never raises."""
        photo_only = query.photo is not None and query.photo_id is None  # nothing to ask again with
        if not self.on or query.cursor or query.mode == "browse" or photo_only or self._stop.is_set():
            return
        try:
            self._waiting.put_nowait(_row(query, results))
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
        with self._guard:  # after any fork, because it is the first search that starts it
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="query-log", daemon=True)
                self._writer.start()

    def _write(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(PAUSE_S)
            if rows := self._taken():
                self._insert(rows)
        while rows := self._taken():  # what came before the end
            self._insert(rows)

    def _taken(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while len(rows) < BATCH:
            try:
                rows.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return rows

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        try:
            with self.sessions.begin() as session:
                session.execute(insert(Logged), rows)
            self.written += len(rows)
        except SQLAlchemyError as error:
            self.dropped += len(rows)
            log.warning("searches-not-logged", searches=len(rows), cause=repr(error)[:300])
            self._stop.wait(AWAY_S)


def _row(query: SearchQuery, results: Results) -> dict[str, Any]:
    return {
        "at": now(), "merchant_id": query.merchant_id, "fingerprint": results.model, "mode": results.mode,
        "words": query.words, "reference": query.reference or "", "photo_id": query.photo_id or "",
        "balance": query.balance, "filters": query.filters.as_mapping(),
        "top": [hit.product.sku for hit in results.hits[:TOP]], "total": results.total,
        "took_ms": results.timings.get("total", 0.0),
    }  # fmt: skip
