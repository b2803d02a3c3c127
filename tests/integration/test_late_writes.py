"""Workers that are late: what they take out or write after others have gone on must not undo their work.

In each test one worker is held up in the middle of a step, as a pause of its machine or a busy engine holds
it up, and another one works on meanwhile.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select
from sqlalchemy.exc import InternalError
from sqlalchemy.exc import TimeoutError as NoConnection

from benchmarks.indexing_shop import PlainEncoder, Shop, picture
from catalog.identity import point_id
from catalog.models import Image
from catalog.products import delete_product, hide_product
from catalog.site import mark_ready, read_site, register
from indexer import ledger, mending, sweeper
from indexer.pipeline import Pipeline
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
    """A shop with an item that is for sale, in two indexes."""
    for name in engine.store.collections():
        engine.store.delete(name, [key for key, _ in engine.store.scroll(name)])
    made = Shop(tmp_path, PlainEncoder(LIVE), engine.socket, engine.decoder)
    made.packs = packs()  # type: ignore[assignment]
    with made.sessions.begin() as session:
        index = register(session, NEXT, "next", 32)
        mark_ready(session, index.id)
    made.put("A", picture(1), picture(2))
    work(made.pipeline("first:1"))
    yield made
    made.close()


def work(pipeline: Pipeline) -> None:
    while pipeline.step():
        pass


def show(shop: Shop, hidden: bool) -> None:
    with shop.sessions.begin() as session:
        hide_product(session, shop.merchant, "A", hidden)


def held(shop: Shop) -> list[set[str]]:
    """The points of each maintained index."""
    return [
        {key for key, _ in shop.store.scroll(ref.collection)} for ref in read_site(shop.sessions).maintained
    ]


def before(thing: Any, name: str, happens: Callable[[], object]) -> None:
    """Have something happen once, before a method of this object does its work."""
    real = getattr(thing, name)

    def late(*given: Any, **named: Any) -> Any:
        setattr(thing, name, real)
        happens()
        return real(*given, **named)

    setattr(thing, name, late)


def assert_for_sale(shop: Shop) -> None:
    with shop.sessions() as session:
        assert {image.state for image in session.scalars(select(Image))} == {"live"}
    points = {point_id(shop.merchant, "A", position) for position in range(2)}
    assert held(shop) == [points, points]
    sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0)
    assert shop.differences() == []


def test_an_item_that_is_shown_again_stays_when_a_late_worker_takes_it_out(shop: Shop) -> None:
    late, other = shop.pipeline("late:1"), shop.pipeline("other:1")
    show(shop, hidden=True)

    def shown_again() -> None:
        show(shop, hidden=False)
        work(other)

    before(late.indexes, "delete", shown_again)
    work(late)
    assert_for_sale(shop)


def test_an_item_that_is_shown_again_stays_when_a_late_worker_looks_back(shop: Shop) -> None:
    """It has written an item that was hidden meanwhile, and takes it out when it is for sale again."""
    late, other = shop.pipeline("late:1"), shop.pipeline("other:1")
    shop.put("A", picture(1), picture(2), brand="Acme")

    def hidden() -> None:
        show(shop, hidden=True)
        work(other)
        before(late.indexes, "delete", shown_again)

    def shown_again() -> None:
        show(shop, hidden=False)
        work(other)

    before(late.indexes, "write", hidden)
    work(late)
    assert_for_sale(shop)


def test_an_item_that_comes_back_while_its_tombstone_is_purged_stays(shop: Shop) -> None:
    other = shop.pipeline("other:1")
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "A")
    work(other)

    def back_again() -> None:
        shop.put("A", picture(1), picture(2))
        work(other)

    before(shop.store, "delete", back_again)
    sweeper.purge(shop.sessions, shop.store, read_site(shop.sessions), grace_s=0)
    assert_for_sale(shop)


def test_the_doctor_takes_out_nothing_that_has_come_back_since_it_looked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shop.pipeline("other:1")
    shop.put("A", picture(1))
    with monkeypatch.context() as killed:
        killed.setattr(other.indexes, "delete", lambda *_: None)  # a point without an owner is left behind
        work(other)
    assert all(point_id(shop.merchant, "A", 1) in points for points in held(shop))
    look = mending.__dict__["differences"]

    def found_before(what: Any) -> Iterator[Any]:
        found = list(look(what))
        assert "extra-point" in {each.kind for each in found}
        shop.put("A", picture(1), picture(2))
        work(other)
        return iter(found)

    monkeypatch.setitem(mending.__dict__, "differences", found_before)
    list(mending.repair(shop.sessions, shop.blobs, shop.incoming, shop.store, age_s=0))
    work(other)
    assert_for_sale(shop)


@pytest.mark.parametrize("error", [InternalError("update", {}, Exception("read-only")), NoConnection()])
def test_a_database_that_does_not_take_a_write_is_no_images_fault(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    late = shop.pipeline("late:1")
    shop.put("A", picture(1), picture(2), brand="Acme")
    with monkeypatch.context() as away:
        away.setattr(ledger, "mark_live", Mock(side_effect=error))
        with pytest.raises(type(error)):
            late.index(8)
    with shop.sessions() as session:
        images = session.scalars(select(Image)).all()
    assert {(each.state, each.priority, each.attempts, each.error_code) for each in images} == {
        ("queued", 0, 0, "")
    }
    work(late)
    assert_for_sale(shop)
