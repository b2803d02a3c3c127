"""The croquis that wears the garment: a calm, stylised figure with skin, hair and a neutral outfit."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose, arm_line, leg_line
from atelier.bottoms import build_legs
from atelier.canvas import Canvas
from atelier.curves import bezier, closed, join, normals, spline
from atelier.fabric import FABRICS
from atelier.hair import hair_behind, hair_front
from atelier.palette import mix
from atelier.parts import Line, Part, Piece
from atelier.patterns import Dye
from atelier.sewing import BLACK, Look, sew
from atelier.tops import build_top

LOWER_KINDS = ("skirt", "trousers", "jeans", "shorts")
LONG_KINDS = ("dress", "jumpsuit")
STONE = np.array([0.80, 0.77, 0.73], np.float32)
CHALK = np.array([0.955, 0.95, 0.94], np.float32)


def draw_figure(canvas: Canvas, garment: Garment, body: Body, pose: Pose, look: Look, rng: Rng) -> None:
    """Draw the body and what it wears besides the garment; the garment's front comes after."""
    skin = _skin_look(look)
    sew(canvas, hair_behind(body, pose, garment.gender), skin, rng)
    pieces = [*_legs(body, pose), *_shoes(body, pose), _torso(body), *_arms(body, pose)]
    sew(canvas, pieces, skin, rng)
    if garment.kind in LOWER_KINDS:
        _wear_top(canvas, garment, body, pose, rng)
    elif garment.kind not in LONG_KINDS:
        _wear_trousers(canvas, garment, body, pose, rng)


def finish_figure(canvas: Canvas, garment: Garment, body: Body, pose: Pose, look: Look, rng: Rng) -> None:
    """Draw the head and what falls over the garment."""
    skin = _skin_look(look)
    sew(canvas, _head(body, pose), skin, rng)
    sew(canvas, hair_front(body, pose, garment.gender), skin, rng)


def _skin_look(look: Look) -> Look:
    tone, hair = look.paints["skin"], look.paints["hair"]
    paints = {
        "skin": tone, "hair": hair, "lips": mix(tone, np.array([0.62, 0.20, 0.22], np.float32), 0.45),
        "brow": mix(hair, BLACK, 0.2), "shade": mix(tone, np.array([0.45, 0.18, 0.12], np.float32), 0.3), "shoe": mix(STONE, BLACK, 0.55),
        "strand": mix(hair, np.ones(3, np.float32), 0.16),
    }  # fmt: skip
    return Look(FABRICS["skin"], Dye(tone, tone), paints=paints)


def _torso(body: Body) -> Part:
    s, n = body.shoulder, body.neck
    half = join(
        bezier((0.0, -12.0), (n * 0.86, -12.0)),
        spline((n * 0.86, -12.0), (n * 0.84, -5.0), (n + 0.8, -0.4), (s * 0.72, body.shoulder_y - 1.4), (s - 0.6, body.shoulder_y + 1.0),
               (s + 0.4, body.shoulder_y + 5.0), (body.chest, body.armpit_y), (body.chest - 0.4, body.armpit_y + 6.0),
               (body.waist, body.waist_y), (body.hip, body.hip_y), (body.hip - 0.6, body.crotch_y + 2.0)),
        np.array([[0.0, body.crotch_y + 3.0]]),
    )  # fmt: skip
    return Part("torso", closed(half), "skin", "skin", roundness=3.0, edge=0.2, lift=0.0, patterned=False)


def limb(line: Floats, widths: tuple[float, ...]) -> Floats:
    """The outline of an arm or a leg around its centre line, with half widths given evenly along it."""
    half = spline(*[(i, w) for i, w in enumerate(widths)])
    at = np.interp(np.linspace(0, len(widths) - 1, len(line)), half[:, 0], half[:, 1])[:, None]
    side = normals(line)
    return join(line + side * at, (line - side * at)[::-1])


def _arms(body: Body, pose: Pose) -> list[Piece]:
    pieces: list[Piece] = []
    for side in (0, 1):
        line = arm_line(body, pose, side)
        a = body.arm
        widths = (a * 0.86, a * 0.9, a * 0.76, a * 0.64, a * 0.66, a * 0.54, a * 0.42)
        pieces += [
            *_hand(line, 1.0 if side else -1.0, a / 5.0),
            Part(
                "arm", limb(line, widths), "skin", "skin", roundness=2.0, edge=0.2, lift=0.5, patterned=False
            ),
        ]
    return pieces


def _hand(arm: Floats, sign: float, size: float) -> list[Piece]:
    """A relaxed hand: the palm and fingers as one shape, the thumb apart."""
    wrist, along = arm[-1], arm[-1] - arm[-4]
    along = along / np.hypot(*along)
    along = along * 0.8 + np.array([0.0, 0.2])
    across = np.array([along[1], -along[0]]) * sign
    frame = np.stack([across, along]) * size

    def place(points: tuple[tuple[float, float], ...]) -> Floats:
        return np.asarray(spline(*points) @ frame + wrist)

    palm = place(
        (
            (-2.0, -1.0),
            (-2.5, 3.0),
            (-2.2, 7.5),
            (-1.2, 12.5),
            (-0.2, 14.6),
            (0.9, 13.8),
            (1.9, 9.0),
            (2.3, 4.0),
            (2.0, -1.0),
        )
    )
    thumb = place(((-1.6, 1.0), (-3.1, 3.8), (-3.5, 7.2), (-2.8, 8.8), (-2.0, 7.6), (-1.4, 4.4)))
    lines = [place(((-0.6, 7.4), (-0.3, 10.0), (-0.2, 13.6))), place(((0.7, 7.2), (0.7, 10.0), (0.4, 13.0)))]
    return [
        Part("thumb", thumb, "skin", "skin", roundness=0.8, edge=0.2, lift=0.2, patterned=False),
        Part("hand", palm, "skin", "skin", roundness=1.0, edge=0.2, lift=0.2, patterned=False),
        *[Line(line, "seam", 0.14) for line in lines],
    ]


def _legs(body: Body, pose: Pose) -> list[Piece]:
    w = body.leg
    widths = (w * 0.56, w * 0.54, w * 0.46, w * 0.36, w * 0.32, w * 0.36, w * 0.33, w * 0.22, w * 0.17)
    return [
        Part(
            "leg skin",
            limb(leg_line(body, pose, side), widths),
            "skin",
            "skin",
            roundness=3.0,
            edge=0.2,
            lift=0.4,
            patterned=False,
        )
        for side in (0, 1)
    ]


def _shoes(body: Body, pose: Pose) -> list[Piece]:
    pieces: list[Piece] = []
    for side in (0, 1):
        x, y = pose.ankles[side]
        sign = 1.0 if side else -1.0
        shape = spline((x - 2.7, y - 1.0), (x - 3.0 + sign * 0.4, y + 3.0), (x - 2.6 + sign * 1.8, y + 8.0), (x + sign * 2.2, y + 10.0),
                       (x + 2.8 + sign * 1.6, y + 8.0), (x + 3.0 + sign * 0.4, y + 3.0), (x + 2.7, y - 1.0), (x, y + 0.6), (x - 2.7, y - 1.0))  # fmt: skip
        pieces.append(
            Part("shoe", shape, "shoe", "plain", roundness=1.6, edge=0.3, lift=0.8, patterned=False)
        )
    return pieces


def _wear_top(canvas: Canvas, garment: Garment, body: Body, pose: Pose, rng: Rng) -> None:
    tee = Garment(
        "t-shirt",
        garment.gender,
        "white",
        "black",
        "plain",
        "cotton",
        "short" if garment.gender == "men" else "sleeveless",
        "cropped",
        "crew",
        "",
    )
    pattern = build_top(tee, body, pose, rng)
    look = _neutral(CHALK)
    sew(canvas, [piece for piece in pattern.front if getattr(piece, "name", "") != "label"], look, rng)


def _wear_trousers(canvas: Canvas, garment: Garment, body: Body, pose: Pose, rng: Rng) -> None:
    slacks = Garment("trousers", garment.gender, "beige", "black", "plain", "cotton", "", "full", "", "")
    pattern = build_legs(slacks, body, pose, rng)
    sew(canvas, pattern.front, _neutral(STONE), rng)


def _neutral(tone: Floats) -> Look:
    dark = mix(tone, BLACK, 0.12)
    return Look(
        FABRICS["plain-weave"],
        Dye(tone, tone),
        paints={"trim": dark, "lining": dark, "button": dark, "label": tone, "stitch": dark},
    )


def _head(body: Body, pose: Pose) -> list[Piece]:
    """Neck shadow, face, ears and a few lines for the features."""
    x = pose.turn
    wide = 7.6 if body.neck < 6 else 8.2
    jaw = 0.0 if body.neck < 6 else 0.9
    half = spline(
        (0.0, -9.2),
        (2.4, -9.7),
        (4.7 + jaw, -12.2),
        (6.6 + jaw * 0.6, -16.4),
        (wide, -22.0),
        (wide - 0.2, -27.0),
        (5.6, -31.6),
        (0.0, -33.6),
    )
    face = closed(half) + np.array([x, 0.0])
    ears = [Part("ear", spline((s * wide, -23.4), (s * (wide + 1.4), -24.0), (s * (wide + 1.0), -20.6), (s * (wide - 0.4), -18.6), (s * wide, -23.4)) + np.array([x, 0.0]),
                 "skin", "skin", roundness=0.5, edge=0.3, lift=0.0, patterned=False) for s in (-1.0, 1.0)]  # fmt: skip
    pieces: list[Piece] = [
        *ears,
        Part("face", face, "skin", "skin", roundness=3.0, edge=0.2, lift=1.2, patterned=False),
    ]
    return [*pieces, *_features(x)]


def _features(x: float) -> list[Piece]:
    pieces: list[Piece] = []
    centre = np.array([x * 1.6, 0.0])
    for s in (-1.0, 1.0):
        brow = spline((s * 1.9, -23.9), (s * 3.4, -24.7), (s * 5.2, -24.2)) + centre
        lash = spline((s * 1.9, -21.4), (s * 3.2, -20.75), (s * 4.9, -21.6)) + centre
        pieces += [Line(brow, "cord", 0.32, "brow"), Line(lash, "cord", 0.26, "brow")]
    nose = bezier((0.5, -19.6), (1.0, -17.0), (0.0, -16.6)) + centre
    mouth = (
        closed(
            join(
                bezier((0.0, -13.9), (0.6, -14.3), (2.0, -13.6)),
                bezier((2.0, -13.6), (0.9, -12.5), (0.0, -12.5)),
            )
        )
        + centre
    )
    return [
        *pieces, Line(nose, "cord", 0.22, "shade"), Part("lips", mouth, "lips", "skin", roundness=0.3, edge=0.1, lift=0.0, patterned=False),
    ]  # fmt: skip
