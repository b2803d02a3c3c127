"""What closes a front, and what adorns it: plackets, tailored edges, zips."""

import numpy as np

from atelier.arrays import Floats
from atelier.attributes import Garment
from atelier.body import Body
from atelier.curves import box, spline
from atelier.parts import Button, Line, Part, Piece
from atelier.trims import bow, ruffle, tied_belt

CLOSED_WITH_BUTTONS = ("shirt", "cardigan", "blazer", "coat", "jacket", "blouse", "dress", "skirt")


def add_front(
    pieces: list[Piece], garment: Garment, body: Body, neck: Floats, bottom: float, outline: Floats
) -> None:
    """Add what closes or adorns the front of a garment for the upper body."""
    top = float(neck[0, 1])
    kind, detail = garment.kind, garment.detail
    if kind == "shirt":
        pieces += placket(8.4, bottom + 1.6, 7, outline)
    elif kind == "polo":
        pieces += placket(8.2, 22.0, 3, outline, short=True)
    elif kind == "cardigan":
        pieces += [
            *placket(top, bottom - 0.4, 6, outline, width=1.7, texture="rib", paint="trim"),
            *belt_for(kind, detail, body),
        ]
    elif kind == "blazer":
        pieces += [*overlap(28.0, bottom, 2, outline, 12.0), *belt_for(kind, detail, body)]
    elif kind == "coat":
        closing = (
            zip_line(9.0, bottom, outline) if detail == "hood" else overlap(26.0, bottom, 3, outline, 13.0)
        )
        pieces += [*closing, *belt_for(kind, detail, body)]
    elif kind == "jacket":
        pieces += (
            placket(8.0, bottom + 0.4, 6, outline, width=1.8)
            if detail == "buttons"
            else zip_line(8.0, bottom + 1.2, outline)
        )
    elif detail == "zip":
        pieces += zip_line(top, bottom + 1.2 if kind == "hoodie" else top + 16, outline)
    elif detail == "buttons":
        pieces += placket(top + 0.4, bottom + 1.2, 8, outline, width=1.1)
    if detail == "ruffle":
        pieces += ruffle(neck)
    elif detail == "bow":
        pieces += bow(0.0, top + 1.0)


def belt_for(kind: str, detail: str, body: Body) -> list[Piece]:
    """A tied cloth belt when the garment has one."""
    ease = {"coat": 5.0, "blazer": 2.6, "cardigan": 5.6}.get(kind, 1.4)
    return tied_belt(body.waist + ease, body.waist_y) if detail == "belt" else []


def placket(
    top: float,
    bottom: float,
    buttons: int,
    outline: Floats,
    width: float = 1.6,
    texture: str = "plain-weave",
    paint: str = "cloth",
    short: bool = False,
) -> list[Piece]:
    """A buttoned band down the centre front."""
    strip = box(-width, top, 2 * width, bottom - top, 0.1)
    pieces: list[Piece] = [
        Part(
            "placket",
            strip,
            paint,
            texture,
            roundness=0.25,
            edge=0.2,
            lift=0.35,
            rumple=0.4,
            clip=outline,
            patterned=texture != "rib",
        ),
    ]
    if texture != "rib":
        pieces += [
            Line(np.array([(x, top + 0.4), (x, bottom)]), "stitch", 0.13, clip=outline)
            for x in (-width + 0.35, width - 0.35)
        ]
    first, last = top + (1.6 if not short else 1.5), bottom - (4.5 if not short else 1.8)
    pieces += [Button(0.0, float(y), 0.6) for y in np.linspace(first, last, buttons)]
    return pieces


def overlap(top: float, bottom: float, buttons: int, outline: Floats, gap: float) -> list[Piece]:
    """A tailored front: the edge of the upper front, curving away at the hem, and a few large buttons."""
    edge = spline((0.9, top), (1.5, top + 12), (1.5, bottom - 12), (1.0, bottom + 2))
    return [
        Line(edge, "edge", 0.5, clip=outline),
        Line(edge - np.array([0.7, 0.0]), "seam", 0.1, clip=outline),
        *[Button(-0.6, top + 1.5 + gap * i, 0.95) for i in range(buttons)],
    ]


def zip_line(top: float, bottom: float, outline: Floats) -> list[Piece]:
    """A zip with its tape, teeth and puller."""
    line = np.array([(0.0, top), (0.0, bottom)], float)
    return [
        Line(line, "tape", 1.9, "zip", clip=outline),
        Line(line, "zip", 0.75, "metal", clip=outline),
        Line(line - np.array([1.5, 0.0]), "stitch", 0.13, clip=outline),
        Line(line + np.array([1.5, 0.0]), "stitch", 0.13, clip=outline),
        Part(
            "puller",
            box(-0.4, top + 0.6, 0.8, 2.6, 0.3),
            "metal",
            "plain",
            roundness=0.3,
            lift=0.5,
            rumple=0.0,
            patterned=False,
        ),
    ]
