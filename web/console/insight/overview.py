"""The first page: how much is searched, how well it is answered, what is opened, how long it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template

from catalog.insight import latency, reading
from catalog.insight.reading import Day, Rank
from web.console.access import needs, shop
from web.console.insight import blueprint
from web.console.insight.charts import Chart, Layer, bars, line, rounded_up
from web.console.insight.period import chosen
from web.services import services


@dataclass(frozen=True)
class Sums:
    """The whole period."""

    searches: int
    by_photo: int
    empty: int
    weak: int
    chosen: int
    compared: int
    onward: int
    median: float | None
    slow: float | None  # the 95th percentile, ms

    def share(self, count: int) -> str:
        """As a share of the searches, in words."""
        return f"{100 * count / self.searches:.0f} %" if self.searches else "–"


@blueprint.get("/")
@needs("viewer")
def index() -> str:
    """All of it at a glance."""
    here = chosen()
    with services().sessions() as session:
        days = reading.days(session, here.period)
        ranks = reading.ranks(session, here.period)
        rolled = reading.rolled_at(session, shop().id)
    return render_template(
        "console/insight.html",
        span=here, sums=sums(days), days=days, ranks=ranks, rolled=rolled,
        kept=services().events.on,
        searched=_searched(days), answered=_answered(days), opened=_opened(ranks),
    )  # fmt: skip


def sums(days: Sequence[Day]) -> Sums:
    """What the days add up to."""
    names = ("searches", "by_photo", "empty", "weak", "chosen", "compared", "onward")
    counts = {name: sum(getattr(day, name) for day in days) for name in names}
    took = latency.added([day.latency for day in days])
    return Sums(**counts, median=latency.percentile(took, 0.5), slow=latency.percentile(took, 0.95))


def _searched(days: Sequence[Day]) -> Chart:
    every = [day.searches for day in days]
    poor = [day.weak + day.empty for day in days]
    most = rounded_up(max(every, default=0))
    busiest = max(days, key=lambda day: day.searches)
    said = f"{sum(every):,} searches"
    if busiest.searches:
        said += f", most on {busiest.day}: {busiest.searches:,}"
    layers = (
        Layer("all", "Searches", bars(every, most)),
        Layer("poor", "… answered poorly", bars(poor, most)),
    )
    return Chart("Searches a day", f"{said}.", layers, f"{most:,.0f}", *_ends(days), filled=True)


def _answered(days: Sequence[Day]) -> Chart:
    half, slow = ([day.percentile(share) for day in days] for share in (0.5, 0.95))
    most = rounded_up(max((each for each in slow if each is not None), default=0))
    whole = sums(days)
    said = "Nothing was searched." if whole.median is None else (
        f"Half of the searches took less than {whole.median:.0f} ms, 95 of 100 less than {whole.slow:.0f} ms."
    )  # fmt: skip
    layers = (Layer("all", "Half took less", line(half, most)), Layer("poor", "95 of 100", line(slow, most)))
    return Chart("How long searches take", said, layers, f"{most:,.0f} ms", *_ends(days), filled=False)


def _opened(ranks: Sequence[Rank]) -> Chart:
    shares = [each.share for each in ranks]
    most = min(1.0, rounded_up(max(shares, default=0)))
    said = (
        f"The first place was opened in {100 * shares[0]:.1f} of 100 searches." if ranks else "Nothing yet."
    )
    layers = (Layer("all", "Opened, of those that showed it", bars(shares, most)),)
    ends = ("Place 1", f"Place {ranks[-1].rank}") if ranks else ("", "")
    return Chart("What is opened, by place", said, layers, f"{100 * most:g} %", *ends, filled=True)


def _ends(days: Sequence[Day]) -> tuple[str, str]:
    return days[0].day.isoformat(), days[-1].day.isoformat()
