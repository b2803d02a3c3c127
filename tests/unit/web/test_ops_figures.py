"""What operators see is what the ledger says: counted by hand in `tests.support.ledger`."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from catalog.database import Sessions, open_engine, sessions, upgrade
from tests.support.ledger import FILLING, LIVE, eventful
from web.metrics import EVERY
from web.ops import attention, charts, details, words
from web.ops.collector import StageTotals, _ledger, _site
from web.ops.figures import Figures, Minute, read
from web.probes import State


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('ops')}/twirl.sqlite3")
    upgrade(engine)
    made = sessions(engine)
    eventful(made)
    yield made
    engine.dispose()


@pytest.fixture(scope="module")
def figures(ledger: Sessions) -> Figures:
    return read(ledger)


def test_images_and_failures_are_counted_by_state_and_code(figures: Figures) -> None:
    assert figures.images == {
        "queued": 6, "fetching": 0, "embedding": 0, "live": 48, "failed": 6, "hidden": 0
    }  # fmt: skip
    assert figures.failed == {"fetch-http": 4, "image-truncated": 2}
    assert figures.products == 60


def test_queues_know_what_is_due_at_each_priority_and_since_when(figures: Figures) -> None:
    waiting = {(each.queue, each.priority): each for each in figures.waiting}
    assert len(waiting) == 6
    # 0: images edit, 10: embed bulk, 20: index suspect edit, 30: images suspect bulk, 40: embed edit
    assert {key: each.images for key, each in waiting.items() if each.images} == {
        ("images", "edit"): 1, ("embed", "bulk"): 1, ("index", "edit"): 1,
        ("images", "bulk"): 1, ("embed", "edit"): 1,
    }  # fmt: skip
    assert waiting["images", "bulk"].oldest_s == pytest.approx(13 * 60, abs=30)
    assert waiting["index", "bulk"].oldest_s == 0
    assert figures.later == {"images": 0, "embed": 0, "index": 1}


def test_workers_count_while_they_speak(figures: Figures) -> None:
    assert [worker.here for worker in figures.workers] == [True, True, False]
    assert (figures.workers_of("embed"), figures.workers_of("images"), figures.workers_of("index")) == (
        2,
        1,
        0,
    )


def test_a_running_import_without_a_sign_of_life_is_silent(figures: Figures) -> None:
    assert figures.imports == {"running": 1, "silent": 1, "done": 1, "failed": 1}


def test_a_fill_says_how_far_it_is_and_when_it_ends(figures: Figures) -> None:
    [fill] = figures.fills
    far = fill.progress
    assert (fill.index.fingerprint, far.total, far.done, fill.open, fill.rate) == (FILLING, 1000, 400, 6, 50)
    assert far.per_s == pytest.approx(100 / 120, rel=0.05)  # two of the pieces were done lately
    assert far.seconds_left == pytest.approx(720, rel=0.05)
    assert fill.still_s < 60
    assert figures.site.live is not None and figures.site.live.fingerprint == LIVE


def test_examples_show_which_pictures_failed(ledger: Sessions, figures: Figures) -> None:
    first, second = details.read(ledger, figures).failures
    assert (first.code, first.images, len(first.examples)) == ("fetch-http", 4, 3)
    assert first.examples[0].sku == "sku-1" and first.examples[0].merchant == "atelier"
    assert second.examples[0].message == "The file ends too early."
    assert len(details.read(ledger, figures).imports) == 4


def test_what_needs_an_operator_is_said_gravest_first(figures: Figures) -> None:
    states = {
        "database": State(True, 0.001),
        "redis": State(False, 0.4, "Redis does not answer.", "Start it.", False),
    }
    found = attention.concerns(states, figures)
    assert [concern.grave for concern in found] == sorted((c.grave for c in found), reverse=True)
    alerts = {concern.alert for concern in found}
    assert alerts == {"TwirlNoWorkers", "TwirlQueueOld", "TwirlImportSilent", "TwirlRedisDown"}
    assert "index" in next(c.message for c in found if c.alert == "TwirlNoWorkers")
    well = replace(figures, waiting=(), imports={}, fills=())
    assert attention.concerns({"database": State(True, 0.001)}, well) == []


def test_every_family_is_declared(figures: Figures) -> None:
    for family in (*_ledger(figures), *_site(figures)):
        declared = EVERY[family.name]
        for sample in family.samples:
            assert set(sample.labels) == set(declared.labels), family.name


def test_totals_rise_by_what_is_new_and_never_fall(figures: Figures) -> None:
    minute = figures.at.replace(second=0, microsecond=0)
    totals = StageTotals(since=figures.at)
    assert totals.add(figures)["embed"] == [0.0, 0.0, 0.0]  # what was before this process is not its count
    first = replace(figures, minutes={**figures.minutes, "embed": (Minute(minute, 5, 1, 2.0),)})
    assert totals.add(first)["embed"] == [5.0, 1.0, 2.0]
    assert totals.add(first)["embed"] == [5.0, 1.0, 2.0]
    later = minute + timedelta(minutes=1)
    more = replace(figures, minutes={"embed": (Minute(minute, 8, 1, 3.5), Minute(later, 4, 0, 1.0))})
    assert totals.add(more)["embed"] == [12.0, 1.0, 4.5]
    assert totals.add(replace(more, minutes={}))["embed"] == [12.0, 1.0, 4.5]  # the minutes were deleted
    assert totals.add(figures)["mark"] == [0.0, 0.0, 0.0]


def test_a_chart_has_a_bar_for_every_minute_with_something_in_it(figures: Figures) -> None:
    at = figures.at
    full = at.replace(second=0, microsecond=0)
    minutes = [Minute(full - timedelta(minutes=back), 10 * back, back == 2, 3.0) for back in (1, 2, 60, 61)]
    drawn = charts.chart("embed", [*minutes, Minute(full, 999, 0, 1.0)], at)
    assert drawn.bars.count("M") == 3  # neither the minute that is under way nor the one before the hour
    assert drawn.most == 600 and drawn.total == 630 and drawn.failures == 1
    assert "v-40" in drawn.bars and "v-1h" in drawn.bars
    assert drawn.a_minute == 3.0 and drawn.seconds_each == pytest.approx(6 / 30)
    assert charts.chart("embed", [], at).bars == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3700, "1 h 1 min"),
        (36_000, "10 h"),
        (90_000, "1 d 1 h"),
        (None, "unknown"),
    ],
)
def test_ages_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert words.age(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.25, "0.25"), (3.14159, "3.1"), (1234567, "1 234 567"), (None, "–"), (123.4, "123")],
)
def test_numbers_have_no_more_digits_than_they_are_worth(value: float | None, said: str) -> None:
    assert words.number(value).replace("\u202f", " ") == said
