"""kill -9 at random moments: no acknowledged write is lost, and every reopening works."""

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vectors.edge import EdgeStore, EngineProcess, start_engine
from vectors.protocol import Collection, Field, Point, VectorStoreUnavailable

DIMENSION = 128
NAME = "images"
KILLS = 6
SEED = int(time.time())  # printed with a failure; a fixed one would try the same moments for ever


class Ledger:
    """Writes without pause, as an indexer does, and remembers what was acknowledged."""

    def __init__(self, store: EdgeStore) -> None:
        self.store = store
        self.revs: dict[str, int] = {}  # acknowledged
        self.doubtful: dict[str, int] = {}  # sent, not acknowledged: may be there or not
        self.stop = threading.Event()
        self.errors: list[Exception] = []

    def run(self) -> None:
        rng, step = np.random.default_rng(0), 0
        try:
            while not self.stop.is_set():
                step += 1
                # Every fifth call overwrites older points with a higher rev, so both kinds meet every kill.
                first = (step // 5) * 100 if step % 5 == 0 else step * 100
                self.write([str(uuid.UUID(int=n)) for n in range(first, first + 100)], step, rng)
        except Exception as error:
            self.errors.append(error)

    def write(self, ids: list[str], rev: int, rng: np.random.Generator) -> None:
        rows = rng.standard_normal((len(ids), DIMENSION), np.float32)
        points = [Point(i, row, {"rev": rev, "price": 1}) for i, row in zip(ids, rows, strict=True)]
        self.doubtful |= dict.fromkeys(ids, rev)
        while not self.stop.is_set():
            try:
                self.store.upsert(NAME, points)
            except VectorStoreUnavailable:
                time.sleep(0.02)
                continue
            self.revs |= dict.fromkeys(ids, rev)
            return


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="twirl-") as name:
        yield Path(name)


def start(folder: Path) -> EngineProcess:
    engine = start_engine(folder / "index", folder / "run" / "engine.sock")
    engine.wait_ready()
    return engine


def children(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in listing.stdout.split()]


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself, as a retired shard does
        os.kill(pid, signal.SIGKILL)


def test_no_acknowledged_point_is_lost_to_kill_9(folder: Path) -> None:
    moments = random.Random(SEED)
    engine = start(folder)
    store = EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)
    store.create(Collection(NAME, DIMENSION, (Field("price", "integer"), Field("rev", "integer"))))
    ledger = Ledger(store)
    writer = threading.Thread(target=ledger.run)
    writer.start()
    for number in range(KILLS):
        time.sleep(moments.uniform(0.1, 0.6))
        if number % 2:  # a successor is building, catching up, or taking over
            ask_to_optimize(store)
            time.sleep(moments.uniform(0.0, 2.5))
        victim = moments.choice([engine.pid, *children(engine.pid)])
        kill(victim)
        if victim == engine.pid:
            engine.stop()
            engine = start(folder)
    time.sleep(0.5)
    ledger.stop.set()
    writer.join()
    engine.stop()
    engine = start(folder)
    assert ledger.errors == []
    rows = {point_id: int(payload["rev"]) for point_id, payload in everything(store)}
    missing = [point_id for point_id, rev in ledger.revs.items() if rows.get(point_id, 0) < rev]
    assert missing == [], f"seed {SEED}: {len(missing)} of {len(ledger.revs)} acknowledged points lost"
    assert set(rows) <= set(ledger.doubtful), f"seed {SEED}: points that nobody wrote"
    assert len(store.vectors(NAME, list(rows)[:500])) == min(500, len(rows))
    store.close()
    engine.stop()


def ask_to_optimize(store: EdgeStore) -> None:
    with contextlib.suppress(VectorStoreUnavailable):  # while it is being restarted
        store.optimize(NAME)


def everything(store: EdgeStore) -> list[tuple[str, dict]]:
    rows: list[tuple[str, dict]] = []
    while page := store.scroll(NAME, after=rows[-1][0] if rows else None, limit=5000):
        rows += page
    return rows
