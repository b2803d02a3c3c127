"""The counts of a merchant's items by state, remembered while nothing that shoppers see has changed."""

import threading
import time

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.orm import Session

from catalog.changes import revision
from catalog.items.conditions import deleted, failed, hidden
from catalog.models import IMAGE_STATES, Image, Product

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


def count_items(session: Session, merchant_id: int) -> dict[str, int]:
    """{state: items}, every state among them. "failed" counts items with any picture that failed."""
    counted = dict.fromkeys(IMAGE_STATES, 0) | _main_states(session, merchant_id)
    # What was hidden or deleted a moment ago still has a picture in another state.
    aside, gone = hidden(merchant_id), deleted(merchant_id)
    for state, n in _main_states(session, merchant_id, aside, gone).items():
        counted[state] -= n
    dead = _count(session, gone)
    kept_aside = _count(session, aside) - _count(session, gone, Product.hidden.is_(True))
    # Each item has one main picture. Most are live: those are what no other state has, and not counted.
    others = sum(counted.values()) + kept_aside + dead
    counted["live"] = _count(session, *_all(merchant_id)) - others
    some = select(func.count(Image.product_id.distinct())).where(failed(merchant_id))
    counted |= {"hidden": kept_aside, "failed": int(session.scalar(some) or 0)}
    return {state: max(n, 0) for state, n in counted.items()}


def _all(merchant_id: int) -> tuple[ColumnElement[bool], ...]:
    """The shop's products, deleted ones too. Every availability: its index is the shortest to read."""
    return Product.merchant_id == merchant_id, Product.availability > ""


def _main_states(session: Session, merchant_id: int, *which: ColumnElement[bool]) -> dict[str, int]:
    """{state: main pictures}, the live ones aside; with conditions, of the products that meet any of them."""
    states = [state for state in IMAGE_STATES if state != "live"]
    main = [Image.merchant_id == merchant_id, Image.position == 0, Image.state.in_(states)]
    if which:
        # (A sum is in no index: the one in the order of products would be asked for each of them.)
        theirs = union_all(*(select(Product.id).where(each) for each in which))
        main.append((Image.product_id + 0).in_(theirs))
    rows = session.execute(select(Image.state, func.count()).where(*main).group_by(Image.state))
    return {state: int(n) for state, n in rows}


def _count(session: Session, *which: ColumnElement[bool]) -> int:
    """How many products meet these conditions."""
    return int(session.scalar(select(func.count()).select_from(Product).where(*which)) or 0)
