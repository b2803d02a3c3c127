"""A worker's record in the ledger: each image counted once a stage, nothing lost in an outage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.operations import StageMinute, Worker
from indexer.activity import Activity
from indexer.pipeline import Done


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    yield sessions(engine)
    engine.dispose()


def batch(stage: str, claimed: int, live: int = 0, failed: int = 0, **seconds: float) -> Done:
    done = Done(stage, claimed=claimed, live=live)
    if failed:
        done.fail(stage, failed)
    done.spent.seconds.update(seconds)
    return done


def counted(ledger: Sessions) -> dict[str, tuple[int, float]]:
    """{stage: (images, seconds)} over all minutes"""
    found: dict[str, tuple[int, float]] = {}
    with ledger() as session:
        for row in session.scalars(select(StageMinute)):
            images, seconds = found.get(row.stage, (0, 0.0))
            found[row.stage] = images + row.images, round(seconds + row.seconds, 3)
    return found


def test_an_image_counts_once_in_each_stage_and_all_the_seconds_do(ledger: Sessions) -> None:
    record = Activity(ledger, "node:1", ("images", "embed"), "cpu", every_s=0)
    record.report(batch("images", 32, claim=0.1, fetch=1.0, decode=2.0, store=0.5, mark=0.1))
    record.report(batch("embed", 32, live=30, claim=0.1, decode=0.2, embed=3.0, upsert=0.4, mark=0.1))
    assert counted(ledger) == {
        "fetch": (32, 1.0), "decode": (32, 2.7), "embed": (32, 3.0), "upsert": (32, 0.4), "mark": (30, 0.4)
    }  # fmt: skip
    with ledger() as session:
        worker = session.scalars(select(Worker)).one()
    assert (worker.name, worker.queues, worker.device, worker.images) == ("node:1", "images,embed", "cpu", 30)


def test_two_workers_add_up_and_one_signs_off(ledger: Sessions) -> None:
    one, two = (Activity(ledger, f"node:{pid}", ("index",), every_s=0) for pid in (1, 2))
    for record in (one, two, one):
        record.report(batch("index", 4, live=4, claim=0.1, upsert=0.1, mark=0.1))
    assert counted(ledger)["upsert"] == (12, 0.3)
    assert counted(ledger)["mark"] == (12, 0.6)
    one.close()
    with ledger() as session:
        assert [worker.name for worker in session.scalars(select(Worker))] == ["node:2"]


def test_counts_wait_while_the_database_is_away(ledger: Sessions) -> None:
    record = Activity(ledger, "node:1", ("index",), every_s=0)
    with ledger.begin() as session:
        session.execute(text("ALTER TABLE stage_minute RENAME TO away"))
    record.report(batch("index", 4, live=4, mark=0.5))  # must not raise
    with ledger.begin() as session:
        session.execute(text("ALTER TABLE away RENAME TO stage_minute"))
    record.report(batch("index", 1, live=1, mark=0.5))
    assert counted(ledger)["mark"] == (5, 1.0)


def test_a_process_without_a_free_connection_counts_on(tmp_path: Path) -> None:
    """Else the thread that says so would end, and a worker at work would pass for one that is gone."""
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    narrow = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    ledger = sessions(narrow)
    activity = Activity(ledger, "w:1")
    with narrow.connect():
        activity.report(batch("embed", 3, live=3, embed=1.0))
        activity.flush()
    activity.flush()
    assert counted(ledger)["embed"] == (3, 1.0)
    narrow.dispose()
    engine.dispose()
