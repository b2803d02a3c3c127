"""A short storm over a whole shop (`python -m tests.chaos` has long ones); schedules drawn and read."""

import os
import subprocess
import sys
import time
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import pytest

from catalog.identity import point_id
from catalog.site import live_index, read_site
from tests.chaos import schedule
from tests.chaos.clock import FIX, Clock, can_jump
from tests.chaos.storm import broken, weather
from tests.support.deployed import deployed

# Every part is killed or cut off once, in little time: a schedule as a failure prints it.
SHORT = """
    0.50  kill       worker-1   0.30
    2.00  flush      redis      0.00
    2.50  kill       postgres   0.30
    4.00  blackhole  engine     1.00
    5.50  kill       engine     0.30
    7.00  reset      postgres   0.50
    8.00  stop       redis      1.00
    8.20  kill       worker-1   0.30
""".strip("\n")
JUMPS = """
    0.60  ahead      beat       2.00
    1.20  behind     web        3.00
    3.00  ahead      worker-1   3.00
""".strip("\n")


@pytest.mark.slow
def test_nothing_is_lost_in_a_short_storm(tmp_path: Path) -> None:
    with deployed(tmp_path, workers=0, beat=False) as shop:
        after = weather(
            shop,
            schedule.read(SHORT + "\n" + JUMPS if can_jump() else SHORT),
            items=40,
            seed=1,
            say=print,
            settle_s=90,
        )  # then it says why
        assert after.wrong == [], str(after)
        assert after.live == 36 and after.shopper.answered.get("200", 0) > 0  # two are hidden, two deleted

        # And the judge sees what is amiss.
        collection = live_index(read_site(shop.services.sessions)).collection
        taken = min(after.merchant.acknowledged - after.merchant.deleted - after.merchant.hidden)
        shop.services.store.delete(collection, [point_id(shop.services.merchant().id, taken, 0)])
        assert any("missing-point" in each for each in broken(shop, after.merchant))


def test_a_schedule_is_the_same_for_the_same_seed_and_is_read_back_as_written() -> None:
    drawn = schedule.draw(7, 300, 2)
    assert drawn == schedule.draw(7, 300, 2) != schedule.draw(8, 300, 2)
    assert schedule.read(schedule.write(drawn)) == drawn
    pairs = {(event.fault, event.target) for event in drawn}
    assert pairs == {(fault, target) for fault, targets in schedule.TARGETS.items() for target in targets}
    assert schedule.lanes(drawn) == [drawn] and drawn[-1].at < 300  # one after the other


@pytest.mark.parametrize("seed", range(5))
def test_two_at_once_are_never_of_one_part(seed: int) -> None:
    drawn = schedule.draw(seed, 300, 6, at_once=2)
    met = [
        (one, other)
        for number, one in enumerate(drawn)
        for other in drawn[number + 1 :]
        if one.at <= other.over and other.at <= one.over
    ]
    assert len(met) > 10 and all(one.target != other.target for one, other in met)
    rows = schedule.lanes(drawn)
    assert len(rows) == 2 and sorted(chain.from_iterable(rows), key=lambda event: event.at) == drawn
    for row in rows:
        assert all(one.over <= other.at for one, other in pairwise(row))


@pytest.mark.skipif(not can_jump(), reason=FIX)
def test_a_clock_jumps_in_a_running_process_and_what_it_measures_does_not(tmp_path: Path) -> None:
    code = """
import datetime, sys, threading, time
for line in sys.stdin:
    began, at = time.monotonic(), time.perf_counter()
    time.sleep(0.05), threading.Event().wait(0.05)
    print(time.time(), datetime.datetime.now(datetime.UTC).timestamp(), time.monotonic() - began, flush=True)
"""
    clock = Clock(tmp_path, "one")
    words = [sys.executable, "-c", code]
    with subprocess.Popen(
        words, env=os.environ | clock.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for ahead in (0, 3600, -3600, 0):
            clock.set(ahead)
            print("go", file=process.stdin, flush=True)
            seen, dated, took = map(float, process.stdout.readline().split())
            assert abs(seen - time.time() - ahead) < 30 and abs(dated - seen) < 30, ahead
            assert 0.1 <= took < 30


def test_every_part_is_killed_as_often_as_asked() -> None:
    drawn = schedule.kills(3, 20)
    often = Counter(event.target for event in drawn)
    assert often == dict.fromkeys(schedule.PROCESSES, 20)
    assert {event.fault for event in drawn} == {"kill"} and drawn == schedule.kills(3, 20)


@pytest.mark.parametrize(
    ("line", "said"),
    [("1 kill", "no event"), ("1 kill moon 2", "no 'kill' of 'moon'"), ("x kill web 2", "no event"),
     ("1 flush web 0", "no 'flush' of 'web'")],
)  # fmt: skip
def test_a_line_that_is_no_event_is_named(line: str, said: str) -> None:
    with pytest.raises(ValueError, match="line 2") as refused:
        schedule.read("1.0 kill web 2.0\n" + line)
    assert said in str(refused.value)
