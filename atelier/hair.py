"""Hair for the croquis: a mass behind the head, and the locks that frame the face."""

import numpy as np

from atelier.arrays import Floats
from atelier.body import Body, Pose
from atelier.curves import closed, join, spline
from atelier.parts import Fold, Line, Part, Piece


def _mass(name: str, outline: Floats, x: float, folds: tuple[Fold, ...] = (), lift: float = 0.3) -> Part:
    return Part(
        name,
        outline + np.array([x, 0.0]),
        "hair",
        "hair",
        folds=folds,
        roundness=1.8,
        edge=0.3,
        lift=lift,
        patterned=False,
    )


def hair_behind(body: Body, pose: Pose, gender: str) -> list[Piece]:
    """What lies behind the neck and the head."""
    if gender == "men":
        return []
    x, style = pose.turn, pose.hair
    if style == 0:  # long and loose
        half = spline(
            (0.0, -36.0),
            (7.5, -33.5),
            (9.8, -25.0),
            (10.2, -12.0),
            (11.5, 0.0),
            (10.0, 10.0),
            (4.0, 14.0),
            (0.0, 14.0),
        )
    elif style == 1:  # a bob
        half = spline(
            (0.0, -36.0), (7.5, -33.5), (9.8, -25.0), (10.6, -15.0), (9.2, -8.0), (3.0, -7.0), (0.0, -7.0)
        )
    elif style == 2:  # a bun on top
        return [
            _mass(
                "bun",
                spline((-4.6, -38.0), (0.0, -42.0), (4.6, -38.0), (3.6, -33.5), (-3.6, -33.5), (-4.6, -38.0)),
                x,
                _strands(-4, 4, -41, -34),
            )
        ]
    elif style == 3:  # a cloud of curls
        angle = np.linspace(0, 2 * np.pi, 90)
        radius = 13.5 + 0.55 * np.sin(17 * angle) + 0.35 * np.sin(29 * angle + 1)
        cloud = np.stack([radius * np.cos(angle), -25.0 + radius * np.sin(angle)], axis=1)
        return [_mass("curls", cloud, x, _curls(13))]
    elif style == 4:  # a low ponytail: nothing to see but the nape
        half = spline((0.0, -35.5), (7.0, -33.0), (8.6, -25.0), (7.6, -17.0), (0.0, -16.0))
    else:  # shoulder length, waved
        half = spline(
            (0.0, -36.0),
            (7.6, -33.6),
            (9.9, -26.0),
            (11.2, -18.0),
            (10.0, -11.0),
            (11.8, -4.0),
            (9.0, 3.0),
            (0.0, 4.0),
        )
    return [_mass("hair back", closed(half), x)]


def _strands(left: float, right: float, top: float, bottom: float) -> tuple[Fold, ...]:
    return tuple(
        Fold((float(a), top), (float(a) * 1.1, bottom), 0.5, 0.7, 0.3) for a in np.linspace(left, right, 6)
    )


def _curls(radius: float) -> tuple[Fold, ...]:
    rng = np.random.default_rng(5)
    folds = []
    for a, r in zip(rng.uniform(0, 6.28, 60), radius * np.sqrt(rng.uniform(0.2, 1, 60)), strict=True):
        x, y = float(r * np.cos(a)), float(-25 + r * np.sin(a))
        folds.append(
            Fold((x, y), (x + float(rng.uniform(-2, 2)), y + float(rng.uniform(-2, 2))), 0.8, 0.6, 0.35)
        )
    return tuple(folds)


def hair_front(body: Body, pose: Pose, gender: str) -> list[Piece]:
    """The hair over the forehead and beside the face."""
    x = pose.turn
    if gender == "men":
        return _short(x, pose.hair)
    if pose.hair in (0, 1, 5):
        return _parted(x, {0: 9.0, 1: -7.5, 5: 4.0}[pose.hair])
    return _swept(x)


def _parted(x: float, bottom: float) -> list[Piece]:
    """Two curtains from a parting, falling to `bottom` cm."""
    pieces: list[Piece] = []
    for s in (-1.0, 1.0):
        inner = spline(
            (0.4 * s, -34.4),
            (s * 3.6, -30.6),
            (s * 6.6, -25.0),
            (s * 7.6, -17.0),
            (s * 8.0, -11.0),
            (s * 8.6, (bottom - 11) / 2),
            (s * 8.2, bottom),
        )
        outer = spline(
            (s * 10.4, bottom - 1.0),
            (s * 11.8, (bottom - 12) / 2),
            (s * 10.4, -14.0),
            (s * 10.0, -25.0),
            (s * 7.4, -33.0),
            (s * 1.0, -36.4),
            (0.4 * s, -34.4),
        )
        folds = (
            Fold((s * 3.0, -34.0), (s * 9.2, -12.0), s * 2.2, 0.9, 0.5),
            Fold((s * 9.4, -18.0), (s * 9.8, bottom - 2), 0.6, 0.8, 0.4),
        )
        pieces.append(_mass("curtain", join(inner, outer), x, folds))
        pieces.append(
            Line(
                spline((s * 2.0, -34.8), (s * 7.6, -27.0), (s * 9.0, -15.0)) + np.array([x, 0.0]),
                "cord",
                0.2,
                "strand",
            )
        )
    return pieces


def _swept(x: float) -> list[Piece]:
    """Drawn back from the forehead."""
    low = spline(
        (-8.0, -20.5), (-6.9, -26.5), (-3.6, -30.2), (0.0, -31.0), (3.6, -30.2), (6.9, -26.5), (8.0, -20.5)
    )
    high = spline(
        (8.7, -24.0), (7.9, -31.0), (4.2, -35.4), (0.0, -36.2), (-4.2, -35.4), (-7.9, -31.0), (-8.7, -24.0)
    )
    folds = tuple(
        Fold((a, -30.5 + abs(a) * 0.45), (a * 0.8, -36.0), a * 0.05, 0.8, 0.3)
        for a in (-6.0, -3.5, -1.0, 1.5, 4.0, 6.2)
    )
    return [_mass("swept", join(low, high), x, folds)]


def _short(x: float, style: int) -> list[Piece]:
    """A man's cut: short sides, and a side parting, a crop or a quiff above."""
    lift = (0.0, 1.6, 2.8)[style % 3]
    low = spline(
        (-8.6, -21.0),
        (-7.9, -24.5),
        (-7.2, -28.0),
        (-4.0, -29.6 - lift * 0.3),
        (1.0, -29.2),
        (5.4, -28.8),
        (7.4, -26.6),
        (8.0, -24.0),
        (8.6, -21.0),
    )
    high = spline(
        (9.0, -25.0),
        (8.6, -31.0),
        (5.6, -35.4 - lift * 0.6),
        (0.0, -36.6 - lift),
        (-5.4, -35.6 - lift * 0.4),
        (-8.7, -31.0),
        (-9.0, -25.0),
    )
    folds = tuple(
        Fold((a, -29.5), (a + 1.6, -36.0 - lift), 0.6, 0.8, 0.35) for a in (-5.5, -3.0, -0.5, 2.0, 4.5)
    )
    pieces: list[Piece] = [_mass("cut", join(low, high), x, folds)]
    if style in (4, 5):
        beard = spline(
            (-7.5, -19.4),
            (-7.0, -13.6),
            (-4.8, -9.8),
            (0.0, -8.4),
            (4.8, -9.8),
            (7.0, -13.6),
            (7.5, -19.4),
            (5.8, -14.2),
            (2.6, -12.0),
            (0.0, -11.8),
            (-2.6, -12.0),
            (-5.8, -14.2),
            (-7.5, -19.4),
        )
        pieces.append(_mass("beard", beard, x, lift=0.0))
    return pieces
