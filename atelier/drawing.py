"""draw(garment): builds the pieces, sets the camera and the light, and sews them on the canvas."""

import numpy as np
from PIL import Image

from atelier.arrays import Floats
from atelier.attributes import Garment
from atelier.blocks import BLOCKS
from atelier.body import body_of, flat_pose, sample_pose
from atelier.canvas import Canvas, soften
from atelier.dresses import build_dress, build_jumpsuit
from atelier.fabric import FABRICS, fabric_for
from atelier.figure import LOWER_KINDS, draw_figure, finish_figure
from atelier.goods import build_goods
from atelier.ground import backdrop
from atelier.legs import build_legs
from atelier.motif import print_motif
from atelier.palette import COLOURS, HAIR_COLOURS, SKIN_TONES, luminance, mix, rgb
from atelier.parts import Part, Pattern
from atelier.patterns import Dye
from atelier.sewing import BLACK, WHITE, Look, sew
from atelier.skirts import build_skirt
from atelier.tops import build_top

RATIO = 1.25  # height over width of a picture
BUILDERS = {
    "dress": build_dress,
    "jumpsuit": build_jumpsuit,
    "skirt": build_skirt,
    "trousers": build_legs,
    "jeans": build_legs,
    "shorts": build_legs,
    "sneaker": build_goods,
    "bag": build_goods,
}


def draw(garment: Garment, size: int = 640, seed: int = 0) -> Image.Image:
    """The garment's picture as RGB, `size` wide and 1.25 `size` high (both rounded to even numbers).

    The same garment, size and seed give the same bytes on the same machine and library versions. The seed
    moves what a photographer would: folds, pose, skin, hair, backdrop. It never touches an attribute.
    """
    if size < 64:
        raise ValueError(f"size is {size} px; give 64 or more")
    rng = np.random.default_rng([seed, 71])
    width, height = size // 2 * 2, int(size * RATIO) // 2 * 2
    worn = garment.presentation == "figure"
    body = body_of(garment.gender)
    pose = sample_pose(body, rng) if worn else flat_pose(body)
    build = BUILDERS.get(garment.kind, build_top)
    pattern = build(garment, body, pose, rng)
    look = look_of(garment, pattern, pose.skin, pose.hair_colour, seed)
    canvas = Canvas(width, height, *camera(garment, pattern, width, height))
    canvas.pixels[:] = backdrop(width, height, rng, worn)
    if worn:
        canvas.floating = True
        sew(canvas, pattern.behind, look, rng)
        draw_figure(canvas, garment, body, pose, look, rng)
        sew(canvas, pattern.front, look, rng)
        print_motif(canvas, garment, look)
        finish_figure(canvas, garment, body, pose, look, rng)
    else:
        _ground_shadow(canvas, pattern)
        sew(canvas, [*pattern.behind, *pattern.front], look, rng)
        print_motif(canvas, garment, look)
    return canvas.image()


def camera(garment: Garment, pattern: Pattern, width: int, height: int) -> tuple[float, tuple[float, float]]:
    """Scale (px a cm) and the pixel of (0, 0) that frame the garment, or the figure that wears it."""
    if garment.presentation == "figure":
        top, bottom = _framed(garment, pattern)
        scale = height / (bottom - top)
        return scale, (width / 2, -top * scale)
    points = pattern.outlines()
    low, high = points.min(axis=0), points.max(axis=0)
    scale = min(
        width * 0.84 / (high[0] - low[0]),
        height * 0.86 / (high[1] - low[1]),
        height / (70.0 if garment.kind not in ("sneaker", "bag") else 40.0),
    )
    middle = (low + high) / 2
    return float(scale), (float(width / 2 - middle[0] * scale), float(height / 2 - middle[1] * scale))


def _framed(garment: Garment, pattern: Pattern) -> tuple[float, float]:
    """Top and bottom of a figure's picture, cm: from the head, or the ribs for what hangs from the waist."""
    hem = float(pattern.outlines()[:, 1].max())
    top = 8.0 if garment.kind in LOWER_KINDS else -41.5 if garment.gender == "women" else -38.5
    bottom = max(hem + 13.0, 82.0)
    return top, 171.0 if bottom > 148 else bottom


def look_of(garment: Garment, pattern: Pattern, skin: int, hair: int, seed: int) -> Look:
    """The garment's cloth and colours."""
    ground, second = rgb(garment.colour, garment.fabric), rgb(garment.second_colour, garment.fabric)
    cable = garment.detail == "cable knit"
    fabric = FABRICS["cable knit"] if cable else fabric_for(garment.kind, garment.fabric)
    dark = luminance(ground) < 0.35
    look = Look(fabric, Dye(ground, second, seed), garment.pattern, _paints(garment, ground, second, dark))
    look.paints["skin"] = np.array(SKIN_TONES[skin], np.float32) / 255
    look.paints["hair"] = np.array(HAIR_COLOURS[hair], np.float32) / 255
    look.faded = garment.fabric == "denim" and garment.colour in ("blue", "navy", "grey", "sky blue")
    look.body = 0.85 if garment.presentation == "figure" or garment.kind in ("sneaker", "bag") else 0.6
    if garment.pattern == "colour block":
        look.split = _split(garment, pattern)
    return look


def _paints(garment: Garment, ground: Floats, second: Floats, dark: bool) -> dict[str, Floats]:
    patterned = garment.pattern not in ("plain", "graphic print")
    trim = second if garment.pattern == "colour block" else mix(ground, BLACK, 0.06)
    horn = np.array([0.27, 0.18, 0.12], np.float32)
    light = np.array([0.93, 0.91, 0.86], np.float32)
    paints = {
        "trim": trim,
        "second": second,
        "lining": mix(ground, BLACK if not dark else WHITE, 0.16 if not dark else 0.05),
        "label": light,
        "button": light
        if not patterned and dark
        else horn
        if luminance(ground) < 0.75
        else mix(light, BLACK, 0.08),
        "metal": np.array([0.74, 0.72, 0.68], np.float32),
        "zip": mix(ground, BLACK, 0.35),
        "thread": light,
        "cord": light if luminance(ground) < 0.75 else mix(ground, BLACK, 0.25),
        "belt": np.array([0.33, 0.20, 0.13], np.float32),
        "sole": np.array([0.95, 0.94, 0.91], np.float32),
        "nude": np.array(COLOURS["beige"], np.float32) / 255,
    }
    if garment.fabric == "denim":
        paints["stitch"] = np.array([0.80, 0.58, 0.30], np.float32)
        paints["button"] = paints["metal"]
    return paints


def _split(garment: Garment, pattern: Pattern) -> float:
    """Where the second colour begins: under the chest of a top, at the middle of anything longer or lower."""
    if garment.kind in BLOCKS and garment.kind not in ("dress", "coat", "jumpsuit"):
        return 27.0
    if garment.kind in ("dress", "jumpsuit"):
        return 41.0
    points = pattern.outlines()
    return float(points[:, 1].min() * 0.45 + points[:, 1].max() * 0.55)


def _ground_shadow(canvas: Canvas, pattern: Pattern) -> None:
    """A close and a wide shadow under a garment that lies on the ground."""
    points = pattern.outlines()
    box = canvas.box(points, 9.0)
    if box is None:
        return
    parts = [
        piece for piece in (*pattern.behind, *pattern.front) if isinstance(piece, Part) and piece.clip is None
    ]
    whole = canvas.silhouette(box, [part.outline + np.array([0.7, 1.3]) for part in parts])
    near, far = soften(whole, 0.75 * canvas.scale), soften(whole, 3.6 * canvas.scale)
    canvas.darken(box, 0.30 * near + 0.16 * far, (0.92, 0.96, 1.0))
