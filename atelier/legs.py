"""Trousers, jeans and shorts."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose, leg_line
from atelier.curves import at_height, bezier, closed, flip, join, normals, spline
from atelier.parts import Button, Fold, Line, Part, Pattern, Piece
from atelier.pockets import patch_pocket
from atelier.trims import leather_belt
from atelier.waists import belt_loops, inside_waist, waistband

LEG_ENDS = {"short": 84.0, "knee": 106.0, "cropped": 140.0, "full": 160.0}


def build_legs(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """Trousers, jeans or shorts."""
    top = body.waist_y + 1.0
    waist = body.waist + 0.8
    pattern = Pattern(behind=[inside_waist(waist, top)])
    pattern.front += legs(garment, body, pose, top + 3.0, waist + 0.4, rng)
    pattern.front += waistband(waist, top)
    if garment.kind == "jeans" or garment.fabric == "denim":
        pattern.front += [
            *jeans_front(top, waist, hips(body, top, waist)),
            Button(0.0, top + 2.2, 0.75, "metal"),
        ]
    else:
        pattern.front += [*trouser_front(top, waist, hips(body, top, waist)), Button(0.0, top + 2.4, 0.55)]
    if garment.detail == "pleats":
        pattern.front += front_pleats(top, waist)
    pattern.front += belt_loops(waist, top)
    if garment.detail == "belt":
        pattern.front += leather_belt(waist + 0.3, top + 1.0)
    if garment.detail == "pockets":
        y = min(LEG_ENDS[garment.length] - 16.0, 78.0)
        pattern.front += [*patch_pocket(7.5, y, 9.0, 10.0), *patch_pocket(-16.5, y, 9.0, 10.0)]
    return pattern


def leg(body: Body, pose: Pose, side: int, end: float, ease: float, ankle: float) -> tuple[Floats, Floats]:
    """Outer and inner edge of one leg from the hip to `end` (y in cm). Shorts hang straight, apart."""
    line = leg_line(body, pose, side)
    line = line[line[:, 1] <= end]
    y = line[:, 1]
    thigh = body.leg / 2 + ease
    if end < body.knee_y:
        half = np.interp(
            y,
            [body.hip_y, body.crotch_y, end],
            [body.hip * 0.56, thigh, thigh + 0.02 * (end - body.crotch_y)],
        )
        line = (
            line
            + np.array([1.0 if side else -1.0, 0.0]) * np.interp(y, [body.hip_y, end], [0.0, 3.2])[:, None]
        )
    else:
        knee = body.leg * 0.36 + ease
        half = np.interp(
            y, [body.hip_y, body.crotch_y, body.knee_y, body.ankle_y], [body.hip * 0.56, thigh, knee, ankle]
        )
    across = normals(line)
    if float(across[0, 0]) * (1 if side else -1) < 0:
        across = -across
    return line + across * half[:, None], line - across * half[:, None]


def hips(body: Body, top: float, waist: float) -> Floats:
    """The outline of the hips, within which pockets are sewn."""
    hip = spline(
        (waist, top),
        (body.hip - 0.4, (top + body.hip_y) / 2 + 2.0),
        (body.hip + 1.2, body.hip_y + 2.0),
        (body.hip + 1.0, body.hip_y + 14.0),
    )
    return closed(join(np.array([[0.0, top]]), hip, np.array([[0.0, body.hip_y + 14.0]])))


def legs(garment: Garment, body: Body, pose: Pose, top: float, waist: float, rng: Rng) -> list[Piece]:
    """Two legs that share a rise; the far leg is drawn first."""
    end = LEG_ENDS[garment.length]
    jeans = garment.kind == "jeans"
    ease, ankle = (1.0, 6.0) if jeans else (2.4, 8.4) if end > 130 else (1.6, 9.0)
    pieces: list[Piece] = []
    for side in (0, 1):
        sign = 1.0 if side else -1.0
        outer, inner = leg(body, pose, side, end, ease, ankle)
        below = outer[:, 1] > body.hip_y + 6
        hip = spline(
            (sign * waist, top),
            (sign * (body.hip - 0.4), (top + body.hip_y) / 2 + 2.0),
            (sign * (body.hip + 1.2), body.hip_y + 2.0),
            tuple(outer[below][0]),
        )
        inside = inner[inner[:, 1] > body.crotch_y + 3]
        hem = bezier(tuple(outer[-1]), ((outer[-1, 0] + inner[-1, 0]) / 2, end + 1.4), tuple(inner[-1]))
        rise = bezier(tuple(inside[0]), (sign * 0.6, body.crotch_y + 0.6), (0.0, body.crotch_y), samples=6)
        outline = join(np.array([[-sign * 0.1, top + 1.2]]), hip, outer[below], hem, inside[::-1], rise)
        axis = join(np.array([[sign * waist * 0.5, top]]), (outer[below] + _paired(inner, outer[below])) / 2)
        pieces.append(
            Part(
                "leg",
                outline,
                axis=axis,
                folds=_leg_folds(outer, inner, body, end, sign, rng),
                roundness=3.4,
                edge=0.35,
                lift=0.6,
            )
        )
        pieces += [Line(hem - np.array([0.0, 2.0]), "stitch", 0.13)]
        if garment.kind == "trousers":
            pieces.append(Line(axis[4:], "crease", 0.5))
        if garment.detail == "ripped":
            pieces += _rips(axis, body, sign, rng)
    rise_line = spline((0.0, top), (0.25, top + 14), (0.0, body.crotch_y))
    return [*pieces, Line(rise_line, "seam", 0.25)]


def _paired(inner: Floats, outer: Floats) -> Floats:
    return np.stack([np.interp(outer[:, 1], inner[:, 1], inner[:, 0]), outer[:, 1]], axis=1)


def _leg_folds(
    outer: Floats, inner: Floats, body: Body, end: float, sign: float, rng: Rng
) -> tuple[Fold, ...]:
    """Whiskers at the hip, drag lines at the crotch, knee creases, and the break over the shoe."""
    folds = []
    for drop in (1.0, 4.0, 7.5):
        folds.append(
            Fold(
                (sign * 1.2, body.crotch_y - 4 + drop),
                (sign * rng.uniform(8, 14), body.crotch_y - 8 + drop * 1.6),
                1.0,
                1.2,
                rng.uniform(0.35, 0.6),
            )
        )
    places = [
        (body.knee_y - 5, 0.5),
        (body.knee_y, 0.6),
        (body.knee_y + 5, 0.5),
        (end - 4, 0.6),
        (end - 8, 0.5),
        (end - 13, 0.35),
    ]
    for y, height in places:
        if y > end - 2:
            continue
        at = y + rng.uniform(-1.5, 1.5)
        a, b = at_height(outer, at), at_height(inner, at)
        side, reach = rng.uniform(0.0, 0.2), rng.uniform(0.5, 0.9)
        start, stop = (a, b) if rng.random() < 0.5 else (b, a)
        folds.append(
            Fold(
                (start + (stop - start) * side, at),
                (start + (stop - start) * reach, at + rng.uniform(-4, 4)),
                rng.uniform(-1, 1),
                1.2,
                height * rng.uniform(0.7, 1.2),
            )
        )
    middle = (at_height(outer, 90) + at_height(inner, 90)) / 2
    folds.append(Fold((middle, body.crotch_y + 8), (middle + sign, min(end, 140.0)), sign * 0.8, 2.6, 0.5))
    return tuple(folds)


def _rips(axis: Floats, body: Body, sign: float, rng: Rng) -> list[Piece]:
    x = at_height(axis, body.knee_y)
    pieces: list[Piece] = []
    for y in (body.knee_y - 3.0, body.knee_y - 22.0):
        if sign > 0 and y < body.knee_y - 10:
            continue
        width = rng.uniform(3.2, 4.4)
        shape = spline((x - width, y), (x, y - 1.3), (x + width, y), (x, y + 1.5), (x - width, y))
        pieces.append(
            Part(
                "rip",
                shape,
                "skin",
                "plain",
                roundness=-0.4,
                edge=0.2,
                lift=-1.0,
                rumple=0.0,
                patterned=False,
                shade=0.86,
            )
        )
        pieces += [
            Line(np.array([(x - width * w, y + o), (x + width * w, y + o * 1.2)]), "cord", 0.22, "thread")
            for o, w in ((-0.6, 0.7), (0.1, 0.95), (0.8, 0.65))
        ]
    return pieces


def jeans_front(top: float, waist: float, clip: Floats) -> list[Piece]:
    """Curved pockets, fly and contrast stitching."""
    pocket = spline((waist - 4.6, top + 4.0), (waist - 3.6, top + 8.5), (waist + 2.6, top + 10.5))
    fly = join(
        np.array([(2.6, top + 4.2), (2.6, top + 13.0)]),
        bezier((2.6, top + 13.0), (2.4, top + 16.6), (0.2, top + 18.6)),
    )
    pieces: list[Piece] = [Line(fly, "stitch", 0.16), Line(fly - np.array([0.6, 0.0]), "stitch", 0.16)]
    for side in (1.0, -1.0):
        turn = np.array([side, 1.0])
        pieces += [
            Line(pocket * turn, "edge", 0.45, clip=clip),
            Line((pocket + np.array([-0.4, 0.7])) * turn, "stitch", 0.15, clip=clip),
            Button(side * (waist - 4.2), top + 5.0, 0.36, "metal"),
        ]
    return pieces


def front_pleats(top: float, waist: float) -> list[Piece]:
    """Two pleats on each side, folded outwards under the waistband."""
    pieces: list[Piece] = []
    for share, length in ((0.42, 24.0), (0.66, 16.0)):
        x = waist * share
        fold = np.array(
            [
                (x - 0.7, top + 4.2),
                (x + 0.9, top + 4.2),
                (x + 0.9, top + length * 0.6),
                (x + 0.4, top + length),
            ]
        )
        for side in (1.0, -1.0):
            turn = np.array([side, 1.0])
            pieces += [
                Part("pleat", fold * turn, roundness=0.5, edge=0.3, lift=0.9, rumple=0.2),
                Line(fold[1:] * turn, "edge", 0.4),
            ]
    return pieces


def trouser_front(top: float, waist: float, clip: Floats) -> list[Piece]:
    """Slanted pockets and a covered fly."""
    slant = bezier((waist - 4.0, top + 4.4), (waist + 2.2, top + 17.0))
    fly = join(
        np.array([(2.2, top + 4.6), (2.2, top + 13.0)]),
        bezier((2.2, top + 13.0), (2.0, top + 16.2), (0.2, top + 18.0)),
    )
    return [
        Line(slant, "pocket", 0.5, clip=clip),
        Line(flip(slant), "pocket", 0.5, clip=clip),
        Line(fly, "stitch", 0.13),
    ]
