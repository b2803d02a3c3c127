"""What words say of a garment: the facts that captions require and photos have, and the words for each.

A fact is an attribute and a value, `("sleeve", "long")`. Colours are apart, in `training.colours`, because a
photo has every colour to a degree.
"""

from dataclasses import dataclass
from functools import lru_cache

Fact = tuple[str, str]


@dataclass(frozen=True)
class Kind:
    """A kind of garment: its words, most used first, and the broader kind that it belongs to."""

    words: tuple[str, ...]
    broader: str = ""


def _kind(words: str, broader: str = "") -> Kind:
    return Kind(tuple(words.split(",")), broader)


KINDS: dict[str, Kind] = {
    "upper": _kind("top,tops"),
    "lower": _kind("bottoms"),
    "knit": _kind("knitwear,knit", "upper"),
    "t-shirt": _kind("t-shirt,tee,tshirt,t shirt,short sleeve top,jersey top", "upper"),
    "longsleeve": _kind("long sleeve top,longsleeve,long sleeve tee,long sleeved t-shirt", "upper"),
    "sweatshirt": _kind("sweatshirt,crew sweat,sweat top", "upper"),
    "sweater": _kind("sweater,jumper,pullover", "knit"),
    "cardigan": _kind("cardigan,knit cardigan", "knit"),
    "shirt": _kind("shirt,button-up shirt,button down shirt,long sleeve shirt", "upper"),
    "blouse": _kind("blouse,dressy top", "upper"),
    "polo": _kind("polo shirt,polo", "upper"),
    "tank": _kind("tank top,tank,vest top,sleeveless top,camisole,singlet,undershirt", "upper"),
    "hoodie": _kind("hoodie,hooded sweatshirt,hoody", "upper"),
    "outwear": _kind("jacket,coat,outerwear"),
    "jacket": _kind("jacket,zip jacket,bomber jacket", "outwear"),
    "coat": _kind("coat,overcoat,parka", "outwear"),
    "blazer": _kind("blazer,suit jacket", "outwear"),
    "dress": _kind("dress,gown,frock"),
    "jumpsuit": _kind("jumpsuit,playsuit"),
    "body": _kind("bodysuit,baby grow,romper"),
    "skirt": _kind("skirt", "lower"),
    "pants": _kind("trousers,pants,slacks", "lower"),
    "jeans": _kind("jeans,denim jeans", "pants"),
    "leggings": _kind("leggings,tights,yoga pants", "pants"),
    "shorts": _kind("shorts,short pants", "lower"),
    "shoes": _kind("shoes,footwear,pair of shoes"),
    "sneaker": _kind("sneakers,trainers,tennis shoes", "shoes"),
    "hat": _kind("hat,cap,beanie"),
    "bag": _kind("bag,handbag,purse,tote"),
}

# The classes of each source as kinds; a kind brings its broader ones.
SOURCE_KINDS: dict[str, str] = {
    "undershirt": "tank", "top": "upper", "tees": "t-shirt", "bras & tanks": "tank", "tanks": "tank",
    "jackets": "outwear", "hoodies & sweatshirts": "hoodie", "trousers": "pants",
}  # fmt: skip

WORDS: dict[Fact, tuple[str, ...]] = {
    ("pattern", "plain"): ("plain", "solid", "solid colour"),
    ("pattern", "striped"): ("striped", "stripe", "stripy", "with stripes"),
    ("pattern", "vertical stripe"): ("pinstripe", "vertical striped", "with vertical stripes"),
    ("pattern", "checked"): ("checked", "check", "checkered"),
    ("pattern", "gingham"): ("gingham", "gingham check"),
    ("pattern", "plaid"): ("plaid", "tartan"),
    ("pattern", "polka dot"): ("polka dot", "dotted", "spotted", "with dots"),
    ("pattern", "floral"): ("floral", "flower print", "flowery", "with flowers"),
    ("pattern", "colour block"): ("colour block", "color block", "two-tone"),
    ("pattern", "graphic print"): ("graphic print", "printed", "graphic", "with a print"),
    ("pattern", "leopard"): ("leopard print", "leopard", "animal print"),
    ("sleeve", "sleeveless"): ("sleeveless", "without sleeves", "no sleeves"),
    ("sleeve", "short"): ("short sleeve", "short sleeved", "with short sleeves"),
    ("sleeve", "three-quarter"): ("three-quarter sleeve", "3/4 sleeve", "with three-quarter sleeves"),
    ("sleeve", "long"): ("long sleeve", "long sleeved", "with long sleeves"),
    ("neckline", "crew"): ("crew neck", "round neck", "with a crew neck"),
    ("neckline", "v-neck"): ("v-neck", "v neck", "with a v-neck"),
    ("neckline", "scoop"): ("scoop neck", "with a scoop neck"),
    ("neckline", "boat"): ("boat neck", "bateau neck", "with a boat neck"),
    ("neckline", "square"): ("square neck", "with a square neckline"),
    ("neckline", "turtleneck"): ("turtleneck", "roll neck", "polo neck", "high neck"),
    ("length", "mini"): ("mini", "mini length"),
    ("length", "midi"): ("midi", "midi length", "calf length"),
    ("length", "maxi"): ("maxi", "full length", "floor length"),
    ("length", "knee"): ("knee length", "knee-length"),
    ("length", "cropped"): ("cropped", "crop"),
    ("length", "regular"): ("regular length", "regular fit"),
    ("length", "long"): ("longline", "long"),
    ("length", "full"): ("full length", "long leg"),
    ("length", "short"): ("short", "short length"),
    ("length", "low"): ("low top", "low-top"),
    ("length", "high"): ("high top", "high-top"),
    ("length", "small"): ("small", "mini size"),
    ("length", "large"): ("large", "oversized"),
    ("gender", "women"): ("women's", "ladies", "womens"),
    ("gender", "men"): ("men's", "mens", "gents"),
}
_PLAIN = ("cotton", "linen", "denim", "flannel", "satin", "chiffon", "pique", "wool", "fleece", "cashmere")
_OTHER = ("leather", "nylon", "suede", "velvet", "corduroy", "canvas")
_DETAILS = {
    "chest pocket": "with a chest pocket", "ruffle": "with ruffles", "bow": "with a bow",
    "belt": "with a belt",
    "buttons": "with buttons", "pockets": "with pockets", "zip": "with a zip", "cable knit": "cable knit",
    "hood": "with a hood", "pleats": "pleated", "ripped": "ripped", "laces": "lace-up",
    "buckle": "with a buckle", "straps": "with straps",
}  # fmt: skip
WORDS |= {("fabric", fabric): (fabric,) for fabric in (*_PLAIN, *_OTHER)}
WORDS |= {("detail", detail): (words, detail) for detail, words in _DETAILS.items()}


@lru_cache(maxsize=1)
def fact_columns() -> dict[Fact, int]:
    """Each fact's column in the arrays of facts."""
    facts = [("kind", kind) for kind in KINDS] + list(WORDS)
    return {fact: column for column, fact in enumerate(facts)}


@lru_cache(maxsize=1)
def attribute_columns() -> dict[str, tuple[int, ...]]:
    """The columns of each attribute: a photo that has one value does not have the others."""
    columns: dict[str, list[int]] = {}
    for (attribute, _), column in fact_columns().items():
        columns.setdefault(attribute, []).append(column)
    return {attribute: tuple(found) for attribute, found in columns.items()}


def kinds_of(category: str) -> tuple[str, ...]:
    """A source's class -> its kind and the broader ones, narrowest first; () for one that is not known."""
    kind = SOURCE_KINDS.get(category, category)
    found: list[str] = []
    while kind in KINDS:
        found.append(kind)
        kind = KINDS[kind].broader
    return tuple(found)
