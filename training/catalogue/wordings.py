"""How shoppers ask for a value of a merchant's own attribute: the templates of all paraphrases, any value."""

import string

import numpy as np

from training.captions import misspell
from training.paraphrases import HEARD, HELD_OUT, NOUNS, Wording, wording

_OURS = {"material": "fabric"}  # the feed's name of an attribute -> the atelier's
_FIELDS = {"adj", "prep", "old", "noun"}


def shop_wording(attribute: str, value: str) -> Wording:
    """A value of any attribute as an adjective and as a phrase: "linen", "in linen"."""
    ours = _OURS.get(attribute, attribute)
    if ours in ("colour", "fabric"):
        return Wording(value, f"in {value}")
    try:
        return wording(ours, value)
    except (ValueError, KeyError):
        return _plain_wording(attribute.replace("_", " "), value)


def _plain_wording(noun: str, value: str) -> Wording:
    named = value if noun.rstrip("s") in value else f"{value} {noun}"
    adjective = value if noun in ("pattern", "style", "fit", "kind") else named
    return Wording(adjective, f"with {'a ' if not named.endswith('s') else ''}{named}")


def ask(attribute: str, value: str, old: str, rng: np.random.Generator, held_out: bool = False) -> str:
    """One wording of the wish for `value` where the photo shows `old`; training never hears the held-out."""
    templates = _usable(HELD_OUT if held_out else HEARD)
    template = templates[int(rng.integers(len(templates)))]
    new, before = shop_wording(attribute, value), shop_wording(attribute, old)
    nouns = NOUNS.get(_OURS.get(attribute, attribute), (attribute.replace("_", " "),))
    noun = nouns[int(rng.integers(len(nouns)))]
    said = template.format(adj=new.adj, prep=new.prep, old=before.adj, noun=noun)
    return said if held_out else misspell(said, rng)


def _usable(templates: tuple[str, ...]) -> list[str]:
    """The templates that a value can fill by itself."""
    fields = ({name for _, name, _, _ in string.Formatter().parse(each) if name} for each in templates)
    return [each for each, asked in zip(templates, fields, strict=True) if asked <= _FIELDS]
