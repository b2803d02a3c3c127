"""What is said about an image in the index: its payload, its words. Nothing of how it is stored."""

import numpy as np

from catalog.identity import collection_name, group_key, keyword
from catalog.models import MAX_POSITION, Product
from vectors.lexical import document
from vectors.protocol import Collection, Field, PayloadValue, Sparse

ALIAS = "live"
_GOLDEN = (5**0.5 - 1) / 2
KEYWORDS = ("brand", "pattern", "material", "gender", "age_group", "size", "availability")

FIELDS = (
    Field("merchant", "integer", tenant=True),
    Field("product", "integer"),
    Field("group", "keyword"),
    Field("position", "integer"),
    Field("front", "integer"),
    Field("price", "integer"),
    Field("category", "keyword"),
    Field("colour", "keyword"),
    *(Field(name, "keyword") for name in KEYWORDS),
)


def collection(fingerprint: str, dimension: int) -> Collection:
    """The collection to make for a pack whose index vectors are (dimension,)."""
    return Collection(collection_name(fingerprint), dimension, FIELDS)


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


def told_apart(words: Sparse, product: Product, position: int) -> Sparse:
    """The words' vector a thousandth lighter at most, by another share for each image of each product.

    Variants have the same words. Without this their scores are equal, and which of them an engine puts first
    depends on the order in which it was filled: it changes with a rebuild, and from one replica to another.
    """
    share = position / (MAX_POSITION + 1) + (product.id * _GOLDEN) % 1  # neighbours' ids get distant shares
    return Sparse(words.indices, np.asarray(words.values * (1 - share / 2000), np.float32))


def price_minor(product: Product) -> int | None:
    """What the shopper pays: the sale price when there is one."""
    return product.price_minor if product.sale_price_minor is None else product.sale_price_minor


def category_prefixes(category: str) -> list[str]:
    """ "Women > Dresses" -> ["women", "women > dresses"], so that a filter finds everything below it."""
    parts = [part for part in keyword(category).split(" > ") if part]
    return [" > ".join(parts[: end + 1]) for end in range(len(parts))]


def positions() -> range:
    """Every image position that a product can have."""
    return range(MAX_POSITION + 1)
