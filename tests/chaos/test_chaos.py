"""A short storm over a whole shop (`python -m tests.chaos` has long ones); schedules drawn and read."""

from collections import Counter
from pathlib import Path

import pytest

from catalog.identity import point_id
from catalog.site import live_index, read_site
from tests.chaos import schedule
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
""".strip("\n")


@pytest.mark.slow
def test_nothing_is_lost_in_a_short_storm(tmp_path: Path) -> None:
    with deployed(tmp_path, workers=0, beat=False) as shop:
        after = weather(
            shop, schedule.read(SHORT), items=40, seed=1, say=print, settle_s=90
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
    ends = [event.at + event.lasts for event in drawn]
    assert all(end <= event.at for end, event in zip(ends, drawn[1:], strict=False)) and drawn[-1].at < 300


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
