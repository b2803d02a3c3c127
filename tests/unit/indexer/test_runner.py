"""The loop around the pipeline: what it survives, how it stops."""

import threading
import time
from pathlib import Path

import pytest

from indexer.queue import WakeFile
from indexer.runner import Rounds, Runner
from vectors.protocol import VectorStoreUnavailable


def test_the_bell_is_heard_each_time(tmp_path: Path) -> None:
    bell = WakeFile(tmp_path / "wake")
    heard = [bell.rung()]
    for _ in range(3):
        time.sleep(0.01)
        bell.ring([1, 2])
        heard.append(bell.rung())
    assert heard[0] == 0 and heard == sorted(set(heard))


def test_a_ring_ends_the_pause_and_so_does_the_stop(tmp_path: Path) -> None:
    bell, stop = WakeFile(tmp_path / "wake"), threading.Event()
    runner = Runner(None, stop, bell, Rounds())  # type: ignore[arg-type]  # pausing needs no pipeline
    threading.Timer(0.15, bell.ring, ([1],)).start()
    began = time.monotonic()
    runner._pause(5.0, bell.rung())
    assert 0.1 < time.monotonic() - began < 1
    threading.Timer(0.1, stop.set).start()
    runner._pause(5.0, bell.rung())
    assert time.monotonic() - began < 2


def away() -> VectorStoreUnavailable:
    return VectorStoreUnavailable("vectors-away", "The engine is not running.", "Start it.")


def test_an_outage_is_waited_out_by_both_loops() -> None:
    stop, tries, looks = threading.Event(), [], []
    runner = Runner(None, stop, None, Rounds())  # type: ignore[arg-type]  # nothing gets as far as using it

    def start() -> None:
        tries.append(time.monotonic())
        if len(tries) == 3:
            stop.set()
        raise away()

    def edits() -> int:
        looks.append(time.monotonic())
        raise away()

    runner.start, runner.write_edits = start, edits  # type: ignore[method-assign]
    runner.run()
    assert len(tries) == 3 and tries[2] - tries[0] >= 0.5
    assert len(looks) >= 2 and looks[1] - looks[0] >= 0.2


@pytest.mark.parametrize("loop", ["work", "write_edits"])
def test_what_neither_loop_can_outlive_ends_the_process(loop: str) -> None:
    """The supervisor starts it anew: a loop that is gone while the other goes on would never be missed."""
    runner = Runner(None, threading.Event(), None, Rounds())  # type: ignore[arg-type]

    def broken() -> int:
        raise KeyError("a mistake of ours")

    runner.start = lambda: None  # type: ignore[method-assign]
    runner.work = runner.write_edits = lambda: 0  # type: ignore[method-assign]
    setattr(runner, loop, broken)
    with pytest.raises(KeyError, match="a mistake of ours"):
        runner.run()
