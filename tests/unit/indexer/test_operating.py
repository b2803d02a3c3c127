"""What operators decide: failed pictures are tried again, indexes are switched and dropped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.models import Image
from catalog.site import SiteRefused, read_site
from indexer.operating import Operations
from tests.support.ledger import FILLING, LIVE, OLD, eventful
from vectors.edge.store import EdgeStore


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    made = sessions(engine)
    eventful(made)
    yield made
    engine.dispose()


@pytest.fixture
def rings() -> list[int]:
    return []


@pytest.fixture
def operations(ledger: Sessions, rings: list[int], tmp_path: Path) -> Operations:
    """Over an engine that is away: what SQL says must not depend on it."""
    return Operations(ledger, EdgeStore(tmp_path / "nobody.sock", 0.2), lambda: rings.append(1))


def failed(ledger: Sessions) -> list[str]:
    with ledger() as session:
        return list(session.scalars(select(Image.error_code).where(Image.state == "failed")))


def test_those_of_one_reason_are_tried_again_from_the_first_stage(
    operations: Operations, ledger: Sessions, rings: list[int]
) -> None:
    assert operations.reasons() == {"fetch-http": 4, "image-truncated": 2}
    assert operations.retry(code="fetch-http") == 4
    assert failed(ledger) == ["image-truncated"] * 2
    with ledger() as session:
        again = session.scalars(select(Image).where(Image.source == "https://x.example/1.jpg")).one()
    assert (again.state, again.queue, again.attempts, again.error_code) == ("queued", "images", 0, "")
    assert rings == [1]


def test_one_or_all_are_tried_again(operations: Operations, ledger: Sessions, rings: list[int]) -> None:
    with ledger() as session:
        first = session.scalars(select(Image.id).where(Image.state == "failed")).first()
    assert operations.retry(image_id=first) == 1
    assert operations.retry(image_id=first) == 0  # it waits already
    assert operations.retry(merchant_id=999) == 0
    assert operations.retry() == 5
    assert failed(ledger) == []
    assert rings == [1, 1]


def test_what_is_not_failed_is_left_alone(operations: Operations, ledger: Sessions) -> None:
    with ledger() as session:
        live = session.scalars(select(Image.id).where(Image.state == "live")).first()
    assert operations.retry(image_id=live) == 0


def test_a_switch_is_sqls_to_decide(operations: Operations, ledger: Sessions) -> None:
    site = read_site(ledger)
    assert site.live and site.previous and site.live.fingerprint == LIVE
    assert operations.switch_back().fingerprint == OLD
    assert operations.switch(site.live.id).fingerprint == LIVE
    with pytest.raises(SiteRefused, match="not filled"):
        operations.switch(read_site(ledger).find(FILLING).id)
    now = read_site(ledger)
    assert now.live and now.live.fingerprint == LIVE and now.generation == site.generation + 2


def test_a_drop_without_the_engine_takes_the_index_out_of_use_and_can_be_repeated(
    operations: Operations, ledger: Sessions
) -> None:
    site = read_site(ledger)
    with pytest.raises(SiteRefused, match="Switch to another"):
        operations.drop(site.find(LIVE).id)
    for _ in range(2):
        with pytest.raises(SiteRefused, match="still takes room") as refused:
            operations.drop(site.find(OLD).id)
        assert "Drop it again" in refused.value.fix
    after = read_site(ledger)
    assert after.previous is None and [index.fingerprint for index in after.dropping] == [OLD]
