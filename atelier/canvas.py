"""The picture being drawn: pieces, lines and buttons put on it one over the other."""

from dataclasses import dataclass

import aggdraw
import numpy as np
from PIL import Image, ImageFilter

from atelier.arrays import Bytes, Floats
from atelier.shading import blur

GRID = 32  # boxes are padded to this many pixels, so that blur kernels are shared


@dataclass(frozen=True)
class Box:
    """A pixel rectangle, its sides multiples of GRID; it may reach beyond the picture."""

    left: int
    top: int
    width: int
    height: int


class Canvas:
    """An sRGB float picture, one plane a channel, with a camera: `scale` px a cm, and where (0, 0) lies."""

    def __init__(self, width: int, height: int, scale: float, origin: tuple[float, float]) -> None:
        self.pixels: Floats = np.ones((3, height, width), np.float32)
        self.cover: Floats = np.zeros((height, width), np.float32)  # where something has been drawn
        self.scale = scale
        self.origin = np.array(origin)
        self.floating = False  # nothing behind the figure: pieces cast no shadow on the ground

    def to_pixels(self, points: Floats) -> Floats:
        """Centimetres to pixels."""
        return np.asarray(points * self.scale + self.origin)

    def box(self, points: Floats, margin: float) -> Box | None:
        """The padded box around points (cm) with a margin in cm, or None when it is out of the picture."""
        pixels = self.to_pixels(points)
        low = np.floor(pixels.min(axis=0) - margin * self.scale).astype(int)
        high = np.ceil(pixels.max(axis=0) + margin * self.scale).astype(int)
        h, w = self.cover.shape
        low, high = np.maximum(low, -GRID), np.minimum(high, [w + GRID, h + GRID])
        if (high <= low + 1).any() or high[0] <= 0 or high[1] <= 0 or low[0] >= w or low[1] >= h:
            return None
        size = -(-(high - low) // GRID) * GRID
        return Box(int(low[0]), int(low[1]), int(size[0]), int(size[1]))

    def mask(
        self, box: Box, outline: Floats, cut: tuple[Floats, ...] = (), clip: Floats | None = None
    ) -> Floats:
        """Coverage of a closed outline inside the box, (h, w) float32 0..1."""
        layer = Image.new("L", (box.width, box.height))
        draw = aggdraw.Draw(layer)
        draw.polygon(self._local(outline, box), None, aggdraw.Brush(255))
        for hole in cut:
            draw.polygon(self._local(hole, box), None, aggdraw.Brush(0))
        draw.flush()
        out = np.asarray(layer, np.float32) / 255.0
        return out if clip is None else out * self.mask(box, clip)

    def silhouette(self, box: Box, outlines: list[Floats]) -> Floats:
        """Coverage of all the outlines together."""
        layer = Image.new("L", (box.width, box.height))
        draw = aggdraw.Draw(layer)
        brush = aggdraw.Brush(255)
        for outline in outlines:
            draw.polygon(self._local(outline, box), None, brush)
        draw.flush()
        return np.asarray(layer, np.float32) / 255.0

    def strokes(self, box: Box, lines: list[Floats], width: float, clip: Floats | None = None) -> Floats:
        """Coverage of open lines, `width` in cm (at least 0.7 px)."""
        layer = Image.new("L", (box.width, box.height))
        draw = aggdraw.Draw(layer)
        pen = aggdraw.Pen(255, max(width * self.scale, 0.7))
        for line in lines:
            draw.line(self._local(line, box), pen)
        draw.flush()
        out = np.asarray(layer, np.float32) / 255.0
        return out if clip is None else out * self.mask(box, clip)

    def _local(self, points: Floats, box: Box) -> list[float]:
        flat: list[float] = (self.to_pixels(points) - np.array([box.left, box.top])).ravel().tolist()
        return flat

    def windows(self, box: Box) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The box's part of the picture, and the picture's part of the box."""
        h, w = self.cover.shape
        x0, y0 = max(box.left, 0), max(box.top, 0)
        x1, y1 = max(min(box.left + box.width, w), x0), max(min(box.top + box.height, h), y0)
        return (slice(y0, y1), slice(x0, x1)), (
            slice(y0 - box.top, y1 - box.top),
            slice(x0 - box.left, x1 - box.left),
        )

    def lay(self, box: Box, mask: Floats, colour: Floats) -> None:
        """Put a colour, (3,) or (3, h, w), over the picture where the mask is."""
        there, here = self.windows(box)
        alpha, target = mask[here], self.pixels[:, *there]
        ink = colour[:, *here] if colour.ndim == 3 else colour[:, None, None]
        target += (ink - target) * alpha
        self.cover[there] = np.maximum(self.cover[there], mask[here])

    def darken(self, box: Box, amount: Floats, tint: tuple[float, float, float] = (1.0, 0.98, 0.92)) -> None:
        """Multiply the picture by one minus `amount` (h, w); shadows are a little cool."""
        there, here = self.windows(box)
        part = amount[here]
        for plane, share in zip(self.pixels, tint, strict=True):
            plane[there] *= 1 - share * part

    def shadow(self, outline: Floats, lift: float, strength: float, inside: Floats | None = None) -> None:
        """The soft shadow that a piece `lift` cm above casts down and to the right."""
        box = self.box(outline + np.array([0.3, 0.6]) * lift, 0.3 + lift * 1.2)
        if box is None or lift <= 0:
            return
        shape = self.mask(box, outline + np.array([0.3, 0.6]) * lift)
        soft = soften(shape, max(0.6, lift * 0.55 * self.scale))
        there, here = self.windows(box)
        if self.floating:
            soft[here] *= self.cover[there]
        if inside is not None:
            soft *= self.mask(box, inside)
        self.darken(box, soft * strength)

    def image(self) -> Image.Image:
        """The picture as 8-bit RGB."""
        return Image.fromarray(np.ascontiguousarray(to_bytes(self.pixels).transpose(1, 2, 0)))


def to_bytes(pixels: Floats) -> Bytes:
    """0..1 floats as 8-bit."""
    return np.asarray(np.clip(pixels * 255.0 + 0.5, 0, 255), np.uint8)


def soften(mask: Floats, sigma: float) -> Floats:
    """A blurred copy of a mask, sigma in pixels; wide blurs are made on a smaller copy."""
    image = Image.fromarray(np.asarray(mask * 255.0 + 0.5, np.uint8))
    if sigma < 4:
        return np.array(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32) / 255.0
    small = np.asarray(image.reduce(4), np.float32) / 255.0
    out = Image.fromarray(blur(small, sigma / 4))
    return np.array(out.resize(image.size, Image.Resampling.BICUBIC), np.float32)
