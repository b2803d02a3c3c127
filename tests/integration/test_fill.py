"""Filling an index while the shop lives on: real ledger, real engine, real process to be killed."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from benchmarks.indexing_shop import PlainEncoder, PlainPacks, Shop, picture
from catalog.fills import fill_progress
from catalog.identity import point_id
from catalog.models import Image, Product
from catalog.operations import FillRange, VectorIndex
from catalog.products import delete_product, hide_product
from catalog.site import IndexRef, read_site
from indexer.fill import Filler
from indexer.fill_begin import begin_fill
from indexer.pipeline import Pipeline
from tests.support.fill_worker import LIVE, NEXT, filler, packs
from vectors.protocol import Point

ITEMS = 24  # and 6 second pictures: 30 images


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One engine and one decoder for all shops of this module."""
    made = Shop(tmp_path_factory.mktemp("engine"), PlainEncoder(LIVE))
    made.start_engine()
    yield made
    made.close()


@pytest.fixture
def shop(engine: Shop, tmp_path: Path) -> Iterator[Shop]:
    """A shop of its own, indexed for the live pack; the collections are emptied before."""
    for name in engine.store.collections():
        engine.store.drop(name)
    made = Shop(tmp_path, PlainEncoder(LIVE), engine.socket, engine.decoder)
    made.packs = packs()  # type: ignore[assignment]
    for number in range(ITEMS):
        made.put(f"S{number}", picture(number), *([picture(number + 500)] if number % 4 == 0 else []))
    work(made.pipeline())
    yield made
    made.close()


def work(*workers: Pipeline | Filler) -> int:
    handled = 0
    while more := sum(each.step() for each in workers):
        handled += more
    return handled


def begin(shop: Shop, rate: float | None = None) -> IndexRef:
    given = {"fingerprint": NEXT, "pack": "next", "dimension": 32}
    return begin_fill(shop.sessions, shop.store, rate=rate, **given)  # type: ignore[arg-type]


def state(shop: Shop) -> str:
    return next(each.state for each in read_site(shop.sessions).indexes if each.fingerprint == NEXT)


def held(shop: Shop, collection: str) -> dict[str, int]:
    """{point: rev}"""
    return {point: int(said["rev"]) for point, said in shop.store.scroll(collection, limit=1000)}  # type: ignore[arg-type]


def wanted(shop: Shop) -> dict[str, int]:
    """{point: rev} that every index must hold."""
    with shop.sessions() as session:
        rows = session.scalars(select(Image).where(Image.state == "live"))
        return {
            point_id(row.product.merchant_id, row.product.sku, row.position): row.indexed_rev for row in rows
        }


def assert_filled(shop: Shop, index: IndexRef) -> None:
    assert state(shop) == "ready"
    assert held(shop, index.collection) == held(shop, shop.collection) == wanted(shop)


def test_a_filled_index_holds_what_the_pipeline_would_have_written(shop: Shop) -> None:
    index = begin(shop)
    with shop.sessions() as session:
        before = fill_progress(session, index.id)
    assert (before.total, before.done, before.comparing) == (30, 0, False)
    work(filler(shop))
    assert_filled(shop, index)
    shop.store.drop(index.collection)
    pipeline = shop.pipeline("another:1")  # makes the lost collection and queues everything
    work(pipeline)
    ids = list(wanted(shop))
    written, filled = shop.store.vectors(index.collection, ids), {}
    for number in range(ITEMS):
        rows = PlainEncoder(NEXT, dimension=32).encode_images(
            [pixels_of(shop, f"S{number}", position) for position in positions(number)]
        )
        for position, row in zip(positions(number), rows, strict=True):
            filled[point_id(shop.merchant, f"S{number}", position)] = row
    assert written.keys() == filled.keys()
    for point, row in filled.items():
        assert float(row @ written[point]) > 0.99
    with shop.sessions() as session:
        after = fill_progress(session, index.id)
    assert after.done == after.total


def positions(number: int) -> list[int]:
    return [0, 1] if number % 4 == 0 else [0]


def pixels_of(shop: Shop, sku: str, position: int) -> "np.ndarray":
    from indexer.fill_pixels import stored_pixels

    with shop.sessions() as session:
        where = select(Image.sha256).join(Image.product).where(Product.sku == sku, Image.position == position)
        found = stored_pixels(shop.blobs, str(session.scalar(where)))
    assert found is not None
    return found


def test_what_merchants_change_meanwhile_is_in_both(shop: Shop) -> None:
    index = begin(shop)
    pipeline, mine = shop.pipeline(), filler(shop, batch=4)
    mine.step()
    shop.put("S0", picture(0), picture(500), title="Edited before its turn or after")
    shop.put("S23", picture(39), title="Edited at the end")
    shop.put("S20", picture(777), picture(520))  # another picture
    shop.put("S21", picture(21), picture(778))  # one more
    shop.put("new", picture(900))
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "S5")
        hide_product(session, shop.merchant, "S22")
    work(pipeline, mine)
    assert_filled(shop, index)
    assert len(wanted(shop)) == 30 + 2 - 2
    there = held(shop, index.collection)
    assert there[point_id(shop.merchant, "S23", 0)] == 2
    assert point_id(shop.merchant, "S5", 0) not in there and point_id(shop.merchant, "S22", 0) not in there
    new = PlainEncoder(NEXT, dimension=32).encode_images([pixels_of(shop, "S20", 0)])[0]
    (row,) = shop.store.vectors(index.collection, [point_id(shop.merchant, "S20", 0)]).values()
    assert float(row @ new) > 0.99  # of the picture as it came; the rendition is a little less sharp


def test_an_edit_that_lands_between_reading_and_writing_is_written_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline has done with edit, hiding and deletion before the fill writes what it had read."""
    index = begin(shop)
    pipeline = shop.pipeline()
    upsert, edited = shop.store.upsert, []

    def slow(name: str, points: list[Point]) -> None:
        if name == index.collection and not edited:
            edited.append(True)
            shop.put("S1", picture(1), title="Edited just now")
            with shop.sessions.begin() as session:
                hide_product(session, shop.merchant, "S2")
                delete_product(session, shop.merchant, "S3")
            work(pipeline)
        upsert(name, points)

    monkeypatch.setattr(shop.store, "upsert", slow)
    mine = filler(shop)
    mine.step()
    there = held(shop, index.collection)
    assert there[point_id(shop.merchant, "S1", 0)] == 2
    assert not {point_id(shop.merchant, sku, 0) for sku in ("S2", "S3")} & there.keys()
    work(pipeline, mine)
    assert_filled(shop, index)


def test_what_differs_in_the_end_is_found_and_mended(shop: Shop) -> None:
    index = begin(shop)
    mine = filler(shop)
    while not progress_is_comparing(shop, index):
        mine.step()
    lost = point_id(shop.merchant, "S7", 0)
    shop.store.delete(index.collection, [lost])
    alien = Point(point_id(shop.merchant, "nobody", 0), unit(32), {"product": 9999, "position": 0, "rev": 1})
    shop.store.upsert(index.collection, [alien])
    with shop.sessions.begin() as session:  # as if a newer rev had been missed
        session.execute(update(Image).where(Image.id == 9).values(indexed_rev=2))
        session.execute(
            update(Product).where(Product.id == session.get_one(Image, 9).product_id).values(rev=2)
        )
    work(mine)
    there = held(shop, index.collection)
    assert state(shop) == "ready" and there == wanted(shop)
    with shop.sessions() as session:
        comparisons = select(FillRange).where(FillRange.last_image_id < FillRange.first_image_id)
        assert len(session.scalars(comparisons).all()) >= 2


def progress_is_comparing(shop: Shop, index: IndexRef) -> bool:
    with shop.sessions() as session:
        return fill_progress(session, index.id).comparing


def unit(size: int) -> "np.ndarray":
    return np.eye(1, size, dtype=np.float32)[0]


def test_a_lost_picture_is_counted_and_holds_nobody_up(shop: Shop) -> None:
    with shop.sessions() as session:
        sha256 = str(session.get_one(Image, 3).sha256)
    shop.blobs.path(sha256, 480).write_bytes(b"damaged")  # type: ignore[attr-defined]
    index = begin(shop)
    work(filler(shop))
    assert state(shop) == "ready" and len(held(shop, index.collection)) == 29
    with shop.sessions() as session:
        assert "1 pictures" in session.get_one(VectorIndex, index.id).message


def test_a_picture_that_no_model_takes_costs_itself_only(shop: Shop) -> None:
    class Picky(PlainEncoder):
        def encode_images(self, pixels: "Sequence[np.ndarray]") -> "np.ndarray":
            if any(int(image[0, 0, 0]) == odd for image in pixels):
                raise ValueError("not that one")
            return super().encode_images(pixels)

    index = begin(shop)
    odd = int(pixels_of(shop, "S9", 0)[0, 0, 0])
    mine = filler(shop)
    mine.packs = PlainPacks(Picky(NEXT, dimension=32))  # type: ignore[assignment]
    work(mine)
    left_out = wanted(shop).keys() - held(shop, index.collection).keys()
    assert state(shop) == "ready" and point_id(shop.merchant, "S9", 0) in left_out and len(left_out) < 5
    with shop.sessions() as session:
        assert f"{len(left_out)} pictures" in session.get_one(VectorIndex, index.id).message


def test_a_fill_keeps_to_its_rate_however_many_work(shop: Shop) -> None:
    begin(shop, rate=60.0)
    workers = [filler(shop, f"tester:{number}", batch=10) for number in (1, 2)]
    with shop.sessions.begin() as session:  # two pieces, so that both have one
        piece = session.scalars(select(FillRange)).one()
        piece.last_image_id = 15
        session.add(FillRange(index_id=piece.index_id, first_image_id=16, last_image_id=60))
    began = time.monotonic()
    while state(shop) == "filling":
        if not any(each.step() for each in workers):
            time.sleep(0.005)
    took = time.monotonic() - began
    assert took > 0.25, "30 images at 60 a second, the first batches at once"


def test_nothing_is_done_where_nothing_is_to_be_filled(shop: Shop) -> None:
    assert filler(shop).step() == 0
    assert begin(shop).state == "filling"
    work(filler(shop))
    assert begin(shop).state == "ready" and filler(shop).step() == 0


def test_a_worker_without_the_pack_leaves_the_fill_to_others(shop: Shop) -> None:
    from embedding.errors import PackRefused

    class Lacking(PlainPacks):
        def get(self, fingerprint: str) -> PlainEncoder:
            raise PackRefused("pack-not-at-hand", "It is not here.", "Put it here.")

    begin(shop)
    lacking = Filler(shop.sessions, shop.blobs, Lacking(), shop.store, "lacking:1")  # type: ignore[arg-type]
    assert lacking.step() == 0
    work(filler(shop))
    assert state(shop) == "ready"


def test_an_empty_shop_is_filled_at_once(engine: Shop, tmp_path: Path) -> None:
    for name in engine.store.collections():
        engine.store.drop(name)
    made = Shop(tmp_path, PlainEncoder(LIVE), engine.socket, engine.decoder)
    index = begin(made)
    work(filler(made))
    assert state(made) == "ready" and held(made, index.collection) == {}
    made.close()


def test_a_filler_that_is_killed_again_and_again_loses_nothing(shop: Shop) -> None:
    index = begin(shop)
    with shop.sessions.begin() as session:  # small pieces: more moments to be killed at
        piece = session.scalars(select(FillRange)).one()
        for first in range(4, 30, 4):
            session.add(FillRange(index_id=index.id, first_image_id=first + 1, last_image_id=first + 4))
        piece.last_image_id = 4
    rng = random.Random(4)
    command = [sys.executable, "-m", "tests.support.fill_worker", str(shop.root)]
    link = shop.root / "run" / "engine.sock"
    link.symlink_to(shop.socket)
    kills = 0
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0.005, 0.08))
            process.kill()
        kills += state(shop) == "filling"
    assert kills >= 2
    with shop.sessions() as session:
        claimed = session.scalars(select(FillRange).where(FillRange.claimed_by.is_not(None))).all()
        assert claimed, "no process was killed over a piece"
    work(filler(shop))
    assert_filled(shop, index)
