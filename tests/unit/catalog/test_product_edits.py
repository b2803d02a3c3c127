"""Single products by hand: what is read goes back unchanged; a patch changes what it names, nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.database import Sessions
from catalog.feeds import read_feed
from catalog.merchants import set_currency
from catalog.models import Merchant, Product
from catalog.products import ensure_merchant, find_product, hide_product, save_product
from catalog.programs.documents import (
    Known,
    ProductRefused,
    document,
    merge_patch,
    record_from,
    state,
    tag,
    told,
    written_price,
)
from catalog.programs.edits import (
    Condition,
    ProductChanged,
    ProductMissing,
    keep_uploads,
    patch_product,
    products_after,
    put_product,
    read_product,
    remove_product,
)
from catalog.records import ProductRecord
from catalog.storage.folders import FolderIncoming

PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
FULL: dict[str, Any] = {
    "title": "Linen  shirt", "description": "Cool.\nLight.", "link": "https://shop.example/p/1",
    "brand": "Nord", "category": "Men/Shirts", "colour": "Red/White", "pattern": "striped",
    "material": "linen", "gender": "male", "age_group": "adult", "size": "M", "availability": "in stock",
    "item_group_id": "S", "price": "49 EUR", "sale_price": "39.5 EUR",
    "images": ["https://a.example/1.jpg", "https://a.example/2.jpg"], "attributes": {"sleeve": "long"},
}  # fmt: skip


@pytest.fixture
def merchant(ledger: Sessions, shop: int) -> Merchant:
    with ledger.begin() as session:
        set_currency(session, shop, "EUR")
        return session.get_one(Merchant, shop)


def put(ledger: Sessions, merchant: Merchant, sku: str, given: dict[str, Any], **more: Any) -> Product:
    with ledger.begin() as session:
        return put_product(session, merchant, sku, given, **more).product


def test_a_document_becomes_the_product_that_a_feed_would_make(
    ledger: Sessions, merchant: Merchant, tmp_path: Path
) -> None:
    made = put(ledger, merchant, "S-1", FULL)
    line = {
        "id": "S-1", "title": "Linen  shirt", "description": "Cool.\nLight.", "brand": "Nord",
        "link": "https://shop.example/p/1", "product_type": "Men/Shirts", "color": "Red/White",
        "pattern": "striped", "material": "linen", "gender": "male", "age_group": "adult", "size": "M",
        "availability": "in stock", "item_group_id": "S", "price": "49 EUR", "sale_price": "39.5 EUR",
        "image_link": "https://a.example/1.jpg", "additional_image_link": ["https://a.example/2.jpg"],
        "sleeve": "long",
    }  # fmt: skip
    own = {"sku": "S-1", **FULL}
    (tmp_path / "feed.jsonl").write_text("\n".join(map(json.dumps, (line, {**own, "sku": "S-2"}))))
    google, ours = read_feed(tmp_path / "feed.jsonl", "EUR")
    assert isinstance(google, ProductRecord) and isinstance(ours, ProductRecord)
    assert made.content_hash == google.content_hash() and record_from(made) == google
    assert ours.images == google.images and ours.attributes == google.attributes == {"sleeve": "long"}
    assert (made.title, made.category, made.availability) == ("Linen shirt", "Men > Shirts", "in_stock")
    assert (made.price_minor, made.sale_price_minor, made.currency) == (4900, 3950, "EUR")
    assert [(each.state, each.queue, each.priority) for each in made.images] == [("queued", "images", 0)] * 2


def test_what_is_read_goes_back_and_changes_nothing(ledger: Sessions, merchant: Merchant) -> None:
    made = put(ledger, merchant, "S-1", FULL)
    again = {**document(made), **told(made)}
    with ledger.begin() as session:
        edited = put_product(session, merchant, "S-1", again)
        assert (edited.outcome, edited.product.rev) == ("unchanged", 1)
        edited = patch_product(session, merchant, "S-1", again)
        assert (edited.outcome, edited.product.rev) == ("unchanged", 1)
    assert state(made) == "waiting" and again["price"] == "49.00 EUR" and again["sale_price"] == "39.50 EUR"


def test_every_fault_is_said_at_once_by_its_field(ledger: Sessions, merchant: Merchant) -> None:
    wrong = {
        "sku": "other", "title": "", "images": [], "price": "cheap", "availability": "maybe", "tilte": "x",
        "brand": ["a"], "hidden": "yes", "attributes": [1], "link": "shop", "colour": "c" * 201,
    }  # fmt: skip
    with ledger.begin() as session, pytest.raises(ProductRefused) as refused:
        put_product(session, merchant, "S-1", wrong)
    assert {(fault.column, fault.code) for fault in refused.value.faults} == {
        ("sku", "sku-differs"), ("title", "required"), ("images", "required"), ("price", "price-invalid"),
        ("availability", "availability-unknown"), ("tilte", "field-unknown"), ("brand", "not-text"),
        ("hidden", "not-boolean"), ("attributes", "not-object"), ("link", "link-invalid"),
        ("colour", "too-long"),
    }  # fmt: skip
    assert "'title'" in next(each.message for each in refused.value.faults if each.column == "tilte")
    with ledger() as session:
        assert find_product(session, merchant.id, "S-1") is None


@pytest.mark.parametrize(
    ("images", "code"),
    [
        (["mine.jpg"], "image-missing"),
        (["ftp://a.example/1.jpg"], "image-link-invalid"),
        (["upload:" + "0" * 64], "image-missing"),
        (["incoming:" + "0" * 64], "image-link-invalid"),
        ([f"https://a.example/{n}.jpg" for n in range(12)], "too-many-images"),
        (["https://a.example/1.jpg", 5], "not-list"),
        ({"main": "https://a.example/1.jpg"}, "not-list"),
    ],
)
def test_pictures_that_cannot_be(ledger: Sessions, merchant: Merchant, images: Any, code: str) -> None:
    with ledger.begin() as session, pytest.raises(ProductRefused) as refused:
        put_product(session, merchant, "S-1", {"title": "Shirt", "images": images})
    assert [(fault.column, fault.code) for fault in refused.value.faults] == [("images", code)]


def test_uploaded_pictures_are_the_products_own(ledger: Sessions, merchant: Merchant, tmp_path: Path) -> None:
    known = keep_uploads(FolderIncoming(tmp_path), {"front.png": PNG})
    made = put(ledger, merchant, "S-1", {"title": "Shirt", "images": ["front.png"]}, known=known)
    name = document(made)["images"][0]
    assert name.startswith("upload:") and made.images[0].source == name.replace("upload:", "incoming:")
    with ledger.begin() as session:
        other = session.get_one(Merchant, ensure_merchant(session, "other").id)
        for shop, sku in ((merchant, "S-2"), (other, "S-1")):  # the name alone opens nothing
            with pytest.raises(ProductRefused):
                put_product(session, shop, sku, {"title": "Shirt", "images": [name]})
        swapped = ["https://a.example/2.jpg", name]
        edited = patch_product(session, merchant, "S-1", {"images": swapped}).product
        assert document(edited)["images"] == swapped
    with pytest.raises(ProductRefused) as refused:
        keep_uploads(FolderIncoming(tmp_path), {"a.png": PNG, "b.txt": b"hello there, no picture"})
    assert "b.txt" in str(refused.value)


def test_a_patch_takes_out_and_goes_inside(ledger: Sessions, merchant: Merchant) -> None:
    put(ledger, merchant, "S-1", FULL)
    change = {
        "brand": None,
        "sale_price": None,
        "attributes": {"sleeve": None, "fit": "slim"},
        "colour": "Blue",
    }
    with ledger.begin() as session:
        edited = patch_product(session, merchant, "S-1", change)
    said = document(edited.product)
    assert (edited.outcome, edited.product.rev) == ("updated", 2)
    assert (said["brand"], said["sale_price"], said["price"]) == ("", None, "49.00 EUR")
    assert said["attributes"] == {"fit": "slim"} and said["colour"] == "Blue"
    with ledger.begin() as session, pytest.raises(ProductRefused):
        patch_product(session, merchant, "S-1", {"images": None})


def test_a_patch_leaves_the_rest_to_the_letter(ledger: Sessions, merchant: Merchant) -> None:
    odd = "a &amp; b <3 once read"  # read anew it would say something else
    with ledger.begin() as session:
        record = ProductRecord("S-1", "Shirt", ("https://a.example/1.jpg",), description=odd, category="5")
        save_product(session, merchant.id, record)
        changed = patch_product(session, merchant, "S-1", {"title": "Blouse"}).product
        assert (changed.title, changed.description, changed.category) == ("Blouse", odd, "5")


def test_hiding_is_a_field_that_a_put_leaves_alone(ledger: Sessions, merchant: Merchant) -> None:
    put(ledger, merchant, "S-1", {**FULL, "hidden": True})
    with ledger.begin() as session:
        assert state(read_product(session, merchant.id, "S-1")) == "hidden"
        assert put_product(session, merchant, "S-1", FULL).product.hidden
        assert patch_product(session, merchant, "S-1", {"hidden": False}).outcome == "updated"
        assert not patch_product(session, merchant, "S-1", {"title": "Other"}).product.hidden
        hide_product(session, merchant.id, "S-1")
        assert not patch_product(session, merchant, "S-1", {"hidden": None}).product.hidden


def test_a_condition_holds_for_one_version_only(ledger: Sessions, merchant: Merchant) -> None:
    first = tag(put(ledger, merchant, "S-1", FULL))
    at_first = Condition(frozenset({first}))
    with ledger.begin() as session:
        second = tag(patch_product(session, merchant, "S-1", {"size": "L"}, condition=at_first).product)
        assert second != first
        for late in (
            lambda: put_product(session, merchant, "S-1", FULL, condition=at_first),
            lambda: patch_product(session, merchant, "S-1", {"size": "S"}, condition=at_first),
            lambda: remove_product(session, merchant.id, "S-1", at_first),
            lambda: put_product(session, merchant, "S-1", FULL, condition=Condition(there=False)),
            lambda: put_product(session, merchant, "S-2", FULL, condition=Condition(there=True)),
            lambda: put_product(session, merchant, "S-2", FULL, condition=at_first),
        ):
            with pytest.raises(ProductChanged):
                late()  # type: ignore[no-untyped-call]
        remove_product(session, merchant.id, "S-1", Condition(frozenset({second, "x"})))
        for gone in (
            lambda: remove_product(session, merchant.id, "S-1"),
            lambda: patch_product(session, merchant, "S-1", {"size": "S"}),
            lambda: read_product(session, merchant.id, "S-1"),
            lambda: read_product(session, merchant.id, "S\0"),
        ):
            with pytest.raises(ProductMissing):
                gone()  # type: ignore[no-untyped-call]
        revived = put_product(session, merchant, "S-1", FULL, condition=Condition(there=False))
        assert revived.outcome == "created" and tag(revived.product) not in (first, second)


def test_pages_go_by_the_last_sku_and_stay_in_the_shop(ledger: Sessions, merchant: Merchant) -> None:
    plain = {"title": "Shirt", "images": ["https://a.example/1.jpg"]}
    with ledger.begin() as session:
        other = session.get_one(Merchant, ensure_merchant(session, "other").id)
        for number in range(7):
            put_product(session, merchant, f"S-{number}", plain)
            put_product(session, other, f"S-{number}x", plain)
        remove_product(session, merchant.id, "S-3")
        seen: list[str] = []
        while page := products_after(session, merchant.id, seen[-1] if seen else "", 2):
            seen += [each.sku for each in page]
    assert seen == ["S-0", "S-1", "S-2", "S-4", "S-5", "S-6"]


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # the test cases of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_is_that_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (4900, "USD", "49.00 USD"),
        (5, "EUR", "0.05 EUR"),
        (4900, "JPY", "4900 JPY"),
        (1299, "KWD", "1.299 KWD"),
        (10**12, "USD", "10000000000.00 USD"),
        (None, "USD", None),
    ],
)
def test_prices_are_written_as_they_are_read(minor: int | None, currency: str, text: str | None) -> None:
    assert written_price(minor, currency) == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted({*FULL, "sku", "hidden", "rev", "x"})), JSON, max_size=6))
@settings(max_examples=150, deadline=None)
def test_nothing_that_is_sent_is_a_fault_of_ours(given: dict[str, Any]) -> None:
    from catalog.programs.documents import read_document

    try:
        written = read_document(given, "S-1", "USD", Known())
    except ProductRefused as refused:
        assert refused.faults and all(fault.message and fault.code for fault in refused.faults)
    else:
        assert written.record.title and written.record.images
