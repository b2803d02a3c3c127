"""What the shop itself says goes together: look sets and cross-sells, from the columns of its feed.

Columns, in the form that feeds are normalised to: `look_id` or `outfit_id` (one or more names; what shares a
name goes together), `cross_sells` (WooCommerce), `crosssell_skus` (Magento) and the "Complementary products"
metafield of Shopify: one or more skus or item group ids of what goes with the row's own piece.
"""

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.changes import revision
from catalog.feeds.columns import LINKS
from catalog.identity import keyword
from catalog.models import Product

SETS = LINKS["look_id"]
NAMES = LINKS["cross_sells"]  # the beginning of a column's name
MAX_SET = 24  # pieces of one look set: a larger one is a label, not a look
MAX_LINKS = 24  # of one piece
LEARNED = 5  # links of a kind from which on what they join says what goes with it

log = get_logger("searcher")


@dataclass(frozen=True)
class Links:
    """Which articles (item group ids) the shop puts together, and how often which categories meet so."""

    articles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meetings: Mapping[str, Counter[str]] = field(default_factory=dict)

    def learned(self, category: str) -> Counter[str]:
        """{category: how often it meets the given one}; empty while too few links speak of it."""
        found = self.meetings.get(category, Counter())
        return found if found.total() >= LEARNED else Counter()


class LinkReader:
    """Keeps each merchant's links near the ledger, in a thread beside: no shopper waits. Thread-safe.

    With `look_every_s` 0 they are read at once, for each look that is asked for."""

    def __init__(self, sessions: sessionmaker[Session], look_every_s: float) -> None:
        self.sessions, self.look_every_s = sessions, look_every_s
        self._kept: dict[int, tuple[int, Links]] = {}  # by merchant: the ledger's mark, the links
        self._next: dict[int, float] = {}
        self._guard = threading.Lock()

    def links(self, merchant_id: int) -> Links:
        """The merchant's links as of a while ago; none until they were read the first time."""
        if self._due(merchant_id):
            if self.look_every_s == 0:
                self._renew(merchant_id)
            else:
                threading.Thread(target=self._renew, args=(merchant_id,), daemon=True).start()
        return self._kept.get(merchant_id, (0, Links()))[1]

    def _due(self, merchant_id: int) -> bool:
        with self._guard:
            now = time.monotonic()
            due = now >= self._next.get(merchant_id, 0.0)
            if due:
                self._next[merchant_id] = now + self.look_every_s
            return due

    def _renew(self, merchant_id: int) -> None:
        try:
            with self.sessions() as session:
                mark = revision(session, merchant_id)
                if merchant_id not in self._kept or self._kept[merchant_id][0] != mark:
                    self._kept[merchant_id] = (mark, _read(session, merchant_id))
        except Exception as error:  # the links of before serve on; the next look tries again
            log.warning("links-not-read", reason=str(error)[:200])


def _read(session: Session, merchant_id: int) -> Links:
    text = cast(Product.attributes, String)
    says = or_(*(text.contains(f'"{name}', autoescape=True) for name in (*SETS, *NAMES)))
    mine = (Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
    rows = session.execute(select(Product.item_group_id, Product.attributes).where(*mine, says))
    sets: defaultdict[str, dict[str, None]] = defaultdict(dict)
    named: dict[str, dict[str, None]] = {}
    for article, attributes in rows:
        for name in _values(attributes, SETS):
            sets[name][article] = None
        named.setdefault(article, {}).update(dict.fromkeys(_values(attributes, NAMES)))
    wanted = {name for others in named.values() for name in others} | {
        a for each in sets.values() for a in each
    }
    known = _articles(session, merchant_id, wanted | set(named))
    return _joined(sets.values(), named, known)


def _joined(
    sets: Iterable[Mapping[str, None]],
    named: Mapping[str, Mapping[str, None]],
    known: Mapping[str, tuple[str, str]],
) -> Links:
    """Both ways: a piece named beside another goes with it as that one goes with the piece."""
    links: defaultdict[str, dict[str, None]] = defaultdict(dict)
    pairs = [(one, other) for one, others in named.items() for other in others]
    for each in sets:
        pairs += [(a, b) for a in each for b in each] if len(each) <= MAX_SET else []
    for one, name in pairs:
        other = known[name][0] if name in known else ""
        if other and other != one:
            links[one][other] = links[other][one] = None
    meetings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one, others in links.items():
        for other in others:
            if one in known and other in known:
                meetings[known[one][1]][known[other][1]] += 1
    return Links({one: tuple(others)[:MAX_LINKS] for one, others in links.items()}, dict(meetings))


def _articles(session: Session, merchant_id: int, names: set[str]) -> dict[str, tuple[str, str]]:
    """{sku or item group id: (item group id, category)} of those of the names that are the merchant's."""
    found: dict[str, tuple[str, str]] = {}
    listed = sorted(name for name in names if name)
    columns = (Product.sku, Product.item_group_id, Product.category)
    for at in range(0, len(listed), 500):
        some = listed[at : at + 500]
        mine = (Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
        either = or_(Product.sku.in_(some), Product.item_group_id.in_(some))
        for sku, article, category in session.execute(select(*columns).where(*mine, either)):
            found[sku] = found[article] = (article, keyword(category))
    return found


def _values(attributes: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    """The names that the columns hold: a list, or a text with commas, semicolons or bars between."""
    found: list[str] = []
    for column, value in attributes.items():
        if column.startswith(names):
            texts = value if isinstance(value, list) else [value]
            found += [part.strip() for text in texts for part in re.split(r"[,;|]", str(text))]
    return [part for part in found if part]
