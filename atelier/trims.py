"""Belts, bows and ruffles."""

import numpy as np

from atelier.arrays import Floats
from atelier.curves import bezier, box, closed, join, spline
from atelier.parts import Fold, Line, Part, Piece


def tied_belt(half: float, y: float) -> list[Piece]:
    """A cloth belt with a knot and two hanging ends."""
    band = closed(
        join(
            bezier((0.0, y - 1.2), (half * 0.6, y - 1.4), (half + 0.3, y - 2.2)),
            bezier((half + 0.3, y + 1.4), (half * 0.6, y + 2.3), (0.0, y + 2.5)),
        )
    )
    ends = [((0.8, y + 0.5), (3.4, y + 12), (2.2, y + 25)), ((-0.6, y + 0.5), (-1.4, y + 10), (-3.0, y + 20))]
    pieces: list[Piece] = [
        Part(
            "belt",
            band,
            "cloth",
            "plain-weave",
            roundness=0.8,
            edge=0.3,
            lift=0.7,
            rumple=0.6,
            patterned=False,
            shade=0.95,
        )
    ]
    pieces += [ribbon_end(points, 1.5) for points in ends]
    pieces.append(
        Part(
            "knot",
            box(-2.0, y - 1.6, 4.0, 4.4, 1.4),
            "cloth",
            "plain-weave",
            roundness=1.4,
            edge=0.5,
            lift=0.7,
            patterned=False,
            shade=0.97,
            folds=(Fold((-1, y - 1), (1, y + 2.5), 0.4, 0.6, 0.3),),
        )
    )
    return pieces


def ribbon_end(points: tuple[tuple[float, float], ...], half: float) -> Part:
    """A hanging end of a belt or bow."""
    line = spline(*points)
    wide = np.linspace(0.55, 1.0, len(line))[:, None] * np.array([half, 0.0])
    slant = np.zeros_like(line)
    slant[-1, 1] = half * 0.7
    outline = join(line + wide + slant, (line - wide)[::-1])
    fold = Fold(
        (float(line[0, 0]), float(line[0, 1])), (float(line[-1, 0]), float(line[-1, 1])), 0.4, 0.7, 0.3
    )
    return Part(
        "ribbon",
        outline,
        "cloth",
        "plain-weave",
        axis=line,
        folds=(fold,),
        roundness=0.6,
        edge=0.25,
        lift=0.7,
        patterned=False,
        shade=0.97,
    )


def leather_belt(half: float, y: float) -> list[Piece]:
    """A narrow belt with a buckle."""
    band = closed(
        join(
            bezier((0.0, y - 0.4), (half * 0.6, y - 0.5), (half, y - 1.1)),
            bezier((half, y + 1.7), (half * 0.6, y + 2.3), (0.0, y + 2.4)),
        )
    )
    return [
        Part("belt", band, "belt", "leather", roundness=0.8, edge=0.3, lift=0.5, rumple=0.2, patterned=False),
        Part(
            "buckle",
            box(-2.1, y - 1.1, 4.2, 4.2, 0.8),
            "metal",
            "plain",
            cut=(box(-1.2, y - 0.2, 2.4, 2.4, 0.4),),
            roundness=0.3,
            lift=0.4,
            rumple=0.0,
            patterned=False,
        ),
        Line(np.array([(-0.2, y + 1.0), (1.7, y + 1.0)]), "cord", 0.4, "metal"),
    ]


def bow(x: float, y: float, size: float = 1.0, paint: str = "cloth") -> list[Piece]:
    """A bow with two loops and two ends."""
    pieces: list[Piece] = [
        ribbon_end(
            ((x + 0.5, y), (x + 2.6 * size, y + 8 * size), (x + 4.4 * size, y + 17 * size)), 1.9 * size
        ),
        ribbon_end(
            ((x - 0.5, y), (x - 2.4 * size, y + 7 * size), (x - 3.6 * size, y + 15 * size)), 1.9 * size
        ),
    ]
    loop = spline((0.3, 0.0), (4.4, -3.4), (8.6, -2.4), (8.8, 1.8), (5.0, 2.6), (0.3, 0.6)) * size
    for sign in (-1.0, 1.0):
        shape = loop * np.array([sign, 1.0]) + np.array([x, y])
        fold = Fold((x + sign * 0.6, y), (x + sign * 6.5 * size, y - 0.4), 0.5, 0.8, 0.45)
        pieces.append(
            Part(
                "loop",
                shape,
                paint,
                "plain-weave",
                folds=(fold,),
                roundness=1.6,
                edge=0.4,
                lift=0.9,
                patterned=False,
            )
        )
    pieces.append(
        Part(
            "knot",
            box(x - 1.2 * size, y - 1.3 * size, 2.4 * size, 2.9 * size, 0.9),
            paint,
            "plain-weave",
            roundness=1.2,
            edge=0.5,
            lift=0.6,
            patterned=False,
        )
    )
    return pieces


def ruffle(neck: Floats) -> list[Piece]:
    """A gathered frill that follows the neckline and falls over the chest."""
    half = np.vstack([neck, neck[-1:] + np.array([[0.6, 0.5]])])
    outer = half + np.array([1.0, 4.4]) * np.linspace(1.0, 0.8, len(half))[:, None]
    wave = np.sin(np.linspace(0, 5.5 * np.pi, len(half)))[:, None] * np.array([0.25, 0.7])
    outline = closed(join(half, (outer + wave)[::-1]))
    folds = [
        Fold((s * float(a[0]), float(a[1])), (s * float(b[0]), float(b[1])), 0.2, 0.8, 0.5)
        for s in (-1.0, 1.0)
        for a, b in zip(half[1::3], outer[1::3], strict=True)
    ]
    return [Part("ruffle", outline, folds=tuple(folds), roundness=1.0, edge=0.3, lift=1.0, rumple=0.5)]
