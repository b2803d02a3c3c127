"""How items are shown: words for states and hints, and addresses of pictures that shoppers may not see."""

from flask import url_for

from catalog.models import Image
from web.console.access import shop

STATES = {
    "live": "live", "queued": "waiting", "fetching": "being fetched", "embedding": "being indexed",
    "failed": "failed", "hidden": "hidden",
}  # fmt: skip
AVAILABLE = {
    "in_stock": "in stock", "out_of_stock": "out of stock", "preorder": "preorder", "backorder": "backorder",
}  # fmt: skip
ACTS = {
    "hide": ("Hide", "hidden"), "show": ("Show", "shown again"), "retry": ("Try again", "tried again"),
    "delete": ("Delete", "deleted"), "undelete": ("Bring back", "brought back"),
    "availability": ("Set availability", "changed"),
}  # fmt: skip
FIELDS = {
    "title": "Title", "description": "Description", "category": "Category", "brand": "Brand",
    "colour": "Colour", "pattern": "Pattern", "material": "Material", "size": "Size", "gender": "Gender",
    "age_group": "Age group", "price": "Price", "sale_price": "Sale price", "availability": "Availability",
    "link": "Link", "item_group_id": "Group of variants",
}  # fmt: skip


def address(image: Image | None, size: int = 160) -> str:
    """Where a picture of this shop is, also of a hidden item; "" while there are no bytes to show."""
    if image is None or image.sha256 is None:
        return ""
    return url_for("pictures.picture", sha256=image.sha256, size=size, shop=shop().slug)


def items(count: int) -> str:
    """ "1 item", "2,000 items"."""
    return "1 item" if count == 1 else f"{count:,} items"
