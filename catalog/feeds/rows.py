"""One row's cells -> a valid ProductRecord, or every fault that keeps it from being one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.feeds.cells import Row
from catalog.feeds.columns import assigned, feed_name
from catalog.feeds.mapping import applied
from catalog.feeds.prices import PriceInvalid, parse_price
from catalog.feeds.values import (
    MAX_LINK,
    as_text,
    availability,
    category_path,
    clean,
    cleaned_json,
    image_names,
    is_url,
    one_line,
    plain_text,
)
from catalog.records import ProductRecord, RowFault

MAX_DESCRIPTION = 5000  # what is longer is cut, as Google does; any other text that is too long is a fault
MAX_IMAGES = 11
MAX_ATTRIBUTES = 20_000  # characters of JSON
_CHANGEABLE = "(The shop's currency can be changed while no item has a price.)"

_LIMITS = {
    "sku": 100, "title": 300, "item_group_id": 100, "brand": 150, "category": 750, "colour": 200,
    "pattern": 200, "material": 300, "gender": 32, "age_group": 32, "size": 200,
}  # fmt: skip


@dataclass
class _Checked:
    """A row under inspection: reads cells by our names and collects faults."""

    row: Row
    names: dict[str, str]  # ours -> the feed's
    faults: list[RowFault] = field(default_factory=list)

    def cell(self, ours: str) -> Any:
        return self.row.cells.get(self.names.get(ours, ""), "")

    def column(self, ours: str) -> str:
        """The feed's column for one of ours; more pictures may stand in that of the first."""
        stand_in = self.names.get("image") if ours == "more_images" else None
        return self.names.get(ours) or stand_in or feed_name(ours)

    def called(self, ours: str) -> str:
        """What the merchant knows that column by."""
        return self.row.called.get(self.column(ours), self.column(ours))

    def fault(self, ours: str, code: str, message: str) -> None:
        self.faults.append(self.row.fault(self.column(ours), code, message))

    def text(self, ours: str) -> str:
        text = one_line(as_text(self.cell(ours)))
        self._check_encoding(ours, text)
        if len(text) > _LIMITS[ours]:
            message = f"The text has {len(text)} characters; {_LIMITS[ours]} is the most. Shorten it."
            self.fault(ours, "too-long", message)
        return text

    def required(self, ours: str) -> str:
        text = self.text(ours)
        if not text:
            self.fault(ours, "required", f"The {self.called(ours)} is empty. Fill it in.")
        return text

    def _check_encoding(self, ours: str, text: str) -> None:
        if "\ufffd" in text:
            message = f"The text holds bytes that are not in the file's encoding: {text[:60]!r}."
            self.fault(ours, "encoding", f"{message} Save the feed as UTF-8.")

    def description(self) -> str:
        text = plain_text(as_text(self.cell("description"))[: 20 * MAX_DESCRIPTION])[
            :MAX_DESCRIPTION
        ].rstrip()
        self._check_encoding("description", text)
        return text


def record_of(
    row: Row, currency: str, mapping: Mapping[str, str] | None = None
) -> ProductRecord | list[RowFault]:
    """Return the row as a valid record, or all of its faults; `currency` is the merchant's, "" for none yet.

    With a `mapping` its columns mean what that says (`catalog.feeds.mapping`), else what they are called.
    """
    checked = _opened(row, mapping)
    texts = {ours: checked.text(ours) for ours in _LIMITS if ours not in ("sku", "title", "category")}
    price, sale_price, priced_in = _prices(checked, currency)
    record = ProductRecord(
        sku=_sku(checked),
        title=checked.required("title"),
        description=checked.description(),
        category=_category(checked),
        link=_link(checked),
        images=_images(checked),
        price_minor=price,
        sale_price_minor=sale_price,
        currency=priced_in,
        availability=_availability(checked),
        attributes=_attributes(checked),
        row=row.number,
        called={ours: checked.called(ours) for ours in ("sku", "title", "image", "more_images")},
        **texts,
    )
    return [replace(fault, sku=record.sku) for fault in checked.faults] or record


def currency_named(row: Row, mapping: Mapping[str, str] | None = None) -> str:
    """The currency that the row's prices name; "" where they are none, or name none."""
    checked = _opened(row, mapping)
    for ours in ("price", "sale_price"):
        try:
            return parse_price(_written(checked, ours), "")[1]
        except PriceInvalid:
            continue
    return ""


def _opened(row: Row, mapping: Mapping[str, str] | None) -> _Checked:
    return _Checked(*(applied(row, mapping) if mapping else (row, assigned(tuple(row.cells)))))


def _sku(checked: _Checked) -> str:
    """The id. It stands in addresses, where browsers take parts such as ".." out (RFC 3986, 5.2.4).

    With a last part "look" it would be the address of another product's look.
    """
    sku = checked.required("sku")
    if sku.endswith("/look"):
        message = f"{sku!r} would have the address of what goes with {sku.removesuffix('/look')!r}."
        checked.fault("sku", "sku-invalid", f"{message} Let it not end in '/look'.")
    if sku and not {"", ".", ".."}.isdisjoint(sku.split("/")):
        message = f"{sku!r} cannot stand in an address: it has an empty part, or one of dots only."
        checked.fault("sku", "sku-invalid", f"{message} Write it without, such as 'A/1'.")
    return sku


def _category(checked: _Checked) -> str:
    path = category_path(as_text(checked.cell("category")))
    if len(path) > _LIMITS["category"]:
        checked.fault(
            "category", "too-long", f"The path has {len(path)} characters; 750 is the most. Shorten it."
        )
    return path


def _link(checked: _Checked) -> str:
    link = clean(as_text(checked.cell("link")))
    if link and (not is_url(link) or len(link) > MAX_LINK):
        checked.fault(
            "link", "link-invalid", f"{link[:80]!r} is no link. Write it as https://... (2,000 characters)."
        )
    return link


def _images(checked: _Checked) -> tuple[str, ...]:
    first = checked.cell("image")
    main = image_names(first) if isinstance(first, list) else [clean(as_text(first))]
    if not any(main):
        message = f"There is no picture in {checked.called('image')}. Give a link or a file name."
        checked.fault("image", "required", message)
    names = dict.fromkeys(name for name in main if name)
    for name in image_names(checked.cell("more_images")):
        names.setdefault(name)
    for name in names:
        _check_image(checked, name, "image" if name in main else "more_images")
    if len(names) > MAX_IMAGES:
        message = f"There are {len(names)} images; {MAX_IMAGES} is the most. Take some out."
        checked.fault("more_images", "too-many-images", message)
    return tuple(names)


def _check_image(checked: _Checked, name: str, ours: str) -> None:
    scheme = name.split(":", 1)[0].lower() if ":" in name else ""
    wrong = not is_url(name) if scheme in ("http", "https") else len(scheme) > 1
    if wrong or len(name) > MAX_LINK or "\n" in name:
        message = f"{name[:80]!r} is no image. Give a link (https://...) or the name of a file."
        checked.fault(ours, "image-link-invalid", message)


def _availability(checked: _Checked) -> str:
    text = clean(as_text(checked.cell("availability")))
    found = availability(text) if text else "in_stock"
    if found is None:
        message = f"{text[:40]!r} is no availability. Write in_stock, out_of_stock, preorder or backorder."
        checked.fault("availability", "availability-unknown", message)
    return found or "in_stock"


def _prices(checked: _Checked, currency: str) -> tuple[int | None, int | None, str]:
    price, priced_in = _price(checked, "price", currency, currency)
    sale_price, sold_in = _price(checked, "sale_price", currency, priced_in)
    if sale_price is None or price is None:
        return price if price is not None else sale_price, None, priced_in if price is not None else sold_in
    if sold_in != priced_in:
        message = f"The sale price is in {sold_in}, the price in {priced_in}. Use one currency."
        checked.fault("sale_price", "currency-mismatch", message)
    elif sale_price > price:
        checked.fault(
            "sale_price", "sale-price-higher", "The sale price is above the price. Swap or mend them."
        )
    return price, sale_price if sale_price < price else None, priced_in


def _price(checked: _Checked, ours: str, shops: str, currency: str) -> tuple[int | None, str]:
    """A price and what it is in: what it names, else `currency`; it must be the shop's if that is known."""
    written = _written(checked, ours)
    if written == "":
        return None, currency
    try:
        minor, named = parse_price(written, currency)
    except PriceInvalid as error:
        checked.fault(ours, error.code, str(error))
        return None, currency
    if shops and named != shops:
        message = f"The price is in {named}, the shop's prices are in {shops}. Write it in {shops}."
        checked.fault(ours, "currency-mismatch", f"{message} {_CHANGEABLE}")
        return None, currency
    return minor, named


def _written(checked: _Checked, ours: str) -> Any:
    value = checked.cell(ours)
    return clean(value) if isinstance(value, str) else value


def _attributes(checked: _Checked) -> dict[str, Any]:
    """Return every column that is none of ours, empty ones left out.

    An object of JSON may have them all in a column `attributes`, as the API gives a product.
    """
    used = set(checked.names.values())
    if not category_path(as_text(checked.cell("category"))):  # a Google category given as a number
        used.discard(checked.names.get("category", ""))
    others = {name: cleaned_json(value) for name, value in checked.row.cells.items() if name not in used}
    if isinstance(others.get("attributes"), dict):
        others = {**others.pop("attributes"), **others}
    kept = {name[:100]: value for name, value in others.items() if name and value not in ("", [], {}, [""])}
    if (length := len(json.dumps(kept, ensure_ascii=False))) > MAX_ATTRIBUTES:
        message = (
            f"The other columns hold {length:,} characters; {MAX_ATTRIBUTES:,} is the most. Shorten them."
        )
        checked.fault("", "attributes-too-large", message)
    return kept
