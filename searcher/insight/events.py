"""Notes searches and what was chosen of them for the merchant's insight, beside the searches.

Of who searched nothing is kept, and no two searches can be told to be of one person.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy.orm import Session, sessionmaker

from catalog.insight import latency
from catalog.insight.tables import MAX_WORDS
from catalog.insight.vectors import packed
from catalog.insight.writing import signing_key, write_events
from searcher.encode import Vector
from searcher.insight.gaps import Ask, asks, missing, written
from searcher.notebook import WAITING, Notebook
from searcher.query import SearchQuery
from searcher.results import Results
from searcher.shelf import Shelf

TOP = 4  # skus that show what was found
_JUNK = re.compile(r"(?<!\d)%[0-9a-f]{2}|[\ufffd\x00-\x1f]", re.IGNORECASE)
Source = Literal["shop", "api", "embed"]


@dataclass(frozen=True)
class Click:
    """One piece of a search's results, and what was done with it; `at` is when it was searched."""

    merchant_id: int
    search: str
    at: datetime
    sku: str
    rank: int
    kind: str


@dataclass(frozen=True, eq=False)
class _Searched:
    row: dict[str, Any]
    asked: tuple[Ask, ...]


class Events:
    """Keeps events; `on` False keeps none. Thread-safe; its thread ends with `close`."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        shelf: Callable[[int], Shelf],
        on: bool = True,
        waiting: int = WAITING,
    ) -> None:
        """`shelf` gives a merchant's variants, by which it is told what is not in stock."""
        self.sessions, self.on, self._shelf = sessions, on, shelf
        self._notebook: Notebook[_Searched | Click] = Notebook("insight", self._write, waiting)
        self._keys: dict[int, str] = {}

    @property
    def written(self) -> int:
        """Events that are in the database."""
        return self._notebook.written

    @property
    def dropped(self) -> int:
        """Events that were to be written and could not be."""
        return self._notebook.dropped

    def searched(
        self, query: SearchQuery, results: Results, source: Source, picture: Vector | None = None
    ) -> None:
        """Keep a search that asked something, if it is a first page. Never waits, never raises.

        `picture` is the photo's vector (D,), where one was searched by.
        """
        if self.on and not query.cursor and query.mode != "browse":
            row = _row(query, results, source, picture)
            self._notebook.put(_Searched(row, asks(query, results)))

    def chosen(self, click: Click) -> None:
        """Keep what was done with a piece. Never waits, never raises."""
        if self.on:
            self._notebook.put(click)

    def key(self, merchant_id: int) -> str:
        """What the shop signs its links with; "" where nothing is kept. Raises what the database raises."""
        if not self.on:
            return ""
        if merchant_id not in self._keys:
            with self.sessions.begin() as session:
                self._keys[merchant_id] = signing_key(session, merchant_id)
        return self._keys[merchant_id]

    def close(self, patience_s: float = 3.0) -> None:
        """Write what waits, for `patience_s` at most, and end the thread."""
        self._notebook.close(patience_s)

    def _write(self, noted: list[_Searched | Click]) -> None:
        searches = [self._with_gap(each) for each in noted if isinstance(each, _Searched)]
        clicks = [_clicked(each) for each in noted if isinstance(each, Click)]
        with self.sessions.begin() as session:
            write_events(session, searches, clicks)

    def _with_gap(self, noted: _Searched) -> dict[str, Any]:
        gap = missing(noted.asked, self._shelf(noted.row["merchant_id"])) if noted.asked else ()
        return {**noted.row, "gap": written(gap)}


def _row(query: SearchQuery, results: Results, source: Source, picture: Vector | None) -> dict[str, Any]:
    at = datetime.now(UTC)
    return {
        "merchant_id": query.merchant_id, "day": at.date().isoformat(), "at": at, "uid": results.search,
        "source": source, "mode": results.mode, "words": legible(query.words.casefold())[:MAX_WORDS],
        "total": results.total, "shown": len(results.hits), "weak": results.match.weak,
        "latency": latency.step(results.timings.get("total", 0.0)),
        "unknown": " ".join(word for word in results.match.unknown if legible(word))[:MAX_WORDS],
        "photo_id": query.photo_id or "", "fingerprint": results.model,
        "top": [hit.product.sku for hit in results.hits[:TOP]],
        "vector": "" if picture is None else packed(picture),
    }  # fmt: skip


def legible(words: str) -> str:
    """The words, or "" where they are none that anybody typed: bytes such as "%ff", or signs alone."""
    return "" if _JUNK.search(words) or not any(sign.isalnum() for sign in words) else words


def _clicked(click: Click) -> dict[str, Any]:
    return {
        "merchant_id": click.merchant_id, "day": click.at.date().isoformat(), "at": datetime.now(UTC),
        "uid": click.search, "sku": click.sku[:100], "rank": click.rank, "kind": click.kind,
    }  # fmt: skip
