"""Which model answers, followed as SQL says: on a real ledger, with encoders that are there at once."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from benchmarks.indexing_shop import PlainEncoder
from catalog import site
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.site import SiteRefused
from embedding.errors import PackRefused
from searcher.models import Models

OLD, NEW = "a" * 32, "b" * 32


class Encoders:
    """Packs by fingerprint; those of `missing` are not at hand."""

    def __init__(self) -> None:
        self.there: dict[str, PlainEncoder] = {}
        self.missing: set[str] = set()
        self.loads = 0

    def get(self, fingerprint: str) -> PlainEncoder:
        if fingerprint in self.missing:
            raise PackRefused("pack-not-at-hand", "It is not here.", "Put it here.")
        if fingerprint not in self.there:
            self.loads += 1
            self.there[fingerprint] = PlainEncoder(fingerprint)
        return self.there[fingerprint]

    def keep(self, fingerprints: set[str]) -> None:
        self.there = {name: pack for name, pack in self.there.items() if name in fingerprints}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    yield sessions(engine)
    engine.dispose()


@pytest.fixture
def packs() -> Encoders:
    return Encoders()


def make(ledger: Sessions, packs: Encoders, poll_s: float) -> Models:
    return Models(ledger, cast(Any, packs), cast(Any, None), cast(Any, None), poll_s)


@pytest.fixture
def watched(ledger: Sessions, packs: Encoders) -> Iterator[Models]:
    begin(ledger)
    made = make(ledger, packs, 0.05)
    made.watch()
    yield made
    made.close()


def begin(ledger: Sessions) -> None:
    with ledger.begin() as session:
        site.ensure_live(session, OLD, "old", 64)


def ready(ledger: Sessions, state: str = "ready") -> int:
    with ledger.begin() as session:
        index = site.register(session, NEW, "new", 64)
        if state == "ready":
            site.mark_ready(session, index.id)
        return index.id


def switch(ledger: Sessions, index_id: int) -> None:
    with ledger.begin() as session:
        site.switch(session, index_id)


def until(there: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not there():
        assert time.monotonic() - began < 20
        time.sleep(0.005)
    return time.monotonic() - began


def test_before_the_first_start_the_refusal_says_what_to_do(ledger: Sessions, packs: Encoders) -> None:
    with pytest.raises(SiteRefused) as refused:
        make(ledger, packs, 0).live()
    assert refused.value.code == "site-not-begun"


def test_who_does_not_watch_looks_when_asked(ledger: Sessions, packs: Encoders) -> None:
    begin(ledger)
    models, rarely = make(ledger, packs, 0), make(ledger, packs, 60)
    assert models.live().fingerprint == rarely.live().fingerprint == OLD
    index_id = ready(ledger)
    switch(ledger, index_id)
    live = models.live()
    assert (live.fingerprint, live.collection) == (NEW, f"images-{NEW[:16]}")
    assert live.pack is live.encoder.pack and live.encoder.collection == live.collection
    assert rarely.live().fingerprint == OLD, "not again within its time"
    held = models.held(OLD[:16])
    assert held is not None and held.fingerprint == OLD
    assert models.held("c" * 16) is None


def test_the_next_pack_is_there_before_the_switch(ledger: Sessions, packs: Encoders, watched: Models) -> None:
    index_id = ready(ledger, "filling")
    until(lambda: NEW in packs.there)
    assert watched.held(NEW) is None, "it is not filled yet"
    with ledger.begin() as session:
        site.mark_ready(session, index_id)
    assert watched.live().fingerprint == OLD and packs.loads == 2
    switch(ledger, index_id)
    assert until(lambda: watched.live().fingerprint == NEW) < 1.0
    with ledger.begin() as session:
        site.switch_back(session)
    assert until(lambda: watched.live().fingerprint == OLD) < 1.0
    assert packs.loads == 2


def test_what_is_dropped_is_let_go(ledger: Sessions, packs: Encoders, watched: Models) -> None:
    index_id = ready(ledger)
    until(lambda: NEW in packs.there)
    pack = weakref.ref(packs.there[NEW])
    with ledger.begin() as session:
        site.begin_drop(session, index_id)

    def gone() -> bool:
        gc.collect()
        return pack() is None

    until(gone)
    assert watched.held(NEW) is None and watched.live().fingerprint == OLD


def test_a_pack_that_is_not_at_hand_leaves_the_old_model_answering(
    ledger: Sessions, packs: Encoders, watched: Models
) -> None:
    packs.missing.add(NEW)
    index_id = ready(ledger)
    switch(ledger, index_id)
    time.sleep(0.4)
    assert watched.live().fingerprint == OLD, "an answer, and it says of which model it is"
    packs.missing.clear()
    until(lambda: watched.live().fingerprint == NEW)


def test_without_any_pack_there_is_no_start(ledger: Sessions, packs: Encoders) -> None:
    begin(ledger)
    packs.missing.add(OLD)
    with pytest.raises(PackRefused):
        make(ledger, packs, 0).watch()


def test_a_database_that_is_away_changes_nothing(
    ledger: Sessions, watched: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    index_id = ready(ledger)
    with monkeypatch.context() as patch:
        patch.setattr(watched, "sessions", away)
        time.sleep(0.3)
        assert watched.live().fingerprint == OLD
    switch(ledger, index_id)
    until(lambda: watched.live().fingerprint == NEW)
