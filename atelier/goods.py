"""Sneakers and bags, seen from the side and from the front."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose
from atelier.curves import bezier, box, closed, join, shift, spline
from atelier.details import bow
from atelier.parts import Button, Fold, Line, Part, Pattern, Piece


def build_goods(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A sneaker or a bag."""
    del body, pose
    return _sneaker(garment, rng) if garment.kind == "sneaker" else _bag(garment, rng)


def _sneaker(garment: Garment, rng: Rng) -> Pattern:
    """Side view, toe to the left, in cm; high tops rise above the ankle."""
    top = -9.5 if garment.length == "high" else 0.0
    collar = spline((4.2, 0.4 + top * 0.55), (7.6, 1.6 + top * 0.9), (11.5, 0.2 + top), (13.2, -0.4 + top))
    upper = join(
        spline((-14.6, 11.2), (-14.2, 8.6), (-11.4, 6.6), (-6.6, 5.0), (-1.6, 2.2), (2.4, -0.6 + top * 0.5), (4.2, 0.4 + top * 0.55)),
        collar, spline((13.2, -0.4 + top), (13.6, 4.0 + top * 0.3), (14.2, 8.0), (14.0, 12.0)), bezier((14.0, 12.0), (0.0, 12.6), (-14.6, 11.2)),
    )  # fmt: skip
    sole = join(spline((-15.2, 10.6), (-15.0, 13.4), (-12.4, 15.0), (0.0, 15.2), (12.6, 15.0), (14.9, 13.6), (14.7, 10.9)),
                spline((14.7, 10.9), (8.0, 11.8), (0.0, 12.2), (-8.0, 11.9), (-13.4, 10.6), (-15.2, 10.6)))  # fmt: skip
    toe = join(
        spline((-14.6, 11.2), (-14.2, 8.6), (-11.4, 6.6)),
        spline((-11.4, 6.6), (-9.6, 8.0), (-8.8, 10.0), (-8.8, 12.0)),
        bezier((-8.8, 12.0), (-12.0, 12.0), (-14.6, 11.2)),
    )
    heel = join(
        spline((13.3, 1.0 + top * 0.6), (13.7, 4.4), (14.2, 8.0), (14.0, 12.0)),
        bezier((14.0, 12.0), (10.2, 12.0)),
        spline((10.2, 12.0), (10.6, 7.0), (11.6, 3.0), (13.3, 1.0 + top * 0.6)),
    )
    inside = join(
        collar,
        spline((13.2, -0.4 + top), (9.0, -2.2 + top), (5.0, -1.0 + top * 0.6), (4.2, 0.4 + top * 0.55)),
    )
    tongue = spline(
        (-1.0, 2.6),
        (1.2, -2.2 + top * 0.6),
        (3.6, -4.6 + top * 0.75),
        (5.6, -3.8 + top * 0.7),
        (4.6, 0.6 + top * 0.5),
        (-1.0, 2.6),
    )
    eyestay = join(
        spline((-6.8, 5.6), (-2.0, 3.2), (2.6, 0.2 + top * 0.5), (4.4, 1.0 + top * 0.5)),
        spline((5.2, 3.0 + top * 0.4), (1.0, 5.4 + top * 0.1), (-3.2, 8.0), (-6.4, 8.4), (-6.8, 5.6)),
    )
    folds = (
        Fold((-9.5, 7.0), (-6.0, 10.5), 0.6, 1.0, 0.2),
        Fold((-7.0, 6.6), (-3.8, 10.4), 0.6, 1.0, 0.16),
        Fold((6.0, 4.0), (10.0, 9.0), 1.0, 2.0, 0.15),
    )
    second = "second" if garment.pattern == "colour block" else "trim"
    pieces: list[Piece] = [
        Part("tongue", tongue, roundness=1.0, edge=0.35, lift=0.2), Part("lining", inside, "lining", "lining", shade=0.8, roundness=-0.6, lift=0.0),
        Part("upper", upper, folds=folds, roundness=2.6, edge=0.3, lift=0.3),
        Part("toe cap", toe, second, roundness=1.2, edge=0.3, lift=0.25), Part("heel", heel, second, roundness=0.8, edge=0.3, lift=0.25),
        Part("eyestay", eyestay, second if garment.pattern == "colour block" else "cloth", roundness=0.5, edge=0.25, lift=0.3),
        Line(shift(eyestay, 0.4 if shift(eyestay, 1.0)[10, 1] > eyestay[10, 1] else -0.4), "stitch", 0.08, clip=eyestay),
        Part("sole", sole, "sole", "plain", roundness=1.0, edge=0.35, lift=0.4, patterned=False),
        Line(spline((-14.9, 12.6), (-8.0, 13.6), (0.0, 13.8), (8.0, 13.6), (14.7, 12.7)), "seam", 0.12),
        Line(shift(collar, 0.9), "crease", 0.3),
    ]  # fmt: skip
    del rng
    return Pattern(front=[*pieces, *_fastening(garment, top)])


def _fastening(garment: Garment, top: float) -> list[Piece]:
    pieces: list[Piece] = []
    for t in np.linspace(0.1, 0.9, 5 if top == 0 else 7):
        x, y = -5.6 + 9.4 * t, 6.4 - (6.4 - top * 0.5) * t + 0.6
        if garment.detail == "straps":
            continue
        pieces += [
            Line(spline((x - 1.0, y - 1.8), (x + 0.8, y - 0.8), (x + 1.8, y + 1.2)), "lace", 0.62, "sole"),
            Button(x + 1.9, y + 1.3, 0.24, "metal"),
        ]
    if garment.detail == "straps":
        for x, y in ((-2.8, 4.2), (1.4, 1.8 + top * 0.3)):
            strap = np.array([(x - 2.2, y - 2.6), (x + 0.6, y - 3.8), (x + 4.6, y + 3.0), (x + 2.0, y + 4.4)])
            pieces.append(Part("strap", strap, roundness=0.5, edge=0.3, lift=0.5, patterned=False))
    return pieces


def _bag(garment: Garment, rng: Rng) -> Pattern:
    """A tote when large, a flap bag on a strap when small."""
    return _tote(garment, rng) if garment.length == "large" else _flap_bag(garment, rng)


def _tote(garment: Garment, rng: Rng) -> Pattern:
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
        Line(np.array([(-15.2, 2.6), (15.2, 2.6)]), "stitch", 0.12), Line(np.array([(-15.3, 0.4), (15.3, 0.4)]), "edge", 0.2),
        Part("handle", front, paint="trim", roundness=0.5, edge=0.3, lift=0.6),
    ]  # fmt: skip
    for s in (-1.0, 1.0):
        tab = box(s * 8.0 - 1.3, -0.6, 2.6, 6.0, 0.6)
        pieces += [
            Part("tab", tab, "trim", roundness=0.4, edge=0.25, lift=0.3),
            Button(s * 8.0, 3.9, 0.4, "metal"),
            Line(shift(tab, 0.35), "stitch", 0.1, clip=tab),
        ]
    pieces += _closing(garment, 7.0)
    del rng
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


def _flap_bag(garment: Garment, rng: Rng) -> Pattern:
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
        Part("strap", strap, "trim", roundness=0.4, edge=0.25, lift=0.4), Part("bag", closed(half), roundness=2.6, edge=0.4, lift=0.9, folds=(Fold((-8, 14), (8, 14.5), 0.6, 2.0, 0.2),)),
        Part("flap", closed(cover), "second" if garment.pattern == "colour block" else "cloth", roundness=1.6, edge=0.35, lift=0.9),
        Line(closed(stitched), "stitch", 0.1),
        *[Button(s * 11.5, 0.6, 0.7, "metal") for s in (-1.0, 1.0)],
    ]  # fmt: skip
    del rng
    return Pattern(front=[*pieces, *_closing(garment, 9.6)])


def _closing(garment: Garment, y: float) -> list[Piece]:
    if garment.detail == "bow":
        return bow(0.0, y, 0.62)
    if garment.detail == "buckle":
        strap = box(-1.3, y - 3.0, 2.6, 7.0, 0.9)
        return [
            Part("tongue strap", strap, "trim", roundness=0.4, edge=0.25, lift=0.4),
            Part("buckle", box(-1.9, y - 0.8, 3.8, 3.2, 0.7), "metal", "plain", cut=(box(-1.1, y, 2.2, 1.6, 0.3),), roundness=0.3, edge=0.2, lift=0.4, patterned=False),
        ]  # fmt: skip
    return [Button(0.0, y, 0.8, "metal")]
