"""Sneakers and bags, seen from the side and from the front."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose
from atelier.curves import bezier, box, closed, join, shift, spline
from atelier.parts import Button, Fold, Line, Part, Pattern, Piece
from atelier.trims import bow


def build_goods(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A sneaker or a bag."""
    del body, pose, rng
    if garment.kind == "sneaker":
        return _sneaker(garment)
    return _tote(garment) if garment.length == "large" else _flap_bag(garment)


def _sneaker(garment: Garment) -> Pattern:
    """Side view, toe to the left, in cm; a high top rises above the ankle."""
    rise = np.array([0.0, -8.5 if garment.length == "high" else 0.0])
    throat = (
        spline((-8.4, 6.3), (-4.4, 3.7), (-0.2, 0.6))
        if not rise[1]
        else spline((-8.4, 6.3), (-3.6, 2.8), (1.0, -4.6))
    )
    peak = throat[-1] + np.array([3.4, -2.2])
    collar = spline(tuple(peak), *_moved(rise, (6.4, -0.8), (9.8, -0.2), (12.6, -1.8), (13.8, -2.8)))
    toe = spline((-15.0, 11.6), (-14.6, 9.0), (-12.2, 7.5), (-8.4, 6.3))
    heel = spline(tuple(collar[-1]), (13.5, 2.5), (14.3, 7.0), (14.5, 11.8))
    upper = join(toe, throat, collar, heel, bezier((14.5, 11.8), (0.0, 12.6), (-15.0, 11.6)))
    across = np.array([0.54, 0.84])
    second = "second" if garment.pattern == "colour block" else "trim"
    stay = join(throat, peak[None], (peak + across * 3.4)[None], throat[::-1] + across * 3.2)
    creases = (
        Fold((-9.6, 7.4), (-6.4, 11.0), 0.6, 1.0, 0.2),
        Fold((-7.2, 7.0), (-4.0, 10.8), 0.6, 1.0, 0.16),
    )
    tongue = spline(
        (-0.6, 2.4),
        _near(peak, -3.0, -1.4),
        _near(peak, -1.2, -3.2),
        _near(peak, 1.0, -2.0),
        _near(peak, 0.4, 1.6),
        (-0.6, 2.4),
    )
    lining = join(
        collar,
        spline(tuple(collar[-1]), _near(collar[-1], -4.6, -1.0), _near(peak, 1.6, -0.6), tuple(peak)),
    )
    pieces: list[Piece] = [
        Part("tongue", tongue, roundness=1.0, edge=0.3, lift=0.2, patterned=False),
        Part("lining", lining, "lining", "lining", shade=0.75, roundness=-0.4, lift=0.0),
        Part("upper", upper, folds=creases, roundness=2.4, edge=0.3, lift=0.3),
        Part("toe cap", _toe_cap(), second, roundness=1.2, edge=0.2, lift=0.2, clip=upper),
        Part("heel tab", _heel_tab(collar), second, roundness=0.8, edge=0.2, lift=0.2, clip=upper),
        Part("eyestay", stay, second, roundness=0.5, edge=0.2, lift=0.25, clip=upper),
        Line(throat + across * 2.8, "stitch", 0.08),
        Line(collar + np.array([0.0, 1.0]), "crease", 0.3),
        *_sole(),
    ]
    return Pattern(front=[*pieces, *_fastening(garment, join(throat, peak[None]), across, upper)])


def _near(point: Floats, dx: float, dy: float) -> tuple[float, float]:
    return float(point[0]) + dx, float(point[1]) + dy


def _moved(by: Floats, *points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x + float(by[0]), y + float(by[1])) for x, y in points]


def _toe_cap() -> Floats:
    return join(
        spline((-16.0, 12.4), (-15.6, 7.0), (-10.8, 6.4)), spline((-10.8, 6.4), (-9.4, 8.6), (-9.2, 12.6))
    )


def _heel_tab(collar: Floats) -> Floats:
    x, y = collar[-1]
    return join(
        spline((x - 2.2, y - 0.6), (11.6, y + 5.0), (10.4, 12.6)),
        spline((16.0, 12.6), (16.0, 6.0), (x + 2.0, y - 1.0)),
    )


def _sole() -> list[Piece]:
    """A foam sole with a foxing line."""
    low = spline(
        (-15.5, 11.0), (-15.6, 13.2), (-13.4, 14.4), (0.0, 14.6), (13.0, 14.4), (15.1, 13.2), (14.9, 11.2)
    )
    high = spline((14.9, 11.2), (8.0, 11.8), (0.0, 12.1), (-8.0, 11.9), (-13.2, 11.0), (-15.5, 11.0))
    line = spline((-15.2, 12.5), (-8.0, 13.2), (0.0, 13.4), (8.0, 13.2), (14.8, 12.5))
    return [
        Part("sole", join(low, high), "sole", "plain", roundness=0.9, edge=0.25, lift=0.3, patterned=False),
        Line(line, "seam", 0.1),
    ]


def _fastening(garment: Garment, throat: Floats, across: Floats, upper: Floats) -> list[Piece]:
    """Laces through eyelets, or two straps."""
    pieces: list[Piece] = []
    step = throat[-1] - throat[0]
    along = step / np.hypot(*step)
    if garment.detail == "straps":
        for share in (0.3, 0.72):
            at = throat[0] + step * share
            ends = [
                at - along * 1.5 - across,
                at + along * 1.5 - across,
                at + along * 1.7 + across * 5.6,
                at - along * 1.3 + across * 6.2,
            ]
            pieces.append(
                Part("strap", np.array(ends), roundness=0.5, edge=0.25, lift=0.4, patterned=False, clip=upper)
            )
        return pieces
    for share in np.linspace(0.08, 0.9, 6):
        at = throat[0] + step * share
        pieces += [
            Line(np.array([at - across * 0.7, at + across * 1.9]), "cord", 0.7, "sole"),
            Button(float(at[0] + 1.08), float(at[1] + 1.68), 0.26, "metal"),
        ]
    return pieces


def _tote(garment: Garment) -> Pattern:
    half = join(
        bezier((0.0, 0.0), (15.5, 0.0)),
        spline((15.5, 0.0), (16.2, 12.0), (17.6, 25.0), (16.6, 27.4)),
        bezier((16.6, 27.4), (8.0, 28.4), (0.0, 28.4)),
    )
    back = _handle(8.0, 0.8, -15.5)
    front = _handle(8.0, 1.0, -13.4)
    folds = (
        Fold((-9, 3), (-11, 24), 1.0, 2.6, 0.3),
        Fold((10, 4), (12, 25), -1.0, 2.4, 0.3),
        Fold((-3, 8), (4, 24), 1.0, 3.0, 0.2),
    )
    pieces: list[Piece] = [
        Part("handle", back, paint="trim", roundness=0.5, edge=0.3, lift=0.4, shade=0.85),
        Part("bag", closed(half), folds=folds, roundness=3.0, edge=0.4, lift=0.8),
        Line(np.array([(-15.2, 2.6), (15.2, 2.6)]), "stitch", 0.12),
        Line(np.array([(-15.3, 0.4), (15.3, 0.4)]), "edge", 0.2),
        Part("handle", front, paint="trim", roundness=0.5, edge=0.3, lift=0.6),
    ]
    for s in (-1.0, 1.0):
        tab = box(s * 8.0 - 1.3, -0.6, 2.6, 6.0, 0.6)
        pieces += [
            Part("tab", tab, "trim", roundness=0.4, edge=0.25, lift=0.3),
            Button(s * 8.0, 3.9, 0.4, "metal"),
            Line(shift(tab, 0.35), "stitch", 0.1, clip=tab),
        ]
    pieces += _closing(garment, 7.0)
    return Pattern(front=pieces)


def _handle(x: float, half: float, top: float) -> Floats:
    outer = spline(
        (-x - half, 2.0),
        (-x - half, top * 0.5),
        (-x * 0.55, top - half),
        (0.0, top - half - 1.2),
        (x * 0.55, top - half),
        (x + half, top * 0.5),
        (x + half, 2.0),
    )
    inner = spline(
        (x - half, 2.0),
        (x - half, top * 0.5),
        (x * 0.45, top + half),
        (0.0, top + half - 1.0),
        (-x * 0.45, top + half),
        (-x + half, top * 0.5),
        (-x + half, 2.0),
    )
    return join(outer, inner)


def _flap_bag(garment: Garment) -> Pattern:
    half = join(
        bezier((0.0, 0.0), (12.0, 0.0)),
        spline((12.0, 0.0), (13.4, 4.0), (14.0, 12.0), (12.4, 17.4)),
        spline((12.4, 17.4), (8.0, 18.6), (0.0, 18.8)),
    )
    cover = join(
        bezier((0.0, -0.5), (12.2, -0.5)),
        spline((12.2, -0.5), (13.2, 3.0), (12.4, 7.6), (8.0, 10.6), (0.0, 11.6)),
    )
    strap = _handle(11.4, 0.55, -22.0)
    stitched = shift(cover[2:], 0.6) if shift(cover, 1.0)[20, 1] < cover[20, 1] else shift(cover[2:], -0.6)
    pieces: list[Piece] = [
        Part("strap", strap, "trim", roundness=0.4, edge=0.25, lift=0.4),
        Part(
            "bag",
            closed(half),
            roundness=2.6,
            edge=0.4,
            lift=0.9,
            folds=(Fold((-8, 14), (8, 14.5), 0.6, 2.0, 0.2),),
        ),
        Part(
            "flap",
            closed(cover),
            "second" if garment.pattern == "colour block" else "cloth",
            roundness=1.6,
            edge=0.35,
            lift=0.9,
        ),
        Line(closed(stitched), "stitch", 0.1),
        *[Button(s * 11.5, 0.6, 0.7, "metal") for s in (-1.0, 1.0)],
    ]
    return Pattern(front=[*pieces, *_closing(garment, 9.6)])


def _closing(garment: Garment, y: float) -> list[Piece]:
    if garment.detail == "bow":
        return bow(0.0, y, 0.62)
    if garment.detail == "buckle":
        strap = box(-1.3, y - 3.0, 2.6, 7.0, 0.9)
        return [
            Part("tongue strap", strap, "trim", roundness=0.4, edge=0.25, lift=0.4),
            Part(
                "buckle",
                box(-1.9, y - 0.8, 3.8, 3.2, 0.7),
                "metal",
                "plain",
                cut=(box(-1.1, y, 2.2, 1.6, 0.3),),
                roundness=0.3,
                edge=0.2,
                lift=0.4,
                patterned=False,
            ),
        ]
    return [Button(0.0, y, 0.8, "metal")]
