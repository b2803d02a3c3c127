"""What texts tell of a garment, as shoppers say it: the traits of the understanding's lexicon, in words."""

from web.language import noted, say

FIELDS = {
    "sleeve": noted("Sleeve"),
    "length": noted("Length"),
    "neckline": noted("Neckline"),
    "fit": noted("Fit"),
    "rise": noted("Rise"),
    "tone": noted("Tone"),
}
VALUES = {
    "sleeve": {
        "long": noted("long"), "short": noted("short"), "three-quarter": noted("three-quarter"),
        "sleeveless": noted("sleeveless"),
    },
    "length": {
        "mini": noted("mini"), "knee": noted("to the knee"), "midi": noted("midi"), "maxi": noted("maxi"),
        "full": noted("full length"), "cropped": noted("cropped"),
        "long": noted("long"), "short": noted("short"),
        "longer": noted("longer"), "shorter": noted("shorter"),
    },
    "neckline": {
        "crew": noted("crew"), "v-neck": noted("V-neck"), "scoop": noted("scoop"), "boat": noted("boat"),
        "square": noted("square"), "turtleneck": noted("turtleneck"), "halter": noted("halter"),
        "off-shoulder": noted("off the shoulder"), "strapless": noted("strapless"),
    },
    "fit": {
        "slim": noted("slim"), "loose": noted("loose"),
        "oversized": noted("oversized"), "wide": noted("wide leg"),
        "straight": noted("straight"),
    },
    "rise": {"high": noted("high"), "low": noted("low")},
    "tone": {"darker": noted("darker"), "lighter": noted("lighter")},
    "detail": {
        "pockets": noted("pockets"), "buttons": noted("buttons"),
        "zip": noted("zip"), "belt": noted("belt"),
        "hood": noted("hood"), "pleats": noted("pleats"), "ruffle": noted("ruffles"), "bow": noted("bow"),
        "ripped": noted("rips"), "cable-knit": noted("cable knit"),
        "lace": noted("lace"), "logo": noted("logo"),
        "embroidery": noted("embroidery"), "sequins": noted("sequins"), "collar": noted("collar"),
        "fringe": noted("fringe"), "buckle": noted("buckle"),
        "lace-up": noted("laces"), "straps": noted("straps"),
    },
}  # fmt: skip


def value(field: str, name: str) -> str:
    """One trait in words; one that has none here as it stands."""
    said = VALUES.get(field, {}).get(name)
    return say(said) if said else name


def named(field: str) -> str:
    """What the trait is called."""
    said = FIELDS.get(field)
    return say(said) if said else field.capitalize()
