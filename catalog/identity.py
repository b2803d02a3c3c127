"""The names by which the index knows what is sold: one room writes them, another asks by them.

Changing any of these renames every point: rebuild the index with `twirl reindex` afterwards.
"""

import uuid

from catalog.models import Product

NAMESPACE = uuid.UUID("6f0a5a0e-7d0e-5c1c-9a53-9b6f2b8f7a11")  # any constant


def collection_name(fingerprint: str) -> str:
    """The collection that one pack fills: vectors of two packs can never meet."""
    return f"images-{fingerprint[:16]}"


def point_id(merchant_id: int, sku: str, position: int) -> str:
    """The same uuid for the same image position for ever, so writing twice never duplicates."""
    return str(uuid.uuid5(NAMESPACE, f"{merchant_id}/{position}/{sku}"))


def point_ids(product: Product) -> list[str]:
    """The points of a product's images, the main one first."""
    return [point_id(product.merchant_id, product.sku, image.position) for image in product.images]


def group_key(merchant_id: int, item_group_id: str) -> str:
    """What the variants of one product share in the index."""
    return f"{merchant_id}/{item_group_id}"


def group_id(group: str) -> str:
    """The item_group_id in an index group."""
    return group.split("/", 1)[1]


def keyword(value: str) -> str:
    """A value as filters compare it: casefolded, spaces and path separators evened."""
    whole = value.encode("utf-8", "replace").decode()  # a lone surrogate cannot be sent
    return " > ".join(" ".join(part.split()) for part in whole.split(">")).casefold()
