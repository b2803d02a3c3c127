"""When the days of insight are made, and that an outage is for the next time."""

from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from catalog.database import open_engine, sessions, upgrade
from catalog.insight.tables import InsightDay, SearchEvent
from catalog.insight.writing import write_events
from catalog.models import Merchant, now
from indexer.insights import EVERY_S, FORGET_S, Insights


def test_days_are_made_when_it_is_time(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.sqlite3")
    upgrade(engine)
    ledger, clock = sessions(engine), [0.0]
    with ledger.begin() as session:
        session.add(Merchant(id=1, slug="one"))
        session.flush()
        write_events(session, [_event("a", now().date().isoformat()), _event("b", "2020-01-01")], [])
    go = Insights(ledger, 30, lambda: clock[0])
    assert (go(), go()) == (2, 0)
    with ledger() as session:
        assert session.scalar(select(func.count()).select_from(SearchEvent)) == 1, "the old one is forgotten"
        assert session.scalar(select(func.count()).select_from(InsightDay)) == 1
    with ledger.begin() as session:
        write_events(session, [_event("c", now().date().isoformat())], [])
    clock[0] = EVERY_S - 1
    assert go() == 0
    clock[0] = EVERY_S
    assert go() == 1
    off = Insights(ledger, 0, lambda: clock[0] + FORGET_S)
    assert off() == 0
    with ledger() as session:
        assert session.scalar(select(func.count()).select_from(InsightDay)) == 0
    engine.dispose()


def test_an_outage_is_for_the_next_time() -> None:
    class Away:
        def __call__(self) -> Any:
            raise OperationalError("SELECT", {}, Exception("away"))

    assert Insights(cast(Any, Away()), 30)() == 0


def _event(uid: str, day: str) -> dict[str, Any]:
    return {
        "merchant_id": 1, "day": day, "at": now(), "uid": uid, "source": "shop", "mode": "words",
        "words": "red", "total": 1, "shown": 1,
        "weak": False, "latency": 30, "gap": "", "unknown": "", "photo_id": "",
        "fingerprint": "", "top": [], "vector": "",
    }  # fmt: skip
