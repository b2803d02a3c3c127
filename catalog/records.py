"""What a feed yields: validated products, faults of single rows, and the refusal of a whole file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonValue = Any  # what json.dumps takes


@dataclass(frozen=True)
class ProductRecord:
    """One valid row. Absent text is ""; prices are integers in the currency's minor unit (cents).

    `images` holds the main image first. As a feed gives them they are URLs or file names; what
    `save_product` takes are sources: "incoming:<sha256>" or http(s) URLs.
    """

    sku: str
    title: str
    images: tuple[str, ...]
    item_group_id: str = ""  # "" means the sku itself
    description: str = ""
    link: str = ""
    brand: str = ""
    category: str = ""  # a path: "Women > Dresses"
    colour: str = ""
    pattern: str = ""
    material: str = ""
    gender: str = ""
    age_group: str = ""
    size: str = ""
    price_minor: int | None = None
    sale_price_minor: int | None = None
    currency: str = "USD"
    availability: str = "in_stock"
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    row: int = field(default=0, compare=False)  # where the feed has it, the header being row 1
    called: Mapping[str, str] = field(default_factory=dict, compare=False)  # our columns in the feed's words

    def content_hash(self) -> str:
        """Return the hash of all that the row says, image sources included: equal hash, unchanged row."""
        said = {name: value for name, value in vars(self).items() if name not in ("row", "called")}
        canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class RowFault:
    """Why one row is refused: `column` and `row` say where, `message` what is wrong and how to mend it."""

    row: int
    column: str
    code: str
    message: str
    raw: Mapping[str, JsonValue] = field(default_factory=dict)
    sku: str = ""  # whose row it is, where that can be read


class FeedRefused(Exception):
    """A feed that cannot be read at all: empty, binary, no header, a required column missing."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code = code
        self.message = message
        self.fix = fix
