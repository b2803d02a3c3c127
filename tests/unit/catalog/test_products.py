from dataclasses import replace

import pytest
from sqlalchemy import select

from catalog.database import Sessions
from catalog.models import BULK, EDIT, SUSPECT, Image, Product
from catalog.products import (
    content_hashes,
    delete_product,
    ensure_merchant,
    find_product,
    get_products,
    hide_product,
    purge_image,
    purge_product,
    retry_failed,
    save_product,
    save_products,
    tombstones,
)
from catalog.records import ProductRecord

A, B, C = (f"incoming:{letter * 64}" for letter in "abc")
DRESS = ProductRecord(
    sku="d1", title="Dress", images=(A, B), colour="red", price_minor=1500, attributes={"fit": "slim"}
)


def save(ledger: Sessions, shop: int, record: ProductRecord) -> str:
    with ledger.begin() as session:
        return save_product(session, shop, record)


def read(ledger: Sessions, shop: int, sku: str = "d1") -> Product:
    with ledger() as session:
        product = find_product(session, shop, sku)
        assert product is not None
        return get_products(session, [product.id], unseen=True)[product.id]


def mark_live(ledger: Sessions) -> None:
    """What the indexer does, in short."""
    with ledger.begin() as session:
        for image in session.scalars(select(Image)):
            image.state, image.sha256, image.width, image.attempts = "live", image.source[-64:], 10, 2
            image.fingerprint, image.indexed_rev, image.claimed_by = "f", image.product.rev, "w"


def test_a_new_product_is_queued(ledger: Sessions, shop: int) -> None:
    assert save(ledger, shop, DRESS) == "created"
    product = read(ledger, shop)
    assert (product.rev, product.item_group_id, product.colour, product.brand) == (1, "d1", "red", "")
    assert product.attributes == {"fit": "slim"} and product.created_at.tzinfo is not None
    assert [(i.position, i.source, i.state, i.sha256) for i in product.images] == [
        (0, A, "queued", None), (1, B, "queued", None),
    ]  # fmt: skip


def test_an_unchanged_product_costs_nothing(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    before = read(ledger, shop)
    assert save(ledger, shop, replace(DRESS, row=99)) == "unchanged"
    after = read(ledger, shop)
    assert (after.rev, after.updated_at) == (1, before.updated_at)
    assert [image.state for image in after.images] == ["live", "live"]


def test_a_change_of_words_keeps_the_decoded_images(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    assert save(ledger, shop, replace(DRESS, colour="blue")) == "updated"
    product = read(ledger, shop)
    assert product.rev == 2
    for image in product.images:
        assert (image.state, image.attempts, image.claimed_by) == ("queued", 0, None)
        assert image.sha256 == image.source[-64:] and image.indexed_rev == 1


def test_a_new_source_forgets_what_was_decoded(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    save(ledger, shop, replace(DRESS, images=(C, B)))
    first, second = read(ledger, shop).images
    assert (first.source, first.sha256, first.width) == (C, None, None)
    assert second.sha256 == "b" * 64


def test_a_removed_image_is_a_tombstone_until_it_is_purged_or_comes_back(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    save(ledger, shop, replace(DRESS, images=(A,)))
    assert [image.position for image in read(ledger, shop).images] == [0]
    with ledger() as session:
        gone = session.scalars(select(Image).where(Image.removed)).one()
        assert (gone.position, gone.state) == (1, "queued")
    save(ledger, shop, DRESS)
    assert len(read(ledger, shop).images) == 2
    with ledger.begin() as session:
        assert not purge_image(session, gone.id)
    save(ledger, shop, replace(DRESS, images=(A,)))
    with ledger.begin() as session:
        assert purge_image(session, gone.id)
        assert len(session.scalars(select(Image)).all()) == 1


def test_a_deleted_product_is_a_tombstone_and_can_be_purged(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    with ledger.begin() as session:
        assert delete_product(session, shop, "d1") and not delete_product(session, shop, "d1")
        assert not delete_product(session, shop, "none")
        assert find_product(session, shop, "d1") is None
    with ledger() as session:
        (dead,) = tombstones(session)
        assert dead.rev == 2 and [image.state for image in dead.every_image] == ["queued", "queued"]
        assert get_products(session, [dead.id]) == {} and content_hashes(session, shop, ["d1"]) == {}
    with ledger.begin() as session:
        assert not purge_product(session, dead.id, rev=1)
        assert purge_product(session, dead.id, rev=2)
        assert session.scalars(select(Image)).all() == []


def test_a_deleted_product_comes_back_with_a_newer_rev(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    before = read(ledger, shop)
    with ledger.begin() as session:
        delete_product(session, shop, "d1")
    assert save(ledger, shop, DRESS) == "created"
    after = read(ledger, shop)
    assert (after.id, after.rev, after.deleted_at) == (before.id, 3, None)
    with ledger.begin() as session:
        assert not purge_product(session, after.id, rev=2)


def test_the_id_of_a_purged_product_is_never_given_again(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    old = read(ledger, shop)
    with ledger.begin() as session:
        delete_product(session, shop, "d1")
        purge_product(session, old.id, rev=2)
    save(ledger, shop, DRESS)
    assert read(ledger, shop).id > old.id


def test_a_hidden_product_is_not_for_shoppers(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    mark_live(ledger)
    with ledger.begin() as session:
        assert hide_product(session, shop, "d1") and not hide_product(session, shop, "none")
    product = read(ledger, shop)
    assert product.hidden and product.rev == 2 and product.images[0].state == "queued"
    with ledger.begin() as session:
        assert get_products(session, [product.id]) == {}
        hide_product(session, shop, "d1", hidden=False)
        hide_product(session, shop, "d1", hidden=False)
    assert read(ledger, shop).rev == 3


def test_failed_images_can_be_tried_again(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    with ledger.begin() as session:
        for image in session.scalars(select(Image)):
            image.state, image.error_code, image.attempts = "failed", "image-http-404", 3
    with ledger.begin() as session:
        assert retry_failed(session, shop) == 2
    assert {(i.state, i.error_code, i.attempts) for i in read(ledger, shop).images} == {("queued", "", 0)}


def test_shops_do_not_see_each_other(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        assert ensure_merchant(session, "other").id == other != shop
    save(ledger, shop, DRESS)
    with ledger.begin() as session:
        assert find_product(session, other, "d1") is None
        assert not delete_product(session, other, "d1") and not hide_product(session, other, "d1")
        assert retry_failed(session, other) == 0 and content_hashes(session, other, ["d1"]) == {}
    assert save(ledger, other, DRESS) == "created"


@pytest.mark.parametrize("images", [(), ("photo.jpg",), ("file:///etc/passwd",), (A,) * 12])
def test_only_sources_are_taken(ledger: Sessions, shop: int, images: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="image"):
        save(ledger, shop, replace(DRESS, images=images))


def test_a_batch_reads_in_a_constant_number_of_queries(ledger: Sessions, shop: int) -> None:
    from sqlalchemy import event

    records = [replace(DRESS, sku=f"s{n}") for n in range(50)]
    with ledger.begin() as session:
        save_products(session, shop, records)
    seen: list[str] = []
    engine = ledger.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    with ledger.begin() as session:
        outcomes = save_products(session, shop, [replace(each, size="M") for each in records])
    assert {outcome for _, outcome in outcomes} == {"updated"}
    assert sum(statement.startswith("SELECT") for statement in seen) == 3  # the shop's currency, too
    seen.clear()
    with ledger() as session:
        products = get_products(session, [product.id for product, _ in outcomes])
        assert sum(len(product.images) for product in products.values()) == 100
    assert sum(statement.startswith("SELECT") for statement in seen) == 2


def stages(ledger: Sessions, shop: int) -> list[tuple[str, int]]:
    """(queue, priority) of each image of the dress, removed ones too."""
    with ledger() as session:
        rows = session.scalars(select(Image).order_by(Image.position))
        return [(image.queue, image.priority) for image in rows if image.state == "queued"]


def test_a_change_is_queued_for_the_first_stage_that_has_something_to_do(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    assert stages(ledger, shop) == [("images", EDIT)] * 2
    mark_live(ledger)
    save(ledger, shop, replace(DRESS, colour="blue"))
    assert stages(ledger, shop) == [("index", EDIT)] * 2
    mark_live(ledger)
    save(ledger, shop, replace(DRESS, images=(C,)))
    assert stages(ledger, shop) == [("images", EDIT), ("index", EDIT)]  # new bytes; a removed position
    mark_live(ledger)
    with ledger.begin() as session:
        hide_product(session, shop, "d1")
    assert stages(ledger, shop) == [("index", EDIT)] * 2
    with ledger.begin() as session:  # as the indexer leaves what is hidden
        for image in session.scalars(select(Image)):
            image.state, image.fingerprint = "hidden", ""
        hide_product(session, shop, "d1", hidden=False)
    assert stages(ledger, shop)[0] == ("embed", EDIT)
    with ledger.begin() as session:
        delete_product(session, shop, "d1")
    assert stages(ledger, shop) == [("index", EDIT)] * 2


def test_an_edit_raises_what_an_import_has_queued_never_the_other_way(ledger: Sessions, shop: int) -> None:
    def imported(record: ProductRecord, priority: int) -> list[tuple[str, int]]:
        with ledger.begin() as session:
            save_product(session, shop, record, priority)
        return stages(ledger, shop)

    assert imported(DRESS, BULK) == [("images", BULK)] * 2
    assert imported(replace(DRESS, size="M"), EDIT) == [("images", EDIT)] * 2
    assert imported(replace(DRESS, size="L"), BULK) == [("images", EDIT)] * 2
    with ledger.begin() as session:  # in hand, and of a worker that died over it
        first, second = session.scalars(select(Image).order_by(Image.position))
        first.state, second.priority = "fetching", EDIT + SUSPECT
    assert imported(replace(DRESS, size="S"), BULK) == [("images", EDIT)] * 2
    mark_live(ledger)
    assert imported(replace(DRESS, size="XL"), BULK) == [("index", BULK)] * 2  # it waited for nothing


def test_failed_images_are_queued_where_they_failed(ledger: Sessions, shop: int) -> None:
    save(ledger, shop, DRESS)
    with ledger.begin() as session:
        for image in session.scalars(select(Image)):
            image.state, image.sha256 = "failed", "a" * 64 if image.position else None
        assert retry_failed(session, shop) == 2
    assert [queue for queue, _ in stages(ledger, shop)] == ["images", "embed"]
