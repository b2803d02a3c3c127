"""Skirts, the skirts of dresses, and everything with legs."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose, leg_line
from atelier.curves import at_height, bezier, box, closed, flip, join, normals, spline
from atelier.details import add_front, leather_belt, patch_pocket, tied_belt
from atelier.parts import Button, Fold, Line, Part, Pattern, Piece
from atelier.tops import BLOCKS, Bodice, bodice, body_folds, build_collar, front_outline, sleeves

SKIRT_HEMS = {"mini": 86.0, "knee": 108.0, "midi": 129.0, "maxi": 154.0}
LEG_ENDS = {"short": 84.0, "knee": 106.0, "cropped": 140.0, "full": 160.0}


def skirt_half(
    body: Body, top: float, waist: float, hem: float, spread: float, waves: float, rng: Rng
) -> tuple[Floats, Floats]:
    """Side seam and hem of a skirt's right half; `spread` in cm of hem per cm of length, hem waved by the folds."""
    length = hem - top
    hip = body.hip + 1.4
    bottom = max(hip + spread * (hem - body.hip_y), hip - 2.0)
    flared = waist + (bottom - waist) * 0.45
    side = spline(
        (waist, top),
        (max(flared, hip - 1.0) if spread < 0.2 else flared, top + length * 0.36),
        (bottom, hem - 1.2),
    )
    xs = np.linspace(bottom, 0.0, 40)
    phase = rng.uniform(0, 6.28)
    dip = 2.6 * (1 - (xs / bottom) ** 2)
    wave = waves * np.sin(xs / bottom * 2 * np.pi * 2.5 + phase) * (0.4 + 0.6 * xs / bottom)
    return side, np.stack([xs, hem - 1.2 + dip + wave], axis=1)


def skirt_part(body: Body, garment: Garment, top: float, waist: float, hem: float, rng: Rng) -> Part:
    """One skirt, cut by its fabric: A-line and fluid when it is light, straight when it is firm."""
    firm = garment.fabric in ("denim", "leather", "wool")
    pleated = garment.detail == "pleats"
    spread = 0.10 if firm and not pleated else 0.24
    if hem > 120:
        spread *= 0.8
    side, edge = skirt_half(body, top, waist, hem, spread, 0.25 if firm else 0.7, rng)
    outline = closed(join(np.array([[0.0, top + 0.6]]), side, edge[1:]))
    return Part("skirt", outline, folds=_pleats(side, top, hem) if pleated else (), flare=0.25 if firm else 1.15, flare_top=top - 2,
                flare_count=3.2 if firm else 5.5, roundness=4.0, edge=0.3, lift=0.7, rumple=0.8)  # fmt: skip


def _pleats(side: Floats, top: float, hem: float) -> tuple[Fold, ...]:
    waist, bottom = float(side[0, 0]), float(side[-1, 0])
    places = np.linspace(-0.93, 0.93, 15)
    return tuple(Fold((float(p) * waist, top), (float(p) * bottom, hem + 4), 0.0, 1.1, 0.85) for p in places)


def build_skirt(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A skirt with its waistband."""
    del pose
    top, hem = body.waist_y - 1.0, SKIRT_HEMS[garment.length]
    waist = body.waist + 0.6
    skirt = skirt_part(body, garment, top + 3.2, waist + 0.5, hem, rng)
    pattern = Pattern(behind=[_inside_waist(waist, top)])
    pattern.front += [skirt, *_skirt_hem(skirt, hem), *waistband(waist, top)]
    if garment.detail == "buttons":
        pattern.front += [Line(np.array([(1.4, top + 4.0), (1.4, hem + 2)]), "edge", 0.4, clip=skirt.outline)]
        pattern.front += [Button(0.0, float(y), 0.75) for y in np.arange(top + 1.6, hem - 4, 8.0)]
    elif garment.detail == "belt":
        pattern.front += leather_belt(waist + 0.4, top + 0.8)
    elif garment.detail == "ruffle":
        pattern.front += hem_frill(skirt, hem, rng)
    elif garment.fabric == "denim":
        pattern.front += [*jeans_front(body, top, waist), Button(0.0, top + 1.7, 0.7, "metal")]
    return pattern


def _skirt_hem(skirt: Part, hem: float) -> list[Piece]:
    edge = skirt.outline[np.abs(skirt.outline[:, 1] - hem) < 5.0]
    edge = edge[np.argsort(edge[:, 0])] - np.array([0.0, 2.2])
    return [Line(edge, "stitch", 0.13, clip=skirt.outline)]


def hem_frill(skirt: Part, hem: float, rng: Rng) -> list[Piece]:
    """A gathered tier at the hem."""
    edge = skirt.outline[skirt.outline[:, 1] > hem - 2.5]
    edge = edge[np.argsort(edge[:, 0])] - np.array([0.0, 9.0])
    low = edge * np.array([1.1, 1.0]) + np.array([0.0, 10.0])
    low[:, 1] += 0.7 * np.sin(np.linspace(0, 15 * np.pi, len(low)) + rng.uniform(0, 6))
    folds = tuple(
        Fold((float(a[0]), float(a[1])), (float(b[0]), float(b[1])), 0.2, 1.0, 0.6)
        for a, b in zip(edge[1::3], low[1::3], strict=True)
    )
    return [
        Part("frill", join(edge, low[::-1]), folds=folds, roundness=1.2, edge=0.3, lift=0.8, rumple=0.5),
        Line(edge, "seam", 0.2),
    ]


def _inside_waist(waist: float, top: float) -> Part:
    half = join(
        bezier((0.0, top - 0.6), (waist * 0.7, top - 0.5), (waist, top + 0.1)),
        bezier((waist, top + 0.4), (waist * 0.6, top + 2.4), (0.0, top + 2.6)),
    )
    return Part("inside waist", closed(half), "lining", "lining", shade=0.75, roundness=0.2, lift=0.2)


def waistband(waist: float, top: float, height: float = 3.6) -> list[Piece]:
    """A band that curves around the waist."""
    half = join(bezier((0.0, top + 0.9), (waist * 0.7, top + 0.8), (waist, top)),
                bezier((waist + 0.5, top + height), (waist * 0.7, top + height + 0.8), (0.0, top + height + 1.0)))  # fmt: skip
    line = half[len(half) // 2 :] - np.array([0.3, 0.5])
    return [
        Part("waistband", closed(half), texture="", roundness=1.2, edge=0.35, lift=0.4, rumple=0.3),
        Line(line, "stitch", 0.13),
        Line(flip(line), "stitch", 0.13),
    ]


def build_dress(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A bodice to the waist and a skirt below it."""
    block = BLOCKS["dress"]
    cut = bodice(garment, body, block, body.waist_y)
    waist = float(cut.side[-1, 0])
    skirt = skirt_part(body, garment, body.waist_y - 0.4, waist, SKIRT_HEMS[garment.length], rng)
    hem = bezier((waist, body.waist_y), (waist * 0.6, body.waist_y + 1.0), (0.0, body.waist_y + 1.2))
    outline = front_outline(cut, hem)
    behind, collar = build_collar(garment, body)
    pattern = Pattern(behind=behind)
    front = Part("front", outline, folds=bust_folds(cut, body, rng), roundness=3.6, edge=0.3, lift=0.3)
    pattern.front += [
        *sleeves(garment, body, pose, cut, block, rng),
        skirt,
        *_skirt_hem(skirt, SKIRT_HEMS[garment.length]),
        front,
    ]
    pattern.front += [Line(join(hem, flip(hem)[::-1]), "seam", 0.25), *_darts(body)]
    if garment.detail == "pockets":
        slant = bezier((waist + 1.5, body.waist_y + 12), (waist - 2.5, body.waist_y + 25))
        pattern.front += [Line(slant, "pocket", 0.7), Line(flip(slant), "pocket", 0.7)]
    add_front(pattern.front, garment, body, cut.neck, SKIRT_HEMS[garment.length], join(outline))
    if garment.detail == "belt":
        pattern.front += tied_belt(waist + 0.4, body.waist_y)
    pattern.front += collar
    return pattern


def bust_folds(cut: Bodice, body: Body, rng: Rng) -> tuple[Fold, ...]:
    """A fitted bodice: the bust's two soft rounds, drag lines from the armpits and gathers at the waist."""
    folds = [Fold((s * 7.2, 22.0), (s * 7.6, 27.5), s * 0.5, 5.5, 1.6) for s in (-1.0, 1.0)]
    folds += [f for f in body_folds(cut, body, rng, 0.7)[::2]]
    for x in np.linspace(-0.75, 0.75, 7):
        reach = rng.uniform(5, 11)
        folds.append(
            Fold(
                (float(x) * body.waist, body.waist_y),
                (float(x) * body.waist * 1.12, body.waist_y - reach),
                0.3,
                0.9,
                rng.uniform(0.2, 0.4),
            )
        )
    return tuple(folds)


def _darts(body: Body) -> list[Piece]:
    line = bezier((7.0, 29.0), (6.2, body.waist_y))
    return [Line(line, "seam", 0.12), Line(flip(line), "seam", 0.12)]


def leg(
    body: Body, pose: Pose, side: int, end: float, ease: float, ankle: float, rng: Rng
) -> tuple[Floats, Floats]:
    """Outer and inner edge of one trouser leg from the hip down to `end` (y in cm)."""
    line = leg_line(body, pose, side)
    line = line[line[:, 1] <= end]
    y = line[:, 1]
    half = np.interp(
        y,
        [body.hip_y, body.crotch_y, body.knee_y, body.ankle_y],
        [body.hip * 0.56, body.leg / 2 + ease, body.leg * 0.36 + ease, ankle],
    )
    across = normals(line)
    if float(across[0, 0]) * (1 if side else -1) < 0:
        across = -across
    del rng
    return line + across * half[:, None], line - across * half[:, None]


def build_legs(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """Trousers, jeans or shorts."""
    top = body.waist_y + 1.0
    waist = body.waist + 0.8
    pattern = Pattern(behind=[_inside_waist(waist, top)])
    pattern.front += legs(garment, body, pose, top + 3.0, waist + 0.4, rng)
    pattern.front += waistband(waist, top)
    if garment.kind == "jeans" or garment.fabric == "denim":
        pattern.front += [*jeans_front(body, top, waist), Button(0.0, top + 2.2, 0.75, "metal")]
    else:
        pattern.front += [*trouser_front(body, top, waist), Button(0.0, top + 2.4, 0.55)]
    pattern.front += belt_loops(waist, top)
    if garment.detail == "belt":
        pattern.front += leather_belt(waist + 0.3, top + 1.0)
    if garment.detail == "pockets":
        y = min(LEG_ENDS[garment.length] - 16.0, 78.0)
        pattern.front += [*patch_pocket(7.5, y, 9.0, 10.0), *patch_pocket(-16.5, y, 9.0, 10.0)]
    return pattern


def legs(garment: Garment, body: Body, pose: Pose, top: float, waist: float, rng: Rng) -> list[Piece]:
    """Two legs that share a rise; the far leg is drawn first."""
    end = LEG_ENDS[garment.length]
    jeans = garment.kind == "jeans"
    ease, ankle = (1.0, 6.0) if jeans else (2.4, 8.4) if end > 130 else (3.2, 9.0)
    pieces: list[Piece] = []
    for side in (0, 1):
        sign = 1.0 if side else -1.0
        outer, inner = leg(body, pose, side, end, ease, ankle, rng)
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


def jeans_front(body: Body, top: float, waist: float) -> list[Piece]:
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
            Line(pocket * turn, "edge", 0.45),
            Line((pocket + np.array([-0.4, 0.7])) * turn, "stitch", 0.15),
            Button(side * (waist - 4.2), top + 5.0, 0.36, "metal"),
        ]
    return pieces


def trouser_front(body: Body, top: float, waist: float) -> list[Piece]:
    """Slanted pockets and a covered fly."""
    slant = bezier((waist - 4.0, top + 4.4), (waist + 2.2, top + 17.0))
    fly = join(
        np.array([(2.2, top + 4.6), (2.2, top + 13.0)]),
        bezier((2.2, top + 13.0), (2.0, top + 16.2), (0.2, top + 18.0)),
    )
    return [Line(slant, "pocket", 0.5), Line(flip(slant), "pocket", 0.5), Line(fly, "stitch", 0.13)]


def belt_loops(waist: float, top: float) -> list[Piece]:
    """Loops on the waistband."""
    return [
        Part(
            "loop",
            box(x * waist - 0.5, top - 0.1 + 0.7 * (1 - abs(x)), 1.0, 4.6, 0.2),
            roundness=0.3,
            edge=0.2,
            lift=0.3,
            rumple=0.0,
            patterned=False,
        )
        for x in (-0.82, -0.42, 0.42, 0.82)
    ]


def build_jumpsuit(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A bodice over wide legs."""
    block = BLOCKS["jumpsuit"]
    cut = bodice(garment, body, block, body.waist_y)
    waist = float(cut.side[-1, 0])
    hem = bezier((waist, body.waist_y), (waist * 0.6, body.waist_y + 0.8), (0.0, body.waist_y + 1.0))
    outline = front_outline(cut, hem)
    behind, collar = build_collar(garment, body)
    pattern = Pattern(behind=behind)
    pattern.front += [
        *sleeves(garment, body, pose, cut, block, rng),
        *legs(garment, body, pose, body.waist_y - 0.6, waist, rng),
    ]
    pattern.front += [
        Part("front", outline, folds=bust_folds(cut, body, rng), roundness=3.4, edge=0.3, lift=0.3),
        Line(join(hem, flip(hem)[::-1]), "seam", 0.3),
    ]
    pattern.front += [*_darts(body), *trouser_front(body, body.waist_y - 2, waist - 1)[:2]]
    if garment.detail == "belt":
        pattern.front += tied_belt(waist + 0.4, body.waist_y)
    elif garment.detail == "zip":
        add_front(pattern.front, garment, body, cut.neck, body.waist_y, outline)
    pattern.front += collar
    return pattern
