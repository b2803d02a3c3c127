"""What was asked and chosen in a period, read from the figures of its days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from catalog.insight.alike import Centre, Photos, shown, together
from catalog.insight.latency import percentile
from catalog.insight.tables import (
    InsightDay,
    InsightGap,
    InsightPhotos,
    InsightRank,
    InsightWords,
)

GROUPS_READ = 1500  # of photos in a period, the most asked
DAYS_SHOWN = 6  # of a group, by which it is shown: those with the most searches


@dataclass(frozen=True)
class Period:
    """Days of one merchant, from the first to the last, both included."""

    merchant_id: int
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def of(self, table: type) -> tuple[ColumnElement[bool], ...]:
        """The condition that rows are of this period."""
        day = table.day  # type: ignore[attr-defined]
        mine = table.merchant_id == self.merchant_id  # type: ignore[attr-defined]
        return mine, day >= self.first.isoformat(), day <= self.last.isoformat()


@dataclass(frozen=True)
class Day:
    """One day's figures."""

    day: date
    searches: int = 0
    by_photo: int = 0
    empty: int = 0
    weak: int = 0
    chosen: int = 0
    opened: int = 0
    compared: int = 0
    onward: int = 0
    latency: Sequence[int] = field(default=())

    def percentile(self, share: float) -> float | None:
        """Milliseconds below which this share of its searches took; None on a day without any."""
        return percentile(self.latency, share)


@dataclass(frozen=True)
class Words:
    """Searches with the same words."""

    words: str
    searches: int
    empty: int
    weak: int
    chosen: int


@dataclass(frozen=True)
class Rank:
    """One place of first pages."""

    rank: int
    shown: int
    opened: int

    @property
    def share(self) -> float:
        """Of the pages that showed it, those of which it was opened."""
        return self.opened / self.shown if self.shown else 0.0


@dataclass(frozen=True)
class Gap:
    """What was asked for and not in stock; `gap` as `searcher.insight.gaps` or the words themselves."""

    gap: str
    searches: int
    chosen: int
    days: int


def days(session: Session, period: Period) -> list[Day]:
    """Every day of the period, those without a search too."""
    rows = session.scalars(select(InsightDay).where(*period.of(InsightDay)))
    known = {
        row.day: Day(
            date.fromisoformat(row.day), row.events, row.by_photo, row.empty, row.weak, row.chosen,
            row.opened, row.compared, row.onward, row.latency,
        )
        for row in rows
    }  # fmt: skip
    every = (period.first + timedelta(days=at) for at in range(period.days))
    return [known.get(day.isoformat(), Day(day)) for day in every]


def rolled_at(session: Session, merchant_id: int) -> datetime | None:
    """When the merchant's figures were made last; None where there are none."""
    return session.scalar(select(func.max(InsightDay.rolled_at)).where(InsightDay.merchant_id == merchant_id))


def words(session: Session, period: Period, limit: int, poor: bool = False) -> list[Words]:
    """The commonest words of the period; with `poor` those that found nothing, or nothing like it, first."""
    table = InsightWords
    counts = [func.sum(each) for each in (table.searches, table.empty, table.weak, table.chosen)]
    badly = func.sum(table.empty + table.weak)
    each = select(table.words, *counts).where(*period.of(table)).group_by(table.words)
    if poor:
        each = each.having(badly > 0)
    order = badly if poor else counts[0]
    rows = session.execute(each.order_by(order.desc(), table.words).limit(limit)).tuples()
    return [Words(said, *(int(count) for count in counted)) for said, *counted in rows]


def ranks(session: Session, period: Period) -> list[Rank]:
    """The places of first pages, from the first on."""
    table = InsightRank
    each = select(table.rank, func.sum(table.shown), func.sum(table.opened)).where(*period.of(table))
    rows = session.execute(each.group_by(table.rank).order_by(table.rank)).tuples()
    return [Rank(rank, int(shown), int(opened)) for rank, shown, opened in rows]


def gaps(session: Session, period: Period, kind: str, limit: int) -> list[Gap]:
    """What was asked for and not in stock, the commonest first; `kind` is "facets" or "word"."""
    table = InsightGap
    columns = (func.sum(table.searches), func.sum(table.chosen), func.count())
    each = select(table.gap, *columns).where(*period.of(table), table.kind == kind).group_by(table.gap)
    rows = session.execute(each.order_by(columns[0].desc(), table.gap).limit(limit)).tuples()
    return [Gap(gap, int(searches), int(chosen), int(on)) for gap, searches, chosen, on in rows]


def photos(session: Session, period: Period, weak: bool, limit: int) -> list[Photos]:
    """Photos that look alike, the most asked first: those that matched, or those that did not."""
    table = InsightPhotos
    columns = (table.id, table.fingerprint, table.searches, table.chosen, table.centre)
    each = select(*columns).where(*period.of(table), table.weak == weak)
    rows = session.execute(each.order_by(table.searches.desc()).limit(GROUPS_READ)).tuples()
    found = together([Centre(*row) for row in rows], limit)
    ids = [at for group in found for at in group.ids[:DAYS_SHOWN]]
    by_id = {row.id: row for row in session.scalars(select(table).where(table.id.in_(ids)))}
    return [shown(group, weak, [by_id[at] for at in group.ids[:DAYS_SHOWN]]) for group in found]
