"""Collars, lapels, roll necks and hoods: what stands around the opening, behind the neck and in front."""

import numpy as np

from atelier.arrays import Floats
from atelier.body import Body
from atelier.curves import bezier, closed, join, mirrored, shift, spline
from atelier.parts import Button, Fold, Line, Part, Piece


def turtleneck(body: Body) -> tuple[list[Piece], list[Piece]]:
    """A folded roll neck: (behind, front)."""
    n = body.neck
    half = join(
        bezier((0.0, -6.6), (n * 0.6, -6.6), (n + 0.2, -7.2)),
        bezier((n + 0.2, -7.2), (n + 1.3, -3.0), (n + 1.6, 0.8)),
        bezier((n + 1.6, 0.8), (n * 0.9, 4.4), (0.0, 5.0)),
    )
    roll = Part(
        "roll neck",
        closed(half),
        "trim",
        "rib",
        roundness=2.2,
        edge=0.6,
        lift=0.6,
        rumple=0.3,
        patterned=False,
        folds=(Fold((-n, 1.2), (n, 1.2), 1.6, 0.8, 0.25),),
    )
    back = bezier((0.0, -8.0), (n * 0.7, -8.0), (n + 0.2, -7.0))
    front = bezier((n + 0.2, -7.0), (n * 0.6, -5.6), (0.0, -5.6))
    inner = Part(
        "roll inside", closed(join(back, front)), "trim", "rib", shade=0.62, lift=0.0, patterned=False
    )
    return [inner], [
        roll,
        Line(mirrored(bezier((0.0, -5.4), (n * 0.6, -5.4), (n + 0.25, -6.2))), "crease", 0.4),
    ]


def shirt_collar(
    body: Body, paint: str = "cloth", size: float = 1.0, texture: str = ""
) -> tuple[list[Piece], list[Piece]]:
    """A pointed collar on its stand: (behind, front). The two leaves meet at the top of the placket."""
    n = body.neck
    back = closed(
        join(
            bezier((0.0, -3.2), (n * 0.6, -3.2), (n + 0.2, -1.8)),
            bezier((n + 0.2, -1.8), (n + 1.6, 0.4)),
            bezier((n + 1.6, 0.4), (n * 0.6, 3.4), (0.0, 3.4)),
        )
    )
    stand = Part(
        "collar back", back, paint, texture or "plain-weave", shade=0.84, lift=0.2, rumple=0.2, roundness=0.4
    )
    tip = (n * 0.98 + 1.4 * size, 11.2 * size + 1.2)
    leaf = join(
        bezier((0.25, 8.4), (n * 0.4, 5.2), (n * 0.86, 2.2), (n + 0.1, -2.2)),
        bezier((n + 0.1, -2.2), (n + 1.6, -1.6), (n + 2.6, 1.5)),
        bezier((n + 2.6, 1.5), (n + 2.4, 6.0), tip),
        bezier(tip, (n * 0.5, 9.9), (0.25, 8.4)),
    )
    pieces: list[Piece] = []
    for side in (1.0, -1.0):
        shape = leaf * np.array([side, 1.0])
        stitched = shift(resampled(leaf), 0.5) * np.array([side, 1.0])
        axis = np.array([(side * (n + 1.0), -2.0), (side * 2.0, 10.0)], float)
        pieces += [
            Part(
                "collar",
                shape,
                paint,
                texture or "plain-weave",
                axis=axis,
                roundness=0.6,
                edge=0.3,
                lift=0.7,
                rumple=0.15,
            ),
            Line(stitched[_lower(leaf)], "stitch", 0.14, clip=shape),
        ]
    return [stand], pieces


def resampled(leaf: Floats) -> Floats:
    """The outline itself; kept apart so that its stitching can be moved inwards."""
    return leaf.copy()


def _lower(leaf: Floats) -> slice:
    return slice(len(leaf) // 2, len(leaf) - 2)


def lapels(body: Body, depth: float, paint: str = "cloth") -> tuple[list[Piece], list[Piece]]:
    """A notched collar with lapels that roll to the first button at `depth`."""
    n = body.neck
    behind, _ = shirt_collar(body, paint)
    lapel = join(
        bezier((0.6, depth), (n * 0.5, depth * 0.55), (n + 0.2, 4.4)),
        bezier((n + 0.2, 4.4), (n + 4.6, 8.6)),
        bezier((n + 4.6, 8.6), (n + 6.6, 10.0), (n + 7.2, 10.6)),
        bezier((n + 7.2, 10.6), (n + 4.6, depth * 0.66), (0.6, depth)),
    )
    collar = join(
        bezier((n + 0.2, 5.6), (n - 0.6, 1.4), (n - 0.1, -2.4)),
        bezier((n - 0.1, -2.4), (n + 1.8, -1.8), (n + 3.0, 1.2)),
        bezier((n + 3.0, 1.2), (n + 5.4, 4.6), (n + 6.2, 7.4)),
        bezier((n + 6.2, 7.4), (n + 3.6, 7.4), (n + 0.2, 5.6)),
    )
    pieces: list[Piece] = []
    for side in (-1.0, 1.0):
        turn = np.array([side, 1.0])
        slant = np.array([(side * 6.0, 0.0), (side * 3.0, depth)], float)
        pieces += [
            Part("lapel", lapel * turn, paint, axis=slant, roundness=0.8, edge=0.35, lift=0.9, rumple=0.3),
            Part(
                "lapel collar",
                collar * turn,
                paint,
                axis=slant,
                roundness=0.6,
                edge=0.35,
                lift=0.6,
                rumple=0.2,
            ),
        ]
    return behind, pieces


def hood(body: Body, paint: str = "cloth") -> tuple[list[Piece], list[Piece]]:
    """A hood that lies back: its bowl behind the neck, its edges crossing at the throat, and its cords."""
    n = body.neck
    bowl = closed(
        join(
            bezier((0.0, -10.5), (n * 1.2, -11.0), (n + 5.2, -7.5), (n + 6.0, -1.0)),
            bezier((n + 6.0, -1.0), (n + 6.0, 4.0), (n + 2.0, 7.0)),
            bezier((n + 2.0, 7.0), (n * 0.5, 8.0), (0.0, 8.0)),
        )
    )
    dark = closed(
        join(
            bezier((0.0, -7.6), (n * 0.9, -8.0), (n + 2.6, -5.0), (n + 2.6, 0.0)),
            bezier((n + 2.6, 0.0), (n, 9.0), (0.0, 11.0)),
        )
    )
    behind: list[Piece] = [
        Part(
            "hood",
            bowl,
            paint,
            roundness=3.0,
            edge=0.5,
            lift=0.8,
            folds=(Fold((-n - 3, -4), (n + 3, -4), -3.5, 1.6, 0.5),),
        ),
        Part("hood inside", dark, "lining", "lining", shade=0.7, roundness=-1.0, lift=0.0),
    ]
    edge = join(
        bezier((-1.4, 11.4), (n * 0.5, 8.0), (n + 1.2, 3.6), (n + 1.4, -3.4)),
        bezier((n + 1.4, -3.4), (n + 4.4, -4.0), (n + 5.8, -0.8)),
        bezier((n + 5.8, -0.8), (n + 5.0, 6.5), (n * 0.6, 11.8), (-1.4, 11.4)),
    )
    front: list[Piece] = []
    for side in (-1.0, 1.0):
        turn = np.array([side, 1.0])
        front.append(
            Part(
                "hood edge",
                edge * turn,
                paint,
                roundness=1.4,
                edge=0.45,
                lift=0.7,
                folds=(Fold((side * (n + 3.4), -2.0), (side * 2.0, 10.5), side * -2.0, 1.2, 0.4),),
            )
        )
    for side in (-1.0, 1.0):
        front.append(
            Line(spline((side * 3.2, 10.6), (side * 3.9, 17.0), (side * 3.4, 25.0)), "cord", 0.5, "cord")
        )
        front.append(Button(side * 3.2, 10.4, 0.42, "metal"))
    return behind, front
