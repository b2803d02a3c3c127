import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from indexer.alive import Pulse
from indexer.beat import LedgerScheduler, Rounds, schedule
from indexer.broker import make_broker
from indexer.task_limits import Limits


class Count:
    """Rounds that are counted, and may fail."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {"sweep": 0, "tidy": 0, "garbage": 0}
        self.raising: Exception | None = None

    def rounds(self) -> Rounds:
        def of(name: str) -> Callable[[], None]:
            def work() -> None:
                self.done[name] += 1
                if self.raising is not None:
                    raise self.raising

            return work

        return {name: of(name) for name in self.done}


@pytest.fixture
def count() -> Iterator[Count]:
    yield Count()


def scheduler(count: Count, kept: Path, sweep_s: float = 0.2) -> LedgerScheduler:
    app = make_broker("redis://127.0.0.1:1/0", Limits(), beat_schedule=schedule(sweep_s))
    return LedgerScheduler(app, rounds=count.rounds(), kept=kept, pulse=Pulse(str(kept.parent / "alive")))


def run(beat: LedgerScheduler, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(max(beat.tick(), 0.0), 0.05))


def run_until(beat: LedgerScheduler, done: Callable[[], bool], within_s: float = 30.0) -> None:
    """Tick until that is so; on a busy machine it takes its time."""
    until = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < until
        run(beat, 0.1)


def test_rounds_come_at_their_times_and_no_broker_is_asked(count: Count, tmp_path: Path) -> None:
    beat = scheduler(count, tmp_path / "beat.json")
    run(beat, 1.5)
    assert 3 <= count.done["sweep"] <= 9
    assert count.done["garbage"] == 0  # an hour has not passed
    assert (tmp_path / "alive").exists()


@pytest.mark.parametrize("error", [OperationalError("select", {}, Exception("away")), KeyError("a bug")])
def test_a_round_that_fails_ends_neither_beat_nor_later_rounds(
    count: Count, tmp_path: Path, error: Exception
) -> None:
    beat = scheduler(count, tmp_path / "beat.json")
    count.raising = error
    run_until(beat, lambda: count.done["sweep"] >= 2)


def test_a_beat_that_starts_anew_knows_when_garbage_was_collected(count: Count, tmp_path: Path) -> None:
    kept = tmp_path / "beat.json"
    said = {"garbage": (datetime.now(UTC) - timedelta(seconds=3601)).isoformat()}
    kept.write_text(json.dumps(said))
    first = scheduler(count, kept)
    run(first, 0.5)
    assert count.done["garbage"] == 1
    again = scheduler(count, kept)
    run(again, 0.5)
    assert count.done["garbage"] == 1


@pytest.mark.parametrize(
    "damaged",
    ["", "[]", "{", '{"garbage": 7}', '{"garbage": "yesterday"}', '{"garbage": "2999-01-01T00:00:00+00:00"}'],
)
def test_a_damaged_file_or_a_clock_set_back_costs_nothing(count: Count, tmp_path: Path, damaged: str) -> None:
    kept = tmp_path / "beat.json"
    kept.write_text(damaged)
    beat = scheduler(count, kept)
    run(beat, 0.6)
    assert count.done["sweep"] >= 1
    beat.sync()
    assert set(json.loads(kept.read_text())) == {"sweep", "tidy", "garbage"}


def test_a_clock_that_is_set_back_while_it_runs_costs_a_round_at_most(count: Count, tmp_path: Path) -> None:
    beat = scheduler(count, tmp_path / "beat.json")
    run(beat, 0.6)
    before = dict(count.done)
    for (
        entry
    ) in beat.schedule.values():  # as though all had been done by a clock an hour ahead, now put right
        entry.last_run_at += timedelta(hours=1)
    beat.populate_heap()
    run_until(beat, lambda: count.done["sweep"] >= before["sweep"] + 2)
    assert count.done["garbage"] == 0
    assert all(entry.last_run_at <= datetime.now(UTC) for entry in beat.schedule.values())


def test_a_folder_that_is_gone_does_not_end_the_beat(count: Count, tmp_path: Path) -> None:
    beat = scheduler(count, tmp_path / "gone" / "beat.json")
    beat.sync()
    run(beat, 0.5)
    assert count.done["sweep"] >= 1
