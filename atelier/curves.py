"""Plane curves as (N, 2) float arrays of points, in cm on the body: x to the viewer's right, y down."""

import itertools

import numpy as np

from atelier.arrays import Floats

Point = tuple[float, float]


def bezier(*control: Point, samples: int = 16) -> Floats:
    """A Bezier curve of 2 to 4 control points, as (samples, 2); two points make a straight line."""
    points = np.array(control, float)
    t = np.linspace(0.0, 1.0, 2 if len(points) == 2 else samples)[:, None]
    return _de_casteljau(points, t)


def _de_casteljau(points: Floats, t: Floats) -> Floats:
    levels = [np.broadcast_to(point, (len(t), 2)) for point in points]
    while len(levels) > 1:
        levels = [a + (b - a) * t for a, b in itertools.pairwise(levels)]
    return np.array(levels[0])


def spline(*through: Point, samples: int = 10) -> Floats:
    """A Catmull-Rom curve through the given points, `samples` to each span."""
    points = np.array(through, float)
    ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0.0, 1.0, samples, endpoint=False)[:, None]
    spans = []
    for p0, p1, p2, p3 in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        spans.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    return np.vstack([*spans, points[-1:]])


def join(*curves: Floats) -> Floats:
    """The curves one after the other."""
    return np.vstack(curves)


def flip(curve: Floats) -> Floats:
    """The curve on the other side of the body, in the same order of points."""
    return np.asarray(curve * np.array([-1.0, 1.0]))


def closed(half: Floats) -> Floats:
    """A symmetric outline from its half at x >= 0: down the right side, and back up the left."""
    return np.vstack([half, flip(half)[::-1]])


def mirrored(half: Floats) -> Floats:
    """A symmetric open curve from its half that starts on the centre line: left end to right end."""
    return np.vstack([flip(half)[::-1], half])


def resample(curve: Floats, count: int) -> Floats:
    """`count` points spread evenly along the curve."""
    along = arc_length(curve)
    wanted = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(wanted, along, curve[:, 0]), np.interp(wanted, along, curve[:, 1])], axis=1)


def arc_length(curve: Floats) -> Floats:
    """Distance along the curve at each of its points, as (N,)."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])


def normals(curve: Floats) -> Floats:
    """Unit normals at each point, to the left of the direction of travel as seen on screen (y down)."""
    tangent = np.gradient(curve, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1])[:, None], 1e-9)
    return np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)


def shift(curve: Floats, distance: float) -> Floats:
    """The curve moved sideways by `distance` along its normals."""
    return curve + normals(curve) * distance


def at_height(curve: Floats, y: float) -> float:
    """x of the curve at height `y`, by linear interpolation over points that go down."""
    order = np.argsort(curve[:, 1], kind="stable")
    return float(np.interp(y, curve[order, 1], curve[order, 0]))


def circle(x: float, y: float, radius: float, samples: int = 24) -> Floats:
    """A circle as a closed polygon."""
    angle = np.linspace(0.0, 2 * np.pi, samples, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def box(x: float, y: float, width: float, height: float, corner: float = 0.4) -> Floats:
    """A rectangle by its top left corner, with cut corners."""
    c = min(corner, width / 2, height / 2)
    xs = [x + c, x + width - c, x + width, x + width, x + width - c, x + c, x, x]
    ys = [y, y, y + c, y + height - c, y + height, y + height, y + height - c, y + c]
    return np.array([xs, ys], float).T
