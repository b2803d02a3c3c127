"""The searches of the storefront, kept so that another model can be compared on what shoppers really ask.

Nothing of who searched is kept: no address, no browser. `searcher.notebook` notes them beside.
"""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import now
from catalog.operations import QueryLog as Logged
from searcher.notebook import WAITING, Notebook
from searcher.query import SearchQuery
from searcher.results import Results

TOP = 10


class QueryLog:
    """Notes first pages of searches; `on` False notes nothing. Thread-safe; its thread ends with `close`."""

    def __init__(self, sessions: sessionmaker[Session], on: bool = True, waiting: int = WAITING) -> None:
        self.sessions, self.on = sessions, on
        self._notebook: Notebook[dict[str, Any]] = Notebook("query-log", self._insert, waiting)

    @property
    def written(self) -> int:
        """Searches that are in the database."""
        return self._notebook.written

    @property
    def dropped(self) -> int:
        """Searches that were to be written and could not be."""
        return self._notebook.dropped

    def note(self, query: SearchQuery, results: Results) -> None:
        """Keep a search that asked something, if it is a first page. Never waits, never raises."""
        photo_only = query.photo is not None and query.photo_id is None  # nothing to ask again with
        if self.on and not (query.cursor or query.mode == "browse" or photo_only):
            self._notebook.put(_row(query, results))

    def close(self, patience_s: float = 3.0) -> None:
        """Write what waits, for `patience_s` at most, and end the thread."""
        self._notebook.close(patience_s)

    def _insert(self, rows: list[dict[str, Any]]) -> None:
        with self.sessions.begin() as session:
            session.execute(insert(Logged), rows)


def _row(query: SearchQuery, results: Results) -> dict[str, Any]:
    return {
        "at": now(), "merchant_id": query.merchant_id, "fingerprint": results.model, "mode": results.mode,
        "words": query.words, "reference": query.reference or "", "photo_id": query.photo_id or "",
        "balance": query.balance, "filters": query.filters.as_mapping(),
        "top": [hit.product.sku for hit in results.hits[:TOP]], "total": results.total,
        "took_ms": results.timings.get("total", 0.0),
    }  # fmt: skip
