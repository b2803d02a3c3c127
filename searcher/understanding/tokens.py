"""Words as they are typed, cut into tokens that know their place, and the form in which they are compared."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from vectors import lexical

_TOKEN = re.compile(r"[^\W_]+(?:['’](?:s|t|d|m|ll|re|ve)\b)?|[,;:.!?&/]", re.IGNORECASE)
_ACCENT = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True)
class Token:
    """One word or one sign; `word` is folded, without accents and possessive s."""

    word: str
    start: int
    end: int
    typed: str = ""  # where it was read as a typo, what stands there
    possessive: bool = False  # "sister's"

    @property
    def sign(self) -> bool:
        """Whether it is a comma or the like."""
        return not self.word[0].isalnum()


def tokenise(words: str) -> list[Token]:
    """The tokens of a request, in order."""
    return [_token(found) for found in _TOKEN.finditer(words)]


def _token(found: re.Match[str]) -> Token:
    word = found.group()
    possessive = word.casefold().replace("’", "'").endswith("'s")
    return Token(folded(word), found.start(), found.end(), possessive=possessive)


def folded(word: str) -> str:
    """Case folded, accents and apostrophes dropped; "women's" is "women", "isn't" is "isnt"."""
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", word)).casefold().replace("’", "'")
    return bare.removesuffix("'s").replace("'", "")


def words_of(text: str) -> tuple[str, ...]:
    """The folded words of a label, signs left out, but "&" is "and"."""
    return tuple("and" if t.word == "&" else t.word for t in tokenise(text) if not t.sign or t.word == "&")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem as the index's own words have it."""
    found = lexical.tokens(word)
    return found[0] if len(found) == 1 else word


def key(words: Sequence[str]) -> str:
    """What several words are compared by: "sweat shirts", "sweat-shirt" and "sweatshirt" are the same."""
    return stem("".join(words))
