"""The ledger's pipeline over real SQLite, a real decoder and a real engine process."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select, update

from benchmarks.indexing_shop import Pixels, PlainEncoder, Shop, encoded, picture, pixels
from catalog.identity import point_id
from catalog.models import Image, Product
from catalog.products import delete_product, hide_product
from catalog.site import read_site
from indexer import ledger, sweeper
from indexer.mending import repair
from indexer.reindex import enqueue_reindex
from vectors.protocol import CollectionMissing, VectorStoreUnavailable


class Interrupted(PlainEncoder):
    """An encoder that lets something else happen, once, in the middle of a batch."""

    meanwhile: Callable[[], object] | None = None

    def encode_images(self, pixels: Sequence[Pixels]) -> NDArray[np.float32]:
        """B pictures -> (B, D)."""
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        return super().encode_images(pixels)


def meanwhile(shop: Shop, happening: Callable[[], object]) -> None:
    """Have it happen while the next batch is embedded."""
    assert isinstance(shop.encoder, Interrupted)
    shop.encoder.meanwhile = happening


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The engine that the shops of this module share; each has a collection of its own."""
    keeper = Shop(tmp_path_factory.mktemp("engine"))
    keeper.start_engine()
    yield keeper
    keeper.close()


@pytest.fixture
def shop(tmp_path: Path, engine: Shop) -> Iterator[Shop]:
    made = Shop(tmp_path, Interrupted(secrets.token_hex(8)), engine.socket, engine.decoder)
    yield made
    for ref in read_site(made.sessions).maintained:
        made.store.drop(ref.collection)
    made.close()


def drain(shop: Shop, **options: object) -> int:
    pipeline = shop.pipelines[0] if shop.pipelines else shop.pipeline(**options)
    handled = 0
    while done := pipeline.step():
        handled += done
    return handled


def images(shop: Shop) -> list[Image]:
    with shop.sessions() as session:
        return list(session.scalars(select(Image).order_by(Image.id)))


def points(shop: Shop) -> dict[str, dict[str, object]]:
    return dict(shop.store.scroll(shop.collection))


def test_an_image_goes_live_with_its_point_blob_and_rev(shop: Shop) -> None:
    shop.put("A", picture(1), picture(2), colour="Red/White", category="Women > Dresses", price_minor=4900)
    assert drain(shop) == 2
    main, second = images(shop)
    assert (main.state, main.indexed_rev, main.attempts) == ("live", 1, 0)
    assert (main.width, main.height, main.fingerprint) == (160, 160, shop.encoder.fingerprint)
    assert shop.blobs.has(str(main.sha256)) and shop.blobs.has(str(second.sha256))
    assert list(shop.incoming) == []
    said = points(shop)[point_id(shop.merchant, "A", 0)]
    assert said["colour"] == ["red", "white"] and said["category"] == ["women", "women > dresses"]
    assert (said["price"], said["rev"], said["front"], said["position"]) == (4900, 1, 1, 0)
    assert shop.differences() == []


def test_what_is_said_changes_without_embedding_again(shop: Shop) -> None:
    shop.put("A", picture(1), title="Dress")
    drain(shop)
    embedded = shop.encoder.embedded
    assert shop.put("A", picture(1), title="Dress", brand="Acme") == "updated"
    drain(shop)
    assert shop.encoder.embedded == embedded
    said = points(shop)[point_id(shop.merchant, "A", 0)]
    assert (said["brand"], said["rev"]) == ("acme", 2)
    assert list(shop.incoming) == [] and shop.differences() == []


def test_the_sizes_of_a_garment_are_decoded_and_embedded_once(shop: Shop) -> None:
    for size in ("S", "M", "L"):
        shop.put(f"A-{size}", picture(1), size=size, item_group_id="A")
    drain(shop)
    shop.put("A-XL", picture(1), size="XL", item_group_id="A")
    drain(shop)
    assert shop.encoder.embedded == 1
    assert len(points(shop)) == 4 and {image.width for image in images(shop)} == {160}
    assert shop.differences() == []


def test_a_new_picture_is_embedded_anew(shop: Shop) -> None:
    shop.put("A", picture(1))
    drain(shop)
    before = shop.store.vectors(shop.collection, [point_id(shop.merchant, "A", 0)])
    shop.put("A", picture(2))
    drain(shop)
    after = shop.store.vectors(shop.collection, [point_id(shop.merchant, "A", 0)])
    assert float(np.dot(*before.values(), *after.values())) < 0.9
    old = [each.kind for each in shop.differences()]
    assert old == ["orphan-blob"]
    assert sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0) == 1
    assert shop.differences() == []


def test_a_dropped_position_loses_its_point(shop: Shop) -> None:
    shop.put("A", picture(1), picture(2), picture(3))
    drain(shop)
    shop.put("A", picture(1))
    drain(shop)
    assert set(points(shop)) == {point_id(shop.merchant, "A", 0)}
    assert len(images(shop)) == 1
    shop.put("A", picture(1), picture(2))
    drain(shop)
    assert len(points(shop)) == 2


def test_hidden_leaves_the_index_and_comes_back(shop: Shop) -> None:
    shop.put("A", picture(1))
    drain(shop)
    with shop.sessions.begin() as session:
        hide_product(session, shop.merchant, "A")
    drain(shop)
    assert points(shop) == {} and images(shop)[0].state == "hidden" and shop.differences() == []
    with shop.sessions.begin() as session:
        hide_product(session, shop.merchant, "A", hidden=False)
    drain(shop)
    assert len(points(shop)) == 1 and shop.differences() == []


def test_deleted_leaves_the_index_then_the_ledger_then_the_disk(shop: Shop) -> None:
    shop.put("A", picture(1))
    shop.put("B", picture(1))
    drain(shop)
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "A")
    drain(shop)
    assert set(points(shop)) == {point_id(shop.merchant, "B", 0)}
    assert sweeper.purge(shop.sessions, shop.store, read_site(shop.sessions), grace_s=3600) == 0
    assert sweeper.purge(shop.sessions, shop.store, read_site(shop.sessions), grace_s=0) == 1
    assert [image.product_id for image in images(shop)] == [2]
    assert sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0) == 0  # B shares it
    assert shop.differences() == []


def test_deleted_and_imported_again_lives(shop: Shop) -> None:
    shop.put("A", picture(1))
    drain(shop)
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "A")
    shop.put("A", picture(1))
    drain(shop)
    assert images(shop)[0].state == "live" and shop.differences() == []


def test_a_product_that_moves_on_while_indexed_is_not_live_before_its_new_rev_is(shop: Shop) -> None:
    shop.put("A", picture(1), title="Old")
    pipeline = shop.pipeline()
    meanwhile(shop, lambda: shop.put("A", picture(1), title="New", brand="Late"))
    pipeline.images(32)
    assert pipeline.embed(32).live == 0
    assert images(shop)[0].state == "queued"
    drain(shop)
    assert images(shop)[0].indexed_rev == 2
    assert points(shop)[point_id(shop.merchant, "A", 0)]["brand"] == "late"
    assert shop.differences() == []


def delete(shop: Shop, sku: str) -> None:
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, sku)


def test_what_is_deleted_while_embedded_leaves_no_point(shop: Shop) -> None:
    shop.put("A", picture(1), picture(2))
    pipeline, other = shop.pipeline(), shop.pipeline("another:2")

    def gone() -> None:
        delete(shop, "A")
        while other.step():
            pass

    meanwhile(shop, gone)
    pipeline.images(32)
    assert pipeline.embed(32).live == 0
    assert points(shop) == {} and shop.differences() == []


def test_what_is_deleted_while_claimed_leaves_no_point(shop: Shop) -> None:
    shop.put("A", picture(1), picture(2))
    pipeline = shop.pipeline()
    assert len(pipeline.claims.take("images", 1)) == 1
    delete(shop, "A")
    while shop.pipeline("another:2").step():
        pass
    assert points(shop) == {} and shop.differences() == []


@pytest.mark.parametrize("gone", [False, True])
def test_a_claim_that_read_an_older_product_is_queued_again(shop: Shop, gone: bool) -> None:
    """Whatever a database's isolation lets a claim read: only the rev that is the product's now goes live."""
    shop.put("A", picture(1))
    pipeline = shop.pipeline()
    pipeline.images(32)
    (job,) = pipeline.claims.take("embed", 1)
    with shop.sessions.begin() as session:  # the change of a product, but for the claim that it would clear
        session.execute(update(Product).values(rev=2, title="Newer"))
    site = read_site(shop.sessions)
    if gone:
        ledger.mark_gone(shop.sessions, [job], site)
    else:
        assert ledger.mark_live(shop.sessions, [job], site) == [job]
    assert [(image.state, image.claimed_by) for image in images(shop)] == [("queued", None)]
    drain(shop)
    assert points(shop)[job.point_id]["rev"] == 2 and shop.differences() == []


def test_a_broken_image_fails_alone_and_says_why(shop: Shop) -> None:
    shop.put("good", picture(1))
    shop.put("cut", picture(2)[:900])
    shop.put("text", b"this is no picture at all, whatever its name says")
    drain(shop)
    rows = {image.source.removeprefix("incoming:")[:8]: image for image in images(shop)}
    states = [image.state for image in rows.values()]
    assert states == ["live", "failed", "failed"]
    for image in list(rows.values())[1:]:
        assert image.error_code.startswith("image-") and image.error_message.endswith(".")
    assert shop.differences() == []


def test_a_failed_replacement_takes_the_old_picture_out(shop: Shop) -> None:
    shop.put("A", picture(1))
    drain(shop)
    shop.put("A", picture(2)[:900])
    drain(shop)
    assert images(shop)[0].state == "failed" and points(shop) == {}
    shop.put("A", picture(3))
    drain(shop)
    assert images(shop)[0].state == "live" and len(points(shop)) == 1


def test_poison_is_isolated_and_given_up_while_the_others_go_live(shop: Shop) -> None:
    for number in range(40):
        shop.put(f"S{number}", picture(number))
    poisoned = f"incoming:{shop.incoming.put(picture(7))}"
    pipeline, deaths = shop.pipeline(), 0
    claims = pipeline.claims
    for _ in range(60):  # each round is one life of a worker that dies over the poison
        jobs = claims.take("images", 32) or claims.take_suspect("images")
        if not jobs:
            break
        if any(job.image.source == poisoned for job in jobs):
            deaths += 1
            sweeper.release_worker(shop.sessions, "tester:1")
        else:
            ledger.release(shop.sessions, jobs)
            with shop.sessions.begin() as session:  # let this life handle just what it could claim
                hold = update(Image).where(Image.source == poisoned, Image.state == "queued")
                session.execute(hold.values(state="fetching", claimed_by="held/1"))
            pipeline.step()
            with shop.sessions.begin() as session:
                session.execute(
                    update(Image).where(Image.claimed_by == "held/1").values(state="queued", claimed_by=None)
                )
    drain(shop)
    assert deaths == sweeper.POISON_DEATHS
    failed = [image for image in images(shop) if image.state == "failed"]
    assert [(image.source, image.error_code) for image in failed] == [(poisoned, "poison")]
    assert sum(image.state == "live" for image in images(shop)) == 39
    assert shop.differences() == []


def test_an_engine_that_is_away_costs_nothing_but_time(shop: Shop, engine: Shop) -> None:
    shop.put("A", picture(1))
    pipeline = shop.pipeline()
    assert engine.engine is not None
    engine.engine.stop()
    assert pipeline.images(32).passed == 1  # bytes need no engine
    with pytest.raises(VectorStoreUnavailable):
        pipeline.embed(32)
    (image,) = images(shop)
    assert (image.state, image.queue, image.attempts, image.error_code) == ("queued", "embed", 0, "")
    engine.start_engine()
    assert drain(shop) == 1 and shop.differences() == []


def test_reindexing_reads_vectors_back(shop: Shop) -> None:
    shop.put("A", picture(1))
    shop.put("B", picture(2))
    drain(shop)
    assert enqueue_reindex(shop.sessions, shop.merchant) == 2
    drain(shop)
    assert shop.encoder.embedded == 2 and shop.differences() == []


def test_a_lost_index_is_made_and_filled_again(shop: Shop) -> None:
    shop.put("A", picture(1))
    shop.put("B", picture(2))
    drain(shop)
    shop.store.drop(shop.collection)
    shop.put("A", picture(1), title="Said anew")
    with pytest.raises(CollectionMissing):
        drain(shop)
    drain(shop)
    assert len(points(shop)) == 2 and shop.differences() == []


def test_the_doctor_sees_each_kind_of_difference_and_repairs_it(shop: Shop) -> None:
    for sku in "ABCDEFG":
        shop.put(sku, picture(ord(sku)))
    drain(shop)
    collection = shop.collection
    rows = {image.product_id: image for image in images(shop)}
    shop.store.delete(collection, [point_id(shop.merchant, "A", 0)])
    shop.blobs.delete(str(rows[2].sha256))
    shop.blobs.put("f" * 64, dict.fromkeys((160, 480, 1200), b"x"))
    shop.incoming.put(b"nobody wants this")
    with shop.sessions.begin() as session:
        session.execute(update(Image).where(Image.product_id == 3).values(fingerprint=""))
        session.execute(update(Image).where(Image.product_id == 4).values(indexed_rev=9))
        session.execute(update(Image).where(Image.product_id == 5).values(state="fetching"))
        session.execute(update(Product).where(Product.id == 6).values(sku="F2"))
    kinds = sorted(each.kind for each in shop.differences())
    assert kinds == [  # F's point has lost its row, and its row its point
        "extra-point", "missing-blob", "missing-point", "missing-point", "no-fingerprint", "orphan-blob",
        "orphan-incoming", "stuck-claim", "wrong-rev",
    ]  # fmt: skip
    for each in repair(shop.sessions, shop.blobs, shop.incoming, shop.store, age_s=0):
        assert each.detail.endswith(".") and each.fix.endswith(".")
    shop.put("B", picture(99))  # its bytes were lost for good
    drain(shop)
    assert [each.kind for each in shop.differences()] == []


def test_repairing_leaves_the_bytes_of_an_import_that_is_running(shop: Shop) -> None:
    shop.pipeline()
    about_to_be_named = shop.incoming.put(picture(7))
    (found,) = repair(shop.sessions, shop.blobs, shop.incoming, shop.store)
    assert found.kind == "orphan-incoming" and list(shop.incoming) == [about_to_be_named]


def test_what_a_killed_writer_left_unfinished_is_cleared_away_in_time(shop: Shop) -> None:
    cut, writing = shop.incoming.root / ".new-cut", shop.blobs.root / ".new-writing"
    folder = shop.blobs.root / ".new-folder"
    for each in (cut.parent, folder, writing):
        each.mkdir(parents=True, exist_ok=True)
    cut.touch()
    (folder / "480.webp").touch()
    for each in (cut, folder):
        os.utime(each, (1, 1))
    assert sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0) == 2
    assert (cut.exists(), folder.exists(), writing.exists()) == (False, False, True)


def test_a_feed_with_a_transparent_and_a_rotated_picture_is_found_by_either(shop: Shop) -> None:
    shop.put("png", encoded(pixels(5), "PNG"))
    shop.put("webp", encoded(pixels(6), "WEBP"))
    assert drain(shop) == 2
    assert {image.state for image in images(shop)} == {"live"}
