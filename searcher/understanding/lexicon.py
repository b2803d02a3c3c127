"""What shoppers call things in one language: `english.toml`, read once."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from searcher.understanding.tokens import words_of


@dataclass(frozen=True)
class Lexicon:
    """A language's names, traits and small words; the file says what each is."""

    same: Mapping[str, list[list[str]]]  # field -> groups of names
    told: Mapping[str, Mapping[str, list[str]]]  # field -> value -> phrases
    traits: Mapping[str, Mapping[str, list[str]]]
    negations: tuple[tuple[str, ...], ...]  # the longest first
    links: frozenset[str]
    fillers: frozenset[str]
    courtesies: frozenset[str]


_SLEEVES = re.compile(r"\b(?:long|short|half|full|length|quarter|3/4)[\s-]*sleeve[sd]?\b", re.IGNORECASE)


def text_for(field: str, text: str) -> str:
    """A product's text as it may tell of a trait: "long sleeves" say nothing of how long a dress is."""
    return text if field == "sleeve" else _SLEEVES.sub("sleeves", text)


@lru_cache(maxsize=1)
def english() -> Lexicon:
    """The one language so far."""
    said = tomllib.loads((files(__package__) / "english.toml").read_text(encoding="utf-8"))
    grammar = said["grammar"]
    negations = sorted(map(words_of, grammar["negations"]), key=len, reverse=True)
    small = (frozenset(grammar[name]) for name in ("links", "fillers", "courtesies"))
    return Lexicon(said["same"], said["told"], said["traits"], tuple(negations), *small)
