"""The console's items: lists and their pages, edits by hand and locks, pictures, what is done to many."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from catalog.database import Sessions
from catalog.items.acts import Act, act_on, act_on_matching, deleted_items
from catalog.items.counting import count_items
from catalog.items.editing import Edit, EditRefused, ItemGone, ItemOvertaken, cells_of, edit_item
from catalog.items.listing import (
    ItemFilter,
    count_matching,
    find_item,
    items_page,
    matching_ids,
    values_of,
)
from catalog.items.pictures import PicturesRefused, Shown, arrange_pictures
from catalog.items.tables import ItemHint
from catalog.models import Image, Product
from catalog.products import content_hashes, ensure_merchant, save_product
from catalog.records import ProductRecord

A, B, C = (f"incoming:{letter * 64}" for letter in "abc")
DRESS = ProductRecord(
    "d-1", "Linen dress", (A, B), brand="Loom", category="Women > Dresses", colour="red", price_minor=4900
)


def save(ledger: Sessions, shop: int, *records: ProductRecord) -> list[int]:
    with ledger.begin() as session:
        for record in records:
            save_product(session, shop, record)
    with ledger() as session:
        return [
            session.scalars(
                select(Product.id).where(Product.merchant_id == shop, Product.sku == each.sku)
            ).one()
            for each in records
        ]


def settle(ledger: Sessions, state: str = "live", ids: Sequence[int] = (), **more: object) -> None:
    """As the indexer leaves pictures behind."""
    values = {"state": state, "sha256": "s", "fingerprint": "f" * 64, "indexed_rev": 1, **more}
    with ledger.begin() as session:
        which = update(Image)
        session.execute((which.where(Image.product_id.in_(ids)) if ids else which).values(**values))


def listed(ledger: Sessions, shop: int, **said: str) -> list[str]:
    with ledger() as session:
        return [item.product.sku for item in items_page(session, shop, ItemFilter(**said)).items]


@pytest.fixture
def stocked(ledger: Sessions, shop: int) -> list[int]:
    """Six items in six states, and the same skus in another shop."""
    skus = ("queued", "fetching", "embedding", "live", "failed", "hidden")
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
    for merchant in (other, shop):
        ids = save(
            ledger, merchant,
            *(replace(DRESS, sku=sku, title=f"{sku} dress", brand=sku[:1]) for sku in skus),
        )  # fmt: skip
        for sku, product_id in zip(skus, ids, strict=True):
            failed = {"error_code": "image-broken", "fingerprint": ""} if sku == "failed" else {}
            settle(ledger, sku, [product_id], **failed)
    act_on(ledger, shop, Act("hide"), ids[-1:])
    settle(ledger, "hidden", ids[-1:])
    return ids


@pytest.mark.parametrize("state", ["queued", "fetching", "embedding", "live", "failed", "hidden"])
def test_each_state_lists_and_counts_its_own(
    ledger: Sessions, shop: int, stocked: list[int], state: str
) -> None:
    assert listed(ledger, shop, state=state) == [state]
    with ledger() as session:
        assert count_items(session, shop)[state] == 1
        assert count_matching(session, shop, ItemFilter(state=state)) == 1
        item = items_page(session, shop, ItemFilter(state=state)).items[0]
        assert item.state == state


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"code": "image-broken"}, ["failed"]), ({"code": "image-empty"}, []), ({"state": "nonsense"}, []),
        ({"brand": "f"}, ["failed", "fetching"]), ({"brand": "f", "state": "fetching"}, ["fetching"]),
        ({"words": "FAIL"}, ["failed"]), ({"words": "q"}, ["queued"]),
        ({"words": "dress hidden"}, ["hidden"]), ({"words": "%"}, []), ({"words": "zzz"}, []),
        ({"words": "RESS hid"}, ["hidden"]), ({"words": "_ress"}, []),
        ({"brand": "Q"}, ["queued"]), ({"brand": "F", "state": "fetching"}, ["fetching"]),
        ({"brand": "z"}, []), ({"category": "wOMEN", "state": "live"}, ["live"]),
        ({"category": "women > DRESSES", "brand": "l"}, ["live"]),
        ({"category": "Women", "state": "live"}, ["live"]), ({"category": "Women > Dres"}, []),
        ({"availability": "out_of_stock"}, []),
    ],
)  # fmt: skip
def test_a_list_is_narrowed(
    ledger: Sessions, shop: int, stocked: list[int], said: dict[str, str], found: list[str]
) -> None:
    assert listed(ledger, shop, **said) == found


@pytest.mark.parametrize("words", ["sommer ärmel", "SOMMER ÄRMEL", "Größe 7", "öSSe" * 40])
def test_words_are_found_in_any_case_of_any_letter(ledger: Sessions, shop: int, words: str) -> None:
    save(ledger, shop, replace(DRESS, sku="e", title="Kleid Ärmel Sommer Größe 7"), replace(DRESS, sku="x"))
    assert listed(ledger, shop, words=words) == ([] if len(words) > 20 else ["e"])


def test_what_was_hidden_or_deleted_a_moment_ago_counts_as_that(ledger: Sessions, shop: int) -> None:
    """Its pictures wait for the indexer, or failed, and are neither waiting nor failed items' to the list."""
    ids = save(ledger, shop, *(replace(DRESS, sku=f"p-{n}") for n in range(10)))
    settle(ledger)
    settle(ledger, "failed", ids[:1], error_code="x")
    act_on(ledger, shop, Act("hide"), ids[4:8])
    act_on(ledger, shop, Act("delete"), ids[7:9])
    with ledger() as session:
        counted = count_items(session, shop)
        for state in ("queued", "live", "failed", "hidden"):
            assert counted[state] == count_matching(session, shop, ItemFilter(state=state)), state
    assert counted == {"queued": 0, "fetching": 0, "embedding": 0, "live": 4, "failed": 1, "hidden": 3}


def test_pages_hold_every_item_once_newest_first(ledger: Sessions, shop: int) -> None:
    ids = save(ledger, shop, *(replace(DRESS, sku=f"p-{n}") for n in range(7)))
    settle(ledger)
    for wanted in (ItemFilter(), ItemFilter(state="live"), ItemFilter(brand="Loom"), ItemFilter(words="p-")):
        seen, below = [], None
        while True:
            with ledger() as session:
                page = items_page(session, shop, wanted, below, limit=3)
            seen += [item.product.id for item in page.items]
            below = page.following
            if below is None:
                break
        assert seen == ids[::-1], wanted


def test_what_many_items_share_is_walked_in_order_too(
    ledger: Sessions, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conditions that more than PROBED items meet take another way through the tables."""
    monkeypatch.setattr("catalog.items.listing.PROBED", 1)
    ids = save(ledger, shop, *(replace(DRESS, sku=f"p-{n}", brand="ab"[n % 2]) for n in range(6)))
    settle(ledger)
    with ledger() as session:
        for said in ({"state": "live"}, {"category": "Women"}, {"words": "p-"}, {"availability": "in_stock"}):
            for brand in ("", "a"):
                wanted = ItemFilter(**said, brand=brand)  # type: ignore[arg-type]
                expected = ids[::-1] if not brand else ids[::2][::-1]
                assert matching_ids(session, shop, wanted) == expected, wanted
                assert count_matching(session, shop, wanted) == len(expected)
    settle(ledger, "failed", error_code="x")  # both pictures of each
    with ledger() as session:
        assert matching_ids(session, shop, ItemFilter(state="failed"), limit=4) == ids[:1:-1]
        assert (
            count_matching(session, shop, ItemFilter(state="failed"))
            == 6
            == count_items(session, shop)["failed"]
        )


def test_another_shop_sees_and_changes_nothing(ledger: Sessions, shop: int, stocked: list[int]) -> None:
    with ledger.begin() as session:
        stranger = ensure_merchant(session, "stranger").id
    with ledger() as session:
        assert not any(count_items(session, stranger).values())
        assert matching_ids(session, stranger, ItemFilter()) == []
        assert find_item(session, stranger, stocked[0]) is None
        assert values_of(session, stranger, "brand") == []
    for act in (Act("hide"), Act("delete"), Act("availability", "preorder"), Act("retry"), Act("check")):
        assert act_on(ledger, stranger, act, stocked).changed == 0
    with ledger.begin() as session, pytest.raises(ItemGone):
        edit_item(session, stranger, stocked[0], Edit(1, {"title": "Mine"}))


def test_values_are_the_shops_own_each_once(ledger: Sessions, shop: int, stocked: list[int]) -> None:
    with ledger() as session:
        assert values_of(session, shop, "brand") == ["e", "f", "h", "l", "q"]
        assert values_of(session, shop, "category") == ["Women > Dresses"]
        assert values_of(session, shop, "brand", limit=2) == ["e", "f"]


def edit(
    ledger: Sessions, shop: int, product_id: int, rev: int, locked: object = None, **cells: str
) -> set[str]:
    with ledger.begin() as session:
        said = None if locked is None else frozenset(locked)  # type: ignore[call-overload]
        return edit_item(session, shop, product_id, Edit(rev, cells, said))


def test_an_edit_of_words_needs_no_model_and_goes_first(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    settle(ledger)
    changed = edit(
        ledger, shop, product_id, 1, title=" Silk  <b>dress</b> ", price="$ 1,299.00", sale_price="999",
        category="Women/Gowns", availability="sold out",
    )  # fmt: skip
    assert changed == {"title", "price", "sale_price", "category", "availability"}
    with ledger() as session:
        product = session.get_one(Product, product_id)
        assert (product.title, product.category, product.availability) == (
            "Silk dress", "Women > Gowns", "out_of_stock",
        )  # fmt: skip
        assert (product.price_minor, product.sale_price_minor, product.rev) == (129900, 99900, 2)
        assert product.brand == "Loom" and cells_of(product)["price"] == "1299.00 USD"
        for image in product.images:
            assert (image.state, image.queue, image.priority, image.sha256) == ("queued", "index", 0, "s")


def test_saving_what_is_there_changes_nothing(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    settle(ledger)
    with ledger() as session:
        cells = cells_of(session.get_one(Product, product_id))
    assert edit(ledger, shop, product_id, 1, **cells) == set()
    with ledger() as session:
        product = session.get_one(Product, product_id)
        assert product.rev == 1 and product.images[0].state == "live"
        assert product.content_hash == DRESS.content_hash()


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ({"title": " "}, "title", "required"), ({"price": "dear"}, "price", "price-invalid"),
        ({"sale_price": "99 USD"}, "sale_price", "sale-price-higher"),
        ({"title": "x" * 301}, "title", "too-long"),
        ({"link": "javascript:alert(1)"}, "link", "link-invalid"),
        ({"availability": "maybe"}, "availability", "availability-unknown"),
        ({"colour": "x" * 201}, "colour", "too-long"),
    ],
)  # fmt: skip
def test_what_a_feed_may_not_say_nobody_may(
    ledger: Sessions, shop: int, cells: dict[str, str], column: str, code: str
) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    with pytest.raises(EditRefused) as refused:
        edit(ledger, shop, product_id, 1, **cells)
    assert [(fault.column, fault.code) for fault in refused.value.faults] == [(column, code)]
    with ledger() as session:
        assert session.get_one(Product, product_id).rev == 1


def test_who_comes_second_is_told_and_overwrites_nothing(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    edit(ledger, shop, product_id, 1, title="First")
    with pytest.raises(ItemOvertaken) as overtaken:
        edit(ledger, shop, product_id, 1, title="Second")
    assert (overtaken.value.cells["title"], overtaken.value.rev) == ("First", 2)
    edit(ledger, shop, product_id, 2, title="Second")
    with ledger() as session:
        assert session.get_one(Product, product_id).title == "Second"


def test_the_next_feed_overwrites_an_edit_but_not_what_is_locked(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    edit(
        ledger,
        shop,
        product_id,
        1,
        {"title", "price"},
        title="Mine",
        price="10",
        sale_price="9",
        brand="Also mine",
    )
    assert not unchanged(ledger, shop, DRESS)
    save(ledger, shop, DRESS)
    with ledger() as session:
        product = session.get_one(Product, product_id)
        assert (product.title, product.price_minor, product.sale_price_minor) == ("Mine", 1000, 900)
        assert (product.brand, product.locked) == ("Loom", ["price", "title"])
    assert unchanged(ledger, shop, DRESS), "a feed that says the same again costs nothing"
    edit(ledger, shop, product_id, 3, {"price"})
    save(ledger, shop, DRESS)
    with ledger() as session:
        product = session.get_one(Product, product_id)
        assert (product.title, product.price_minor) == ("Linen dress", 1000)


def test_an_edit_of_what_is_locked_leaves_an_unchanged_feed_unchanged(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    edit(ledger, shop, product_id, 1, {"title"}, title="Mine")
    assert unchanged(ledger, shop, DRESS)


def unchanged(ledger: Sessions, shop: int, record: ProductRecord) -> bool:
    with ledger() as session:
        return content_hashes(session, shop, [record.sku])[record.sku] == record.content_hash()


def arrange(
    ledger: Sessions, shop: int, product_id: int, rev: int, *wanted: Shown, keep: bool = False
) -> None:
    with ledger.begin() as session:
        arrange_pictures(session, shop, product_id, rev, wanted, keep)


def pictures(ledger: Sessions, product_id: int) -> list[Image]:
    with ledger() as session:
        return list(session.get_one(Product, product_id).images)


def test_pictures_that_change_places_keep_their_bytes(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    with ledger.begin() as session:
        for image in session.scalars(select(Image)):
            image.state, image.sha256, image.fingerprint, image.width = (
                "live",
                image.source[-64:],
                "f" * 64,
                9,
            )
    first, second = pictures(ledger, product_id)
    arrange(ledger, shop, product_id, 1, Shown(second.id), Shown(first.id))
    assert [(image.source, image.sha256) for image in pictures(ledger, product_id)] == [
        (B, B[-64:]),
        (A, A[-64:]),
    ]
    assert {image.queue for image in pictures(ledger, product_id)} == {"embed"}
    assert {image.fingerprint for image in pictures(ledger, product_id)} == {""}


def test_pictures_are_replaced_added_and_taken_out(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    settle(ledger)
    first, second = pictures(ledger, product_id)
    arrange(ledger, shop, product_id, 1, Shown(source=C), Shown(second.id), Shown(first.id))
    new, same, moved = pictures(ledger, product_id)
    assert (new.source, new.sha256, new.queue) == (C, None, "images")
    assert (same.source, same.queue, same.fingerprint) == (B, "index", "f" * 64)
    assert (moved.source, moved.sha256, moved.queue) == (A, "s", "embed")
    arrange(ledger, shop, product_id, 2, Shown(moved.id))
    assert [image.source for image in pictures(ledger, product_id)] == [A]
    with ledger() as session:
        assert session.query(Image).filter_by(removed=True, state="queued", queue="index").count() == 2


def test_pictures_that_cannot_be(ledger: Sessions, shop: int) -> None:
    one, other = save(ledger, shop, DRESS, replace(DRESS, sku="d-2"))
    theirs = Shown(pictures(ledger, other)[0].id)
    for wanted, code in (
        ([], "pictures-count"),
        ([Shown(source=C)] * 12, "pictures-count"),
        ([theirs], "picture-gone"),
    ):
        with pytest.raises(PicturesRefused) as refused:
            arrange(ledger, shop, one, 1, *wanted)
        assert refused.value.code == code
    with pytest.raises(ItemOvertaken):
        arrange(ledger, shop, one, 9, Shown(source=C))


def test_a_feed_leaves_locked_pictures_alone(ledger: Sessions, shop: int) -> None:
    (product_id,) = save(ledger, shop, DRESS)
    settle(ledger)
    arrange(ledger, shop, product_id, 1, Shown(source=C), keep=True)
    save(ledger, shop, replace(DRESS, colour="blue"))
    assert [image.source for image in pictures(ledger, product_id)] == [C]
    edit(ledger, shop, product_id, 3, frozenset())
    save(ledger, shop, replace(DRESS, colour="blue"))
    assert [image.source for image in pictures(ledger, product_id)] == [A, B]


def test_many_are_hidden_shown_deleted_and_brought_back(ledger: Sessions, shop: int) -> None:
    ids = save(ledger, shop, *(replace(DRESS, sku=f"p-{n}") for n in range(5)))
    settle(ledger)
    acted = act_on(ledger, shop, Act("hide"), [*ids[:3], 10**6])
    assert (acted.changed, acted.same) == (3, 0)
    again = act_on_matching(ledger, shop, Act("hide"), ItemFilter())
    assert (again.changed, again.same, again.below) == (2, 3, None)
    with ledger() as session:
        assert {(image.state, image.queue) for image in session.scalars(select(Image))} == {
            ("queued", "index")
        }
        assert {product.rev for product in session.scalars(select(Product))} == {2}
    settle(ledger, "hidden", fingerprint="")
    assert act_on(ledger, shop, Act("show"), ids).changed == 5
    with ledger() as session:
        assert {image.queue for image in session.scalars(select(Image))} == {"embed"}
    assert act_on(ledger, shop, Act("delete"), ids[:2]).changed == 2
    assert len(listed(ledger, shop)) == 3
    with ledger() as session:
        assert {product.id for product in deleted_items(session, shop)} == set(ids[:2])
    assert act_on(ledger, shop, Act("undelete"), ids).changed == 2
    assert len(listed(ledger, shop)) == 5


def test_a_run_over_all_goes_on_where_its_time_was_over(
    ledger: Sessions, shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.items.acts.AT_ONCE", 2)
    save(ledger, shop, *(replace(DRESS, sku=f"p-{n}") for n in range(5)))
    act, wanted = Act("availability", "preorder"), ItemFilter(availability="in_stock")
    first = act_on_matching(ledger, shop, act, wanted, budget_s=0)
    assert first.changed == 2 and first.below is not None
    rest = act_on_matching(ledger, shop, act, wanted, below=first.below)
    assert (rest.changed, rest.below) == (3, None)
    assert listed(ledger, shop, availability="in_stock") == []
    assert not unchanged(ledger, shop, replace(DRESS, sku="p-1"))


def test_only_what_failed_is_tried_again(ledger: Sessions, shop: int, stocked: list[int]) -> None:
    acted = act_on(ledger, shop, Act("retry"), stocked)
    assert (acted.changed, acted.same) == (1, 5)
    with ledger() as session:
        item = find_item(session, shop, stocked[4])
        assert item is not None and item.state == "queued" and item.product.rev == 1
        assert [(image.queue, image.error_code) for image in item.images] == [("embed", "")] * 2
        assert count_items(session, shop)["live"] == 1


def test_what_cannot_be_done_is_refused() -> None:
    for name, value in (("burn", ""), ("availability", ""), ("availability", "maybe")):
        with pytest.raises(ValueError, match="Nothing that can be done"):
            Act(name, value)


def test_items_with_a_hint_are_listed_until_it_is_dismissed(
    ledger: Sessions, shop: int, stocked: list[int]
) -> None:
    with ledger.begin() as session:
        session.add(ItemHint(merchant_id=shop, product_id=stocked[3], code="blurred"))
    assert listed(ledger, shop, hint="blurred") == ["live"]
    with ledger.begin() as session:
        item = find_item(session, shop, stocked[3])
        assert item is not None and item.hints == ("blurred",)
        session.execute(update(ItemHint).values(dismissed=True))
    assert listed(ledger, shop, hint="blurred") == []
