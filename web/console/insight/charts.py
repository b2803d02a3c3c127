"""Charts as SVG paths: bars and lines, no script and no inline style. Each stands beside a table."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 160  # in the chart's own units
GAP = 0.2  # of a bar's place


@dataclass(frozen=True)
class Layer:
    """One path: its class, its name in the legend, and its data."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True)
class Chart:
    """One chart in a box of WIDTH x HEIGHT. `top` is what its height stands for; `said` is its text."""

    title: str
    said: str
    layers: tuple[Layer, ...]
    top: str
    first: str
    last: str
    filled: bool  # bars; else lines
    width: int = WIDTH
    height: int = HEIGHT


def bars(values: Sequence[float], most: float) -> str:
    """One bar for each value that is not 0, at least one unit high: a little is not nothing."""
    place = WIDTH / max(len(values), 1)
    parts = []
    for at, value in enumerate(values):
        if value > 0 and most > 0:
            tall = max(1.0, min(HEIGHT, HEIGHT * value / most))
            wide = place * (1 - GAP)
            parts.append(f"M{at * place + place * GAP / 2:.1f} {HEIGHT}v-{tall:.1f}h{wide:.1f}v{tall:.1f}z")
    return "".join(parts)


def line(values: Sequence[float | None], most: float) -> str:
    """A line through the middles of the places; it breaks where there is no value."""
    place = WIDTH / max(len(values), 1)
    parts, drawing = [], False
    for at, value in enumerate(values):
        if value is None or most <= 0:
            drawing = False
            continue
        x, y = (at + 0.5) * place, HEIGHT - min(HEIGHT, HEIGHT * value / most)
        alone = not drawing and (at + 1 == len(values) or values[at + 1] is None)
        parts.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}{'h2' if alone else ''}")
        drawing = True
    return "".join(parts)


def rounded_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten: what the top of a chart stands for."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
