"""How well colours go together, by hue: what is near or opposite goes, what lies between clashes.

After the hue templates of Matsuda as Cohen-Or et al. use them ("Color Harmonization", SIGGRAPH 2006): one
sector (types i, V) or two opposite ones (types I, Y); what has no hue (type N) goes with everything. Hue,
chroma and lightness are those of OKLab (Ottosson, 2020).
"""

from functools import lru_cache
from math import atan2, degrees, hypot

from searcher.palette import paints

MUTED = 0.09  # chroma below which a colour goes with everything: greys, creams, denim, camel, pastels
DARK = 0.37  # and lightness: black, navy, burgundy, forest
NEAR, FAR, OPPOSITE = 47.0, 70.0, 150.0  # degrees: half a V sector, where it clashes, where it is opposite
UNKNOWN = 0.6  # the colour is not said, or has no name that we know


def harmony(one: str, other: str) -> float:
    """0 (clashes) to 1 (goes well) for two named colours, such as "Navy" and "White/Red"."""
    mine, theirs = _shades(one), _shades(other)
    if not mine or not theirs:
        return UNKNOWN
    return min(_pair(a, b) for a in mine for b in theirs)


def _pair(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    if _is_quiet(one) or _is_quiet(other):
        return 0.9
    apart = abs(one[2] - other[2]) % 360
    apart = min(apart, 360 - apart)
    if apart <= NEAR:
        return 1.0
    if apart <= FAR:
        return 1.0 - (apart - NEAR) / (FAR - NEAR)
    return 0.0 if apart < OPPOSITE else 0.7


def _is_quiet(shade: tuple[float, float, float]) -> bool:
    lightness, chroma, _ = shade
    return chroma < MUTED or lightness < DARK


def _shades(colour: str) -> list[tuple[float, float, float]]:
    return [_oklch(paint) for paint in paints(colour)]


@lru_cache(maxsize=1024)
def _oklch(paint: str) -> tuple[float, float, float]:
    """(lightness, chroma, hue in degrees) of "#rrggbb"."""
    red, green, blue = (_linear(int(paint[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, hypot(a, b), degrees(atan2(b, a)) % 360


def _linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4)
