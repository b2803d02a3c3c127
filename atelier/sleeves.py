"""Sleeves and cuffs: a tube of cloth around the line of an arm, set into the armhole."""

from dataclasses import dataclass

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.curves import Point, arc_length, bezier, join, normals, resample
from atelier.parts import Fold, Line, Part, Piece

REACH = {"short": 0.35, "three-quarter": 0.68, "long": 0.97}


@dataclass(frozen=True)
class Cut:
    """How a sleeve is cut. Widths are half widths of the tube in cm."""

    upper: float = 8.0
    lower: float = 5.6
    cuff: str = "hem"  # "hem" | "rib" | "band" | "none"
    cuff_width: float = 6.0
    puff: float = 0.0  # extra fullness in the middle, cm
    bell: float = 0.0  # extra width at the end, cm
    folds: float = 1.0


@dataclass(frozen=True)
class Tube:
    """A sleeve's two edges and centre line, each (N, 2) from the armhole to the end."""

    outer: Floats
    inner: Floats
    centre: Floats


def tube(arm: Floats, shoulder: Point, armpit: Point, reach: float, cut: Cut) -> Tube:
    """Wrap the first `reach` of the arm's line in cloth, starting from the armhole's two ends."""
    along = arc_length(arm)
    count = 36
    centre = _cut_to(arm, along, reach * along[-1], count)
    span = np.linspace(0.0, 1.0, count)
    profile = np.interp(span * reach, [0.0, 0.45, 1.0], [cut.upper, (cut.upper + cut.lower) / 2, cut.lower])
    if cut.cuff == "rib":
        profile = profile * np.interp(span, [0.0, 0.86, 1.0], [1.0, 1.0, 0.86])
    profile = profile + cut.puff * np.sin(np.pi * span) ** 1.2 + cut.bell * span**3
    side = normals(centre)
    outward = np.array(shoulder) - np.array(armpit)
    if float(side[0] @ outward) < 0:
        side = -side
    start, root = np.array(shoulder), np.array(armpit)
    hole, middle = (start - root) / 2, (start + root) / 2
    blend = np.clip(arc_length(centre) / 15.0, 0.0, 1.0)[:, None]
    blend = blend * blend * (3 - 2 * blend)
    spine = middle * (1 - blend) + centre * blend + (middle - centre[0]) * 0.0
    half = hole * (1 - blend) + side * profile[:, None] * blend
    return Tube(spine + half, spine - half, spine)


def _cut_to(line: Floats, along: Floats, length: float, count: int) -> Floats:
    wanted = np.linspace(0.0, length, count)
    return np.stack([np.interp(wanted, along, line[:, 0]), np.interp(wanted, along, line[:, 1])], axis=1)


def sleeve(
    arm: Floats, shoulder: Point, armpit: Point, length: str, cut: Cut, rng: Rng, lift: float = 0.6
) -> list[Piece]:
    """The pieces of one sleeve; nothing when there is none."""
    if length not in REACH:
        return []
    reach = REACH[length] - (0.055 if cut.cuff in ("rib", "band") and length != "short" else 0.0)
    cloth = tube(arm, shoulder, armpit, reach, cut)
    end = _end_curve(cloth)
    sign = 1.0 if shoulder[0] > 0 else -1.0
    tucked = np.array(
        [(armpit[0] - sign * 4.0, armpit[1] - 3.0), (shoulder[0] - sign * 4.5, shoulder[1] + 2.0)]
    )
    outline = join(cloth.outer, end, cloth.inner[::-1], tucked)
    folds = _folds(cloth, length, cut, rng)
    part = Part("sleeve", outline, axis=cloth.centre, folds=folds, roundness=2.6, edge=0.35, lift=lift)
    return [*_cuff(arm, cloth, reach, length, cut), part, *_hem(cloth, cut)]


def _end_curve(cloth: Tube) -> Floats:
    a, b = cloth.outer[-1], cloth.inner[-1]
    away = cloth.centre[-1] - cloth.centre[-3]
    bow = (a + b) / 2 + away / max(float(np.hypot(*away)), 1e-6) * 0.9
    return bezier((a[0], a[1]), (bow[0], bow[1]), (b[0], b[1]), samples=9)


def _cuff(arm: Floats, cloth: Tube, reach: float, length: str, cut: Cut) -> list[Piece]:
    if cut.cuff not in ("rib", "band"):
        return []
    along = arc_length(arm)
    size = 3.0 if length == "short" else cut.cuff_width
    stop = min(reach + size / along[-1], 1.04)
    tail = arm[-1] - arm[-2]
    longer = join(arm, arm[-1:] + tail * 6)
    line = _cut_to(longer, arc_length(longer), stop * along[-1], 60)[int(60 * (reach - 0.01) / stop) :]
    side = normals(line)
    if float(side[0] @ (cloth.outer[-1] - cloth.inner[-1])) < 0:
        side = -side
    wide = float(np.hypot(*(cloth.outer[-1] - cloth.inner[-1]))) / 2
    half = wide * (0.93 if length == "short" else 0.8) if cut.cuff == "rib" else min(wide * 0.92, 5.4)
    outline = join(line + side * half, (line - side * half)[::-1])
    texture = "rib" if cut.cuff == "rib" else "plain-weave"
    pieces: list[Piece] = [
        Part(
            "cuff",
            outline,
            "trim" if cut.cuff == "rib" else "cloth",
            texture,
            axis=line,
            roundness=1.4,
            edge=0.4,
            lift=0.4,
            rumple=0.2,
            patterned=cut.cuff == "band",
        )
    ]
    if cut.cuff == "band":
        pieces.append(Line(line[-2] + np.linspace(-half, half, 12)[:, None] * side[-2], "stitch", 0.14))
    return pieces


def _hem(cloth: Tube, cut: Cut) -> list[Piece]:
    """Double needle stitching at an open sleeve's end."""
    if cut.cuff != "hem":
        return []
    rows = []
    for back in (1.0, 1.5):
        step = float(np.hypot(*(cloth.centre[-1] - cloth.centre[-2])))
        index = max(0, len(cloth.centre) - 1 - round(back * 1.6 / max(step, 1e-6)))
        a, b = cloth.outer[index], cloth.inner[index]
        rows.append(Line(a + (b - a) * np.linspace(0.03, 0.97, 12)[:, None], "stitch", 0.13))
    return list(rows)


def _folds(cloth: Tube, length: str, cut: Cut, rng: Rng) -> tuple[Fold, ...]:
    """Drag lines from the armpit, creases at the elbow and above the cuff."""
    folds = []
    count = len(cloth.centre)
    for step in (0.10, 0.2, 0.32):
        i = int(count * min(1.0, step + rng.uniform(0, 0.06)))
        j = min(count - 1, i + int(count * rng.uniform(0.1, 0.28)))
        folds.append(_across(cloth, i, j, 0.0, rng.uniform(0.45, 0.8), 1.4, 0.55 * cut.folds, rng))
    if length != "short":
        middle = 0.62 if length == "long" else 0.85
        for offset in (-0.07, -0.02, 0.03, 0.08):
            i = int(count * (middle + offset + rng.uniform(-0.015, 0.015)))
            j = int(np.clip(i + rng.integers(-3, 4), 0, count - 1))
            folds.append(
                _across(
                    cloth,
                    min(i, count - 1),
                    j,
                    rng.uniform(0.02, 0.25),
                    rng.uniform(0.55, 0.95),
                    1.0,
                    0.45 * cut.folds,
                    rng,
                )
            )
    if length == "long":
        for offset in (0.86, 0.91, 0.955):
            i = int(count * (offset + rng.uniform(-0.01, 0.01)))
            folds.append(
                _across(
                    cloth,
                    i,
                    min(count - 1, i + int(rng.integers(-1, 2))),
                    0.05,
                    0.95,
                    0.9,
                    0.4 * cut.folds,
                    rng,
                )
            )
    return tuple(folds)


def _across(
    cloth: Tube, i: int, j: int, low: float, high: float, width: float, height: float, rng: Rng
) -> Fold:
    """A fold from the inner edge at sample `i` to the outer side at sample `j`."""
    start = cloth.inner[i] + (cloth.outer[i] - cloth.inner[i]) * low
    end = cloth.inner[j] + (cloth.outer[j] - cloth.inner[j]) * high
    return Fold(
        (float(start[0]), float(start[1])),
        (float(end[0]), float(end[1])),
        float(rng.uniform(-1.2, 1.2)),
        width * float(rng.uniform(0.8, 1.3)),
        height * float(rng.uniform(0.7, 1.2)),
    )


def evenly(line: Floats) -> Floats:
    """A line as 24 even samples, for axes."""
    return resample(line, 24)
