"""A maintenance round: what the events of each day add up to, made again while the day still changes.

A day is made anew whole from its events, in one transaction, and only when events have come since: nothing is
counted twice, whatever was cut off. Old events and old days are forgotten.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.insight.alike import LOOKED_AT, photos_of
from catalog.insight.latency import STEPS
from catalog.insight.tables import (
    ClickEvent,
    InsightDay,
    InsightGap,
    InsightPhotos,
    InsightRank,
    InsightWords,
    SearchEvent,
)

EVENT_DAYS = 30  # that single searches and clicks are kept, at most; their figures are kept longer
LATE_DAYS = 2  # a click may come a day after its search
WORDS, POOR_WORDS, GAPS = 500, 300, 500  # kept of a day: the most frequent
RANKS = 24  # places of a first page
OF_DAYS = (InsightDay, InsightWords, InsightRank, InsightGap, InsightPhotos)
Sessions = sessionmaker[Session]
Counts = Mapping[tuple[int, str], int]
_POOR = SearchEvent.weak & (SearchEvent.shown > 0)  # something was shown, and nothing of it really matched

# Whether a piece of a search was opened: looked up by its name, in the index that keeps clicks unique.
_OPENED = exists().where(
    ClickEvent.uid == SearchEvent.uid,
    ClickEvent.merchant_id == SearchEvent.merchant_id,
    ClickEvent.kind == "open",
)


def roll(sessions: Sessions) -> int:
    """Make anew what the days add up to that have new events; returns how many days."""
    with sessions() as session:
        days = list(_stale(session))
    return sum(_rolled(sessions, merchant_id, day) for merchant_id, day in days)


def forget(sessions: Sessions, days: float) -> None:
    """Forget the days before so many, and events before EVENT_DAYS; 0 forgets everything."""
    with sessions.begin() as session:
        today = instant(session).date()
        kept = today - timedelta(days=days) if days else date.max
        events = max(kept, today - timedelta(days=EVENT_DAYS))
        for table in (SearchEvent, ClickEvent):
            session.execute(delete(table).where(table.day < events.isoformat()))
        for figures in OF_DAYS:
            session.execute(delete(figures).where(figures.day < kept.isoformat()))


def _stale(session: Session) -> Iterator[tuple[int, str]]:
    """Merchants' days that have other events than those that they were made of."""
    last = session.scalar(select(func.max(InsightDay.day)))
    since = (date.fromisoformat(last) - timedelta(days=LATE_DAYS)).isoformat() if last else ""
    made = select(InsightDay.merchant_id, InsightDay.day, InsightDay.events, InsightDay.signals)
    rows = session.execute(made.where(InsightDay.day >= since)).tuples()
    known = {(merchant_id, day): (events, signals) for merchant_id, day, events, signals in rows}
    searches, clicks = (_counted(session, table, since) for table in (SearchEvent, ClickEvent))
    for key in sorted(searches.keys() | clicks.keys()):
        if known.get(key, (0, 0)) != (searches.get(key, 0), clicks.get(key, 0)):
            yield key


def _counted(session: Session, table: Any, since: str) -> Counts:
    each = select(table.merchant_id, table.day, func.count()).where(table.day >= since)
    found = session.execute(each.group_by(table.day, table.merchant_id)).tuples()
    return {(merchant_id, day): count for merchant_id, day, count in found}


def _rolled(sessions: Sessions, merchant_id: int, day: str) -> bool:
    try:
        with sessions.begin() as session:
            for table in OF_DAYS:
                session.execute(delete(table).where(table.merchant_id == merchant_id, table.day == day))
            _Day(session, merchant_id, day).write()
    except IntegrityError:  # another process makes the same day at this moment
        return False
    return True


class _Day:
    """One merchant's day in one transaction."""

    def __init__(self, session: Session, merchant_id: int, day: str) -> None:
        self.session, self.key = session, {"merchant_id": merchant_id, "day": day}
        self.searches = (SearchEvent.merchant_id == merchant_id, SearchEvent.day == day)
        self.clicks = (ClickEvent.merchant_id == merchant_id, ClickEvent.day == day)

    def write(self) -> None:
        """Write all of it."""
        self._add(InsightDay, [self._totals()])
        self._add(InsightRank, self._ranks())
        self._add(InsightWords, self._words())
        self._add(InsightGap, [*self._gaps(), *self._unknown()])
        self._add(InsightPhotos, photos_of(self._pictured(), self._photos()))

    def _add(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.session.execute(insert(table), [{**self.key, **row} for row in rows])

    def _of(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(*self.searches)

    def _totals(self) -> dict[str, Any]:
        by_photo, empty = SearchEvent.photo_id != "", SearchEvent.shown == 0
        columns = (func.count(), _sum(by_photo), _sum(empty), _sum(_POOR))
        row = self.session.execute(self._of(*columns, _sum(_OPENED))).one()
        events, photos, none, weak, chosen = (int(each or 0) for each in row)
        kinds = select(ClickEvent.kind, func.count()).where(*self.clicks).group_by(ClickEvent.kind)
        signals = dict(self.session.execute(kinds).tuples().all())
        return {
            "events": events, "signals": sum(signals.values()), "by_photo": photos, "empty": none,
            "weak": weak, "chosen": chosen, "opened": signals.get("open", 0),
            "compared": signals.get("compare", 0), "onward": signals.get("similar", 0),
            "latency": self._latency(),
        }  # fmt: skip

    def _latency(self) -> list[int]:
        steps = select(SearchEvent.latency, func.count()).where(*self.searches)
        counts = [0] * STEPS
        for step, count in self.session.execute(steps.group_by(SearchEvent.latency)).tuples():
            counts[min(max(step, 0), STEPS - 1)] += count
        return counts

    def _ranks(self) -> list[dict[str, Any]]:
        lengths = select(SearchEvent.shown, func.count()).where(*self.searches).group_by(SearchEvent.shown)
        shown = dict(self.session.execute(lengths).tuples().all())
        places = select(ClickEvent.rank, func.count()).where(*self.clicks, ClickEvent.kind == "open")
        opened = dict(self.session.execute(places.group_by(ClickEvent.rank)).tuples().all())
        rows = []
        for rank in range(1, RANKS + 1):
            seen = sum(count for length, count in shown.items() if length >= rank)
            if seen:
                rows.append({"rank": rank, "shown": seen, "opened": opened.get(rank, 0)})
        return rows

    def _words(self) -> list[dict[str, Any]]:
        """The most frequent, and besides the most frequent of those that were poorly answered."""
        empty, poor = _sum(SearchEvent.shown == 0), _sum((SearchEvent.shown == 0) | SearchEvent.weak)
        columns = (func.count(), empty, _sum(_POOR), _sum(_OPENED))
        each = self._of(SearchEvent.words, *columns).where(SearchEvent.words != "")
        grouped = each.group_by(SearchEvent.words)
        often = grouped.order_by(func.count().desc(), SearchEvent.words).limit(WORDS)
        poorly = grouped.having(poor > 0).order_by(poor.desc(), SearchEvent.words).limit(POOR_WORDS)
        names = ("words", "searches", "empty", "weak", "chosen")
        found = [*self.session.execute(often).tuples(), *self.session.execute(poorly).tuples()]
        return list({row[0]: dict(zip(names, row, strict=True)) for row in found}.values())

    def _gaps(self) -> list[dict[str, Any]]:
        each = self._of(SearchEvent.gap, func.count(), _sum(_OPENED))
        counted = each.where(SearchEvent.gap != "").group_by(SearchEvent.gap)
        often = counted.order_by(func.count().desc(), SearchEvent.gap).limit(GAPS)
        names = ("gap", "searches", "chosen")
        rows = self.session.execute(often).tuples()
        return [{"kind": "facets", **dict(zip(names, row, strict=True))} for row in rows]

    def _unknown(self) -> list[dict[str, Any]]:
        """Words that no product has, each by itself."""
        each = self._of(SearchEvent.unknown, _OPENED).where(SearchEvent.unknown != "")
        searches: Counter[str] = Counter()
        chosen: Counter[str] = Counter()
        for unknown, opened in self.session.execute(each).tuples():
            words = set(unknown.split())
            searches.update(words)
            chosen.update(words if opened else ())
        often = sorted(searches.items(), key=lambda pair: (-pair[1], pair[0]))[:GAPS]
        return [{"kind": "word", "gap": w, "searches": n, "chosen": chosen[w]} for w, n in often]

    def _pictured(self) -> Iterable[tuple[Any, ...]]:
        """The newest searches by photo, as `photos_of` takes them."""
        columns = (SearchEvent.vector, SearchEvent.weak, SearchEvent.fingerprint, SearchEvent.photo_id)
        each = self._of(*columns, SearchEvent.top, SearchEvent.words, _OPENED)
        newest = each.where(SearchEvent.vector != "").order_by(SearchEvent.id.desc()).limit(LOOKED_AT)
        return self.session.execute(newest).tuples()

    def _photos(self) -> dict[tuple[str, bool], int]:
        """How many searches by photo there were, by model and by whether nothing matched."""
        kinds = (SearchEvent.fingerprint, SearchEvent.weak)
        each = self._of(*kinds, func.count()).where(SearchEvent.vector != "").group_by(*kinds)
        return {(name, bool(weak)): count for name, weak, count in self.session.execute(each).tuples()}


def _sum(condition: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
