"""What is said about an image in the index: its id, its payload, its words. Nothing of how it is stored."""

import uuid

from catalog.models import MAX_POSITION, Product
from vectors.lexical import document
from vectors.protocol import Collection, Field, PayloadValue, Sparse

ALIAS = "live"
NAMESPACE = uuid.UUID("6f0a5a0e-7d0e-5c1c-9a53-9b6f2b8f7a11")  # any constant; changing it renames every point
KEYWORDS = ("brand", "pattern", "material", "gender", "age_group", "size", "availability")

FIELDS = (
    Field("merchant", "integer"),
    Field("product", "integer"),
    Field("group", "keyword"),
    Field("position", "integer"),
    Field("front", "integer"),
    Field("price", "integer"),
    Field("category", "keyword"),
    Field("colour", "keyword"),
    *(Field(name, "keyword") for name in KEYWORDS),
)


def collection_name(fingerprint: str) -> str:
    """The collection that one pack fills: vectors of two packs can never meet."""
    return f"images-{fingerprint[:16]}"


def collection(fingerprint: str, dimension: int) -> Collection:
    """The collection to make for a pack whose index vectors are (dimension,)."""
    return Collection(collection_name(fingerprint), dimension, FIELDS)


def point_id(merchant_id: int, sku: str, position: int) -> str:
    """The same uuid for the same image position for ever, so writing twice never duplicates."""
    return str(uuid.uuid5(NAMESPACE, f"{merchant_id}/{position}/{sku}"))


def group_key(merchant_id: int, item_group_id: str) -> str:
    """What the variants of one product share."""
    return f"{merchant_id}/{item_group_id}"


def payload(product: Product, position: int) -> dict[str, PayloadValue]:
    """What filters, facets and groups see of one image. Absent values are left out."""
    said: dict[str, PayloadValue] = {
        "merchant": product.merchant_id,
        "product": product.id,
        "group": group_key(product.merchant_id, product.item_group_id),
        "position": position,
        "front": int(position == 0),
        "rev": product.rev,
    }
    if (price := price_minor(product)) is not None:
        said["price"] = price
    if prefixes := category_prefixes(product.category):
        said["category"] = prefixes
    if colours := [keyword(part) for part in product.colour.split("/") if part.strip()]:
        said["colour"] = list(dict.fromkeys(colours))
    for name in KEYWORDS:
        if value := keyword(getattr(product, name)):
            said[name] = value
    return said


def words(product: Product) -> Sparse:
    """The product's lexical vector. The title is said twice: it names the thing, the rest describes it."""
    texts = [product.title, product.title, product.brand, product.sku, product.category, product.description]
    texts += [product.colour, product.pattern, product.material, product.gender, product.size]
    return document(texts)


def price_minor(product: Product) -> int | None:
    """What the shopper pays: the sale price when there is one."""
    return product.price_minor if product.sale_price_minor is None else product.sale_price_minor


def category_prefixes(category: str) -> list[str]:
    """ "Women > Dresses" -> ["women", "women > dresses"], so that a filter finds everything below it."""
    parts = [part for part in keyword(category).split(" > ") if part]
    return [" > ".join(parts[: end + 1]) for end in range(len(parts))]


def keyword(value: str) -> str:
    """A value as filters compare it: casefolded, spaces and path separators evened."""
    whole = value.encode("utf-8", "replace").decode()  # a lone surrogate cannot be sent
    return " > ".join(" ".join(part.split()) for part in whole.split(">")).casefold()


def positions() -> range:
    """Every image position that a product can have."""
    return range(MAX_POSITION + 1)
