"""The pieces of a fill, and who works on them: the same on SQLite and on PostgreSQL."""

import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta

import pgserver
import pytest
from sqlalchemy import insert, select, update

from catalog import fills, site
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.fills import FillProgress, fill_progress
from catalog.models import Image, Merchant, Product, now
from catalog.operations import FillRange, Site, VectorIndex
from catalog.site import IndexRef
from indexer import fill_claims
from indexer.machine import worker_name

IMAGES = 600
ME = worker_name(os.getpid())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    folder = tmp_path_factory.mktemp("fills")
    server = pgserver.get_server(folder) if request.param == "postgresql" else None
    engine = open_engine(server.get_uri() if server else f"sqlite:///{folder}/twirl.sqlite3")
    upgrade(engine)
    made = sessions(engine)
    _catalogue(made)
    yield made
    engine.dispose()
    if server:
        server.cleanup()


def _catalogue(ledger: Sessions) -> None:
    """600 indexed images with gaps between their ids, 20 that are not indexed."""
    with ledger.begin() as session:
        session.add(Merchant(id=1, slug="demo"))
        session.flush()
        session.add(Product(id=1, merchant_id=1, sku="s", item_group_id="s"))
        session.flush()
    products = [{"id": n + 2, "merchant_id": 1, "sku": f"s{n}", "item_group_id": "s", "attributes": {}}
                for n in range(IMAGES + 20)]  # fmt: skip
    images = [
        {"id": 3 * n + 1, "product_id": n + 2, "merchant_id": 1, "position": 0, "source": "https://a/1.jpg",
         "sha256": f"{n:064x}", "state": "live", "indexed_rev": 1, "fingerprint": "a" * 32 * (n < IMAGES)}
        for n in range(IMAGES + 20)
    ]  # fmt: skip
    with ledger.begin() as session:
        session.execute(insert(Product), products)
        session.execute(insert(Image), images)


@pytest.fixture
def ledger(database: Sessions) -> Sessions:
    with database.begin() as session:
        for table in (FillRange, Site, VectorIndex):
            session.query(table).delete()
        site.ensure_live(session, "a" * 32, "live", 8)
    return database


@pytest.fixture
def index(ledger: Sessions) -> IndexRef:
    with ledger.begin() as session:
        total = fills.embedded_images(session)
        made = site.register(session, "b" * 32, "next", 8, total=total)
        assert fills.plan(session, made.id)
        return made


def pieces(ledger: Sessions) -> list[FillRange]:
    with ledger() as session:
        return list(session.scalars(select(FillRange).order_by(FillRange.id)))


def progress(ledger: Sessions, index: IndexRef) -> FillProgress:
    with ledger() as session:
        return fill_progress(session, index.id)


def test_the_catalogue_is_cut_once_into_pieces_that_cover_it(ledger: Sessions, index: IndexRef) -> None:
    cut = [(piece.first_image_id, piece.last_image_id) for piece in pieces(ledger)]
    assert cut == [(1, 766), (769, 1534), (1537, 1798)]
    with ledger.begin() as session:
        assert not fills.plan(session, index.id)
    assert len(pieces(ledger)) == 3
    assert progress(ledger, index) == FillProgress(IMAGES, 0)


def test_each_piece_goes_to_one_worker_and_there_is_an_end(ledger: Sessions, index: IndexRef) -> None:
    with ledger.begin() as session:
        fills.add_pieces(session, index.id, range(1, 2000, 100))
    taken: list[int] = []

    def take(number: int) -> None:
        while piece := fill_claims.claim(ledger, index, f"host:{number}", 60):
            taken.append(piece.id)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(taken) == [piece.id for piece in pieces(ledger)] and len(taken) == 23


def test_what_was_written_is_counted_and_gone_on_from(ledger: Sessions, index: IndexRef) -> None:
    first = fill_claims.claim(ledger, index, ME, 60)
    assert first and not first.comparison and (first.first, first.last) == (1, 766)
    assert fill_claims.written(ledger, first, 32, upto=94)
    assert fill_claims.written(ledger, first, 32, upto=190)
    assert progress(ledger, index).done == 64
    with ledger.begin() as session:
        session.execute(update(FillRange).values(claimed_at=now() - timedelta(seconds=61)))
    again = fill_claims.claim(ledger, index, "third:1", 60)
    assert again and again.id == first.id and (again.first, again.last) == (191, 766)
    assert not fill_claims.written(ledger, first, 32, upto=286) and not fill_claims.finish(ledger, first)
    fill_claims.give_back(ledger, first)  # no longer ours to give
    assert fill_claims.written(ledger, again, 192, upto=766)
    assert progress(ledger, index).done == 256
    following = fill_claims.claim(ledger, index, "third:1", 60)
    assert following and following.id != first.id, "a piece is done with its last image"


def test_the_rate_is_one_for_all_workers(ledger: Sessions, index: IndexRef) -> None:
    assert fill_claims.reserve(ledger, index, 1000) == 0, "nobody set a rate"
    with ledger.begin() as session:
        site.register(session, "b" * 32, "next", 8, rate=50)
    assert fill_claims.reserve(ledger, index, 100) == 0
    for _ in range(2):
        assert 1.5 < fill_claims.reserve(ledger, index, 100) <= 2.0
    with ledger.begin() as session:  # a worker that comes a minute later catches up with ten seconds
        session.execute(update(VectorIndex).values(next_batch_at=now() - timedelta(seconds=60)))
    assert [fill_claims.reserve(ledger, index, 250) == 0 for _ in range(4)] == [True, True, True, False]
    with ledger.begin() as session:
        site.register(session, "b" * 32, "next", 8, rate=0)
    assert fill_claims.reserve(ledger, index, 1000) == 0


def test_the_dead_of_this_machine_are_taken_from_at_once(ledger: Sessions, index: IndexRef) -> None:
    with subprocess.Popen(["sleep", "0"]) as gone:
        gone.wait()
    for worker in (worker_name(gone.pid), ME, "elsewhere:1"):
        assert fill_claims.claim(ledger, index, worker, 60)
    assert fill_claims.claim(ledger, index, ME, 60) is None
    assert fill_claims.release_dead(ledger, index) == 1
    assert fill_claims.claim(ledger, index, ME, 60) is not None
    assert fill_claims.release_dead(ledger, index) == 0 and fill_claims.busy(ledger, index)


def test_the_comparison_comes_after_the_last_piece_and_once(ledger: Sessions, index: IndexRef) -> None:
    with ledger.begin() as session:
        assert not fills.begin_comparison(session, index.id)
    while piece := fill_claims.claim(ledger, index, ME, 60):
        fill_claims.written(ledger, piece, 200)
        fill_claims.finish(ledger, piece)
    assert not fill_claims.busy(ledger, index) and progress(ledger, index).comparing
    for expected in (True, False):
        with ledger.begin() as session:
            assert fills.begin_comparison(session, index.id) is expected
    comparison = fill_claims.claim(ledger, index, ME, 60)
    assert comparison and comparison.comparison
    now_at = progress(ledger, index)
    assert now_at.done == now_at.total == IMAGES and now_at.per_s and now_at.seconds_left == 0
    with ledger.begin() as session:
        assert fills.comparisons(session, index.id) == 1
        site.mark_ready(session, index.id)
    assert progress(ledger, index) == FillProgress(IMAGES, IMAGES)


def test_neighbours_share_a_piece(ledger: Sessions, index: IndexRef) -> None:
    before = {piece.id for piece in pieces(ledger)}
    with ledger.begin() as session:
        assert fills.add_pieces(session, index.id, [9, 1, 2, 4, 700, 701]) == 3
    added = [(each.first_image_id, each.last_image_id) for each in pieces(ledger) if each.id not in before]
    assert sorted(added) == [(1, 4), (9, 9), (700, 701)]


def test_a_drop_takes_the_pieces_from_who_works_on_them(ledger: Sessions, index: IndexRef) -> None:
    piece = fill_claims.claim(ledger, index, ME, 60)
    with ledger.begin() as session:
        site.begin_drop(session, index.id)
    assert piece and not fill_claims.written(ledger, piece, 1)
