"""What words ask for, without how they ask: "I'd rather have it in red, please" is "red".

A sentence vector is a mean over all of its words, so every "could I get this one" moves it away from what is
asked. English only, as the text tower is; a word that is in no list of `plain_words.toml` is kept.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Literal

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*(?:[-/][^\W_]+)*|[,.:;!?()\n]")
_STOPS = frozenset(",.:;!?()\n")
_LEADING = frozenset(("in", "as", "into", "from"))  # at the start of what is asked for they say nothing
_TRAILING = _LEADING | {"with"}
_DENIED = 4  # words at most: after more of them a "not" is about the sentence
_MOVED = 6  # words from "replace" to "with"

Denial = Literal["gone", "superseded", "unwanted"]


@dataclass(frozen=True)
class _English:
    idle: frozenset[str]
    counted: re.Pattern[str]
    denials: dict[tuple[str, ...], Denial]
    longest: int  # words of a denial
    ends: frozenset[str]
    moves: frozenset[str]
    into: frozenset[str]


@lru_cache(maxsize=1)
def _english() -> _English:
    read = tomllib.loads(files("embedding").joinpath("plain_words.toml").read_text(encoding="utf-8"))
    kinds: tuple[Denial, ...] = ("gone", "superseded", "unwanted")
    denials = {tuple(phrase.split()): kind for kind in kinds for phrase in read[kind]}
    return _English(
        frozenset(read["idle"].split()),
        re.compile(rf"\bone (?=(?:{'|'.join(read['counted'])})\b)"),
        denials,
        max(map(len, denials)),
        _STOPS | frozenset(read["ends"]),
        frozenset(read["moves"]),
        frozenset(read["into"]),
    )


def plain(text: str) -> str:
    """What a text asks for; the text itself where nothing would be left.

    What is to be gone comes last, as "without X", however that was said. What the photo shows and something
    else takes the place of ("instead of X", "replace X with Y", "not X but Y") is left out.
    """
    english = _english()
    words = _WORD.findall(english.counted.sub("one-", text.casefold().replace("’", "'")))
    read = _Reading(english, words)
    read.all()
    return " ".join(read.result()) or text


@dataclass
class _Reading:
    """Goes through the words once, and tells what is asked for from what is not wanted."""

    english: _English
    words: list[str]
    at: int = 0
    asked: list[str] = field(default_factory=list)
    denied: dict[Denial, list[list[str]]] = field(
        default_factory=lambda: {"gone": [], "superseded": [], "unwanted": []}
    )

    def all(self) -> None:
        while self.at < len(self.words):
            if not (self._moves() or self._denies()):
                self.asked.append(self.words[self.at])
                self.at += 1

    def result(self) -> list[str]:
        kept, gone = self._bare(self.asked), self.denied["gone"]
        if not kept:  # "I don't want stripes", and nothing else is asked for
            gone = gone + self.denied["unwanted"]
        kept += [word for said in gone for word in ("without", *said)]
        if not kept and self.denied["superseded"]:
            return ["not", *self.denied["superseded"][0]]
        return kept

    def _moves(self) -> bool:
        """Skip to what is asked for in "replace X with Y", "less X, more Y"."""
        word, near = self.words[self.at], range(self.at + 1, min(self.at + 1 + _MOVED, len(self.words)))
        if word == "less":
            into = next((n for n in near if self.words[n] == "more"), 0)
        elif word in self.english.moves:
            into = next((n for n in near if self.words[n] in self.english.into), 0)
            into = 0 if _STOPS & set(self.words[self.at : into]) else into
        else:
            return False
        if not into or not self._bare(self.words[into + 1 :]):
            return False
        self.at = into + 1
        return True

    def _denies(self) -> bool:
        """Skip what is not wanted, and note it."""
        lengths = range(self.english.longest, 0, -1)
        spans = (tuple(self.words[self.at : self.at + length]) for length in lengths)
        phrase = next((span for span in spans if span in self.english.denials), ())
        if not phrase:
            return False
        start = self.at + len(phrase)
        words = self.words
        end = next((n for n in range(start, len(words)) if words[n] in self.english.ends), len(words))
        said = self._bare(words[start:end])
        if not 0 < len(said) <= _DENIED:
            return False
        self.denied[self.english.denials[phrase]].append(said)
        self.at = end
        return True

    def _bare(self, words: Sequence[str]) -> list[str]:
        kept = [word for word in words if word not in _STOPS and word not in self.english.idle]
        while len(kept) > 1 and kept[0] in _LEADING:
            kept = kept[1:]
        while len(kept) > 1 and kept[-1] in _TRAILING:
            kept = kept[:-1]
        return kept
