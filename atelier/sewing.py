"""Sewing pieces on the canvas: each part gets its cloth, its pattern and its light; each line its look."""

from dataclasses import dataclass, field, replace

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.canvas import Canvas
from atelier.curves import arc_length, resample
from atelier.fabric import FABRICS, Fabric, grain
from atelier.palette import luminance, mix
from atelier.parts import Button, Line, Part, Piece
from atelier.patterns import Dye, paint, wide
from atelier.shading import COARSE, Relief, grow, relief, shrink

WHITE = np.ones(3, np.float32)
BLACK = np.array([0.06, 0.06, 0.08], np.float32)


@dataclass
class Look:
    """What a garment is made of: its cloth, its colours, and what its pieces are painted with."""

    fabric: Fabric
    dye: Dye
    pattern: str = "plain"
    paints: dict[str, Floats] = field(
        default_factory=dict
    )  # name -> sRGB, for parts that are not of the cloth
    split: float | None = None  # y below which a colour-blocked garment is its second colour
    body: float = 1.0  # how much of each piece's roundness is filled: less when it lies flat
    faded: bool = False  # washed denim: lighter on the thighs and knees


def sew(canvas: Canvas, pieces: list[Piece], look: Look, rng: Rng) -> None:
    """Draw pieces in order."""
    for piece in pieces:
        if isinstance(piece, Part):
            _part(canvas, piece, look, rng)
        elif isinstance(piece, Line):
            _line(canvas, piece, look)
        else:
            _button(canvas, piece, look)


def _part(canvas: Canvas, part: Part, look: Look, rng: Rng) -> None:
    box = canvas.box(part.outline, 0.2)
    if box is None:
        return
    if part.lift > 0:
        canvas.shadow(part.outline, part.lift, 0.36, part.clip)
    mask = canvas.mask(box, part.outline, part.cut, part.clip)
    fabric = FABRICS[part.texture] if part.texture else look.fabric
    x = (box.left + (np.arange(box.width // COARSE) + 0.5) * COARSE - canvas.origin[0]) / canvas.scale
    y = (box.top + (np.arange(box.height // COARSE) + 0.5) * COARSE - canvas.origin[1]) / canvas.scale
    light = relief(replace(part, roundness=part.roundness * look.body), mask, fabric, x, y, canvas.scale, rng)
    u, v = _cloth_coordinates(part, shrink(mask), x, y, light, mask.shape)
    colour = _colour(part, look, u, v, y, canvas.scale)
    u, v = (v, u) if part.crosswise else (u, v)
    weave = grain(fabric.grain, u * canvas.scale + TEXEL_OFFSET, v * canvas.scale + TEXEL_OFFSET)
    if look.faded and part.name == "leg" and part.axis is not None:
        colour = wide(look.dye.ground) + (0.93 - wide(look.dye.ground)) * _fading(part, u, v)
    canvas.lay(box, mask, _lit(colour, part, fabric, light, weave))


TEXEL_OFFSET = 4096.0  # keeps texture coordinates positive


def _cloth_coordinates(
    part: Part, mask: Floats, x: Floats, y: Floats, light: Relief, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """(u, v) in cm along the grain at each pixel, pushed about by the folds as real cloth is."""
    if part.axis is None:
        wide = (
            np.repeat(x, COARSE)[None, :]
            + np.tile(np.arange(COARSE) - (COARSE - 1) / 2, len(x))[None, :] * (x[1] - x[0]) / COARSE
        )
        tall = (
            np.repeat(y, COARSE)[:, None]
            + np.tile(np.arange(COARSE) - (COARSE - 1) / 2, len(y))[:, None] * (y[1] - y[0]) / COARSE
        )
        return (wide + 0.55 * light.slope_x).astype(np.float32), (tall + 0.55 * light.slope_y).astype(
            np.float32
        )
    u, v = _along(part.axis, x[None, :], y[:, None])
    del mask
    return grow(u, shape) + 0.4 * light.slope_x, grow(v, shape) + 0.4 * light.slope_y


def _along(axis: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Signed distance from the axis, and distance along it, of each (x, y)."""
    line = resample(axis, 11)
    starts = arc_length(line)
    best = np.full(np.broadcast_shapes(x.shape, y.shape), np.inf, np.float32)
    u, v = np.zeros_like(best), np.zeros_like(best)
    for i in range(10):
        step = line[i + 1] - line[i]
        size = max(float(np.hypot(*step)), 1e-6)
        c, s = step / size
        dx, dy = x - line[i, 0], y - line[i, 1]
        t = dx * c + dy * s
        kept = np.clip(t, -1e6 if i == 0 else 0.0, 1e6 if i == 9 else size)
        off = dy * c - dx * s
        distance = off * off + (t - kept) ** 2
        nearer = distance < best
        best = np.where(nearer, distance, best)
        u = np.where(nearer, -off, u)
        v = np.where(nearer, starts[i] + t, v)
    return u.astype(np.float32), v.astype(np.float32)


def _colour(part: Part, look: Look, u: Floats, v: Floats, y: Floats, scale: float) -> Floats:
    """The cloth's own colour, before any light: (3,), (3, h, 1) or (3, h, w)."""
    if part.paint == "cloth" and part.patterned:
        if look.pattern == "colour block" and look.split is not None:
            rows = np.repeat(y, COARSE)[:, None]
            below = np.clip((rows - look.split) * scale + 0.5, 0, 1)
            return np.asarray(
                wide(look.dye.ground) + wide(look.dye.second - look.dye.ground) * below, np.float32
            )
        return paint(look.pattern, look.dye, u, v, 0.6 / scale)
    if part.paint == "cloth":
        return look.dye.ground
    return look.paints[part.paint]


def _fading(part: Part, u: Floats, v: Floats) -> Floats:
    """Where a leg of jeans is worn light: a long oval on the thigh."""
    return np.asarray(
        0.30 * np.exp(-((u / 4.5) ** 2) - ((v - 27) / 17) ** 2)
        + 0.14 * np.exp(-((u / 3.6) ** 2) - ((v - 66) / 12) ** 2)
    )


def _lit(colour: Floats, part: Part, fabric: Fabric, light: Relief, weave: Floats) -> Floats:
    """Colour times light, plus what the surface throws back."""
    base = colour if colour.ndim == 3 else wide(colour)
    less = (light.shade * part.shade) * (1 + fabric.grain_contrast * weave) - 1
    shine = light.shine + 0.04 * fabric.grain_contrast * weave
    dim = 0.7 * np.clip(0.45 - base.mean(axis=0), 0, 0.4)  # dark cloth shows its folds as sheen
    glow, sheen = 1 + 0.45 * shine, 0.55 * shine
    out = np.empty((3, *weave.shape), np.float32)
    for plane, tone, warmth in zip(out, base, (1.06, 1.0, 0.92), strict=True):
        np.multiply(tone, glow + warmth * less, out=plane)
        plane += sheen + dim * less
    return out


def thread(colour: Floats) -> Floats:
    """Stitching that is seen, but only just."""
    return mix(colour, WHITE, 0.30) if luminance(colour) < 0.4 else mix(colour, BLACK, 0.34)


def dashes(line: Floats, on: float, off: float) -> list[Floats]:
    """A line cut into dashes of `on` cm with `off` cm between."""
    total = float(arc_length(line)[-1])
    starts = np.arange(0.0, max(total - on, 0.01), on + off)
    along = arc_length(line)
    out = []
    for start in starts:
        at = np.array([start, start + on])
        out.append(np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1))
    return out


def _line(canvas: Canvas, line: Line, look: Look) -> None:
    box = canvas.box(line.points, 1.2 + line.width)
    if box is None:
        return
    points = line.points
    if line.look == "stitch":
        tone = look.paints.get("stitch", thread(look.dye.ground))
        canvas.lay(box, canvas.strokes(box, dashes(points, 0.5, 0.28), line.width, line.clip) * 0.75, tone)
    elif line.look in ("tape", "cord", "zip", "lace"):
        _cord(canvas, line, look)
    else:
        dark, soft, light = _SEAMS[line.look]
        core = canvas.strokes(box, [points], line.width * 0.6, line.clip)
        around = canvas.strokes(box, [points + np.array([0.15, 0.3])], line.width * 2.2 + 0.25, line.clip)
        above = canvas.strokes(box, [points - np.array([0.22, 0.32])], line.width * 0.7, line.clip)
        canvas.darken(box, core * dark + around * soft - above * light)


_SEAMS = {  # darkness of the line, of the shadow beside it, and lightness of the lip above it
    "seam": (0.34, 0.08, 0.03),
    "edge": (0.42, 0.16, 0.05),
    "crease": (0.04, 0.05, 0.05),
    "pocket": (0.62, 0.16, 0.08),
}


def _cord(canvas: Canvas, line: Line, look: Look) -> None:
    box = canvas.box(line.points, 1.2 + line.width)
    if box is None:
        return
    tone = look.paints.get(line.colour, look.dye.second)
    canvas.darken(
        box, canvas.strokes(box, [line.points + np.array([0.18, 0.3])], line.width * 1.3, line.clip) * 0.28
    )
    if line.look == "zip":
        canvas.lay(box, canvas.strokes(box, dashes(line.points, 0.36, 0.26), line.width, line.clip), tone)
        canvas.darken(box, canvas.strokes(box, [line.points], 0.14, line.clip) * 0.5)
        return
    canvas.lay(box, canvas.strokes(box, [line.points], line.width, line.clip), tone)
    canvas.darken(
        box, canvas.strokes(box, [line.points - np.array([0.1, 0.06])], line.width * 0.35, line.clip) * -0.18
    )


def _button(canvas: Canvas, button: Button, look: Look) -> None:
    """A disc with a rim, a hollow, and four holes."""
    centre = np.array([[button.x, button.y]])
    box = canvas.box(centre, button.radius + 0.7)
    if box is None:
        return
    px = canvas.to_pixels(centre)[0]
    radius = max(button.radius * canvas.scale, 1.6)
    x = box.left + np.arange(box.width)[None, :] + 0.5 - px[0]
    y = box.top + np.arange(box.height)[:, None] + 0.5 - px[1]
    away = np.sqrt(x * x + y * y)
    shade = np.sqrt((x - 0.25 * radius) ** 2 + (y - 0.45 * radius) ** 2)
    canvas.darken(box, np.clip((radius * 1.35 - shade) / (radius * 0.6), 0, 1) * 0.35)
    tone = look.paints[button.colour]
    light = (
        1
        - 0.16 * (x + y) / radius
        + 0.22 * np.exp(-(((away / radius) - 0.8) ** 2) / 0.02) * np.sign(-(x + y))
    )
    if radius > 2.6 and button.colour == "button":
        for a, b in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            light = light - 0.5 * np.exp(-((x - a * radius * 0.26) ** 2 + (y - b * radius * 0.26) ** 2) / 0.5)
    canvas.lay(
        box,
        np.clip(radius + 0.5 - away, 0, 1).astype(np.float32),
        np.asarray(wide(tone) * light, np.float32),
    )
