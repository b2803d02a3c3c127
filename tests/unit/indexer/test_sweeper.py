"""What the interrupted leave behind in the ledger, and what is kept of how work went."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.models import ImportJob, now
from catalog.operations import StageMinute, Worker
from catalog.products import ensure_merchant
from indexer import machine, sweeper


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    yield sessions(engine)
    engine.dispose()


def test_an_import_that_is_silent_is_ended_with_what_to_do(ledger: Sessions) -> None:
    with ledger.begin() as session:
        shop = ensure_merchant(session, "demo").id
        silent, old = now() - timedelta(seconds=130), now() - timedelta(hours=1)
        session.add_all(
            [
                ImportJob(merchant_id=shop, filename="silent", started_at=old, heartbeat_at=silent),
                ImportJob(merchant_id=shop, filename="never heard", started_at=old),
                ImportJob(merchant_id=shop, filename="alive", started_at=old, heartbeat_at=now()),
                ImportJob(merchant_id=shop, filename="done", state="done", started_at=old, heartbeat_at=old),
            ]
        )
    assert sweeper.end_silent_imports(ledger) == 2 and sweeper.end_silent_imports(ledger) == 0
    with ledger() as session:
        jobs = {job.filename: job for job in session.scalars(select(ImportJob))}
    assert {name: job.state for name, job in jobs.items()} == {
        "silent": "failed", "never heard": "failed", "alive": "running", "done": "done",
    }  # fmt: skip
    said = jobs["silent"]
    assert "import the file again" in said.message and "kept" in said.message and said.finished_at is not None


def test_old_records_are_forgotten(ledger: Sessions) -> None:
    with ledger.begin() as session:
        session.add(StageMinute(minute=now() - timedelta(days=15), stage="embed"))
        session.add(Worker(name="a:1", host="a", pid=1, seen_at=now() - timedelta(days=2)))
        session.add(Worker(name="b:1", host="b", pid=1))
    sweeper.forget_old(ledger)
    with ledger() as session:
        assert [row.name for row in session.scalars(select(Worker))] == ["b:1"]
        assert session.scalars(select(StageMinute)).all() == []


def test_a_clone_does_not_bury_the_original(ledger: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines of one name: what is no process here may be at work there."""
    with subprocess.Popen(["sleep", "0"]) as gone:
        gone.wait()
    ours = machine.worker_name(gone.pid)
    machine.machine.cache_clear()
    monkeypatch.setattr(machine, "_BOOT", Path(__file__))  # another kernel's
    theirs = machine.worker_name(gone.pid)
    monkeypatch.undo()
    machine.machine.cache_clear()
    assert ours != theirs and ours.split(".")[0] == theirs.split(".")[0]
    with ledger.begin() as session:
        session.add_all(Worker(name=name, host="node", pid=gone.pid) for name in (ours, theirs))
    sweeper.release_dead(ledger)
    with ledger() as session:
        assert list(session.scalars(select(Worker.name))) == [theirs]
