"""One wish in many wordings: "in red", "not blue, red", "I'd rather have it in red", "red this but".

Every attribute is asked for by the same templates over two forms of its value, an adjective ("long-sleeved")
and a phrase ("with long sleeves"), and by the old value where a template names it. Every fourth template is
held out: training never hears it, and stability is measured on those alone.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from atelier.words import DETAIL_WORDS, FABRIC_WORDS, LENGTH_WORDS, NECK_WORDS, PATTERN_WORDS, SLEEVE_WORDS
from training.captions import misspell

# {adj} red, {prep} in red, {old} blue, {noun} colour.
TEMPLATES = (
    "{prep}",
    "but {prep}",
    "but {prep} please",
    "this {prep}",
    "same but {prep}",
    "the same {prep}",
    "I'd rather have it {prep}",
    "exactly this one {prep}",
    "I would like it {prep}",
    "could I get this {prep}?",
    "do you have this {prep}",
    "is this one also to be had {prep}?",
    "show me this {prep}",
    "similar, {prep}",
    "like this, only {prep}",
    "something close to it {prep}",
    "looking for the same thing {prep}",
    "want it {prep}",
    "this one {prep}, please",
    "{prep} if you have it",
    "{prep}, the same otherwise",
    "please {prep}",
    "{prep} the same one",
    "the very same piece {prep}",
    "{adj}",
    "{adj} please",
    "but {adj}",
    "make it {adj}",
    "a {adj} one",
    "is there a {adj} one?",
    "{adj} version",
    "the {adj} one of these",
    "{adj} instead",
    "rather {adj}",
    "something like this but {adj}",
    "can it be {adj}",
    "I prefer {adj}",
    "{adj} this but",
    "the {noun} should be {adj}",
    "I need the {noun} to be {adj}",
    "{noun}: {adj}",
    "change the {noun} to {adj}",
    "not {old}, {adj}",
    "no longer {old} but {adj}",
    "{adj} instead of {old}",
    "{adj} rather than {old}",
    "not {old} but {adj}",
    "swap the {old} for {adj}",
    "change {old} to {adj}",
    "replace {old} with {adj}",
    "{prep}, not {old}",
    "I like it, only not {old}: {adj}",
    "less {old}, more {adj}",
    "{adj}, because {old} is not for me",
    "this isn't bad but {adj} would be better than {old}",
    "give me {adj}, I have {old} already",
)
HELD_OUT = TEMPLATES[3::4]
HEARD = tuple(template for template in TEMPLATES if template not in HELD_OUT)

NOUNS = {
    "colour": ("colour", "color"),
    "pattern": ("pattern", "print"),
    "sleeve": ("sleeves", "sleeve length"),
    "length": ("length", "cut"),
    "neckline": ("neckline", "neck"),
    "fabric": ("fabric", "material"),
    "detail": ("detail", "finish"),
}
_WITH = {
    "striped": "with stripes",
    "vertical stripe": "with pinstripes",
    "checked": "with checks",
    "gingham": "in gingham",
    "plaid": "in plaid",
    "polka dot": "with polka dots",
    "floral": "with flowers",
    "colour block": "in two colours",
    "graphic print": "with a graphic print",
    "leopard": "in leopard print",
    "plain": "without a pattern",
}
_CUTS = {
    "regular": "regular-length",
    "small": "smaller",
    "large": "bigger",
    "low": "low-top",
    "high": "high-top",
}
_DETAILED = {
    "hood": "hooded",
    "belt": "belted",
    "pleats": "pleated",
    "ripped": "ripped",
    "ruffle": "ruffled",
    "cable knit": "cable-knit",
    "zip": "zipped",
    "buttons": "buttoned",
}

# What can be asked away, as a thing: "without {thing}", "no {thing}".
THINGS = {
    "striped": ("stripes", "the stripes"),
    "vertical stripe": ("pinstripes", "vertical stripes"),
    "checked": ("checks", "the check"),
    "gingham": ("gingham", "the gingham check"),
    "plaid": ("plaid", "the tartan"),
    "polka dot": ("polka dots", "dots"),
    "floral": ("flowers", "the floral print"),
    "colour block": ("colour blocking", "the second colour"),
    "graphic print": ("a print", "a logo", "the graphic"),
    "leopard": ("leopard print", "animal print"),
    "chest pocket": ("a chest pocket", "the chest pocket"),
    "ruffle": ("ruffles", "the ruffle"),
    "bow": ("a bow", "the bow"),
    "buttons": ("buttons", "the buttons"),
    "zip": ("a zip", "the zip"),
    "pockets": ("pockets", "the pockets"),
    "hood": ("a hood", "the hood"),
    "belt": ("a belt", "the belt"),
    "pleats": ("pleats", "the pleats"),
    "cable knit": ("cables", "the cable knit"),
    "ripped": ("rips", "the rips"),
    "laces": ("laces", "the laces"),
    "straps": ("straps", "the straps"),
    "buckle": ("a buckle", "the buckle"),
}
REMOVALS = (
    "without {thing}",
    "but without {thing}",
    "the same without {thing}",
    "this without {thing} please",
    "no {bare}",
    "but no {bare}",
    "please no {bare}",
    "with no {bare}",
    "no {bare} please, the same otherwise",
    "I don't want {thing}",
    "I would like it without {thing}",
    "same one minus {thing}",
    "leave out {thing}",
    "take away {thing}",
    "anything but {bare}",
    "not with {thing}",
    "I'd rather not have {thing}",
    "{bare} off",
    "lose {thing}",
    "free of {bare}",
)
REMOVALS_HELD_OUT = REMOVALS[3::4]
REMOVALS_HEARD = tuple(each for each in REMOVALS if each not in REMOVALS_HELD_OUT)


@dataclass(frozen=True)
class Wording:
    """A value as an adjective and as a phrase."""

    adj: str
    prep: str


def wording(attribute: str, value: str) -> Wording:
    """How shoppers say a value of an atelier's attribute. Raises ValueError for an unknown attribute."""
    match attribute:
        case "colour":
            return Wording(value, f"in {value}")
        case "pattern":
            return Wording(PATTERN_WORDS[value], _WITH[value])
        case "sleeve":
            adj = SLEEVE_WORDS[value]
            return Wording(adj, "without sleeves" if value == "sleeveless" else f"with {value} sleeves")
        case "length":
            adj = _CUTS.get(value) or LENGTH_WORDS[value]
            return Wording(adj, f"in a {adj} cut")
        case "neckline":
            return Wording(NECK_WORDS[value], f"with a {NECK_WORDS[value]}")
        case "fabric":
            adj = FABRIC_WORDS.get(value, value)
            return Wording(adj, f"in {adj}")
        case "detail":
            return _detail(value)
    raise ValueError(f"No wording for {attribute!r}: there are {', '.join(NOUNS)}.")


def _detail(value: str) -> Wording:
    if not value:
        return Wording("simple", "without details")
    adj = _DETAILED.get(value, f"{value} detail")
    return Wording(adj, f"with {DETAIL_WORDS[value]}")


def paraphrase(
    attribute: str,
    value: str,
    old: str,
    rng: np.random.Generator,
    held_out: bool = False,
    typos: float = 0.05,
) -> str:
    """One wording of the wish for `value` where the photo shows `old`."""
    templates = HELD_OUT if held_out else HEARD
    template = templates[int(rng.integers(len(templates)))]
    return misspell(fill(template, attribute, value, old, rng), rng, typos)


@lru_cache
def strangers() -> tuple[str, ...]:
    """Templates of people who knew none of these; for measuring alone."""
    text = files("training").joinpath("wishes_of_strangers.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


def every_wording(attribute: str, value: str, old: str, held_out: bool, seed: int = 0) -> list[str]:
    """The wish in each template of one half, without typing mistakes."""
    rng = np.random.default_rng(seed)
    return [fill(each, attribute, value, old, rng) for each in (HELD_OUT if held_out else HEARD)]


def fill(template: str, attribute: str, value: str, old: str, rng: np.random.Generator) -> str:
    """A template in words."""
    new = wording(attribute, value)
    nouns = NOUNS[attribute]
    noun = nouns[int(rng.integers(len(nouns)))]
    return template.format(adj=new.adj, prep=new.prep, old=wording(attribute, old).adj, noun=noun)


def without(old: str, rng: np.random.Generator, held_out: bool = False, typos: float = 0.05) -> str:
    """One wording of the wish that `old`, a pattern or a detail, be gone. KeyError for what cannot go."""
    return misspell(remove(REMOVALS_HELD_OUT if held_out else REMOVALS_HEARD, old, rng), rng, typos)


def remove(templates: tuple[str, ...], old: str, rng: np.random.Generator) -> str:
    """One of the templates, in words."""
    things = THINGS[old]
    thing = things[int(rng.integers(len(things)))]
    template = templates[int(rng.integers(len(templates)))]
    return template.format(thing=thing, bare=thing.removeprefix("the ").removeprefix("a "))
