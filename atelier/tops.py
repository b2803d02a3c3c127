"""Garments for the upper body, and the bodices of dresses and jumpsuits."""

from dataclasses import dataclass, replace

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.blocks import BLOCKS, LENGTHS, NECKLINE_OF, Block
from atelier.body import Body, Pose, arm_line
from atelier.closures import add_front
from atelier.collars import hood, lapels, shirt_collar, turtleneck
from atelier.curves import Point, at_height, bezier, closed, flip, join, mirrored, shift, spline
from atelier.necklines import back_band, inside_back, opening, rib_collar, shoulder_height
from atelier.parts import Fold, Line, Part, Pattern, Piece
from atelier.pockets import add_pockets
from atelier.sleeves import Cut, sleeve


@dataclass(frozen=True)
class Bodice:
    """The right half of a front, in the pieces of its outline."""

    neck: Floats
    shoulder: Point
    armpit: Point
    armhole: Floats
    side: Floats
    bottom: float


def neckline_of(garment: Garment) -> str:
    """The opening that a garment has, whether it is an attribute or its kind's own."""
    if garment.kind == "jacket":
        return "hood" if garment.detail == "hood" else "collar"
    if garment.kind == "coat" and garment.detail == "hood":
        return "hood"
    return NECKLINE_OF.get(garment.kind) or garment.neckline or "crew"


def bodice(garment: Garment, body: Body, block: Block, bottom: float) -> Bodice:
    """Cut the front down to `bottom` (y in cm)."""
    neck = opening(body, neckline_of(garment))
    bare = garment.sleeve == "sleeveless"
    x = body.shoulder + (block.drop if not bare else -1.6)
    x = max(x, neck[-1, 0] + 2.2)
    shoulder = (x, shoulder_height(body, x) + (0.25 * block.drop if not bare else 0.0))
    armpit = (
        body.chest + block.chest,
        body.armpit_y + (block.armhole if not bare else min(block.armhole, 2.2)),
    )
    hollow = min(shoulder[0], armpit[0]) - (2.2 if not bare else 3.0) + block.drop * 0.55
    armhole = bezier(shoulder, (hollow, shoulder[1] + 6.5), (hollow, armpit[1] - 2.0), armpit)
    return Bodice(neck, shoulder, armpit, armhole, _side(body, block, armpit, bottom), bottom)


def _side(body: Body, block: Block, armpit: Point, bottom: float) -> Floats:
    waist = (body.waist + block.waist, body.waist_y)
    hip = (body.hip + block.hip, body.hip_y)
    below = (
        body.hip + block.hip + block.flare * max(0.0, bottom - body.hip_y) * 0.16,
        max(bottom, body.hip_y + 4.0),
    )
    whole = spline(
        armpit, ((armpit[0] * 0.45 + waist[0] * 0.55), (armpit[1] + waist[1]) / 2), waist, hip, below
    )
    kept = whole[whole[:, 1] < bottom]
    return join(kept, np.array([[at_height(whole, bottom), bottom]]))


def front_outline(cut: Bodice, hem: Floats) -> Floats:
    """The closed outline of a front from its half and its hem (right side to centre)."""
    line = np.linspace(cut.neck[-1], cut.shoulder, 3)
    return closed(join(cut.neck, line, cut.armhole, cut.side[1:], hem))


def hem_curve(cut: Bodice, shape: str) -> Floats:
    """The hem from the side seam to the centre front."""
    x, y = float(cut.side[-1, 0]), cut.bottom
    if shape == "shirt":
        return bezier((x, y - 5.5), (x - 3.0, y - 1.0), (x * 0.45, y + 1.6), (0.0, y + 1.8))
    return bezier((x, y), (x * 0.6, y + 1.3), (0.0, y + 1.5))


def build_top(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """All pieces of a garment for the upper body."""
    block = BLOCKS[garment.kind]
    bottom = LENGTHS[garment.length or "regular"]
    ribbed = block.hem in ("rib", "band")
    cut = bodice(garment, body, block, bottom - (5.0 if ribbed else 0.0))
    hem = hem_curve(cut, block.hem)
    if block.hem == "shirt":
        cut = Bodice(
            cut.neck,
            cut.shoulder,
            cut.armpit,
            cut.armhole,
            cut.side[cut.side[:, 1] < cut.bottom - 5.5],
            cut.bottom,
        )
    outline = front_outline(cut, hem)
    behind, collar = build_collar(garment, body)
    front = Part(
        "front",
        outline,
        folds=body_folds(cut, body, rng, block.weight),
        flare=0.5 * block.flare,
        flare_top=body.waist_y - 14,
        flare_count=4.5,
        roundness=3.2,
        edge=0.3 * block.weight,
        lift=0.5 * block.weight,
    )
    pattern = Pattern(behind=behind)
    pattern.front += [*sleeves(garment, body, pose, cut, block, rng), front, *_hem(cut, hem, block)]
    pattern.front += [*_armhole_lines(garment, cut), *_shoulder_lines(cut)]
    add_pockets(pattern.front, garment, body, cut.bottom, outline)
    add_front(pattern.front, garment, body, cut.neck, bottom, outline)
    pattern.front += collar
    return pattern


def sleeves(garment: Garment, body: Body, pose: Pose, cut: Bodice, block: Block, rng: Rng) -> list[Piece]:
    """Both sleeves, set into the armholes of `cut`."""
    pieces: list[Piece] = []
    for side in (0, 1):
        sign = 1.0 if side else -1.0
        tip = (sign * (cut.shoulder[0] + 0.25), cut.shoulder[1] - 0.15)
        pit = (sign * (cut.armpit[0] - 0.8), cut.armpit[1] + 0.3)
        pieces += sleeve(
            arm_line(body, pose, side), tip, pit, garment.sleeve, cut_for(block, body, pose), rng
        )
    return pieces


def cut_for(block: Block, body: Body, pose: Pose) -> Cut:
    """The block's sleeve, narrower when an arm fills it than when it lies flat."""
    ease = 0.76 if pose.name == "standing" else 1.0
    size = body.arm / 5.6
    return replace(block.cut, upper=block.cut.upper * ease * size, lower=block.cut.lower * ease * size)


def build_collar(garment: Garment, body: Body) -> tuple[list[Piece], list[Piece]]:
    """What is around the neck: (behind, front)."""
    kind = neckline_of(garment)
    inside = inside_back(body, kind)
    if kind == "hood":
        behind, front = hood(body)
        return [behind[0], *inside, behind[1]], front
    if kind == "collar":
        behind, front = shirt_collar(
            body,
            texture="rib" if garment.kind == "polo" else "",
            size=0.92 if garment.kind == "polo" else 1.0,
        )
        return [*inside, *behind], front
    if kind == "lapel":
        behind, front = lapels(body, 30.0 if garment.kind == "blazer" else 27.0)
        return [*inside, *behind], front
    if kind == "turtleneck":
        behind, front = turtleneck(body)
        return [*inside, *behind], front
    return _band(garment, body, kind, inside)


def _band(garment: Garment, body: Body, kind: str, inside: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """A rib for knits and jersey, a bound edge for woven cloth."""
    if garment.kind in ("blouse", "dress", "jumpsuit"):
        edge = opening(body, kind)
        return inside, [
            Line(mirrored(shift(edge, 0.0)), "edge", 0.5),
            Line(mirrored(_lowered(edge, 0.7)), "stitch", 0.13),
        ]
    width = {"t-shirt": 1.5, "sweatshirt": 2.2, "sweater": 2.4, "cardigan": 2.4}.get(garment.kind, 1.6)
    return [*inside, back_band(body, kind, width)], rib_collar(body, kind, width)


def _lowered(edge: Floats, by: float) -> Floats:
    out = edge.copy()
    out[:, 1] += by
    out[-1] = edge[-1] + np.array([by, by * 0.3])
    return out


def _hem(cut: Bodice, hem: Floats, block: Block) -> list[Piece]:
    whole = join(hem, flip(hem)[::-1])
    if block.hem not in ("rib", "band"):
        return [Line(whole - np.array([0.0, gap]), "stitch", 0.13) for gap in (1.5, 2.0)]
    x, y = cut.side[-1]
    tuck = 1.6 if block.hem == "rib" else 0.5
    low = bezier((x - tuck, y + 5.2), (x * 0.55, y + 6.6), (0.0, y + 6.7))
    out = closed(
        join(
            np.array([[0.0, y + 1.3]]),
            hem[::-1],
            bezier((x, y), (x + 0.2, y + 2.6), (x - tuck, y + 5.2)),
            low,
        )
    )
    texture, paint = ("rib", "trim") if block.hem == "rib" else ("", "cloth")
    band = Part(
        "hem band",
        out,
        paint,
        texture,
        roundness=1.0,
        edge=0.4,
        lift=0.5,
        rumple=0.3,
        patterned=block.hem == "band",
    )
    return [band, Line(whole, "seam", 0.2)]


def _armhole_lines(garment: Garment, cut: Bodice) -> list[Piece]:
    inset = shift(cut.armhole, 0.7 if shift(cut.armhole, 1.0)[8, 0] < cut.armhole[8, 0] else -0.7)
    pieces: list[Piece] = []
    for line in (inset, flip(inset)):
        pieces.append(
            Line(
                line,
                "stitch" if garment.sleeve == "sleeveless" else "crease",
                0.14 if garment.sleeve == "sleeveless" else 0.3,
            )
        )
    return pieces


def _shoulder_lines(cut: Bodice) -> list[Piece]:
    """The shoulder seams, a little to the front of the shoulder."""
    line = np.linspace(cut.neck[-1] + np.array([0.2, 0.9]), np.array(cut.shoulder) + np.array([-0.3, 1.3]), 8)
    return [Line(line, "seam", 0.12), Line(flip(line), "seam", 0.12)]


def body_folds(cut: Bodice, body: Body, rng: Rng, weight: float) -> tuple[Fold, ...]:
    """Drag lines from the armpits, soft diagonals over the belly, a few creases at the waist."""
    folds = []
    x, y = cut.armpit
    for sign in (-1.0, 1.0):
        for angle in (0.25, 0.62, 1.0):
            reach = rng.uniform(8, 15)
            end = (sign * (x - reach * np.cos(angle) * 1.1), y - 3 + reach * np.sin(angle) * 1.15)
            folds.append(
                Fold(
                    (sign * (x - 0.8), y + rng.uniform(-2.5, 1.5)),
                    end,
                    sign * rng.uniform(0.6, 2.2),
                    1.3 * weight**0.5,
                    rng.uniform(0.35, 0.65),
                )
            )
        for _ in range(3):
            at = rng.uniform(body.waist_y - 8, cut.bottom - 2)
            edge = at_height(cut.side, min(at, cut.bottom))
            inner = edge * rng.uniform(0.25, 0.6)
            folds.append(
                Fold(
                    (sign * (edge - 0.6), at),
                    (sign * inner, at + rng.uniform(2, 9)),
                    sign * rng.uniform(-2, 1.2),
                    1.8 * weight**0.5,
                    rng.uniform(0.3, 0.6),
                )
            )
    for _ in range(4):
        at = rng.uniform(y + 4, cut.bottom - 4)
        left = rng.uniform(-x * 0.7, x * 0.3)
        folds.append(
            Fold(
                (left, at),
                (left + rng.uniform(-5, 9), at + rng.uniform(8, 18)),
                rng.uniform(-2.5, 2.5),
                2.6,
                rng.uniform(0.25, 0.5),
            )
        )
    return tuple(folds)
