"""How the index names things: the same rules as the room that fills it (a test holds the two together)."""

import uuid

from catalog.models import Product

NAMESPACE = uuid.UUID("6f0a5a0e-7d0e-5c1c-9a53-9b6f2b8f7a11")


def collection_name(fingerprint: str) -> str:
    """The collection of one pack: a query vector meets only vectors of its own kind."""
    return f"images-{fingerprint[:16]}"


def point_id(merchant_id: int, sku: str, position: int) -> str:
    """The point of one image position."""
    return str(uuid.uuid5(NAMESPACE, f"{merchant_id}/{position}/{sku}"))


def point_ids(product: Product) -> list[str]:
    """The points of a product's images, the main one first."""
    return [point_id(product.merchant_id, product.sku, image.position) for image in product.images]


def group_key(merchant_id: int, item_group_id: str) -> str:
    """The index's group of one product's variants."""
    return f"{merchant_id}/{item_group_id}"


def group_id(group: str) -> str:
    """The item_group_id in an index group."""
    return group.split("/", 1)[1]
