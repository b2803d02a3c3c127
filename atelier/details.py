"""What is sewn on: plackets, buttons, zips, pockets, belts, bows, ruffles."""

import numpy as np

from atelier.arrays import Floats
from atelier.attributes import Garment
from atelier.body import Body
from atelier.curves import bezier, box, closed, flip, join, spline
from atelier.parts import Button, Fold, Line, Part, Piece

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


def placket(top: float, bottom: float, buttons: int, outline: Floats, width: float = 1.6, texture: str = "plain-weave",
            paint: str = "cloth", short: bool = False) -> list[Piece]:  # fmt: skip
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
        Line(edge, "edge", 0.5, clip=outline), Line(edge - np.array([0.7, 0.0]), "seam", 0.1, clip=outline),
        *[Button(-0.6, top + 1.5 + gap * i, 0.95) for i in range(buttons)],
    ]  # fmt: skip


def zip_line(top: float, bottom: float, outline: Floats) -> list[Piece]:
    """A zip with its tape, teeth and puller."""
    line = np.array([(0.0, top), (0.0, bottom)], float)
    return [
        Line(line, "tape", 1.9, "zip", clip=outline), Line(line, "zip", 0.75, "metal", clip=outline),
        Line(line - np.array([1.5, 0.0]), "stitch", 0.13, clip=outline), Line(line + np.array([1.5, 0.0]), "stitch", 0.13, clip=outline),
        Part("puller", box(-0.4, top + 0.6, 0.8, 2.6, 0.3), "metal", "plain", roundness=0.3, lift=0.5, rumple=0.0, patterned=False),
    ]  # fmt: skip


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
        Part("pocket", shape, roundness=0.5, edge=0.2, lift=0.4, rumple=0.3), Line(join(inner[1:], inner[:1]), "stitch", 0.13),
        Line(bezier((x + 0.3, y + 1.5), (x + width - 0.3, y + 1.5)), "stitch", 0.13),
    ]  # fmt: skip


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
        *patch_pocket(x, y + 0.6, width, height), Part("flap", cover, roundness=0.4, edge=0.25, lift=0.5, rumple=0.3),
        Line(edge, "stitch", 0.14), Button(x + width / 2, y + 3.2, 0.55, "metal"),
    ]  # fmt: skip


def kangaroo(bottom: float) -> list[Piece]:
    """The front pouch of a hoodie."""
    low, high = bottom - 0.5, bottom - 17.0
    half = join(bezier((0.0, high), (7.4, high)), spline((7.4, high), (10.2, high + 5.5), (14.2, high + 10.5)), bezier((14.2, high + 10.5), (14.2, low)),
                bezier((14.2, low), (7.0, low + 1.0), (0.0, low + 1.2)))  # fmt: skip
    slit = spline((7.0, high + 0.3), (9.6, high + 5.8), (13.6, high + 10.8))
    return [
        Part("pouch", closed(half), roundness=1.4, edge=0.35, lift=0.8, folds=(Fold((-6, high + 3), (-9, low - 2), 1.5, 2.0, 0.4), Fold((5, high + 5), (9, low - 3), -1.0, 2.0, 0.4))),
        Line(slit, "stitch", 0.14), Line(flip(slit), "stitch", 0.14),
    ]  # fmt: skip


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
    pieces.append(Part("knot", box(-2.0, y - 1.6, 4.0, 4.4, 1.4), "cloth", "plain-weave", roundness=1.4, edge=0.5, lift=0.7, patterned=False, shade=0.97,
                       folds=(Fold((-1, y - 1), (1, y + 2.5), 0.4, 0.6, 0.3),)))  # fmt: skip
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
        Part("buckle", box(-2.1, y - 1.1, 4.2, 4.2, 0.8), "metal", "plain", cut=(box(-1.2, y - 0.2, 2.4, 2.4, 0.4),), roundness=0.3, lift=0.4, rumple=0.0, patterned=False),
        Line(np.array([(-0.2, y + 1.0), (1.7, y + 1.0)]), "cord", 0.4, "metal"),
    ]  # fmt: skip


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
