"""One search, parsed once and bounded: what reaches the rest of the room is known to be usable."""

import hashlib
import json
import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from searcher.crop import Crop
from searcher.errors import QueryRefused
from searcher.filters import Filters
from searcher.understanding.chips import MODES

MAX_WORDS = 500  # characters
MAX_LIMIT = 100  # hits of one page
MAX_NAME = 256  # characters of a sku or a photo id
MAX_EXCLUDE = 100
MAX_CHOICES = 50
SORTS = ("", "price", "price-desc", "newest")  # "" is best match

Mode = Literal["browse", "words", "photo", "photo+words"]


@dataclass(frozen=True, eq=False)
class SearchQuery:
    """A photo, words, a catalogue item as the reference, or any mix, under filters.

    `photo` is (H, W, 3) uint8 RGB; `photo_id` names one kept by `QueryPhotos`; `crop` is the part of it that
    is meant. `balance` goes from 0 (the
    picture only) over 0.5 (the learned default) to 1 (the words only). `exclude` holds skus.
    `sort` orders the best matches, or the whole shop when nothing is asked for. What the words ask for is
    understood and applied unless `understand` is False; `choices` are (key of a chip, mode) where the shopper
    wants it otherwise. `currency` (ISO 4217, "" where nobody says) and its `currency_digits` tell what
    "under 50" means, and that "under $50" means something else in a shop of euros. Raises QueryRefused.
    """

    merchant_id: int
    words: str = ""
    photo: NDArray[np.uint8] | None = None
    photo_id: str | None = None
    reference: str | None = None
    filters: Filters = field(default_factory=Filters)
    balance: float = 0.5
    limit: int = 24
    cursor: str | None = None
    collapse: bool = True
    exclude: tuple[str, ...] = ()
    facets: bool = True
    sort: str = ""
    understand: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    currency: str = ""
    currency_digits: int = 2
    crop: Crop | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", clean_words(self.words))
        object.__setattr__(self, "photo_id", self.photo_id or None)
        object.__setattr__(self, "reference", self.reference or None)
        object.__setattr__(self, "exclude", tuple(self.exclude))
        _check_photo(self.photo)
        object.__setattr__(self, "choices", tuple(self.choices))
        _check_names(self)
        _check_choices(self.choices)
        _check_numbers(self)

    @property
    def pictured(self) -> bool:
        """Whether a picture leads the search."""
        return self.photo is not None or self.photo_id is not None or self.reference is not None

    @property
    def mode(self) -> Mode:
        """What is asked with."""
        if self.pictured:
            return "photo+words" if self.words else "photo"
        return "words" if self.words else "browse"

    def digest(self) -> str:
        """16 hex digits that are the same for the pages of one search and differ between searches."""
        photo = "" if self.photo is None else hashlib.sha256(self.photo.tobytes()).hexdigest()
        parts = [
            self.merchant_id, self.words, photo, self.photo_id, self.reference, repr(self.filters),
            self.balance, self.collapse, self.exclude, self.sort, self.understand, self.choices,
            repr(self.crop),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def clean_words(words: Any) -> str:
    """NFC, without control characters, spaces evened. Raises QueryRefused for what is too long."""
    if not isinstance(words, str):
        raise QueryRefused("words-type", "The words must be text.", "Give them as a string.", "words")
    if len(words) > MAX_WORDS:
        raise QueryRefused(
            "words-too-long", f"The words have {len(words)} characters.",
            f"Use at most {MAX_WORDS}; leave out what matters least.", "words",
        )  # fmt: skip
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in words)
    return " ".join(unicodedata.normalize("NFC", plain).split())[:MAX_WORDS]


def _check_photo(photo: Any) -> None:
    if photo is None:
        return
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise QueryRefused(
            "photo-shape", "The photo is not (H, W, 3) uint8 RGB.", "Decode it first.", "photo"
        )
    if 0 in photo.shape:
        raise QueryRefused("photo-shape", "The photo is empty.", "Give one with pixels.", "photo")


def _check_names(query: SearchQuery) -> None:
    for name in ("photo_id", "reference"):
        value = getattr(query, name)
        if value is not None and not _is_name(value):
            raise QueryRefused(
                "name-refused",
                f"{name} cannot be a name of ours.",
                f"Use at most {MAX_NAME} characters.",
                name,
            )
    if len(query.exclude) > MAX_EXCLUDE or not all(map(_is_name, query.exclude)):
        raise QueryRefused(
            "exclude-refused", "Too many, too long or unusable skus to exclude.",
            f"Exclude at most {MAX_EXCLUDE} skus.", "exclude",
        )  # fmt: skip


def _check_choices(choices: Any) -> None:
    if len(choices) > MAX_CHOICES or not all(_is_choice(each) for each in choices):
        raise QueryRefused(
            "choices-refused", "Too many or unusable choices about what was understood.",
            f"Give at most {MAX_CHOICES}, each a chip's key with one of: {', '.join(MODES)}.", "chips",
        )  # fmt: skip


def _is_choice(choice: Any) -> bool:
    return isinstance(choice, tuple) and len(choice) == 2 and _is_name(choice[0]) and choice[1] in MODES


def _is_name(value: Any) -> bool:
    """Whether a database can be asked for it: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    if not isinstance(value, str) or len(value) > MAX_NAME or "\0" in value:
        return False
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def _check_numbers(query: SearchQuery) -> None:
    if isinstance(query.limit, bool) or not isinstance(query.limit, int) or not 1 <= query.limit <= MAX_LIMIT:
        raise QueryRefused("limit-range", "limit is out of range.", f"Use 1 to {MAX_LIMIT}.", "limit")
    balance: Any = query.balance
    if isinstance(balance, bool) or not isinstance(balance, (int, float)) or not math.isfinite(balance):
        raise QueryRefused("balance-range", "balance is not a number.", "Use 0 to 1.", "balance")
    if not 0 <= balance <= 1:
        raise QueryRefused("balance-range", f"balance is {balance:g}.", "Use 0 to 1.", "balance")
    if query.sort not in SORTS:
        raise QueryRefused(
            "unknown-sort", "There is no such order.", f"Use one of: {', '.join(SORTS[1:])}.", "sort"
        )
