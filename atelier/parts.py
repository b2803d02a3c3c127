"""What a drawing is made of, before any pixel: pieces of cloth, the folds in them, and lines sewn on them."""

from dataclasses import dataclass, field

import numpy as np

from atelier.arrays import Floats
from atelier.curves import Point


@dataclass(frozen=True)
class Fold:
    """A ridge in the cloth along a bent line: `height` and `width` in cm; negative height is a furrow."""

    start: Point
    end: Point
    bend: float = 0.0  # sideways bow at the middle, cm
    width: float = 1.6
    height: float = 0.5


@dataclass(frozen=True)
class Part:
    """One piece, drawn over what came before it."""

    name: str
    outline: Floats  # (N, 2) cm, closed
    paint: str = (
        "cloth"  # "cloth" | "second" | "trim" | "lining" | a key of the palette that the drawing is given
    )
    texture: str = ""  # overrides the fabric: "rib", "lining", "plain", ...
    axis: Floats | None = None  # (M, 2) centre line that pattern and grain follow; None: straight down
    folds: tuple[Fold, ...] = ()
    flare: float = 0.0  # height in cm of the cone folds that fall towards the hem
    flare_count: float = 5.0
    flare_top: float = 0.0  # y where the cone folds begin
    roundness: float = 1.0  # how far the piece bulges towards the viewer, cm
    edge: float = 0.35  # thickness that is seen at the edge, cm
    lift: float = 0.8  # how far it floats over what is below, cm: its contact shadow
    cut: tuple[Floats, ...] = ()  # holes
    clip: Floats | None = None  # the piece shows inside this outline only
    rumple: float = 1.0  # how much of the fabric's own wrinkling it has
    shade: float = 1.0  # brightness of the whole piece
    patterned: bool = True
    crosswise: bool = False  # the grain runs across the axis, as the ribs of a neck band do


@dataclass(frozen=True)
class Line:
    """A line on the cloth."""

    points: Floats  # (N, 2) cm
    look: str = "seam"  # "seam" | "stitch" | "edge" | "zip" | "cord" | "crease" | "lace"
    width: float = 0.25  # cm
    colour: str = ""  # palette key, for those that are drawn in a colour
    clip: Floats | None = None


@dataclass(frozen=True)
class Button:
    """A round button or rivet."""

    x: float
    y: float
    radius: float = 0.55
    colour: str = "button"


Piece = Part | Line | Button


@dataclass
class Pattern:
    """All the pieces of one garment, from the back to the front.

    `behind` lies behind the body of a figure (the inside of the back), `front` in front of it.
    """

    behind: list[Piece] = field(default_factory=list)
    front: list[Piece] = field(default_factory=list)

    def outlines(self) -> Floats:
        """Every corner of every part, as (N, 2)."""
        return np.vstack([piece.outline for piece in (*self.behind, *self.front) if isinstance(piece, Part)])
