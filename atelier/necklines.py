"""Necklines: where the front is cut, what is seen of the back, and the ribs around the opening."""

import numpy as np

from atelier.arrays import Floats
from atelier.body import Body
from atelier.curves import bezier, closed, flip, join, mirrored, shift, spline
from atelier.parts import Line, Part, Piece

# neckline -> (cm from the neck root to the neck point along x, depth of the front below y = 0)
OPENINGS = {
    "crew": (1.9, 8.2),
    "v-neck": (2.6, 19.0),
    "scoop": (4.2, 15.0),
    "boat": (7.6, 5.2),
    "square": (5.4, 14.0),
    "turtleneck": (0.6, 4.6),
    "collar": (1.4, 8.6),
    "lapel": (1.8, 30.0),
    "hood": (2.6, 10.5),
}


def shoulder_height(body: Body, x: float) -> float:
    """y of the shoulder line at `x`."""
    slope = body.shoulder_y / (body.shoulder - body.neck)
    return (x - body.neck) * slope


def opening(body: Body, neckline: str) -> Floats:
    """The front's neckline from the centre to the neck point at x > 0, as (N, 2)."""
    out, depth = OPENINGS[neckline]
    x = body.neck + out
    y = shoulder_height(body, x) - 0.2
    if neckline in ("v-neck", "lapel"):
        return bezier((0.0, depth), (x * 0.42, depth * 0.62), (x * 0.86, depth * 0.3), (x, y))
    if neckline == "square":
        return join(
            bezier((0.0, depth), (x - 1.4, depth - 0.4)),
            spline((x - 1.4, depth - 0.4), (x - 0.9, depth * 0.5), (x, y)),
        )
    if neckline == "boat":
        return bezier((0.0, depth), (x * 0.55, depth), (x * 0.85, y + 1.2), (x, y))
    return bezier((0.0, depth), (x * 0.62, depth), (x * 0.99, depth * 0.62), (x, y))


def inside_back(body: Body, neckline: str) -> list[Piece]:
    """What the opening shows of the inside of the back, with the tape and the label at the neck."""
    front = opening(body, neckline)
    x, y = front[-1]
    dip = 1.2 + (2.2 if neckline in ("boat", "scoop", "square") else 0.6)
    rim = bezier((0.0, y + dip), (x * 0.6, y + dip), (x * 0.95, y + 0.5), (x, y))
    below = front.copy()
    below[:, 1] += 2.5
    lining = Part(
        "inside back", closed(join(rim, below[::-1])), "lining", "lining", roundness=0.2, lift=0.4, shade=0.8
    )
    tape = Line(mirrored(shift(rim, -1.1)), "stitch", 0.18)
    label = Part(
        "label", _label(y + dip + 1.2), "label", "plain", roundness=0.0, edge=0.05, lift=0.15, patterned=False
    )
    return [lining, tape, label]


def _label(top: float) -> Floats:
    return np.array([(-1.7, top), (1.7, top), (1.7, top + 1.5), (-1.7, top + 1.5)], float)


def rib_collar(
    body: Body, neckline: str, width: float, texture: str = "rib", paint: str = "trim"
) -> list[Piece]:
    """A knitted band around the opening: one piece that follows the neckline, and the back band behind it."""
    front = opening(body, neckline)
    inner = _narrowed(front, width)
    half = (front + inner) / 2
    band = join(front[::-1], flip(front), flip(inner)[::-1], inner)
    return [
        Part(
            "neck band",
            band,
            paint,
            texture,
            axis=mirrored(half),
            roundness=0.5,
            edge=0.25,
            lift=0.25,
            rumple=0.2,
            patterned=False,
            crosswise=True,
        ),
        Line(mirrored(front), "seam", 0.16),
    ]


def _narrowed(front: Floats, width: float) -> Floats:
    """The opening moved inwards and up by `width`; its ends stay on the shoulder and on the centre line."""
    moved = shift(front, -width) if _points_up(front) else shift(front, width)
    moved[0] = (0.0, front[0, 1] - width * (1.25 if front[1, 1] < front[0, 1] - 0.3 else 1.0))
    moved[-1] = (front[-1, 0] - width * 0.9, front[-1, 1] - width * 0.45)
    return moved


def _points_up(front: Floats) -> bool:
    return bool(shift(front, 1.0)[len(front) // 2, 1] > front[len(front) // 2, 1])


def back_band(body: Body, neckline: str, width: float, texture: str = "rib") -> Part:
    """The band behind the neck, seen through the opening."""
    x, y = opening(body, neckline)[-1]
    dip = 1.2 + (2.2 if neckline in ("boat", "scoop", "square") else 0.6)
    low = bezier(
        (0.0, y + dip + width * 0.6), (x * 0.6, y + dip + width * 0.6), (x * 0.9, y + 1.2), (x, y + 0.4)
    )
    high = bezier(
        (0.0, y + dip - width),
        (x * 0.55, y + dip - width),
        (x * 0.85, y - width * 0.6),
        (x - width * 0.7, y - width * 0.5),
    )
    return Part(
        "back band",
        closed(join(high, low[::-1])),
        "trim",
        texture,
        axis=mirrored((high + low) / 2),
        shade=0.86,
        lift=0.1,
        crosswise=True,
        patterned=False,
    )
