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
    "check": ("Check pictures for changes", "whose pictures are asked for again"),
}  # fmt: skip
FIELDS = {
    "title": "Title", "description": "Description", "category": "Category", "brand": "Brand",
    "colour": "Colour", "pattern": "Pattern", "material": "Material", "size": "Size", "gender": "Gender",
    "age_group": "Age group", "price": "Price", "sale_price": "Sale price", "availability": "Availability",
    "link": "Link", "item_group_id": "Group of variants",
}  # fmt: skip

HINTS = {
    "blurred": ("Blurred", "The main picture is out of focus. Use a sharper one."),
    "small": ("Too small", "The main picture has a side of less than 250 pixels. Use a larger one."),
    "placeholder": ("No picture", "The main picture shows nothing: a placeholder. Use a photo."),
    "several-garments": (
        "Several garments", "The main picture seems to show several pieces: a search by photo mixes them up.",
    ),
    "missing-category": ("No category", "Shoppers who narrow by category do not find it."),
    "missing-colour": ("No colour", "Shoppers who narrow by colour do not find it."),
    "missing-pattern": ("No pattern", "Shoppers who narrow by pattern do not find it."),
    "missing-material": ("No material", "Shoppers who narrow by material do not find it."),
    "missing-gender": ("No gender", "Shoppers who narrow by gender do not find it."),
    "missing-age-group": ("No age group", "Shoppers who narrow by age group do not find it."),
}  # fmt: skip


def address(image: Image | None, size: int = 160) -> str:
    """Where a picture of this shop is, also of a hidden item; "" while there are no bytes to show."""
    if image is None or image.sha256 is None:
        return ""
    return url_for("pictures.picture", sha256=image.sha256, size=size, shop=shop().slug)


def from_web(image: Image) -> bool:
    """Whether the picture came from an address: its host can be asked whether it is another one by now."""
    return image.sha256 is not None and image.source.startswith("http")


def items(count: int) -> str:
    """ "1 item", "2,000 items"."""
    return "1 item" if count == 1 else f"{count:,} items"
