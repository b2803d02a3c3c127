"""The graphic prints: a motif on the chest, inked over the cloth so that its folds stay visible."""

from collections.abc import Callable

import numpy as np

from atelier.arrays import Floats
from atelier.attributes import Garment
from atelier.canvas import Canvas
from atelier.curves import bezier, circle, join, spline
from atelier.palette import luminance, mix
from atelier.patterns import ink
from atelier.sewing import BLACK, WHITE, Look

Shapes = list[tuple[Floats, Floats]]


def print_motif(canvas: Canvas, garment: Garment, look: Look) -> None:
    """Print a motif when the garment has a graphic print. Its kind and colours choose it, never the seed."""
    if garment.pattern != "graphic print":
        return
    first = ink(look.dye)
    second = mix(first, WHITE if luminance(first) < 0.6 else BLACK, 0.42)
    index = sum((garment.colour + garment.second_colour + garment.kind).encode()) % len(_MOTIFS)
    y = {"square": 30.0, "scoop": 29.0, "v-neck": 31.0}.get(garment.neckline, 26.0)
    for shape, tone in _MOTIFS[index](first, second):
        _ink(canvas, 1.15 * shape + np.array([0.0, y]), tone, look.dye.ground)


def _ink(canvas: Canvas, shape: Floats, tone: Floats, ground: Floats) -> None:
    box = canvas.box(shape, 0.3)
    if box is None:
        return
    mask = canvas.mask(box, shape)
    there, here = canvas.windows(box)
    light = canvas.pixels[:, *there].mean(axis=0) / max(float(ground.mean()), 0.05)
    full = np.zeros((3, box.height, box.width), np.float32)
    full[:, *here] = np.clip(light, 0.3, 1.35) * tone[:, None, None]
    canvas.lay(box, mask * 0.94, full)


def _sunrise(first: Floats, second: Floats) -> Shapes:
    half = circle(0, 0, 6.2, 48)
    sun = half[half[:, 1] <= 0.5]
    sun = sun[np.argsort(np.arctan2(-sun[:, 1], sun[:, 0]))]
    shapes: Shapes = [(sun, first)]
    for i, width in enumerate((7.4, 6.6, 5.2, 3.4)):
        y = 1.6 + i * 1.7
        wave = np.linspace(-width, width, 40)
        top = np.stack([wave, y + 0.25 * np.sin(wave * 1.7)], axis=1)
        shapes.append((join(top, top[::-1] + np.array([0, 0.8])), second if i % 2 else first))
    return shapes


def _mountains(first: Floats, second: Floats) -> Shapes:
    back = np.array([(-8.5, 5.5), (-3.4, -3.6), (-0.8, 0.2), (2.8, -5.8), (8.8, 5.5)])
    front = np.array([(-8.5, 5.6), (-5.6, 1.0), (-2.4, 4.2), (0.6, 0.4), (4.8, 5.6)])
    cap = np.array([(2.8, -5.8), (0.9, -2.4), (2.1, -3.0), (3.0, -1.9), (3.8, -3.2), (4.6, -2.4)])
    return [(back, first), (front, second), (cap, mix(second, WHITE, 0.4)), (circle(-4.6, -5.2, 1.5), second)]


def _arches(first: Floats, second: Floats) -> Shapes:
    shapes: Shapes = []
    for radius, tone in ((7.6, first), (6.0, second), (4.4, first), (2.8, second)):
        t = np.linspace(np.pi, 2 * np.pi, 30)
        outer = np.stack([radius * np.cos(t), radius * np.sin(t)], axis=1)
        inner = np.stack([(radius - 1.1) * np.cos(t), (radius - 1.1) * np.sin(t)], axis=1)[::-1]
        foot = np.array([[0.0, 4.5]])
        shapes.append(
            (
                join(outer[:1] + foot, outer, outer[-1:] + foot, inner[:1] + foot, inner, inner[-1:] + foot),
                tone,
            )
        )
    return shapes


def _branch(first: Floats, second: Floats) -> Shapes:
    stem = spline((0.3, 8.0), (-0.4, 2.0), (0.4, -8.0))
    shapes: Shapes = [(join(stem + np.array([0.18, 0]), stem[::-1] - np.array([0.18, 0])), first)]
    for i, y in enumerate(np.linspace(5.6, -6.4, 7)):
        for s in (-1.0, 1.0):
            reach = 5.2 - abs(i - 2.2) * 0.55
            tip = (s * reach, float(y) - 2.4)
            leaf = join(
                bezier((0.0, float(y)), (s * reach * 0.4, float(y) - 3.0), tip),
                bezier(tip, (s * reach * 0.6, float(y) + 0.6), (0.0, float(y))),
            )
            shapes.append((leaf, first if (i + (s > 0)) % 2 else second))
    return shapes


def _moon(first: Floats, second: Floats) -> Shapes:
    outer = circle(0, 0, 6.4, 60)
    crescent = join(outer[8:53], circle(2.6, 0.0, 5.2, 60)[9:52][::-1])
    stars = [(_star(x, y, r), second) for x, y, r in ((3.4, -2.6, 1.6), (5.2, 2.0, 1.0), (1.6, 2.8, 0.8))]
    return [(crescent, first), *stars]


def _star(x: float, y: float, radius: float) -> Floats:
    angle = np.arange(8) * np.pi / 4 - np.pi / 2
    reach = np.where(np.arange(8) % 2 == 0, radius, radius * 0.34)
    return np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1)


_MOTIFS: tuple[Callable[[Floats, Floats], Shapes], ...] = (
    _sunrise,
    _mountains,
    _arches,
    _branch,
    _moon,
)
