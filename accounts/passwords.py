"""Which passwords are taken: long enough, and not among those that are tried first (NIST 800-63B, ASVS 6.2).

No rules of composition and no changes by the calendar. zxcvbn knows common passwords, names, keyboard walks
and what is made of them; words that belong to the account or the shop count as known.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from zxcvbn import zxcvbn

LEAST, MOST = 12, 128
LEAST_GUESSES = 10**10  # zxcvbn's best score begins here; four words drawn at random have 10**20
_ESTIMATED = 72  # signs that are looked at: the estimate's time grows fast with the length


class PasswordRefused(ValueError):
    """A password that is not taken; `message` says why, `fix` what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.message, self.fix = message, fix


def normal(password: str) -> str:
    """The password as it is hashed, however the keyboard has composed its letters."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, known: Iterable[str] = (), breached: Path | None = None) -> str:
    """The password as it is to be hashed. Raises PasswordRefused."""
    said = normal(password)
    if len(said) < LEAST:
        raise PasswordRefused(
            f"A password has at least {LEAST} signs.", "Four words that do not belong together do."
        )
    if len(said) > MOST:
        raise PasswordRefused(f"A password has at most {MOST} signs.", "Take a shorter one.")
    if min(_guesses(said), _guesses(_without(said, known))) < LEAST_GUESSES:
        raise PasswordRefused(
            "This password is guessed soon.", "Take words that nobody would expect together."
        )
    if breached is not None and is_breached(said, breached):
        raise PasswordRefused(
            "This password is in a list of stolen ones.", "Take one that you use nowhere else."
        )
    return said


def _guesses(said: str) -> float:
    return float(zxcvbn(said[:_ESTIMATED], max_length=_ESTIMATED)["guesses"]) if said else 0.0


def _without(said: str, known: Iterable[str]) -> str:
    """What is left of a password without the words of the account and the shop."""
    words = [part for word in known for part in re.split(r"[\W_]+", word.lower()) if len(part) > 2]
    return re.sub("|".join(map(re.escape, words)) or r"\Z", "", said.lower())


def is_breached(password: str, path: Path) -> bool:
    """Whether a sorted file of SHA-1 hashes (`HASH:COUNT` a line, as Have I Been Pwned has it) has this.

    Found by halving: a few dozen reads in a file of any size. Raises OSError for one that cannot be read.
    """
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with path.open("rb") as file:
        low, high = 0, file.seek(0, 2)
        while low < high:
            middle = (low + high) // 2
            line = _line_from(file, middle)
            if not line or line[:40].upper() >= wanted:
                high = middle
            else:
                low = middle + 1
        return _line_from(file, low)[:40].upper() == wanted


def _line_from(file: BinaryIO, place: int) -> bytes:
    """The first line that begins at this place or behind it."""
    file.seek(max(place - 1, 0))
    if place:
        file.readline()
    return file.readline()
