"""Each table as CSV, for spreadsheets: a cell that one would run as a formula is made harmless."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Response

from catalog.feeds.escaping import escaped
from catalog.insight import reading
from web.console.access import needs, shop
from web.console.insight import blueprint
from web.console.insight.asked import missing, strange_words, told
from web.console.insight.period import Chosen, chosen
from web.problems import http
from web.services import services

MOST = 5000  # lines
Table = tuple[Sequence[str], Iterable[Sequence[Any]]]


@blueprint.get("/<name>.csv")
@needs("viewer")
def table(name: str) -> Response:
    """One table of the period."""
    make = _TABLES.get(name)
    if make is None:
        raise http(404, "There is no such table.", f"Use one of: {', '.join(_TABLES)}.")
    here = chosen()
    header, rows = make(here)
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(header)
    for row in rows:
        lines.writerow([escaped(cell) if isinstance(cell, str) else cell for cell in row])
    period = f"{here.period.first}-{here.period.last}"
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")  # spreadsheets tell UTF-8 by its mark
    answer.headers["Content-Disposition"] = f'attachment; filename="{shop().slug}-{name}-{period}.csv"'
    return answer


def _days(here: Chosen) -> Table:
    header = ("day", "searches", "by_photo", "found_nothing", "weak_match", "led_to_a_click", "opened",
              "compared", "more_like_this", "median_ms", "p95_ms")  # fmt: skip
    with services().sessions() as session:
        days = reading.days(session, here.period)
    return header, (
        (
            day.day.isoformat(), day.searches, day.by_photo, day.empty, day.weak, day.chosen, day.opened,
            day.compared, day.onward, _ms(day.percentile(0.5)), _ms(day.percentile(0.95)),
        )
        for day in days
    )  # fmt: skip


def _ms(value: float | None) -> str | int:
    return "" if value is None else round(value)


def _words(here: Chosen, poor: bool = False) -> Table:
    with services().sessions() as session:
        found = reading.words(session, here.period, MOST, poor)
    header = ("words", "searches", "found_nothing", "weak_match", "led_to_a_click")
    return header, ((each.words, each.searches, each.empty, each.weak, each.chosen) for each in found)


def _ranks(here: Chosen) -> Table:
    with services().sessions() as session:
        found = reading.ranks(session, here.period)
    return ("place", "shown", "opened"), ((each.rank, each.shown, each.opened) for each in found)


def _photos(here: Chosen) -> Table:
    with services().sessions() as session:
        found = [each for weak in (False, True) for each in reading.photos(session, here.period, weak, MOST)]
    header = ("matched", "searches", "led_to_a_click", "found_first", "words")
    return header, (
        (
            "no" if each.weak else "yes", each.searches, each.chosen, " ".join(each.skus),
            ", ".join(words for words, _ in each.words),
        )
        for each in found
    )  # fmt: skip


def _gaps(here: Chosen) -> Table:
    rows = [(told(each.asks), each.searches, each.chosen) for each in missing(here)]
    return ("missing", "searches", "led_to_a_click"), rows


def _unknown(here: Chosen) -> Table:
    found = strange_words(here, MOST)
    return ("word", "searches", "days"), ((each.gap, each.searches, each.days) for each in found)


_TABLES: dict[str, Callable[[Chosen], Table]] = {
    "days": _days, "words": _words, "poorly-answered": lambda here: _words(here, poor=True),
    "places": _ranks, "photos": _photos, "gaps": _gaps, "unknown-words": _unknown,
}  # fmt: skip
