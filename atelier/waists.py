"""What sits on the waist: bands, loops, and the inside of the back."""

import numpy as np

from atelier.curves import bezier, box, closed, flip, join
from atelier.parts import Line, Part, Piece


def inside_waist(waist: float, top: float) -> Part:
    """The back of the waistband, seen from within."""
    half = join(
        bezier((0.0, top - 0.6), (waist * 0.7, top - 0.5), (waist, top + 0.1)),
        bezier((waist, top + 0.4), (waist * 0.6, top + 2.4), (0.0, top + 2.6)),
    )
    return Part("inside waist", closed(half), "lining", "lining", shade=0.75, roundness=0.2, lift=0.2)


def waistband(waist: float, top: float, height: float = 3.6) -> list[Piece]:
    """A band that curves around the waist."""
    half = join(
        bezier((0.0, top + 0.9), (waist * 0.7, top + 0.8), (waist, top)),
        bezier((waist + 0.5, top + height), (waist * 0.7, top + height + 0.8), (0.0, top + height + 1.0)),
    )
    line = half[len(half) // 2 :] - np.array([0.3, 0.5])
    return [
        Part("waistband", closed(half), texture="", roundness=1.2, edge=0.35, lift=0.4, rumple=0.3),
        Line(line, "stitch", 0.13),
        Line(flip(line), "stitch", 0.13),
    ]


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
