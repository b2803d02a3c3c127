"""Curves of the report as SVG that takes its colours from the page: recall by rank, losses by step."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 320, 190, 34, 24, 8

Series = Mapping[str, Sequence[float]]
Place = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """One curve: its name, its place in the palette, and the points of a polyline."""

    name: str
    number: int
    points: str


@dataclass(frozen=True)
class Chart:
    """A drawing of WIDTH x HEIGHT; ticks are (place, what is written there)."""

    title: str
    across: str  # what the horizontal axis counts
    lines: tuple[Line, ...]
    ticks_x: tuple[tuple[float, str], ...]
    ticks_y: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def recall_chart(title: str, curves: Mapping[str, npt.NDArray[np.float32]]) -> Chart:
    """Recall at 1, 2, ... of each method, 0 to 100 percent."""
    upto = len(next(iter(curves.values())))
    series = {name: [float(each) for each in curve] for name, curve in curves.items()}
    return _chart(title, "first k", series, range(1, upto + 1), (0.0, 100.0))


def loss_charts(log: Path) -> tuple[Chart, ...]:
    """One chart a loss of the last run in a log of JSON lines or CSV; () for a log without rows."""
    across, rows = _csv_rows(log) if log.suffix == ".csv" else _json_rows(log)
    if not rows:
        return ()
    steps = [row[across] for row in rows]
    names = [name for name in rows[-1] if name not in (across, "seconds")]
    charts = []
    for name in names:
        values = [row.get(name, float("nan")) for row in rows]
        low, high = min(0.0, float(np.nanmin(values))), float(np.nanmax(values))
        charts.append(_chart(name, across, {"": values}, steps, (low, high if high > low else low + 1)))
    return tuple(charts)


def _json_rows(log: Path) -> tuple[str, list[dict[str, float]]]:
    """The rows after the last one whose step is not above the one before: a log holds run after run."""
    lines = log.read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, float]] = []
    for line in lines:
        row = {name: float(value) for name, value in json.loads(line).items() if _is_number(value)}
        if rows and row.get("step", 0) <= rows[-1].get("step", 0):
            rows = []
        rows.append(row)
    return "step", rows


def _csv_rows(log: Path) -> tuple[str, list[dict[str, float]]]:
    with log.open(encoding="utf-8", newline="") as stream:
        return "epoch", [
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)
        ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chart(
    title: str, across: str, series: Series, steps: Sequence[float], reach: tuple[float, float]
) -> Chart:
    first, last = float(steps[0]), float(steps[-1])
    span = last - first or 1.0

    def place_x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - 8) * (step - first) / span, 1)

    def place_y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (reach[1] - value) / (reach[1] - reach[0]), 1)

    lines = tuple(
        Line(name, number, " ".join(_points(steps, values, place_x, place_y)))
        for number, (name, values) in enumerate(series.items())
    )
    ticks_x = tuple((place_x(round(step)), f"{step:.0f}") for step in _ticks(first, last))
    ticks_y = tuple((place_y(value), f"{value:.3g}") for value in _ticks(*reach))
    return Chart(title, across, lines, ticks_x, ticks_y)


def _points(steps: Sequence[float], values: Sequence[float], place_x: Place, place_y: Place) -> list[str]:
    pairs = zip(steps, values, strict=True)
    return [f"{place_x(step)},{place_y(value)}" for step, value in pairs if np.isfinite(value)]


def _ticks(low: float, high: float) -> list[float]:
    return [low + (high - low) * share for share in (0, 0.5, 1)]
