"""Where a page ended, as an opaque string: pages neither repeat nor skip while the catalogue stands still,
and never repeat what was shown when it does not.
"""

import base64
import binascii
import json
import math
from dataclasses import dataclass

from searcher.errors import QueryRefused
from searcher.ranked import Key

MAX_LENGTH = 2048


@dataclass(frozen=True)
class Cursor:
    """After the hit with this key, `seen` hits deep, in the search of this digest on this model."""

    digest: str
    model: str  # the beginning of its fingerprint
    seen: int
    after: Key

    def encode(self) -> str:
        """The string that the next request brings back."""
        said = json.dumps([self.digest, self.model, self.seen, *self.after], separators=(",", ":"))
        return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def decode(text: str, digest: str) -> Cursor:
    """Read a cursor of this very search. Raises QueryRefused."""
    try:
        said = json.loads(base64.b64decode(_padded(text), altchars=b"-_", validate=True))
        its, model, seen, tier, order, name = said
        usable = all(isinstance(each, str) for each in (its, model, name)) and type(seen) is int and seen >= 0
        usable = usable and type(tier) is int and isinstance(order, (int, float))
        if not usable or not math.isfinite(order):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise QueryRefused(
            "bad-cursor", "This is not a cursor of ours.", "Start from the first page.", "cursor"
        ) from None
    if its != digest:
        raise QueryRefused(
            "cursor-of-another-search", "The cursor belongs to another search.",
            "Send it with the search that gave it, unchanged.", "cursor",
        )  # fmt: skip
    return Cursor(its, model, seen, (tier, float(order), name))


def _padded(text: str) -> bytes:
    if len(text) > MAX_LENGTH:
        raise ValueError
    return text.encode("ascii") + b"=" * (-len(text) % 4)
