"""A merchant's own products, imports and webhooks, by the API's own names (docs/openapi.json)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

READ_ONLY = ("rev", "state", "pictures", "locked", "created_at", "updated_at")


@dataclass(frozen=True, kw_only=True)
class OwnPicture:
    """How far one picture of a product is; `error_code` says why it failed."""

    position: int
    source: str
    state: str
    error_code: str
    error_message: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class OwnProduct:
    """A product as its merchant may write it, and from `rev` on how far it is."""

    sku: str
    title: str
    images: tuple[str, ...]
    description: str
    link: str
    brand: str
    category: str
    colour: str
    pattern: str
    material: str
    gender: str
    age_group: str
    size: str
    availability: str
    item_group_id: str
    price: str | None
    sale_price: str | None
    attributes: Mapping[str, Any]
    hidden: bool
    rev: int
    state: str
    pictures: tuple[OwnPicture, ...]
    locked: tuple[str, ...]
    created_at: str
    updated_at: str

    def document(self) -> dict[str, Any]:
        """What may be written of it, to be changed and put back."""
        written = [each.name for each in fields(self) if each.name not in READ_ONLY]
        return {name: getattr(self, name) for name in written}


@dataclass(frozen=True)
class Held:
    """A product, and the `etag` of this version: a change that names it is refused if another came first."""

    product: OwnProduct
    etag: str
    created: bool = False


@dataclass(frozen=True, kw_only=True)
class OwnProducts:
    """A page of products in the order of their skus."""

    products: tuple[OwnProduct, ...]
    next_cursor: str | None
