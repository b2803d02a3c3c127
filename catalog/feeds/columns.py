"""What the columns of a feed are called, and what we call them."""

import re
from collections.abc import Sequence

# Ours: the names that feeds use for it, the best first. All are compared in the form of `normalised`.
NAMES: dict[str, tuple[str, ...]] = {
    "sku": ("id", "sku", "item_id", "product_id"),
    "title": ("title", "name"),
    "description": ("description",),
    "link": ("link", "url", "product_url"),
    "image": ("image_link", "image_url", "image_src", "image", "images"),
    "more_images": ("additional_image_link", "additional_image_links", "additional_images"),
    "price": ("price",),
    "sale_price": ("sale_price",),
    "availability": ("availability",),
    "item_group_id": ("item_group_id",),
    "brand": ("brand",),
    "category": ("product_type", "category", "google_product_category"),
    "colour": ("color", "colour"),
    "pattern": ("pattern",),
    "material": ("material",),
    "gender": ("gender",),
    "age_group": ("age_group",),
    "size": ("size",),
}
# What says which pieces go together: kept with the product under the feed's own name, or the first of these.
LINKS: dict[str, tuple[str, ...]] = {
    "look_id": ("look_id", "outfit_id"),
    "cross_sells": ("cross_sells", "crosssell_skus", "complementary_products"),  # a name may go on behind it
}
REQUIRED = ("sku", "title", "image")
REPEATABLE = frozenset({"additional_image_link", "product_detail", "product_highlight"})


def normalised(name: str) -> str:
    """Return a column's name in lower case with underscores: "Image Link", "g:image_link" -> "image_link"."""
    name = re.sub(r"[^\w:]+", " ", name.replace("\ufeff", "").casefold()).strip()
    return re.sub(r"[\s_]+", "_", name.removeprefix("g:").strip())


def assigned(names: Sequence[str]) -> dict[str, str]:
    """Return {our name: the feed's normalised name} for what `names` holds; a better name wins."""
    present = set(names)
    found = {}
    for ours, theirs in NAMES.items():
        best = next((name for name in theirs if name in present), None)
        if best is not None:
            found[ours] = best
    return found


def link_of(name: str) -> str:
    """Which of `LINKS` a column is by its name, or ""."""
    if name in LINKS["look_id"]:
        return "look_id"
    return "cross_sells" if name.startswith(LINKS["cross_sells"]) else ""


def feed_name(ours: str) -> str:
    """Return the name by which a merchant knows one of our columns."""
    return NAMES[ours][0] if ours in NAMES else ours
