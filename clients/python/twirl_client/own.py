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


@dataclass(frozen=True, kw_only=True)
class ScorePart:
    """One part of a score, by its name."""

    name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class TriedHit:
    """One place of a test search; `state` says why an item that is not `published` is not found yet."""

    place: int
    sku: str
    title: str
    published: bool
    state: str
    score: float
    parts: tuple[ScorePart, ...]
    rules: tuple[str, ...]
    place_without_rules: int | None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The first places of a test search; `looked` of `unpublished` items were compared so far."""

    hits: tuple[TriedHit, ...]
    total: int
    looked: int
    unpublished: int
    photo_id: str | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Rows of an import by what came of them."""

    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    removed: int


@dataclass(frozen=True, kw_only=True)
class Import:
    """An import and how far it is; `message` says why it failed, or what it left undone.

    `kind` is "undo" for one that takes the last import back, "import" for every other.
    """

    id: int
    kind: str
    state: str
    filename: str
    counts: Counts
    total: int
    message: str
    results: str
    created_at: str
    finished_at: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Imports:
    """A page of imports, the latest first."""

    imports: tuple[Import, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class RowError:
    """One thing that is wrong with a row."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """What came of one row; `status` is what a request for it alone would have been answered."""

    row: int
    sku: str
    status: int
    outcome: str
    errors: tuple[RowError, ...]


@dataclass(frozen=True, kw_only=True)
class ResultsPage:
    """A page of rows in their order."""

    results: tuple[RowResult, ...]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Who is told of what; `disabled_because` says why nobody is."""

    id: str
    url: str
    events: tuple[str, ...]
    name: str
    enabled: bool
    disabled_because: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class NewWebhook(Webhook):
    """A webhook that was made just now; `secret` is not given again."""

    secret: str


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """A shop's webhooks."""

    webhooks: tuple[Webhook, ...]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to a webhook and what became of it."""

    message_id: str
    event: str
    state: str
    attempts: int
    status: int | None
    error: str
    next_attempt_at: str | None
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """A page of messages, the latest first."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None
