"""Small charts of the last hour as SVG paths: bars a minute wide, no script and no inline style."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from web.ops.figures import CHART_MINUTES, Minute

BAR, GAP, HEIGHT = 4, 1, 40  # in the chart's own units
RECENT = 10  # minutes that an average is made of


@dataclass(frozen=True)
class Chart:
    """One stage's hour. `bars` and `failed` are path data in a box of `width` x `height`."""

    stage: str
    bars: str
    failed: str
    most: int  # images in the busiest minute
    a_minute: float  # images, over the last full minutes
    seconds_each: float | None  # of work for one image over the same; None where nothing was done
    failures: int  # in the hour
    total: int
    width: int = CHART_MINUTES * BAR
    height: int = HEIGHT


def chart(stage: str, minutes: Iterable[Minute], at: datetime) -> Chart:
    """Draw a stage's minutes, the last full one at the right edge. What is before the hour is left out."""
    end = at.replace(second=0, microsecond=0)
    begin = end - timedelta(minutes=CHART_MINUTES)
    full = {
        round((minute.at - begin).total_seconds() / 60): minute
        for minute in minutes
        if begin <= minute.at < end
    }
    most = max((minute.images for minute in full.values()), default=0)
    recent = [minute for place, minute in full.items() if place >= CHART_MINUTES - RECENT]
    images = sum(minute.images for minute in recent)
    return Chart(
        stage,
        _bars({place: minute.images for place, minute in full.items()}, most),
        _bars({place: min(minute.failures, most) for place, minute in full.items()}, most),
        most,
        images / RECENT,
        sum(minute.seconds for minute in recent) / images if images else None,
        sum(minute.failures for minute in full.values()),
        sum(minute.images for minute in full.values()),
    )


def _bars(heights: dict[int, int], most: int) -> str:
    """One rectangle for each minute with something in it, at least one unit high: a little is not nothing."""
    parts = []
    for place, value in sorted(heights.items()):
        if value > 0 and most > 0:
            tall = max(1.0, round(HEIGHT * value / most, 1))
            parts.append(f"M{place * BAR} {HEIGHT}v-{tall:g}h{BAR - GAP}v{tall:g}z")
    return "".join(parts)
