"""The body that garments are cut for: landmarks in cm of an 8.5-head fashion figure, and its poses."""

from dataclasses import dataclass

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.curves import Point


@dataclass(frozen=True)
class Body:
    """Landmarks. y = 0 at the side of the neck, x measured from the centre line."""

    neck: float  # half width of the neck at its root
    shoulder: float  # x of the shoulder point
    shoulder_y: float
    chest: float  # half widths
    waist: float
    hip: float
    armpit_y: float = 19.5
    waist_y: float = 40.0
    hip_y: float = 59.0
    crotch_y: float = 68.0
    knee_y: float = 111.0
    ankle_y: float = 158.0
    floor_y: float = 166.0
    arm: float = 5.0  # width of the upper arm
    leg: float = 15.5  # width of the thigh


WOMAN = Body(neck=5.2, shoulder=17.6, shoulder_y=4.6, chest=15.6, waist=11.8, hip=16.8)
MAN = Body(
    neck=6.2, shoulder=21.5, shoulder_y=5.0, chest=18.6, waist=15.6, hip=17.2, arm=6.4, leg=16.5, waist_y=42.0
)


def body_of(gender: str) -> Body:
    """The body that a gender's garments are cut for."""
    return MAN if gender == "men" else WOMAN


@dataclass(frozen=True)
class Pose:
    """Where elbows, wrists, knees and ankles are; index 0 is the viewer's left, 1 the right."""

    name: str
    elbows: tuple[Point, Point]
    wrists: tuple[Point, Point]
    knees: tuple[Point, Point]
    ankles: tuple[Point, Point]
    hair: int = 0
    skin: int = 2
    hair_colour: int = 1
    turn: float = 0.0  # sideways shift of the head, cm


def flat_pose(body: Body) -> Pose:
    """Arms laid out for a flat picture, straight and well away from the sides."""
    s = body.shoulder
    elbow, wrist = (s + 9.0, 32.5), (s + 14.5, 60.0)
    return Pose("laid", _pair(elbow), _pair(wrist), _pair((9.5, 111.0)), _pair((10.5, 158.0)))


def sample_pose(body: Body, rng: Rng) -> Pose:
    """One of the croquis poses, with its hair and skin."""
    s = body.shoulder
    relaxed = ((s + 4.2, 34.0), (s + 5.5, 61.0))
    easy = ((s + 6.0, 33.0), (s + 3.8, 60.0))
    hip = ((s + 14.0, 36.0), (s - 0.4, 52.0))
    pairs = [(relaxed, relaxed), (relaxed, hip), (hip, relaxed), (easy, relaxed), (relaxed, easy), (hip, hip)]
    left, right = pairs[int(rng.integers(len(pairs)))]
    stance = float(rng.choice([-1.0, 0.0, 1.0]))
    knees = (-8.6 - max(stance, 0) * 2.0, 111.0), (8.6 - min(stance, 0) * 2.0, 111.0)
    ankles = (-7.4 - max(stance, 0) * 4.6, 158.0), (7.4 - min(stance, 0) * 4.6, 158.0)
    skin = int(rng.integers(6))
    return Pose(
        "standing",
        (_left(left[0]), right[0]),
        (_left(left[1]), right[1]),
        knees,
        ankles,
        hair=int(rng.integers(6)),
        skin=skin,
        hair_colour=int(rng.integers(6 if skin < 3 else 3)),
        turn=float(rng.uniform(-0.8, 0.8)),
    )


def _left(point: Point) -> Point:
    return -point[0], point[1]


def _pair(point: Point) -> tuple[Point, Point]:
    return _left(point), point


def arm_line(body: Body, pose: Pose, side: int, samples: int = 40) -> Floats:
    """The centre line of an arm from the shoulder to the wrist, rounded at the elbow, as (samples, 2)."""
    sign = 1.0 if side else -1.0
    joint = np.array([sign * (body.shoulder - 2.6), body.shoulder_y + 4.2])
    return bent(joint, np.array(pose.elbows[side]), np.array(pose.wrists[side]), samples)


def leg_line(body: Body, pose: Pose, side: int, samples: int = 40) -> Floats:
    """The centre line of a leg from the hip to the ankle."""
    sign = 1.0 if side else -1.0
    joint = np.array([sign * body.hip * 0.53, body.hip_y])
    return bent(joint, np.array(pose.knees[side]), np.array(pose.ankles[side]), samples)


def bent(start: Floats, corner: Floats, end: Floats, samples: int) -> Floats:
    """A line over a rounded corner, evenly sampled."""
    before, after = corner + (start - corner) * 0.22, corner + (end - corner) * 0.22
    t = np.linspace(0.0, 1.0, 9)[:, None]
    turn = (1 - t) ** 2 * before + 2 * t * (1 - t) * corner + t**2 * after
    line = np.vstack([start[None], turn, end[None]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    wanted = np.linspace(0.0, along[-1], samples)
    return np.stack([np.interp(wanted, along, line[:, 0]), np.interp(wanted, along, line[:, 1])], axis=1)
