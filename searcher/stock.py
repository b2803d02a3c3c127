"""Keeps each merchant's shelf near the ledger: read again when it has moved, never while a shopper waits."""

import threading
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.changes import revision
from catalog.models import Image, Product
from searcher.filters import FACET_FIELDS
from searcher.shelf import Row, Shelf

log = get_logger("searcher")
LOOK_EVERY_S = 1.0
LOOK_SHARE = 0.01  # of the time may go into looking whether the ledger has moved
READ_SHARE = 0.05  # … and into reading it again
INLINE_S = 0.01  # a shelf that is read this fast is read at once, a slower one beside
BITE, BREATH_S = 256, 0.002  # rows read at a time beside searches, and the pause after them


@dataclass
class _Kept:
    """A shelf, the ledger's mark when it was read, and when to look again."""

    shelf: Shelf
    mark: int
    read_s: float
    read_at: float
    look_at: float
    looking: bool = False


class Stock:
    """The shelves of all merchants. Thread-safe. With `look_every_s` 0 no answer is older than the ledger."""

    def __init__(self, sessions: sessionmaker[Session], look_every_s: float = LOOK_EVERY_S) -> None:
        self.sessions, self.look_every_s = sessions, look_every_s
        self.renewals = 0  # how often a shelf was read
        self._kept: dict[int, _Kept] = {}
        self._guard = threading.Lock()

    def shelf(self, merchant_id: int) -> Shelf:
        """The merchant's shelf, as of a moment ago."""
        kept = self._kept.get(merchant_id)
        if kept is None:
            with self._guard:  # the first is waited for, and read once
                kept = self._kept.get(merchant_id) or self._read(merchant_id)
            return kept.shelf
        if time.monotonic() >= kept.look_at:
            self._look(merchant_id, kept)
        return self._kept[merchant_id].shelf

    @property
    def variants(self) -> int:
        """Variants on all shelves."""
        return sum(len(kept.shelf) for kept in list(self._kept.values()))

    def _look(self, merchant_id: int, kept: _Kept) -> None:
        """Look whether the ledger has moved and read it again: at once where that is fast, else beside."""
        if self._at_once(kept):
            self._renew(merchant_id, kept)
            return
        with self._guard:
            if kept.looking:
                return
            kept.looking = True
        threading.Thread(target=self._renew_beside, args=(merchant_id, kept), daemon=True).start()

    def _at_once(self, kept: _Kept) -> bool:
        return self.look_every_s == 0 or kept.read_s <= INLINE_S

    def _renew_beside(self, merchant_id: int, kept: _Kept) -> None:
        try:
            self._renew(merchant_id, kept)
        except Exception as error:  # the old shelf serves on; the next look tries again
            log.warning("shelf-not-read", reason=str(error)[:200])
        finally:
            kept.looking = False

    def _renew(self, merchant_id: int, kept: _Kept) -> None:
        if self._moved(merchant_id, kept):
            self._read(merchant_id, 0.0 if self._at_once(kept) else BREATH_S)

    def _moved(self, merchant_id: int, kept: _Kept) -> bool:
        began = time.monotonic()
        kept.look_at = began + self.look_every_s  # other threads need not look meanwhile
        mark = self._mark(merchant_id)
        took = time.monotonic() - began
        if self.look_every_s:
            kept.look_at = began + max(self.look_every_s, took / LOOK_SHARE)
        pause = 0.0 if self._at_once(kept) else kept.read_s / READ_SHARE
        return mark != kept.mark and began - kept.read_at >= pause

    def _read(self, merchant_id: int, breath_s: float = 0.0) -> _Kept:
        """Read it; between bites a pause, in which searches have the interpreter to themselves."""
        began, rested = time.monotonic(), 0.0
        mark = self._mark(merchant_id)
        rows: list[Row] = []
        with self.sessions() as session:
            for bite in session.execute(_findable(merchant_id)).partitions(BITE):
                rows += [_row(*columns) for columns in bite]
                time.sleep(breath_s)
                rested += breath_s
        shelf = Shelf(merchant_id, rows)
        now = time.monotonic()
        kept = _Kept(shelf, mark, now - began - rested, now, now + self.look_every_s)
        self._kept[merchant_id] = kept
        self.renewals += 1
        return kept

    def _mark(self, merchant_id: int) -> int:
        """What differs after any change that shoppers could see."""
        with self.sessions() as session:
            return revision(session, merchant_id)


def _findable(merchant_id: int) -> Select[Any]:
    """Variants that are for sale and have a picture in the index."""
    columns = (Product.id, Product.sku, Product.item_group_id, Product.title)
    pays = func.coalesce(Product.sale_price_minor, Product.price_minor)
    facets = [getattr(Product, name) for name in FACET_FIELDS]
    pictured = exists().where(Image.product_id == Product.id, Image.indexed_rev > 0, Image.removed.is_(False))
    mine = (Product.merchant_id == merchant_id, Product.deleted_at.is_(None), Product.hidden.is_(False))
    return select(*columns, pays, *facets).where(*mine, pictured).order_by(Product.id)


def _row(id: int, sku: str, group: str, title: str, price: int | None, *values: str) -> Row:
    return Row(id, sku, group, title, price, values)
