"""A product as one JSON object: what the API gives, and what it takes back.

What may be written has the names of `DOCUMENT`; what is told besides (`READ_ONLY`) may come back and is
passed over, so that what was read can be changed and sent again. A line of a JSONL feed may have the same
names, and both go through the same checks (`catalog.feeds.rows`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from catalog.feeds.cells import Row
from catalog.feeds.prices import minor_digits
from catalog.feeds.rows import record_of
from catalog.feeds.values import is_url
from catalog.models import Product
from catalog.records import ProductRecord, RowFault

TEXTS = (
    "title", "description", "link", "brand", "category", "colour", "pattern", "material", "gender",
    "age_group", "size", "availability", "item_group_id",
)  # fmt: skip
PRICES = ("price", "sale_price")
DOCUMENT = ("sku", *TEXTS, *PRICES, "images", "attributes", "hidden")
READ_ONLY = ("rev", "state", "pictures", "locked", "created_at", "updated_at")
UPLOAD = "upload:"  # how an uploaded picture is named from then on: by its hash, for its own product only
WAITING = ("queued", "fetching", "embedding")

# What our checks call a field -> what the document calls it.
_CALLED = {
    "": "attributes", "id": "sku", "image": "images", "image_link": "images", "color": "colour",
    "additional_image_link": "images", "product_type": "category",
}  # fmt: skip
_INCOMING = "incoming:"


class ProductRefused(ValueError):
    """A document that is no product; `faults` has all that is wrong with it, each with its field."""

    code = "invalid"

    def __init__(self, faults: Iterable[RowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.column}: {fault.message}" for fault in self.faults[:3]))


@dataclass(frozen=True)
class Written:
    """A document that was checked: the record, whether the product is hidden (None: as it is)."""

    record: ProductRecord
    hidden: bool | None = None


@dataclass(frozen=True)
class Known:
    """Where a document's pictures may come from beside the web: {its name: its source}."""

    sources: Mapping[str, str] = field(default_factory=dict)

    def and_of(self, product: Product | None) -> "Known":
        """With those that a product has already been given as bytes."""
        shown = [] if product is None else [image for image in product.every_image if not image.removed]
        own = {_name(each.source): each.source for each in shown if each.source.startswith(_INCOMING)}
        return Known({**own, **self.sources})


def document(product: Product) -> dict[str, Any]:
    """What may be written of a product, as it is now: sent back unchanged it changes nothing."""
    texts = {name: getattr(product, name) for name in TEXTS}
    return {
        "sku": product.sku,
        **texts,
        "price": written_price(product.price_minor, product.currency),
        "sale_price": written_price(product.sale_price_minor, product.currency),
        "images": [_name(image.source) for image in product.images],
        "attributes": dict(product.attributes),
        "hidden": product.hidden,
    }


def told(product: Product) -> dict[str, Any]:
    """What is told of a product and cannot be written: how far its pictures have come."""
    pictures = [
        {
            "position": image.position, "source": _name(image.source), "state": image.state,
            "error_code": image.error_code, "error_message": image.error_message, "sha256": image.sha256,
        }
        for image in product.images
    ]  # fmt: skip
    return {
        "rev": product.rev,
        "state": state(product),
        "pictures": pictures,
        "locked": sorted(product.locked or ()),
        "created_at": product.created_at.isoformat(),
        "updated_at": product.updated_at.isoformat(),
    }


def state(product: Product) -> str:
    """How far a product is: "hidden", "waiting" (a picture or a change is), "live", or "failed"."""
    if product.hidden:
        return "hidden"
    states = [image.state for image in product.images]
    if any(each in WAITING for each in states):
        return "waiting"
    return "live" if "live" in states else "failed"


def tag(product: Product) -> str:
    """What names this version of what may be written: another one after any change."""
    said = f"{product.id}/{product.rev}/{product.content_hash}/{product.hidden}"
    return f"{product.rev}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def written_price(minor: int | None, currency: str) -> str | None:
    """ "49.00 USD", as feeds have it."""
    if minor is None:
        return None
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f} {currency}"


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with a JSON merge patch applied (RFC 7396): null takes out, an object goes on inside."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def record_from(product: Product) -> ProductRecord:
    """What the feed would have to say for the product to be as it is."""
    group = "" if product.item_group_id == product.sku else product.item_group_id
    texts = {name: getattr(product, name) for name in TEXTS if name != "item_group_id"}
    return ProductRecord(
        sku=product.sku, images=tuple(image.source for image in product.images), item_group_id=group,
        price_minor=product.price_minor, sale_price_minor=product.sale_price_minor,
        currency=product.currency, attributes=dict(product.attributes), **texts,
    )  # fmt: skip


def read_document(given: Mapping[str, Any], sku: str, currency: str, known: Known) -> Written:
    """The record that a document describes; `currency` is the shop's, "" for none yet.

    ProductRefused has all its faults.
    """
    faults = list(_misshapen(given, sku))
    wrong = {fault.column for fault in faults}
    cells = {name: value for name, value in given.items() if name in DOCUMENT and name not in wrong}
    cells = {name: value for name, value in cells.items() if value is not None and name != "hidden"}
    cells["image"] = [_file_name(name) for name in _listed(cells.pop("images", []))]
    row = Row(0, {**cells, "sku": sku}, called=_CALLED)
    record = record_of(row, currency)
    if isinstance(record, list):
        faults += [fault for fault in record if fault.column not in wrong]
    else:
        images, missing = _sources(record.images, known)
        faults += missing
    if faults or isinstance(record, list):
        raise ProductRefused(faults)
    group = "" if record.item_group_id == sku else record.item_group_id
    return Written(replace(record, images=images, item_group_id=group), given.get("hidden"))


def _misshapen(given: Mapping[str, Any], sku: str) -> Iterable[RowFault]:
    for name, value in given.items():
        if name in READ_ONLY or value is None:
            continue
        if name not in DOCUMENT:
            near = get_close_matches(name, DOCUMENT, n=1)
            hint = (
                f"Did you mean {near[0]!r}?" if near else "What has no field of its own goes in attributes."
            )
            yield _fault(name[:100], "field-unknown", f"There is no such field. {hint}")
        elif name == "sku" and value != sku:
            yield _fault(name, "sku-differs", f"The address names the product {sku!r}. Leave the sku out.")
        elif name in TEXTS and (isinstance(value, bool | list | dict)):
            yield _fault(name, "not-text", "This field must be text.")
        elif name == "attributes" and not isinstance(value, dict):
            yield _fault(name, "not-object", 'Give an object, such as {"sleeve": "long"}.')
        elif name == "hidden" and not isinstance(value, bool):
            yield _fault(name, "not-boolean", "This field must be true or false.")
        elif name == "images" and not _is_listed(value):
            yield _fault(name, "not-list", "Give a list of links, or of the names of files that come along.")


def _is_listed(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _file_name(name: str) -> str:
    """An upload's name without its colon: what has one must be a link."""
    return f"{UPLOAD[:-1]}.{name.removeprefix(UPLOAD)}" if name.startswith(UPLOAD) else name


def _sources(names: Iterable[str], known: Known) -> tuple[tuple[str, ...], list[RowFault]]:
    at_hand = {_file_name(name): source for name, source in known.sources.items()}
    found: dict[str, None] = {}
    faults = []
    for name in names:
        source = name if is_url(name) else at_hand.get(name)
        if source is not None:
            found[source] = None
            continue
        said = f"There is no file {name[:80]!r}. Send it along, or give a link (https://...)."
        faults.append(_fault("images", "image-missing", said))
    return tuple(found), faults


def _name(source: str) -> str:
    return UPLOAD + source.removeprefix(_INCOMING) if source.startswith(_INCOMING) else source


def _fault(column: str, code: str, message: str) -> RowFault:
    return RowFault(0, column, code, message)
