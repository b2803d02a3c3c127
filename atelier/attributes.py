"""What a garment can be: enumerated attributes, what each kind allows, and how a garment is sampled."""

from dataclasses import dataclass, replace

import numpy as np

from atelier.arrays import Rng
from atelier.kinds import RULES
from atelier.palette import COLOURS, DENIM, NEUTRALS, contrast

CHANGEABLE = ("colour", "pattern", "fabric", "sleeve", "length", "neckline", "detail")


@dataclass(frozen=True)
class Garment:
    """One garment by its attributes. An attribute that a kind does not have is the empty string."""

    kind: str
    gender: str  # "women" | "men"
    colour: str
    second_colour: str  # of the pattern, and of trims; it does not show on a plain garment
    pattern: str
    fabric: str
    sleeve: str = ""
    length: str = ""
    neckline: str = ""
    detail: str = ""  # one of the kind's details, "" for none
    presentation: str = "flat"  # "flat" | "figure"


KINDS = tuple(RULES)
LEOPARD = ("camel", "beige", "cream", "white", "grey", "brown", "mustard", "blush", "red", "sky blue", "rust")
FLOWER_FABRICS = ("wool", "cashmere", "flannel", "corduroy", "fleece", "pique", "velvet")


def sample_garment(rng: Rng, kind: str = "") -> Garment:
    """Draw a plausible garment; `kind` fixes the kind."""
    shares = np.array([RULES[name].share for name in KINDS])
    kind = kind or str(rng.choice(KINDS, p=shares / shares.sum()))
    garment = _proposed(kind, rng)
    while not is_valid(garment):
        garment = _proposed(kind, rng)
    return garment


def _proposed(kind: str, rng: Rng) -> Garment:
    rules = RULES[kind]
    garment = Garment(
        kind=kind,
        gender=pick(rng, rules.genders),
        colour="",
        second_colour="",
        pattern=pick(rng, rules.patterns, first=0.42),
        fabric=pick(rng, rules.fabrics),
        sleeve=pick(rng, rules.sleeves, first=0.5),
        length=pick(rng, rules.lengths, first=0.5),
        neckline=pick(rng, rules.necklines),
        detail=pick(rng, rules.details, first=0.4),
        presentation=pick(rng, rules.presentations),
    )
    return _coloured(garment, rng)


def pick(rng: Rng, values: tuple[str, ...], first: float = 0.0) -> str:
    """One of `values`; with probability `first` the first of them."""
    return values[0] if rng.random() < first else values[int(rng.integers(len(values)))]


def allowed(garment: Garment, attribute: str) -> tuple[str, ...]:
    """The values that `attribute` may take on this garment, its own value among them."""
    if attribute == "colour":
        return tuple(
            name
            for name in colours_of(garment)
            if _readable(garment, name) and is_valid(replace(garment, colour=name))
        )
    rules = RULES[garment.kind]
    values: tuple[str, ...] = getattr(rules, _PLURALS[attribute])
    return tuple(value for value in values if is_valid(replace(garment, **{attribute: value})))


_PLURALS = {
    "pattern": "patterns",
    "fabric": "fabrics",
    "sleeve": "sleeves",
    "length": "lengths",
    "neckline": "necklines",
    "detail": "details",
    "gender": "genders",
    "presentation": "presentations",
}


def is_valid(garment: Garment) -> bool:
    """Whether the attributes suit one another (a man's cropped shirt or a denim print do not)."""
    rules = RULES[garment.kind]
    if any(getattr(garment, one) not in getattr(rules, many) for one, many in _PLURALS.items()):
        return False
    if garment.gender == "men" and not _suits_men(garment):
        return False
    if garment.fabric == "denim" and (garment.pattern != "plain" or garment.colour not in DENIM):
        return False
    if garment.fabric in ("leather", "suede", "nylon") and garment.pattern not in (
        "plain",
        "colour block",
        "leopard",
    ):
        return False
    if garment.fabric in FLOWER_FABRICS and garment.pattern == "floral":
        return False
    if garment.detail == "cable knit" and garment.pattern != "plain":
        return False
    if garment.pattern == "leopard" and garment.colour not in LEOPARD:
        return False
    return not (garment.neckline == "turtleneck" and garment.detail in ("bow", "zip"))


def _suits_men(garment: Garment) -> bool:
    if garment.neckline in ("scoop", "boat", "square") or garment.pattern == "leopard":
        return False
    if garment.kind not in ("trousers", "jeans") and garment.length in ("cropped", "mini"):
        return False
    if garment.sleeve == "three-quarter" or garment.fabric == "velvet":
        return False
    return not (garment.kind in ("cardigan", "blazer") and garment.detail == "belt")


def colours_of(garment: Garment) -> tuple[str, ...]:
    """The colours that the fabric is dyed in."""
    if garment.fabric == "denim":
        return tuple(DENIM)
    if garment.fabric in ("leather", "suede") and garment.kind != "bag":
        return (
            "black",
            "brown",
            "camel",
            "burgundy",
            "navy",
            "white",
            "olive",
            "red",
            "beige",
            "rust",
            "teal",
            "blush",
        )
    return tuple(COLOURS)


def _readable(garment: Garment, colour: str) -> bool:
    return contrast(colour, garment.second_colour) >= 0.36


def _coloured(garment: Garment, rng: Rng) -> Garment:
    """Choose the ground colour, then a second colour that reads against it and against its siblings."""
    colour = pick(rng, colours_of(garment))
    pool = NEUTRALS if rng.random() < 0.7 else tuple(COLOURS)
    if garment.fabric == "denim":
        pool = ("white", "camel", "cream")
    seconds = [name for name in pool if contrast(colour, name) >= 0.4] or [
        "white" if colour != "white" else "navy"
    ]
    return replace(garment, colour=colour, second_colour=seconds[int(rng.integers(len(seconds)))])
