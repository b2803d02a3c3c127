"""What is said about an image in the index; and that the searcher names things alike."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Product
from indexer import mapping
from searcher import filters, points

text = st.text(max_size=20)


@given(st.integers(1, 10**9), text, st.integers(0, 10))
def test_both_rooms_name_points_alike(merchant: int, sku: str, position: int) -> None:
    assert mapping.point_id(merchant, sku, position) == points.point_id(merchant, sku, position)


@given(st.integers(1, 10**9), text)
def test_both_rooms_name_groups_and_collections_alike(merchant: int, name: str) -> None:
    key = mapping.group_key(merchant, name)
    assert key == points.group_key(merchant, name) and points.group_id(key) == name
    assert mapping.collection_name(name) == points.collection_name(name)


@given(st.text())
def test_both_rooms_fold_values_alike(value: str) -> None:
    assert mapping.keyword(value) == filters.keyword(value)


@given(st.lists(st.tuples(st.integers(1, 3), text, st.integers(0, 3)), unique=True))
def test_points_never_collide(keys: list[tuple[int, str, int]]) -> None:
    assert len({mapping.point_id(*key) for key in keys}) == len(keys)


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
