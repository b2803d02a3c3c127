"""One attribute changed, and the words in which a shopper would ask for it."""

from dataclasses import replace

from atelier.arrays import Rng
from atelier.attributes import CHANGEABLE, Garment, allowed, is_valid
from atelier.kinds import RULES
from atelier.words import FABRIC_WORDS

# How often each attribute is the one that changes, where the garment has it.
SHARES = {
    "colour": 3.0,
    "pattern": 2.4,
    "sleeve": 1.8,
    "length": 1.8,
    "neckline": 1.6,
    "detail": 1.0,
    "fabric": 0.7,
}

# Fabrics that look alike in a photo: nobody asks for one by showing the other.
ALIKE = (
    {"wool", "cashmere"},
    {"cotton", "fleece"},
    {"satin", "chiffon"},
    {"cotton", "pique"},
    {"cotton", "flannel"},
    {"cotton", "nylon"},
)

_FRAMES = (
    "but {x}",
    "{x}",
    "the same {x}",
    "same but {x}",
    "this {x}",
    "this one {x}, please",
    "similar, {x}",
    "I want it {x}",
    "can I have it {x}?",
)
_COLOUR = (
    "but in {c}",
    "in {c}",
    "the same in {c}",
    "same but {c}",
    "but {c}",
    "make it {c}",
    "{c} instead of {old}",
    "in {c} instead",
    "do you have this in {c}?",
    "this in {c}",
    "{c} version",
    "change the colour to {c}",
    "I like it, but in {c}",
    "is there a {c} one?",
)
_SLEEVES: dict[str, tuple[str, ...]] = {
    "sleeveless": ("sleeveless", "without sleeves", "with no sleeves"),
    "short": ("with short sleeves", "short-sleeved", "with short sleeves instead"),
    "three-quarter": ("with three-quarter sleeves", "with elbow-length sleeves", "with 3/4 sleeves"),
    "long": ("with long sleeves", "long-sleeved", "with full-length sleeves"),
}
_LENGTHS: dict[str, tuple[str, ...]] = {
    "cropped": ("cropped", "in a cropped length"),
    "regular": ("in a regular length", "at hip length"),
    "long": ("longline", "in a longer cut"),
    "mini": ("as a mini", "in mini length"),
    "knee": ("knee-length", "down to the knee"),
    "midi": ("as a midi", "in midi length"),
    "maxi": ("as a maxi", "floor-length"),
    "short": ("shorter", "above the knee"),
    "full": ("full-length", "down to the ankle"),
    "low": ("as a low-top", "with a low collar"),
    "high": ("as a high-top", "with a high collar"),
    "small": ("in a small size", "smaller, with a flap"),
    "large": ("bigger, as a tote", "as a large tote"),
}
_NECKS: dict[str, tuple[str, ...]] = {
    "crew": ("with a crew neck", "with a round neck"),
    "v-neck": ("with a v-neck", "v-neck instead"),
    "scoop": ("with a scoop neck", "with a deep round neck"),
    "boat": ("with a boat neck", "with a wide boat neckline"),
    "square": ("with a square neck", "with a square neckline"),
    "turtleneck": ("with a turtleneck", "with a roll neck"),
}
_PATTERNS: dict[str, tuple[str, ...]] = {
    "plain": ("plain", "without the pattern", "in a solid colour"),
    "striped": ("striped", "with {s} stripes", "with stripes"),
    "vertical stripe": ("with vertical stripes", "pinstriped", "with {s} pinstripes"),
    "checked": ("checked", "with a windowpane check", "with a {s} check"),
    "gingham": ("in gingham", "in a gingham check"),
    "plaid": ("in plaid", "in a tartan plaid"),
    "polka dot": ("with polka dots", "with {s} dots", "spotted with dots"),
    "floral": ("in a floral print", "with flowers", "with {s} flowers"),
    "colour block": ("colour-blocked", "colour-blocked with {s}", "in two colours"),
    "graphic print": ("with a graphic print", "with a print on the chest", "with a {s} motif"),
    "leopard": ("in leopard print", "in an animal print"),
}
_DETAILS: dict[str, tuple[str, ...]] = {
    "chest pocket": ("with a chest pocket", "with a pocket on the chest"),
    "ruffle": ("with a ruffle", "with ruffles"),
    "bow": ("with a bow", "with a bow in front"),
    "buttons": ("with buttons", "with buttons down the front"),
    "zip": ("with a zip", "with a zipper"),
    "pockets": ("with pockets",),
    "hood": ("with a hood", "hooded"),
    "belt": ("with a belt", "belted"),
    "pleats": ("with pleats", "pleated"),
    "cable knit": ("in a cable knit", "with cables"),
    "ripped": ("with ripped knees", "ripped"),
    "laces": ("with laces", "that lace up"),
    "straps": ("with straps", "with velcro straps"),
    "buckle": ("with a buckle",),
}
_ORDER = {
    "sleeve": ("sleeveless", "short", "three-quarter", "long"),
    "length": ("cropped", "regular", "long", "mini", "short", "knee", "midi", "maxi", "full"),
}


def change(garment: Garment, rng: Rng, attribute: str = "") -> tuple[Garment, str, str]:
    """(the garment with exactly one attribute changed, that attribute's name, the shopper's words for it).

    `attribute` fixes which one changes; ValueError when this garment has no other value of it.
    """
    options = {name: changes_of(garment, name) for name in ([attribute] if attribute else CHANGEABLE)}
    names = [name for name, values in options.items() if values]
    if not names:
        raise ValueError(
            f"a {garment.fabric} {garment.kind} has no other {attribute or 'attribute'}; choose another one"
        )
    weights = [SHARES[name] for name in names]
    name = str(rng.choice(names, p=[weight / sum(weights) for weight in weights]))
    value = options[name][int(rng.integers(len(options[name])))]
    changed = replace(garment, **{name: value})
    return changed, name, phrase(garment, changed, name, rng)


def changes_of(garment: Garment, attribute: str) -> tuple[str, ...]:
    """The other values that `attribute` may take on this garment, each visibly different."""
    now = getattr(garment, attribute)
    others = [value for value in allowed(garment, attribute) if value != now]
    if attribute == "fabric":
        others = [value for value in others if {value, now} not in ALIKE]
    return tuple(value for value in others if is_valid(replace(garment, **{attribute: value})))


def phrase(before: Garment, after: Garment, attribute: str, rng: Rng) -> str:
    """The words for a change from one garment to another that differs in `attribute`."""
    value, old = getattr(after, attribute), getattr(before, attribute)
    if attribute == "colour":
        return _pick(_COLOUR, rng).format(c=value, old=old)
    if attribute == "fabric":
        return (
            _pick(_FRAMES, rng)
            .format(x=_pick(("in {f}", "made of {f}", "in {f} instead of {o}"), rng))
            .format(f=FABRIC_WORDS.get(value, value), o=FABRIC_WORDS.get(old, old))
        )
    relative = _relative(before, attribute, value)
    if relative and rng.random() < 0.4:
        return _pick(("make it {x}", "but {x}", "{x}", "the same but {x}"), rng).format(x=relative)
    if attribute == "detail" and not value:
        return _pick(
            ("without the {d}", "no {d}", "but without the {d}", "the same without the {d}"), rng
        ).format(d=_bare(old))
    phrases = {
        "sleeve": _SLEEVES,
        "length": _LENGTHS,
        "neckline": _NECKS,
        "pattern": _PATTERNS,
        "detail": _DETAILS,
    }
    return _pick(_FRAMES, rng).format(x=_pick(phrases[attribute][value], rng).format(s=after.second_colour))


def _relative(garment: Garment, attribute: str, value: str) -> str:
    """Longer or shorter, where that leaves no doubt which value is meant."""
    if (
        attribute not in _ORDER
        or value not in _ORDER[attribute]
        or RULES[garment.kind].lengths[0] in ("low", "small")
    ):
        return ""
    order = [one for one in _ORDER[attribute] if one in allowed(garment, attribute)]
    here, there = order.index(getattr(garment, attribute)), order.index(value)
    side = order[here + 1 :] if there > here else order[:here]
    if len(side) != 1:
        return ""
    word = "longer" if there > here else "shorter"
    return (
        f"with {word} sleeves"
        if attribute == "sleeve" and value != "sleeveless"
        else word
        if attribute == "length"
        else ""
    )


def _bare(detail: str) -> str:
    return {"cable knit": "cables", "ripped": "rips", "straps": "straps"}.get(detail, detail)


def _pick(values: tuple[str, ...], rng: Rng) -> str:
    return values[int(rng.integers(len(values)))]
