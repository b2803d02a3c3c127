"""The three stages over several indexes: what is written where, when, and what a death in between costs."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from benchmarks.bar import ROOT
from benchmarks.indexing_shop import PlainEncoder, Shop, picture
from catalog.identity import point_id
from catalog.models import BULK, Image
from catalog.products import delete_product, hide_product, save_product
from catalog.records import ProductRecord
from catalog.site import IndexRef, begin_drop, mark_ready, read_site, register, switch
from indexer import sweeper
from indexer.pipeline import Done, Pipeline
from indexer.queue import WakeFile
from indexer.runner import Rounds, run_forever
from tests.support.fill_worker import LIVE, NEXT, packs


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One engine and one decoder for all shops of this module."""
    made = Shop(tmp_path_factory.mktemp("engine"), PlainEncoder(LIVE))
    made.start_engine()
    yield made
    made.close()


@pytest.fixture
def shop(engine: Shop, tmp_path: Path) -> Iterator[Shop]:
    for name in engine.store.collections():  # making them anew would take a second each
        engine.store.delete(name, [key for key, _ in engine.store.scroll(name)])
    made = Shop(tmp_path, PlainEncoder(LIVE), engine.socket, engine.decoder)
    made.packs = packs()  # type: ignore[assignment]
    yield made
    made.close()


def add_index(shop: Shop, ready: bool = True) -> IndexRef:
    """A second index, of a pack of another dimension."""
    with shop.sessions.begin() as session:
        index = register(session, NEXT, "next", 32)
    if ready:
        with shop.sessions.begin() as session:
            index = mark_ready(session, index.id)
    return index


def work(pipeline: Pipeline) -> None:
    while pipeline.step():
        pass


def image(shop: Shop, sku: str, position: int = 0) -> Image:
    with shop.sessions() as session:
        rows = session.scalars(select(Image).where(Image.position == position))
        return next(row for row in rows if row.product.sku == sku)


def differences(shop: Shop) -> list[object]:
    """What the doctor says, but for the bytes that the hourly round would have cleared away."""
    sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0)
    return [each for each in shop.differences() if each.kind != "unknown-collection"]


def point(shop: Shop, sku: str, position: int = 0) -> str:
    return point_id(shop.merchant, sku, position)


def held(shop: Shop) -> list[dict[str, object]]:
    """Of each maintained index, the live one first: {point: rev}."""
    found = []
    for ref in read_site(shop.sessions).maintained:
        found.append({key: said["rev"] for key, said in shop.store.scroll(ref.collection)})
    return found


def change(shop: Shop, how: Callable[..., object], sku: str) -> None:
    with shop.sessions.begin() as session:
        how(session, shop.merchant, sku)


def count_encoded(shop: Shop) -> list[int]:
    return [shop.packs.get(name).embedded for name in (LIVE, NEXT)]  # type: ignore[union-attr]


@pytest.mark.parametrize("ready", [False, True])
def test_what_is_new_changed_or_gone_is_so_in_every_maintained_index(shop: Shop, ready: bool) -> None:
    add_index(shop, ready)
    shop.put("A", picture(1), picture(2))
    shop.put("B", picture(3))
    pipeline = shop.pipeline()
    work(pipeline)
    a, a2, b = point(shop, "A"), point(shop, "A", 1), point(shop, "B")
    assert held(shop) == [{a: 1, a2: 1, b: 1}] * 2
    assert count_encoded(shop) == [3, 3]
    assert image(shop, "A").fingerprint == LIVE
    shop.put("A", picture(1), picture(2), brand="Acme")
    shop.put("B", picture(4))
    work(pipeline)
    assert held(shop) == [{a: 2, a2: 2, b: 2}] * 2 and count_encoded(shop) == [4, 4]
    for ref in read_site(shop.sessions).maintained:
        expected = packs().get(ref.fingerprint).encode_images([_pixels(shop, "B")])[0]
        assert float(np.dot(shop.store.vectors(ref.collection, [b])[b], expected)) > 0.999
    change(shop, hide_product, "B")
    shop.put("A", picture(1), brand="Acme")
    work(pipeline)
    assert held(shop) == [{a: 3}] * 2
    change(shop, delete_product, "A")
    work(pipeline)
    assert held(shop) == [{}, {}] and differences(shop) == []


def _pixels(shop: Shop, sku: str) -> "np.ndarray":
    from catalog.pictures.decoder import read_rendition

    return read_rendition(shop.blobs.read(str(image(shop, sku).sha256), 480))


def test_an_edit_skips_an_index_that_is_filling_and_mends_one_that_is_ready(shop: Shop) -> None:
    shop.put("A", picture(1))
    pipeline = shop.pipeline()
    work(pipeline)
    index = add_index(shop, ready=False)
    shop.put("A", picture(1), brand="Acme")
    assert pipeline.index(8).live == 1
    assert held(shop) == [{point(shop, "A"): 2}, {}]  # the fill will bring it
    with shop.sessions.begin() as session:
        mark_ready(session, index.id)
    shop.put("A", picture(1), brand="Other")
    done = pipeline.index(8)
    assert (done.live, done.passed) == (0, 1) and image(shop, "A").queue == "embed"
    work(pipeline)
    assert held(shop) == [{point(shop, "A"): 3}] * 2 and differences(shop) == []
    assert count_encoded(shop) == [1, 1]  # the live index's vector was read back


def test_an_index_that_is_dropped_is_written_no_more(shop: Shop) -> None:
    index = add_index(shop)
    pipeline = shop.pipeline()
    with shop.sessions.begin() as session:
        begin_drop(session, index.id)
    shop.store.drop(index.collection)
    shop.put("A", picture(1))
    work(pipeline)
    assert image(shop, "A").state == "live" and index.collection not in shop.store.collections()


class Late(PlainEncoder):
    """An encoder in the middle of whose batch something else happens, once."""

    meanwhile: Callable[[], object] | None = None

    def encode_images(self, pixels: object) -> "np.ndarray":
        """B pictures -> (B, D)."""
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        return super().encode_images(pixels)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", ["registered", "ready", "switched"])
def test_a_batch_that_was_written_under_other_indexes_is_written_again(shop: Shop, event: str) -> None:
    index = None if event == "registered" else add_index(shop, ready=event == "switched")
    late = Late(LIVE)
    shop.packs.encoders[LIVE] = late
    shop.put("A", picture(1))
    pipeline = shop.pipeline()

    def happens() -> None:
        with shop.sessions.begin() as session:
            if index is None:
                register(session, NEXT, "next", 32)
            else:
                (mark_ready if event == "ready" else switch)(session, index.id)

    late.meanwhile = happens
    pipeline.images(8)
    assert pipeline.embed(8).live == 0
    waiting = image(shop, "A")
    assert (waiting.state, waiting.queue, waiting.claimed_by) == ("queued", "embed", None)
    work(pipeline)
    assert held(shop) == [{point(shop, "A"): 1}] * 2
    assert image(shop, "A").fingerprint == (NEXT if event == "switched" else LIVE)
    live = read_site(shop.sessions).live
    assert live is not None and shop.store.resolve("live") == live.collection
    assert differences(shop) == []


def test_what_is_taken_out_under_other_indexes_is_taken_out_again(shop: Shop) -> None:
    shop.put("A", picture(1), picture(2))
    pipeline = shop.pipeline()
    work(pipeline)
    index = add_index(shop)
    shop.put("A", picture(1))
    change(shop, hide_product, "A")
    delete = pipeline.indexes.delete
    pipeline.indexes.delete = lambda *given: (delete(*given), _switch(shop, index))  # type: ignore[method-assign, assignment]
    pipeline.index(8)
    pipeline.indexes.delete = delete  # type: ignore[method-assign]
    with shop.sessions() as session:
        assert {row.state for row in session.scalars(select(Image))} == {"queued"}
    work(pipeline)
    with shop.sessions() as session:
        assert [row.state for row in session.scalars(select(Image))] == ["hidden"]
    assert held(shop) == [{}, {}]


def _switch(shop: Shop, index: IndexRef) -> None:
    with shop.sessions.begin() as session:
        switch(session, index.id)


def test_lost_renditions_are_fetched_again_before_they_are_embedded(shop: Shop) -> None:
    shop.put("A", picture(1))
    shop.put("B", picture(2))
    pipeline = shop.pipeline(keep_pixels=False)
    pipeline.images(8)
    shop.blobs.delete(str(image(shop, "A").sha256))
    shop.incoming.put(picture(1))
    done = pipeline.embed(8)
    assert (done.live, done.passed) == (1, 1)
    work(pipeline)
    assert image(shop, "A").state == "live" and differences(shop) == []


def test_a_batch_to_embed_waits_to_be_full_but_not_for_an_edit(shop: Shop) -> None:
    def imported(number: int) -> None:
        source = f"incoming:{shop.incoming.put(picture(number))}"
        record = ProductRecord(sku=f"S{number}", title="T", images=(source,))
        with shop.sessions.begin() as session:
            save_product(session, shop.merchant, record, BULK)

    for number in range(4):
        imported(number)
    pipeline, decoder = shop.pipeline(), shop.pipeline("another:2")
    pipeline.images(2)
    threading.Timer(0.5, decoder.images, (2,)).start()
    assert pipeline.embed(4, wait_s=20).claimed == 4  # full, long before the time was up
    began = time.monotonic()
    for number in range(4, 6):
        imported(number)
    pipeline.images(1)
    assert pipeline.embed(4, wait_s=0.4).claimed == 1 and time.monotonic() - began >= 0.4
    shop.put("edit", picture(9))
    pipeline.images(1)  # edits go first
    began = time.monotonic()
    assert pipeline.embed(4, wait_s=20).claimed == 1 and time.monotonic() - began < 10
    pipeline.images(8)
    began = time.monotonic()
    assert pipeline.embed(4, wait_s=20).claimed == 1 and time.monotonic() - began < 10  # nothing follows


def test_every_stage_says_how_long_it_took_and_how_it_ended(shop: Shop) -> None:
    told: list[Done] = []
    shop.put("A", picture(1))
    shop.put("broken", picture(2)[:900])
    pipeline = shop.pipeline(report=told.append)
    work(pipeline)
    images, embed = told
    assert (images.claimed, images.passed, images.failed, images.failures) == (2, 1, 1, {"decode": 1})
    assert {"claim", "fetch", "decode", "store", "mark"} <= images.seconds.keys()
    assert (embed.claimed, embed.live) == (1, 1)
    assert {"claim", "embed", "upsert", "mark"} <= embed.seconds.keys()
    assert "decode" not in embed.seconds  # its pixels were in memory


class Slow(PlainEncoder):
    """A model that takes its time."""

    def encode_images(self, pixels: object) -> "np.ndarray":
        """B pictures -> (B, D)."""
        time.sleep(1.5)
        return super().encode_images(pixels)  # type: ignore[arg-type]


def test_a_small_edit_is_searchable_while_an_import_is_embedded(shop: Shop) -> None:
    shop.put("A", picture(1))
    work(shop.pipeline())
    for number in range(40):
        source = f"incoming:{shop.incoming.put(picture(100 + number))}"
        with shop.sessions.begin() as session:
            record = ProductRecord(sku=f"S{number}", title="T", images=(source,))
            save_product(session, shop.merchant, record, BULK)
    shop.packs.encoders[LIVE] = Slow(LIVE)
    stop, bell = threading.Event(), WakeFile(shop.root / "run" / "wake")
    given = {"bell": bell, "rounds": Rounds(lease=60)}
    indexer = threading.Thread(
        target=run_forever, args=(shop.pipeline("runner:1", batch=4), stop), kwargs=given
    )
    indexer.start()
    try:
        took = []
        for edit in range(3):
            time.sleep(0.7)
            began = time.monotonic()
            shop.put("A", picture(1), brand=f"Brand {edit}")
            bell.ring()
            while image(shop, "A").state != "live":
                assert time.monotonic() - began < 20
                time.sleep(0.02)
            took.append(time.monotonic() - began)
        assert min(took) < 1.2, took  # it waited for no batch: those take 1.5 s
        with shop.sessions() as session:
            waiting = session.scalars(select(Image).where(Image.state.in_(("queued", "fetching")))).all()
        assert len(waiting) > 10  # the import was still going on
    finally:
        stop.set()
        indexer.join(30)
    assert not indexer.is_alive()
    with shop.sessions() as session:
        assert not session.scalars(select(Image).where(Image.claimed_by.is_not(None))).all()


DEATHS = {
    "images claimed": ("indexer.acquire:Acquirer.acquire", "before", 1),
    "renditions kept": ("catalog.storage.folders:FolderBlobs.put", "after", 3),
    "renditions named": ("indexer.ledger:pass_on", "after", 1),
    "embedding": ("benchmarks.indexing_shop:PlainEncoder.encode_images", "before", 2),
    "in one index of two": ("vectors.edge.store:EdgeStore.upsert", "after", 1),
    "in both indexes": ("indexer.indexes:Indexes.write", "after", 1),
    "live": ("indexer.ledger:mark_live", "after", 2),
    "out of one index of two": ("vectors.edge.store:EdgeStore.delete", "after", 1),
    "out of both indexes": ("indexer.indexes:Indexes.delete", "after", 1),
    "gone": ("indexer.ledger:mark_gone", "after", 1),
}


def test_a_worker_that_is_killed_in_any_stage_loses_nothing(shop: Shop, engine: Shop) -> None:
    """One shop lives through all the deaths: each finds images new, changed, hidden and deleted."""
    add_index(shop)
    pipeline = shop.pipeline("another:1")
    for round_, (place, when, count) in enumerate(DEATHS.values()):
        for number in range(6):
            shop.put(f"old{number}-{round_}", picture(1000 * round_ + number))
        work(pipeline)
        for number in range(2):
            shop.put(f"old{number}-{round_}", picture(1000 * round_ + number), brand="Acme")
            change(shop, hide_product, f"old{number + 2}-{round_}")
        change(shop, delete_product, f"old4-{round_}")
        for number in range(12):
            shop.put(f"new{number}-{round_}", picture(1000 * round_ + 100 + number))
        command = [sys.executable, "-m", "tests.support.dying_worker", str(shop.root), str(engine.socket)]
        died = subprocess.run([*command, place, when, str(count)], cwd=ROOT, timeout=120, capture_output=True)
        assert died.returncode == -9, (place, died.stderr.decode()[-2000:])
        sweeper.release_dead(shop.sessions)
        work(pipeline)
        assert_nothing_lost(shop, round_)


def assert_nothing_lost(shop: Shop, rounds: int) -> None:
    found, hidden = set(), set()
    for round_ in range(rounds + 1):
        found |= {f"new{number}-{round_}" for number in range(12)}
        found |= {f"old{number}-{round_}" for number in (0, 1, 5)}
        hidden |= {f"old{number}-{round_}" for number in (2, 3, 4)}
    with shop.sessions() as session:
        states = {row.product.sku: row.state for row in session.scalars(select(Image))}
    assert states == {**dict.fromkeys(found, "live"), **dict.fromkeys(hidden, "hidden")}
    assert [set(each) for each in held(shop)] == [{point(shop, sku) for sku in found}] * 2
    assert differences(shop) == []


def test_what_a_worker_died_over_three_times_is_out_of_every_index(shop: Shop) -> None:
    add_index(shop)
    shop.put("A", picture(1))
    pipeline = shop.pipeline()
    work(pipeline)
    with shop.sessions.begin() as session:
        session.execute(update(Image).values(state="queued", queue="embed"))
    for _ in range(sweeper.POISON_DEATHS):
        assert pipeline.claims.take("embed", 8) or pipeline.claims.take_suspect("embed")
        sweeper.release_worker(shop.sessions, "tester:1")
    assert image(shop, "A").state == "failed"
    assert sweeper.take_out_poisoned(shop.sessions, shop.store, read_site(shop.sessions)) == 1
    assert held(shop) == [{}, {}] and differences(shop) == []
    shop.put("A", picture(2))
    work(pipeline)
    assert image(shop, "A").state == "live" and differences(shop) == []
