"""Dresses and jumpsuits: a bodice above, a skirt or legs below."""

import numpy as np

from atelier.arrays import Rng
from atelier.attributes import Garment
from atelier.blocks import BLOCKS
from atelier.body import Body, Pose
from atelier.closures import add_front
from atelier.curves import bezier, flip, join
from atelier.legs import hips, legs, trouser_front
from atelier.parts import Fold, Line, Part, Pattern, Piece
from atelier.skirts import SKIRT_HEMS, skirt_hem, skirt_part
from atelier.tops import Bodice, bodice, body_folds, build_collar, front_outline, sleeves
from atelier.trims import tied_belt


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
        *skirt_hem(skirt, SKIRT_HEMS[garment.length]),
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
    folds += list(body_folds(cut, body, rng, 0.7)[::2])
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
    pattern.front += [
        *_darts(body),
        *trouser_front(body.waist_y - 2, waist - 1, hips(body, body.waist_y, waist))[:2],
    ]
    if garment.detail == "belt":
        pattern.front += tied_belt(waist + 0.4, body.waist_y)
    elif garment.detail == "zip":
        add_front(pattern.front, garment, body, cut.neck, body.waist_y, outline)
    pattern.front += collar
    return pattern
