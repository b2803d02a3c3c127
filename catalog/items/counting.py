"""The counts of a merchant's items by state, remembered while nothing that shoppers see has changed."""

import threading
import time

from sqlalchemy.orm import Session

from catalog.changes import revision
from catalog.items.listing import count_items

FRESH_S = 3.0  # how long pictures may move from one waiting state to another unnoticed
_REMEMBERED = 1000


class ItemCounts:
    """Thread-safe. A change of an item, or a picture that came to an end, is counted at once."""

    def __init__(self, fresh_s: float = FRESH_S) -> None:
        self._fresh_s = fresh_s
        self._kept: dict[int, tuple[int, float, dict[str, int]]] = {}
        self._guard = threading.Lock()

    def of(self, session: Session, merchant_id: int) -> dict[str, int]:
        """{state: items} as `count_items` has it."""
        mark, at = revision(session, merchant_id), time.monotonic()
        with self._guard:
            known = self._kept.get(merchant_id)
        if known and known[0] == mark and at - known[1] < self._fresh_s:
            return dict(known[2])
        counted = count_items(session, merchant_id)
        with self._guard:
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            self._kept[merchant_id] = (mark, at, counted)
        return dict(counted)
