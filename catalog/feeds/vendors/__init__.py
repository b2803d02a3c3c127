"""What shop systems export, turned row by row into the columns that Twirl reads: Google Merchant's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from catalog.feeds.cells import Row
from catalog.feeds.vendors import schema_org, shopify, woocommerce
from catalog.records import RowFault

Rows = Iterator[Row | RowFault]
GOOGLE, SCHEMA_ORG = "google", "schema.org"


@dataclass(frozen=True)
class Vendor:
    """How a vendor's tables are known and read. Of each tuple in `required` one name is there."""

    knows: Callable[[Sequence[str]], bool]
    required: tuple[tuple[str, ...], ...]
    translated: Callable[[Callable[[], Rows], str], Rows]
    family: Callable[[Row], set[str]] = lambda row: set()  # by which names rows belong together


VENDORS = {  # schema.org has no tables
    "shopify": Vendor(shopify.knows, shopify.REQUIRED, shopify.translated, shopify.family),
    SCHEMA_ORG: Vendor(lambda _header: False, (), schema_org.translated),
    "woocommerce": Vendor(
        woocommerce.knows, woocommerce.REQUIRED, woocommerce.translated, woocommerce.family
    ),
}


def vendor_of(header: Sequence[str]) -> str:
    """Return whose table this is by its normalised header; GOOGLE for what is nobody else's."""
    return next((name for name, vendor in VENDORS.items() if vendor.knows(header)), GOOGLE)


def family_of(vendor: str, row: Row) -> set[str]:
    """Return the names under which a row belongs together with others of its file."""
    return VENDORS[vendor].family(row) if vendor in VENDORS else set()


def missing_columns(vendor: str, header: Sequence[str]) -> list[str]:
    """Return what a vendor's table lacks, by the first of its names."""
    return [names[0] for names in VENDORS[vendor].required if not set(names) & set(header)]
