"""A collection that the engine has lost is filled again, whoever dies while that is being arranged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.indexing_shop import PlainEncoder, Shop, picture
from catalog.models import Image
from indexer import indexes, mending, reindex
from indexer.pipeline import Pipeline
from tests.support.fill_worker import LIVE


class Killed(BaseException):
    """What ends a worker at this point."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("engine"), PlainEncoder(LIVE))
    made.start_engine()
    yield made
    made.close()


@pytest.fixture
def shop(engine: Shop, tmp_path: Path) -> Iterator[Shop]:
    """Three items for sale, and an index that is gone."""
    made = Shop(tmp_path, PlainEncoder(LIVE), engine.socket, engine.decoder)
    for number in range(3):
        made.put(f"S{number}", picture(number))
    work(made.pipeline("first:1"))
    made.store.drop(made.collection)
    yield made
    made.close()


def work(pipeline: Pipeline) -> None:
    while pipeline.step():
        pass


def assert_found_again(shop: Shop) -> None:
    work(shop.pipeline("other:1"))
    with shop.sessions() as session:
        assert [image.state for image in session.scalars(select(Image))] == ["live"] * 3
    assert shop.store.count(shop.collection) == 3


def dies(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    def killed(*_: object, **__: object) -> int:
        raise Killed

    monkeypatch.setattr(module, name, killed)


def test_a_worker_that_dies_before_the_images_are_queued_leaves_the_loss_to_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        dies(patched, indexes, "enqueue_reindex")
        with pytest.raises(Killed):
            shop.pipeline("late:1")
    assert_found_again(shop)


def test_a_worker_that_dies_while_the_images_are_queued_leaves_the_others_to_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large ledger is queued in many transactions, which takes minutes."""
    with monkeypatch.context() as patched:
        patched.setattr(reindex, "RANGE", 1)
        real, done = reindex._enqueue, []

        def second_is_the_last(*given: Any) -> int:
            if done:
                raise Killed
            done.append(real(*given))
            return done[0]

        patched.setattr(reindex, "_enqueue", second_is_the_last)
        with pytest.raises(Killed):
            shop.pipeline("late:1")
    assert_found_again(shop)


def test_a_doctor_that_is_interrupted_leaves_the_loss_to_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        dies(patched, mending, "enqueue_reindex")
        with pytest.raises(Killed):
            list(mending.repair(shop.sessions, shop.blobs, shop.incoming, shop.store))
    assert_found_again(shop)
