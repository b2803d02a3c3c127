import threading
import time
from pathlib import Path

import pytest

from vectors.edge.handover import Handover
from vectors.edge.serving import Peer
from vectors.protocol import VectorsRefused, VectorStoreUnavailable

WRITE = {"op": "delete", "ids": []}


def test_writes_that_come_while_building_reach_the_successor_in_order(tmp_path) -> None:
    handover, successor = Handover(tmp_path), Peer()
    handover.keep({"n": 0}, bytearray())  # nobody follows yet
    handover.hold(successor)
    assert handover.held and handover.active
    handover.follow(successor)
    assert not handover.held
    handover.keep({"n": 1}, bytearray(b"one"))
    handover.keep({"n": 2}, bytearray(b"two"))
    assert handover.pop(successor) == ({"n": 1}, b"one", 1)
    handover.hold(successor)
    with pytest.raises(VectorsRefused, match="every write"):
        handover.check_complete(successor)
    assert handover.pop(successor) == ({"n": 2}, b"two", 0)
    assert handover.pop(successor) is None
    handover.check_complete(successor)


def test_taking_without_holding_is_refused(tmp_path) -> None:
    handover, successor = Handover(tmp_path), Peer()
    handover.hold(successor)
    handover.follow(successor)
    with pytest.raises(VectorsRefused):
        handover.check_complete(successor)


def test_a_dead_successor_never_touches_the_next(tmp_path) -> None:
    handover, dead, alive = Handover(tmp_path), Peer(), Peer()
    handover.hold(dead)
    handover.follow(dead)
    with pytest.raises(VectorsRefused):
        handover.hold(alive)
    handover.leave(dead)
    handover.hold(alive)
    handover.leave(dead)  # its connection's end is noticed late
    assert handover.held and handover.active
    for order in (handover.follow, handover.pop, handover.hold, handover.check_complete):
        with pytest.raises(VectorsRefused):
            order(dead)
    handover.follow(alive)
    handover.keep(WRITE, bytearray())
    assert handover.pop(alive) == (WRITE, b"", 0)


def test_a_successor_that_cannot_be_kept_informed_is_given_up(tmp_path, monkeypatch) -> None:
    handover, successor = Handover(tmp_path), Peer()
    handover.hold(successor)
    handover.follow(successor)

    def full(header: object, body: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handover._journal, "append", full)
    handover.keep(WRITE, bytearray())
    assert not handover.active and not handover.held
    with pytest.raises(VectorsRefused):
        handover.pop(successor)


def test_writers_wait_until_writes_are_released(tmp_path) -> None:
    handover, successor = Handover(tmp_path), Peer()
    handover.hold(successor)
    with pytest.raises(VectorStoreUnavailable):
        handover.wait(0.05)
    waited = []

    def wait() -> None:
        started = time.monotonic()
        handover.wait(5.0)
        waited.append(time.monotonic() - started)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    handover.leave(successor)
    thread.join()
    assert 0.05 < waited[0] < 2.0


def test_a_full_disk_costs_the_successor_and_never_a_write(tmp_path) -> None:
    handover, successor = Handover(tmp_path), Peer()
    handover.hold(successor)
    handover.follow(successor)
    assert handover._journal is not None
    handover._journal._file.close()
    handover._journal._file = Path("/dev/full").open("r+b")  # noqa: SIM115 - every write finds a full disk
    handover.keep(WRITE, bytearray(100))  # small: it stays in the buffer, and closing has to write it
    handover.keep(WRITE, bytearray(100_000))
    assert not handover.active and not handover.held
    handover.wait(0)
    with pytest.raises(VectorsRefused):
        handover.pop(successor)
