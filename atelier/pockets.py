"""Pockets: patches, flaps, slits and pouches."""

import numpy as np

from atelier.arrays import Floats
from atelier.attributes import Garment
from atelier.body import Body
from atelier.curves import bezier, box, closed, flip, join, spline
from atelier.parts import Button, Fold, Line, Part, Piece


def add_pockets(pieces: list[Piece], garment: Garment, body: Body, bottom: float, outline: Floats) -> None:
    """Add the pockets that a kind or a detail calls for."""
    kind, detail = garment.kind, garment.detail
    if detail == "chest pocket":
        pieces += patch_pocket(5.0, 17.5, 8.6, 9.6)
    elif kind in ("hoodie", "sweatshirt") and detail == "pockets":
        pieces += kangaroo(bottom)
    elif kind == "jacket" and garment.fabric in ("denim", "suede"):
        pieces += [*flap_pocket(5.2, 17.0, 9.0, 10.0), *flap_pocket(-14.2, 17.0, 9.0, 10.0)]
    elif kind in ("jacket", "coat") and bottom > 54:
        y = 52.0 if kind == "coat" else bottom - 11.0
        line = bezier((7.5, y), (11.0, y + 7.5)) if kind == "jacket" else bezier((8.0, y - 1), (14.0, y + 6))
        pieces += [Line(line, "pocket", 0.9), Line(flip(line), "pocket", 0.9)]
    elif kind == "blazer" and bottom > 50:
        pieces += [
            *flap(6.4, 48.5, 9.6, 3.6),
            *flap(-16.0, 48.5, 9.6, 3.6),
            Line(bezier((5.4, 23.6), (11.8, 22.8)), "pocket", 0.8),
        ]
    elif detail == "pockets" and kind == "cardigan":
        y = min(bottom - 15.0, 46.0)
        pieces += [*patch_pocket(4.5, y, 10.0, 11.0), *patch_pocket(-14.5, y, 10.0, 11.0)]
    del body, outline


def patch_pocket(x: float, y: float, width: float, height: float) -> list[Piece]:
    """A pocket sewn on, with a hemmed top and a pointed foot."""
    shape = np.array(
        [
            (x, y),
            (x + width, y),
            (x + width, y + height - 1.6),
            (x + width / 2, y + height),
            (x, y + height - 1.6),
        ],
        float,
    )
    inner = shape + (np.array([x + width / 2, y + height / 2]) - shape) * 0.08
    return [
        Part("pocket", shape, roundness=0.5, edge=0.2, lift=0.4, rumple=0.3),
        Line(join(inner[1:], inner[:1]), "stitch", 0.13),
        Line(bezier((x + 0.3, y + 1.5), (x + width - 0.3, y + 1.5)), "stitch", 0.13),
    ]


def flap(x: float, y: float, width: float, height: float) -> list[Piece]:
    """A pocket flap."""
    return [Part("flap", box(x, y, width, height, 1.0), roundness=0.4, edge=0.25, lift=0.6, rumple=0.3)]


def flap_pocket(x: float, y: float, width: float, height: float) -> list[Piece]:
    """A patch pocket closed by a pointed flap and a button."""
    cover = np.array(
        [
            (x - 0.2, y),
            (x + width + 0.2, y),
            (x + width + 0.2, y + 2.6),
            (x + width / 2, y + 4.6),
            (x - 0.2, y + 2.6),
        ],
        float,
    )
    edge = cover[[1, 2, 3, 4, 0]] + (cover.mean(axis=0) - cover[[1, 2, 3, 4, 0]]) * 0.12
    return [
        *patch_pocket(x, y + 0.6, width, height),
        Part("flap", cover, roundness=0.4, edge=0.25, lift=0.5, rumple=0.3),
        Line(edge, "stitch", 0.14),
        Button(x + width / 2, y + 3.2, 0.55, "metal"),
    ]


def kangaroo(bottom: float) -> list[Piece]:
    """The front pouch of a hoodie."""
    low, high = bottom - 0.5, bottom - 17.0
    half = join(
        bezier((0.0, high), (7.4, high)),
        spline((7.4, high), (10.2, high + 5.5), (14.2, high + 10.5)),
        bezier((14.2, high + 10.5), (14.2, low)),
        bezier((14.2, low), (7.0, low + 1.0), (0.0, low + 1.2)),
    )
    slit = spline((7.0, high + 0.3), (9.6, high + 5.8), (13.6, high + 10.8))
    return [
        Part(
            "pouch",
            closed(half),
            roundness=1.4,
            edge=0.35,
            lift=0.8,
            folds=(
                Fold((-6, high + 3), (-9, low - 2), 1.5, 2.0, 0.4),
                Fold((5, high + 5), (9, low - 3), -1.0, 2.0, 0.4),
            ),
        ),
        Line(slit, "stitch", 0.14),
        Line(flip(slit), "stitch", 0.14),
    ]
