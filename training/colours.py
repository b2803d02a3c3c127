"""Colour names as shops use them, as probabilities over CIE Lab.

Each name is a few sRGB anchors; a pixel's names follow from its distance to them. This is what turns the
pixels of a photo without any caption into words.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from embedding.colour import rgb_to_lab, table_colours

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ColourName:
    """One colour: the word used most, other words for it, its broader family and its sRGB anchors."""

    name: str
    synonyms: tuple[str, ...]
    family: str
    anchors: tuple[str, ...]  # six hex digits each


def _name(name: str, synonyms: str, family: str, anchors: str) -> ColourName:
    return ColourName(name, tuple(s for s in synonyms.split(",") if s), family, tuple(anchors.split()))


NAMES: tuple[ColourName, ...] = (
    _name("black", "jet black,jet,ebony,onyx", "black", "0c0c0d 1b1b1d 26262a"),
    _name("charcoal", "dark grey,dark gray,anthracite,graphite", "grey", "3d3f43 4a4b4e"),
    _name("grey", "gray,mid grey,heather grey,marl grey,slate grey", "grey", "7f8184 949699 6a6c70"),
    _name("light grey", "light gray,silver,pale grey,ash", "grey", "b9babd c9cacc"),
    _name("white", "bright white,snow,optic white", "white", "f8f8f8 eceded e2e3e6"),
    _name("cream", "ivory,off white,ecru,eggshell", "white", "f3ead6 efe6cf"),
    _name("beige", "sand,stone,oatmeal,nude", "beige", "d9c7a8 cdb998 e0d2bc"),
    _name("taupe", "mushroom,greige", "beige", "8d7f70 9c8e80"),
    _name("tan", "camel,caramel,toffee", "brown", "b98a55 c69c6d"),
    _name("brown", "chestnut,coffee,tobacco", "brown", "6f4526 7d5436 5c3d28"),
    _name("chocolate", "dark brown,espresso", "brown", "3f2a20 4a2f22"),
    _name("khaki", "army green,military green", "green", "8f8a5f 9a9168"),
    _name("olive", "olive green,moss", "green", "5d5c2e 6b6a35"),
    _name("navy", "navy blue,dark blue,midnight blue,ink", "blue", "1c2440 232b4d 1a2238"),
    _name("blue", "royal blue,cobalt,cobalt blue", "blue", "2350b8 2b5fc4 1f45a0"),
    _name("denim blue", "denim,indigo,jean blue", "blue", "4a6488 5b769b 3c5478"),
    _name("light blue", "sky blue,baby blue,pale blue,powder blue", "blue", "9cc3e6 b4d2ec 86b2dc"),
    _name("turquoise", "aqua,cyan", "blue", "35b8c8 40c4c4 1fa9c0"),
    _name("teal", "petrol,dark teal", "green", "0f6a70 1a5a62 147880"),
    _name("green", "emerald,kelly green,grass green", "green", "1f8a44 2a9a4c 3aa85a"),
    _name("dark green", "forest green,bottle green,hunter green", "green", "1d3f2c 23482f"),
    _name("mint", "mint green,seafoam,pale green,sage", "green", "a8dcc0 8fd8b0 b5cdb0"),
    _name("lime", "lime green,neon green,chartreuse", "green", "a8d820 b4e034"),
    _name("yellow", "bright yellow,lemon,sunshine", "yellow", "f4dc2c f0d548 f8e468"),
    _name("mustard", "gold,ochre,mustard yellow", "yellow", "c8962a d0a030 b8862a"),
    _name("orange", "tangerine,bright orange", "orange", "f07a1c e8782a f48c34"),
    _name("rust", "terracotta,burnt orange,copper", "orange", "a8522c b4603a"),
    _name("coral", "salmon,peach", "orange", "f08068 f4937c f6b096"),
    _name("red", "bright red,scarlet,crimson,cherry red", "red", "c81e28 d42a30 b41a24"),
    _name("burgundy", "wine,maroon,oxblood,dark red,claret", "red", "641c2c 701f2e 54182a"),
    _name("pink", "rose,candy pink", "pink", "ec8cae e878a0 f09cb8"),
    _name("light pink", "pale pink,blush,baby pink,dusty pink", "pink", "f3c8d0 efc0c4 f6d4d8"),
    _name("fuchsia", "hot pink,magenta,raspberry", "pink", "d6207c e03090 c02070"),
    _name("purple", "violet,grape", "purple", "6a2f9a 7a3fa8 5e3580"),
    _name("plum", "aubergine,dark purple,eggplant", "purple", "46203f 522648"),
    _name("lavender", "lilac,light purple,mauve", "purple", "b8a2d8 c4b0e0 a890c8"),
)


@lru_cache(maxsize=1)
def name_table() -> Floats:
    """(32768, names) float32: the probability of each name for each row of `bin_table`."""
    return name_probabilities(rgb_to_lab(table_colours()))


def _closeness(lab: Floats, name: ColourName) -> Floats:
    rgb = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in name.anchors])
    anchors = rgb_to_lab(rgb)  # (anchors, 3)
    spread = 6 + 0.10 * np.hypot(anchors[:, 1], anchors[:, 2])
    light = (lab[:, None, 0] - anchors[None, :, 0]) / 1.4
    squared = (light**2 + ((lab[:, None, 1:] - anchors[None, :, 1:]) ** 2).sum(-1)) / spread**2
    closest: Floats = np.exp(-0.5 * squared.min(axis=1))
    return closest


def name_probabilities(lab: Floats) -> Floats:
    """(N, 3) CIE Lab -> (N, names) float32 probabilities, rows sum to 1."""
    weights = np.stack([_closeness(lab, name) for name in NAMES], axis=1) + 1e-12
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
