"""The croquis that wears the garment: a calm, stylised figure with skin, hair and a neutral outfit."""

from dataclasses import replace

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose, arm_line, leg_line
from atelier.canvas import Canvas
from atelier.curves import bezier, closed, join, normals, spline
from atelier.fabric import FABRICS
from atelier.hair import hair_behind, hair_front
from atelier.legs import build_legs
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
    bare = garment.sleeve == "sleeveless" or (garment.kind in LOWER_KINDS and garment.gender == "women")
    if garment.kind not in LOWER_KINDS:
        sew(canvas, [_lowered(piece) for piece in hair_behind(body, pose, garment.gender)], skin, rng)
    pieces = [*_legs(body, pose), *_shoes(body, pose), *_arms(body, pose), _torso(body, bare)]
    sew(canvas, pieces, skin, rng)
    if garment.kind in LOWER_KINDS:
        _wear_top(canvas, garment, body, pose, rng)
    elif garment.kind not in LONG_KINDS:
        _wear_trousers(canvas, garment, body, pose, rng)
        if garment.kind in ("blazer", "coat"):
            _wear_top(canvas, garment, body, pose, rng)


def finish_figure(canvas: Canvas, garment: Garment, body: Body, pose: Pose, look: Look, rng: Rng) -> None:
    """Draw the head and what falls over the garment; pictures of skirts and trousers end below the chin."""
    if garment.kind in LOWER_KINDS:
        return
    skin = _skin_look(look)
    sew(canvas, [_lowered(piece) for piece in _head(body, pose)], skin, rng)
    sew(canvas, [_lowered(piece) for piece in hair_front(body, pose, garment.gender)], skin, rng)


HEAD_DROP = 2.6  # cm by which the head sits lower than its own coordinates say


def _lowered(piece: Piece) -> Piece:
    down = np.array([0.0, HEAD_DROP])
    if isinstance(piece, Part):
        folds = tuple(
            replace(f, start=(f.start[0], f.start[1] + HEAD_DROP), end=(f.end[0], f.end[1] + HEAD_DROP))
            for f in piece.folds
        )
        return replace(
            piece, outline=piece.outline + down, folds=folds, cut=tuple(hole + down for hole in piece.cut)
        )
    return replace(piece, points=piece.points + down) if isinstance(piece, Line) else piece


def _skin_look(look: Look) -> Look:
    tone, hair = look.paints["skin"], look.paints["hair"]
    paints = {
        "skin": tone,
        "hair": hair,
        "lips": mix(tone, np.array([0.66, 0.26, 0.25], np.float32), 0.42),
        "brow": mix(hair, BLACK, 0.2),
        "shade": mix(tone, np.array([0.45, 0.18, 0.12], np.float32), 0.3),
        "shoe": mix(STONE, BLACK, 0.55),
        "strand": mix(hair, np.ones(3, np.float32), 0.16),
    }
    return Look(FABRICS["skin"], Dye(tone, tone), paints=paints)


def _torso(body: Body, bare: bool) -> Part:
    s, n, out = body.shoulder, body.neck, 1.5 if bare else -0.6
    half = join(
        bezier((0.0, -12.0), (n * 0.86, -12.0)),
        spline(
            (n * 0.86, -12.0),
            (n * 0.84, -5.0),
            (n + 0.8, -0.4),
            (s * 0.72, body.shoulder_y - 1.4),
            (s - 1.0, body.shoulder_y + 0.6),
            (s + out, body.shoulder_y + 5.0),
            (s + out - 0.3, body.shoulder_y + 9.0),
            (body.chest, body.armpit_y),
            (body.chest - 0.4, body.armpit_y + 6.0),
            (body.waist, body.waist_y),
            (body.hip, body.hip_y),
            (body.hip - 0.6, body.crotch_y + 2.0),
        ),
        np.array([[0.0, body.crotch_y + 3.0]]),
    )
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
        widths = (a * 0.86, a * 0.9, a * 0.76, a * 0.64, a * 0.64, a * 0.52, a * 0.38)
        pieces += _arm(limb(line, widths), line, 1.0 if side else -1.0, a / 5.0)
    return pieces


def _arm(sleeve: Floats, line: Floats, sign: float, size: float) -> list[Piece]:
    """An arm and its relaxed hand as one shape, with the thumb and the gaps of the fingers."""
    count = len(line)
    wrist, along = line[-1], line[-1] - line[-4]
    along = along / np.hypot(*along) * 0.8 + np.array([0.0, 0.2])
    away = sleeve[count - 1] - sleeve[count]
    across = away / np.hypot(*away)
    frame = np.stack([across, along]) * size
    inner = -1.0 if away[0] * sign > 0 else 1.0  # the thumb is on the side of the body

    def place(points: tuple[tuple[float, float], ...], turn: float = 1.0) -> Floats:
        return np.asarray(spline(*points) * np.array([turn, 1.0]) @ frame + wrist)

    palm = place(
        (
            (2.2, 2.4),
            (2.5, 5.4),
            (2.0, 9.6),
            (1.2, 13.2),
            (0.2, 14.6),
            (-0.9, 13.6),
            (-1.9, 9.0),
            (-2.4, 5.0),
            (-2.1, 2.0),
        )
    )
    thumb = place(((1.5, 1.6), (3.0, 4.4), (3.3, 7.6), (2.7, 9.0), (2.0, 7.8), (1.2, 5.0)), inner)
    gaps = [place(((0.7, 9.0), (0.5, 11.0), (0.5, 13.6))), place(((-0.6, 8.8), (-0.5, 11.0), (-0.4, 13.2)))]
    outline = join(sleeve[:count], palm, sleeve[count:])
    return [
        Part("thumb", thumb, "skin", "skin", roundness=0.6, edge=0.15, lift=0.2, patterned=False),
        Part("arm", outline, "skin", "skin", roundness=1.8, edge=0.15, lift=0.5, patterned=False),
        *[Line(gap, "seam", 0.12) for gap in gaps],
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
        shape = spline(
            (x - 2.7, y - 1.0),
            (x - 3.0 + sign * 0.4, y + 3.0),
            (x - 2.6 + sign * 1.8, y + 8.0),
            (x + sign * 2.2, y + 10.0),
            (x + 2.8 + sign * 1.6, y + 8.0),
            (x + 3.0 + sign * 0.4, y + 3.0),
            (x + 2.7, y - 1.0),
            (x, y + 0.6),
            (x - 2.7, y - 1.0),
        )
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
        replace(FABRICS["plain-weave"], rumple=0.05, softness=0.6),
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
    ears = [
        Part(
            "ear",
            spline(
                (s * wide, -23.4),
                (s * (wide + 1.4), -24.0),
                (s * (wide + 1.0), -20.6),
                (s * (wide - 0.4), -18.6),
                (s * wide, -23.4),
            )
            + np.array([x, 0.0]),
            "skin",
            "skin",
            roundness=0.5,
            edge=0.3,
            lift=0.0,
            patterned=False,
        )
        for s in (-1.0, 1.0)
    ]
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
                bezier((0.0, -14.0), (0.6, -14.3), (1.7, -13.7)),
                bezier((1.7, -13.7), (0.8, -12.9), (0.0, -12.9)),
            )
        )
        + centre
    )
    return [
        *pieces,
        Line(nose, "cord", 0.22, "shade"),
        Part("lips", mouth, "lips", "skin", roundness=0.3, edge=0.1, lift=0.0, patterned=False),
    ]
