"""What the events of a day add up to, on both databases: by value."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.insight import latency, reading
from catalog.insight.reading import Period
from catalog.insight.rollup import forget, roll
from catalog.insight.tables import ClickEvent, InsightDay, InsightWords, SearchEvent
from catalog.insight.vectors import packed
from catalog.insight.writing import signing_key, write_events
from catalog.models import Merchant
from tests.support.postgres import fresh, postgres

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    """A migrated database with two shops, 1 and 2."""
    url = f"sqlite:///{tmp_path_factory.mktemp('insight')}/ledger.sqlite3"
    if request.param == "postgresql":
        url = fresh(request.getfixturevalue("server"), "insight")
    engine = open_engine(url)
    upgrade(engine)
    made = sessions(engine)
    with made.begin() as session:
        session.add_all([Merchant(id=1, slug="one"), Merchant(id=2, slug="two")])
    yield made
    engine.dispose()


@pytest.fixture
def ledger(database: Sessions) -> Iterator[Sessions]:
    """The database without events."""
    yield database
    forget(database, 0)


def searched(uid: str, day: date = TODAY, merchant: int = 1, **more: Any) -> dict[str, Any]:
    at = datetime.combine(day, datetime.min.time(), UTC)
    usual: dict[str, Any] = {
        "merchant_id": merchant, "day": day.isoformat(), "at": at, "uid": uid, "source": "shop",
        "mode": "words", "words": "red dress", "total": 30, "shown": 24, "weak": False,
        "latency": latency.step(20), "gap": "", "unknown": "", "photo_id": "", "fingerprint": "f" * 16,
        "top": [], "vector": "",
    }  # fmt: skip
    return {**usual, **more}


def clicked(
    uid: str, rank: int = 1, kind: str = "open", day: date = TODAY, merchant: int = 1
) -> dict[str, Any]:
    at = datetime.combine(day, datetime.min.time(), UTC)
    return {
        "merchant_id": merchant, "day": day.isoformat(), "at": at, "uid": uid, "sku": f"S{rank}",
        "rank": rank, "kind": kind,
    }  # fmt: skip


def write(ledger: Sessions, searches: list[dict[str, Any]], clicks: list[dict[str, Any]]) -> None:
    with ledger.begin() as session:
        write_events(session, searches, clicks)


def month(merchant: int = 1) -> Period:
    return Period(merchant, TODAY - timedelta(days=29), TODAY)


def test_a_day_adds_up(ledger: Sessions) -> None:
    searches = [searched(f"a{n}", latency=latency.step(ms)) for n, ms in enumerate((10, 20, 30, 400))]
    searches += [searched("b0", words="kimono", weak=True, unknown="kimono silk")]
    searches += [searched("b1", words="kimono", shown=0, total=0, unknown="kimono")]
    searches += [searched("b2", words="", mode="photo", photo_id="p", shown=3)]
    searches += [
        searched("c0", merchant=2, words="theirs"),
        searched("d0", YESTERDAY, words="kimono", weak=True),
    ]
    clicks = [clicked("a0"), clicked("a0", 2), clicked("a1", 2), clicked("a2", 1, "compare")]
    clicks += [clicked("b0", 5, "similar"), clicked("c0", 1, merchant=2)]
    write(ledger, searches, clicks)
    write(ledger, [], [clicked("a0"), clicked("a0", 2)])  # the page was loaded again
    assert roll(ledger) == 3
    with ledger() as session:
        *_, before, day = reading.days(session, month())
        assert (day.searches, day.by_photo, day.empty, day.weak) == (7, 1, 1, 1)
        assert (day.chosen, day.opened, day.compared, day.onward) == (2, 3, 1, 1)
        assert (before.searches, before.weak, before.percentile(0.5)) == (1, 1, pytest.approx(20, rel=0.06))
        assert day.percentile(0.5) == pytest.approx(20, rel=0.06)
        assert day.percentile(1) == pytest.approx(400, rel=0.06)
        often = [(each.words, each.searches, each.chosen) for each in reading.words(session, month(), 10)]
        assert often == [("red dress", 4, 2), ("kimono", 3, 0)]
        poor = reading.words(session, month(), 10, poor=True)
        assert [(each.words, each.empty, each.weak) for each in poor] == [("kimono", 1, 2)]
        ranks = reading.ranks(session, month())
        assert len(ranks) == 24
        assert [(each.shown, each.opened) for each in ranks[:4]] == [(7, 1), (7, 2), (7, 0), (6, 0)]
        assert ranks[1].share == pytest.approx(2 / 7)
        unknown = reading.gaps(session, month(), "word", 10)
        assert [(each.gap, each.searches, each.days) for each in unknown] == [
            ("kimono", 2, 1),
            ("silk", 1, 1),
        ]
        assert [each.words for each in reading.words(session, month(2), 10)] == ["theirs"]


def test_a_day_is_made_anew_only_when_something_has_come(ledger: Sessions) -> None:
    write(ledger, [searched("a0")], [])
    assert (roll(ledger), roll(ledger)) == (1, 0)
    write(ledger, [], [clicked("a0", 3)])
    assert (roll(ledger), roll(ledger)) == (1, 0)
    write(ledger, [searched("a1"), searched("a2", YESTERDAY)], [])
    assert roll(ledger) == 2
    with ledger() as session:
        assert [row.events for row in session.scalars(select(InsightDay).order_by(InsightDay.day))] == [1, 2]
        assert reading.rolled_at(session, 1) is not None and reading.rolled_at(session, 2) is None


def test_gaps_are_counted_by_what_is_missing(ledger: Sessions) -> None:
    striped = '[["category", "Dresses", ["women > dresses"]], ["pattern", "Striped", ["striped"]]]'
    searches = [searched(f"a{n}", gap=striped) for n in range(3)] + [searched("b", gap="[]"), searched("c")]
    write(ledger, searches, [clicked("a1")])
    roll(ledger)
    with ledger() as session:
        found = reading.gaps(session, month(), "facets", 10)
    assert [(each.gap, each.searches, each.chosen) for each in found] == [(striped, 3, 1), ("[]", 1, 0)]


def test_photos_that_look_alike_are_one(ledger: Sessions) -> None:
    rng = np.random.default_rng(3)
    kinds = rng.normal(size=(3, 64))
    searches = []
    for n in range(90):
        kind = n % 3
        vector = kinds[kind] + 0.25 * rng.normal(size=64)
        day = TODAY if n % 2 else YESTERDAY
        named = {"photo_id": f"p{kind}-{n}", "top": [f"K{kind}", f"X{n}"], "weak": kind == 2, "mode": "photo"}
        vector = packed(vector / np.linalg.norm(vector))
        searches.append(searched(f"u{n}", day, words="in red" if kind == 0 else "", vector=vector, **named))
    write(ledger, searches, [clicked("u1"), clicked("u0", day=YESTERDAY)])
    roll(ledger)
    with ledger() as session:
        matched = reading.photos(session, month(), False, 10)
        others = reading.photos(session, month(), True, 10)
        assert reading.photos(session, month(2), False, 10) == []
    assert [each.searches for each in matched] == [30, 30] and [each.searches for each in others] == [30]
    first = next(each for each in matched if each.words)
    assert first.words == (("in red", 30),) and first.skus[0] == "K0" and first.chosen == 1
    assert first.photo_ids[0] == "p0-87" and {each.split("-")[0] for each in first.photo_ids} == {"p0"}
    assert others[0].skus[0] == "K2"


def test_what_is_old_is_forgotten(ledger: Sessions) -> None:
    old, older = TODAY - timedelta(days=40), TODAY - timedelta(days=100)
    write(
        ledger,
        [searched("a", old), searched("b", older), searched("c")],
        [clicked("a", day=old), clicked("c")],
    )
    roll(ledger)
    forget(ledger, 90)
    with ledger() as session:
        assert list(session.scalars(select(SearchEvent.uid))) == ["c"]
        assert list(session.scalars(select(ClickEvent.uid))) == ["c"]
        assert set(session.scalars(select(InsightDay.day))) == {old.isoformat(), TODAY.isoformat()}
    assert roll(ledger) == 0, "what was forgotten is not made anew"
    forget(ledger, 0)
    with ledger() as session:
        for table in (SearchEvent, ClickEvent, InsightDay, InsightWords):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_shop_has_one_key_of_its_own(ledger: Sessions) -> None:
    keys = []
    for merchant in (1, 1, 2):
        with ledger.begin() as session:
            keys.append(signing_key(session, merchant))
    assert keys[0] == keys[1] != keys[2] and len(bytes.fromhex(keys[0])) == 32
