"""The 24 named colours of the catalogue, as sRGB hues that a dye house would recognise."""

import numpy as np

from atelier.arrays import Floats

# name -> sRGB. Black and white stop short of the ends so that folds and highlights still show in them.
COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (246, 245, 241),
    "cream": (240, 228, 201),
    "beige": (214, 192, 160),
    "camel": (190, 141, 88),
    "brown": (99, 67, 47),
    "black": (41, 41, 45),
    "grey": (148, 151, 156),
    "navy": (33, 46, 82),
    "blue": (42, 92, 178),
    "sky blue": (150, 193, 226),
    "teal": (17, 115, 120),
    "mint": (173, 221, 198),
    "green": (38, 122, 74),
    "olive": (106, 107, 60),
    "yellow": (247, 214, 72),
    "mustard": (205, 152, 37),
    "orange": (235, 123, 45),
    "rust": (170, 77, 44),
    "red": (198, 36, 44),
    "burgundy": (109, 26, 47),
    "pink": (232, 110, 152),
    "blush": (240, 199, 192),
    "lavender": (184, 168, 216),
    "purple": (97, 58, 132),
}

# Indigo washes: denim is dyed in few colours, and each has its own cast.
DENIM: dict[str, tuple[int, int, int]] = {
    "blue": (72, 104, 150),
    "navy": (42, 54, 84),
    "sky blue": (156, 183, 208),
    "black": (44, 45, 50),
    "grey": (132, 136, 142),
    "white": (240, 238, 232),
}

SKIN_TONES: tuple[tuple[int, int, int], ...] = (
    (244, 214, 194),
    (232, 190, 161),
    (214, 164, 128),
    (181, 126, 90),
    (140, 92, 64),
    (98, 63, 46),
)

HAIR_COLOURS: tuple[tuple[int, int, int], ...] = (
    (38, 30, 28),
    (66, 44, 34),
    (104, 70, 46),
    (158, 112, 66),
    (206, 170, 112),
    (122, 58, 36),
)

# Pairs that sit well together in a pattern, looked up by the ground colour's family.
NEUTRALS = ("white", "cream", "beige", "black", "grey", "navy")


def rgb(name: str, fabric: str = "") -> Floats:
    """sRGB of a named colour as (3,) float32 in 0..1; denim has washes of its own."""
    table = DENIM if fabric == "denim" and name in DENIM else COLOURS
    return np.array(table[name], np.float32) / 255.0


def luminance(colour: Floats) -> float:
    """Rec. 709 luma of an sRGB triple in 0..1."""
    return float(colour @ np.array([0.2126, 0.7152, 0.0722], np.float32))


def contrast(first: str, second: str) -> float:
    """Euclidean distance of two named colours in sRGB 0..1: below about 0.35 a pattern hardly shows."""
    return float(np.linalg.norm(rgb(first) - rgb(second)))


def mix(first: Floats, second: Floats, share: float) -> Floats:
    """`first` with a share of `second` in it."""
    return (first * (1.0 - share) + second * share).astype(np.float32)
