"""Skirts, alone and as part of dresses."""

import numpy as np

from atelier.arrays import Floats, Rng
from atelier.attributes import Garment
from atelier.body import Body, Pose
from atelier.curves import closed, join, spline
from atelier.legs import hips, jeans_front
from atelier.parts import Button, Fold, Line, Part, Pattern, Piece
from atelier.trims import leather_belt
from atelier.waists import inside_waist, waistband

SKIRT_HEMS = {"mini": 86.0, "knee": 108.0, "midi": 129.0, "maxi": 154.0}


def skirt_half(
    body: Body, top: float, waist: float, hem: float, spread: float, waves: float, rng: Rng
) -> tuple[Floats, Floats]:
    """Side seam and hem of a skirt's right half; `spread` in cm of hem per cm of length."""
    length = hem - top
    hip = body.hip + 1.4
    bottom = max(hip + spread * (hem - body.hip_y), hip - 2.0)
    flared = waist + (bottom - waist) * 0.45
    side = spline(
        (waist, top),
        (max(flared, hip - 1.0) if spread < 0.2 else flared, top + length * 0.36),
        (bottom, hem - 1.2),
    )
    xs = np.linspace(bottom, 0.0, 40)
    phase = rng.uniform(0, 6.28)
    dip = 2.6 * (1 - (xs / bottom) ** 2)
    wave = waves * np.sin(xs / bottom * 2 * np.pi * 2.5 + phase) * (0.4 + 0.6 * xs / bottom)
    return side, np.stack([xs, hem - 1.2 + dip + wave], axis=1)


def skirt_part(body: Body, garment: Garment, top: float, waist: float, hem: float, rng: Rng) -> Part:
    """One skirt, cut by its fabric: A-line and fluid when it is light, straight when it is firm."""
    firm = garment.fabric in ("denim", "leather", "wool")
    pleated = garment.detail == "pleats"
    spread = 0.10 if firm and not pleated else 0.24
    if hem > 120:
        spread *= 0.8
    side, edge = skirt_half(body, top, waist, hem, spread, 0.25 if firm else 0.7, rng)
    outline = closed(join(np.array([[0.0, top + 0.6]]), side, edge[1:]))
    return Part(
        "skirt",
        outline,
        folds=_pleats(side, top, hem) if pleated else (),
        flare=0.25 if firm else 1.15,
        flare_top=top - 2,
        flare_count=3.2 if firm else 5.5,
        roundness=4.0,
        edge=0.3,
        lift=0.7,
        rumple=0.8,
    )


def _pleats(side: Floats, top: float, hem: float) -> tuple[Fold, ...]:
    waist, bottom = float(side[0, 0]), float(side[-1, 0])
    places = np.linspace(-0.93, 0.93, 15)
    return tuple(Fold((float(p) * waist, top), (float(p) * bottom, hem + 4), 0.0, 1.1, 0.85) for p in places)


def build_skirt(garment: Garment, body: Body, pose: Pose, rng: Rng) -> Pattern:
    """A skirt with its waistband."""
    del pose
    top, hem = body.waist_y - 1.0, SKIRT_HEMS[garment.length]
    waist = body.waist + 0.6
    skirt = skirt_part(body, garment, top + 3.2, waist + 0.5, hem, rng)
    pattern = Pattern(behind=[inside_waist(waist, top)])
    pattern.front += [skirt, *skirt_hem(skirt, hem), *waistband(waist, top)]
    if garment.detail == "buttons":
        pattern.front += [Line(np.array([(1.4, top + 4.0), (1.4, hem + 2)]), "edge", 0.4, clip=skirt.outline)]
        pattern.front += [Button(0.0, float(y), 0.75) for y in np.arange(top + 1.6, hem - 4, 8.0)]
    elif garment.detail == "belt":
        pattern.front += leather_belt(waist + 0.4, top + 0.8)
    elif garment.detail == "ruffle":
        pattern.front += hem_frill(skirt, hem, rng)
    elif garment.fabric == "denim":
        pattern.front += [
            *jeans_front(top, waist, hips(body, top, waist)),
            Button(0.0, top + 1.7, 0.7, "metal"),
        ]
    return pattern


def skirt_hem(skirt: Part, hem: float) -> list[Piece]:
    """The stitching above a skirt's hem."""
    edge = skirt.outline[np.abs(skirt.outline[:, 1] - hem) < 5.0]
    edge = edge[np.argsort(edge[:, 0])] - np.array([0.0, 2.2])
    return [Line(edge, "stitch", 0.13, clip=skirt.outline)]


def hem_frill(skirt: Part, hem: float, rng: Rng) -> list[Piece]:
    """A gathered tier at the hem."""
    edge = skirt.outline[skirt.outline[:, 1] > hem - 2.5]
    edge = edge[np.argsort(edge[:, 0])] - np.array([0.0, 9.0])
    low = edge * np.array([1.05, 1.0]) + np.array([0.0, 10.0])
    low[:, 1] += 0.7 * np.sin(np.linspace(0, 15 * np.pi, len(low)) + rng.uniform(0, 6))
    folds = tuple(
        Fold((float(a[0]), float(a[1])), (float(b[0]), float(b[1])), 0.2, 1.0, 0.6)
        for a, b in zip(edge[1::3], low[1::3], strict=True)
    )
    return [
        Part("frill", join(edge, low[::-1]), folds=folds, roundness=1.2, edge=0.3, lift=0.8, rumple=0.5),
        Line(edge, "seam", 0.2),
    ]
