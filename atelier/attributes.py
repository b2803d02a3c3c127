"""What a garment can be: enumerated attributes, what each kind allows, and how a garment is sampled."""

from dataclasses import dataclass, replace

import numpy as np

from atelier.arrays import Rng
from atelier.palette import COLOURS, DENIM, NEUTRALS, contrast

PATTERNS = (
    "plain", "striped", "vertical stripe", "checked", "gingham", "plaid", "polka dot", "floral", "colour block",
    "graphic print", "leopard",
)  # fmt: skip
SLEEVES = ("sleeveless", "short", "three-quarter", "long")
NECKLINES = ("crew", "v-neck", "scoop", "boat", "square", "turtleneck")
TOP_LENGTHS = ("cropped", "regular", "long")
HEM_LENGTHS = ("mini", "knee", "midi", "maxi")
LEG_LENGTHS = ("short", "knee", "cropped", "full")
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


@dataclass(frozen=True)
class Rules:
    """What one kind may be. The first value of each tuple is the most usual one."""

    genders: tuple[str, ...]
    fabrics: tuple[str, ...]
    patterns: tuple[str, ...] = PATTERNS
    sleeves: tuple[str, ...] = ("",)
    lengths: tuple[str, ...] = ("",)
    necklines: tuple[str, ...] = ("",)
    details: tuple[str, ...] = ("",)
    presentations: tuple[str, ...] = ("flat", "figure")
    share: float = 1.0  # how often the kind is sampled


BOTH = ("women", "men")
WOVEN = ("plain", "striped", "vertical stripe", "checked", "gingham", "plaid", "polka dot", "floral")
KNITTED = ("plain", "striped", "colour block", "checked", "graphic print")
COATING = ("plain", "checked", "plaid", "colour block", "leopard")

RULES: dict[str, Rules] = {
    "t-shirt": Rules(
        BOTH, ("cotton", "linen"), ("plain", "striped", "graphic print", "colour block", "polka dot", "floral", "leopard"),
        ("short", "long", "three-quarter", "sleeveless"), ("regular", "cropped", "long"),
        ("crew", "v-neck", "scoop", "boat", "square"), ("", "chest pocket"), share=1.3,
    ),
    "shirt": Rules(
        BOTH, ("cotton", "linen", "denim", "flannel"), (*WOVEN, "colour block"), ("long", "short", "three-quarter"),
        ("regular", "long", "cropped"), details=("", "chest pocket"), share=1.2,
    ),
    "blouse": Rules(
        ("women",), ("satin", "chiffon", "cotton", "linen"), (*WOVEN, "leopard"), ("long", "short", "three-quarter", "sleeveless"),
        ("regular", "cropped", "long"), ("v-neck", "crew", "scoop", "square", "boat"), ("", "ruffle", "bow", "buttons"), share=1.2,
    ),
    "polo": Rules(
        BOTH, ("pique", "cotton", "wool"), ("plain", "striped", "colour block", "checked"),
        ("short", "long", "three-quarter"), ("regular", "long", "cropped"), details=("", "chest pocket"),
    ),
    "hoodie": Rules(
        BOTH, ("fleece", "cotton"), KNITTED, ("long", "short", "sleeveless"), ("regular", "cropped", "long"),
        details=("pockets", "zip", ""),
    ),
    "sweatshirt": Rules(
        BOTH, ("fleece", "cotton"), KNITTED, ("long", "short", "three-quarter"), ("regular", "cropped", "long"),
        ("crew", "v-neck", "turtleneck"), ("", "pockets", "zip"), share=0.7,
    ),
    "sweater": Rules(
        BOTH, ("wool", "cashmere", "cotton"), ("plain", "striped", "colour block", "checked", "polka dot", "leopard"),
        ("long", "three-quarter", "short", "sleeveless"), ("regular", "cropped", "long"),
        ("crew", "v-neck", "turtleneck", "boat", "scoop"), ("", "cable knit"), share=1.2,
    ),
    "cardigan": Rules(
        BOTH, ("wool", "cashmere", "cotton"), ("plain", "striped", "colour block", "checked"),
        ("long", "three-quarter", "short"), ("regular", "cropped", "long"), ("v-neck", "crew"), ("buttons", "pockets", "belt"),
    ),
    "jacket": Rules(
        BOTH, ("denim", "leather", "nylon", "suede"), ("plain", "colour block", "checked", "leopard"), ("long", "sleeveless"),
        ("regular", "cropped", "long"), details=("zip", "buttons", "hood"), share=1.1,
    ),
    "blazer": Rules(
        BOTH, ("wool", "linen", "velvet"), ("plain", "checked", "plaid", "vertical stripe"), ("long", "three-quarter", "sleeveless"),
        ("regular", "long", "cropped"), details=("buttons", "belt"), share=0.8,
    ),
    "coat": Rules(
        BOTH, ("wool", "cashmere", "nylon"), COATING, ("long", "three-quarter"), ("knee", "midi", "mini"),
        details=("buttons", "belt", "hood"),
    ),
    "dress": Rules(
        ("women",), ("cotton", "satin", "chiffon", "linen", "wool", "denim"), (*WOVEN, "colour block", "leopard"), SLEEVES,
        HEM_LENGTHS, ("v-neck", "crew", "scoop", "square", "boat", "turtleneck"), ("", "belt", "ruffle", "bow", "buttons", "pockets"),
        share=2.2,
    ),
    "jumpsuit": Rules(
        ("women",), ("cotton", "linen", "satin", "denim"), ("plain", "vertical stripe", "floral", "polka dot", "gingham"), SLEEVES,
        ("full", "cropped", "knee"), ("v-neck", "crew", "scoop", "square"), ("", "belt", "zip"), share=0.6,
    ),
    "skirt": Rules(
        ("women",), ("cotton", "satin", "denim", "wool", "leather", "linen"), (*WOVEN, "leopard", "colour block"), lengths=HEM_LENGTHS,
        details=("", "pleats", "buttons", "belt", "ruffle"), share=1.3,
    ),
    "trousers": Rules(
        BOTH, ("wool", "cotton", "linen", "corduroy"), ("plain", "checked", "vertical stripe", "plaid"), lengths=("full", "cropped"),
        details=("", "belt", "pleats"), share=1.1,
    ),
    "jeans": Rules(
        BOTH, ("denim",), ("plain",), lengths=("full", "cropped"), details=("", "belt", "ripped"), share=0.9,
    ),
    "shorts": Rules(
        BOTH, ("cotton", "linen", "denim"), ("plain", "striped", "vertical stripe", "checked", "gingham", "floral", "polka dot"),
        lengths=("short", "knee"), details=("", "belt", "pockets"), share=0.8,
    ),
    "sneaker": Rules(
        BOTH, ("canvas", "leather", "suede"), ("plain", "colour block", "checked", "leopard", "floral"), lengths=("low", "high"),
        details=("laces", "straps"), presentations=("flat",), share=0.6,
    ),
    "bag": Rules(
        ("women",), ("leather", "canvas", "suede"), ("plain", "colour block", "striped", "checked", "leopard", "floral"),
        lengths=("small", "large"), details=("", "buckle", "bow"), presentations=("flat",), share=0.6,
    ),
}  # fmt: skip

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
    "pattern": "patterns", "fabric": "fabrics", "sleeve": "sleeves", "length": "lengths",
    "neckline": "necklines", "detail": "details", "gender": "genders", "presentation": "presentations",
}  # fmt: skip


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
