"""What is said about an image in the index."""

from catalog.models import Product
from indexer import mapping
from searcher import filters


def product(**said: object) -> Product:
    absent = dict.fromkeys(("title", "description", "category", "colour", *mapping.KEYWORDS), "")
    return Product(id=5, merchant_id=2, sku="A", item_group_id="G", rev=3, **(absent | said))


def test_absent_values_are_left_out() -> None:
    said = mapping.payload(product(), 1)
    assert said == {
        "merchant": 2, "product": 5, "group": "2/G", "position": 1, "front": 0, "rev": 3,
    }  # fmt: skip


def test_values_are_folded_and_split() -> None:
    said = mapping.payload(
        product(
            colour="Red / white/RED",
            category=" Women >Dresses ",
            brand="ÉCLAT",
            sale_price_minor=5,
            price_minor=9,
        ),
        0,
    )
    assert said["colour"] == ["red", "white"]
    assert said["category"] == ["women", "women > dresses"]
    assert (said["brand"], said["price"], said["front"]) == ("éclat", 5, 1)


def test_a_sale_price_of_nothing_is_a_price() -> None:
    assert mapping.price_minor(product(price_minor=100, sale_price_minor=0)) == 0


def test_every_payload_field_that_filters_name_is_indexed() -> None:
    indexed = {field.name for field in mapping.FIELDS}
    assert set(filters.FACET_FIELDS) | {"price", "merchant", "product", "group"} <= indexed


def test_images_with_the_same_words_are_told_apart_by_a_thousandth_at_most() -> None:
    words = mapping.words(product(title="Linen dress"))

    def value(number: int, position: int = 0) -> float:
        return float(mapping.told_apart(words, Product(id=number), position).values[0])

    variants, views = [value(number) for number in range(1, 200)], [value(7, at) for at in range(11)]
    assert len(set(variants)) == 199 and sorted(views, reverse=True) == views and len(set(views)) == 11
    least, whole = min(variants + views), float(words.values[0])
    assert 0.999 * whole < least and max(variants) <= whole
