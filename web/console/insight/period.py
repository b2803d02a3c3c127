"""The days that a page is about, from its address: the last 7, 30 or 90, or from one day to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask import request

from catalog.insight.reading import Period
from web.console.access import shop

LASTS = (7, 30, 90)
USUAL = 30
LONGEST = 400  # days


@dataclass(frozen=True)
class Chosen:
    """A period, and how the address says it; `amiss` where it could not be read."""

    period: Period
    args: Mapping[str, str]
    last: int  # of LASTS; 0 where it is from one day to another
    amiss: str = ""


def chosen() -> Chosen:
    """The period of this request; the usual one where the address says none that can be used."""
    today = datetime.now(UTC).date()
    given = {name: request.args.get(name, "").strip() for name in ("from", "to")}
    if any(given.values()):
        try:
            last = date.fromisoformat(given["to"]) if given["to"] else today
            first = date.fromisoformat(given["from"]) if given["from"] else last - timedelta(days=USUAL - 1)
        except ValueError:
            return _last(USUAL, today, "This is no date: write one such as 2026-12-01.")
        if first > last or (last - first).days >= LONGEST:
            return _last(USUAL, today, f"Choose 1 to {LONGEST} days, the earlier day first.")
        return Chosen(Period(shop().id, first, last), {name: v for name, v in given.items() if v}, 0)
    typed = request.args.get("days", "")
    return _last(int(typed) if typed in map(str, LASTS) else USUAL, today)


def _last(days: int, today: date, amiss: str = "") -> Chosen:
    period = Period(shop().id, today - timedelta(days=days - 1), today)
    return Chosen(period, {} if days == USUAL else {"days": str(days)}, days, amiss)
