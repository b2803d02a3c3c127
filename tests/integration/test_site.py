"""Which index is live: the same rules on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator

import pgserver
import pytest
from sqlalchemy import func, select

from catalog import site
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.operations import FillRange, Site, VectorIndex
from catalog.site import SiteRefused, SiteState, read_site

RED, BLUE = "a" * 32, "b" * 32


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    folder = tmp_path_factory.mktemp("site")
    server = pgserver.get_server(folder) if request.param == "postgresql" else None
    engine = open_engine(server.get_uri() if server else f"sqlite:///{folder}/twirl.sqlite3")
    upgrade(engine)
    yield sessions(engine)
    engine.dispose()
    if server:
        server.cleanup()


@pytest.fixture
def empty(database: Sessions) -> Sessions:
    with database.begin() as session:
        for table in (Site, FillRange, VectorIndex):
            session.query(table).delete()
    return database


@pytest.fixture
def ledger(empty: Sessions) -> Sessions:
    with empty.begin() as session:
        site.ensure_live(session, RED, "red", 8)
    return empty


def change(ledger: Sessions, work: object, *given: object) -> site.IndexRef:
    with ledger.begin() as session:
        return work(session, *given)  # type: ignore[operator,no-any-return]


def filled(ledger: Sessions) -> int:
    index = change(ledger, site.register, BLUE, "blue", 16)
    change(ledger, site.mark_ready, index.id)
    return index.id


def refusal(ledger: Sessions, work: object, *given: object) -> str:
    before = read_site(ledger)
    with pytest.raises(SiteRefused) as caught:
        change(ledger, work, *given)
    assert caught.value.fix
    assert read_site(ledger) == before
    return caught.value.code


def test_before_the_first_start_there_is_nothing(empty: Sessions) -> None:
    assert read_site(empty) == SiteState()
    assert refusal(empty, site.register, BLUE, "blue", 16) == "site-not-begun"


def test_the_first_pack_becomes_live_and_stays_it(ledger: Sessions) -> None:
    first = read_site(ledger)
    assert first.live and (first.live.fingerprint, first.live.state, first.live.live) == (RED, "ready", True)
    assert first.maintained == (first.live,)
    assert change(ledger, site.ensure_live, BLUE, "blue", 16) == first.live
    assert read_site(ledger) == first


def test_several_that_start_at_once_agree(empty: Sessions) -> None:
    made: list[str] = []

    def start(fingerprint: str) -> None:
        made.append(change(empty, site.ensure_live, fingerprint, "pack", 8).fingerprint)

    threads = [threading.Thread(target=start, args=(name * 32,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 4 and len(set(made)) == 1
    with empty() as session:
        assert session.scalar(select(func.count()).select_from(VectorIndex)) == 1


def test_a_fill_is_maintained_from_its_registration_and_registered_once(ledger: Sessions) -> None:
    before = read_site(ledger).generation
    index = change(ledger, site.register, BLUE, "blue", 16, 40.0, 5000)
    state = read_site(ledger)
    assert [each.fingerprint for each in state.maintained] == [RED, BLUE]
    assert state.generation == before + 1 and index.state == "filling" and not index.live
    for rate, kept in ((None, 40.0), (9.5, 9.5), (0, None)):
        assert change(ledger, site.register, BLUE, "blue", 16, rate) == index
        with ledger() as session:
            row = session.get_one(VectorIndex, index.id)
            assert (row.rate, row.total) == (kept, 5000)
    assert read_site(ledger) == state


def test_switching_and_back(ledger: Sessions) -> None:
    index = change(ledger, site.register, BLUE, "blue", 16)
    assert refusal(ledger, site.switch, index.id) == "index-not-ready"
    assert refusal(ledger, site.switch_back) == "no-previous-index"
    before = read_site(ledger).generation
    change(ledger, site.mark_ready, index.id)
    change(ledger, site.mark_ready, index.id)
    assert read_site(ledger).generation == before + 1
    change(ledger, site.switch, index.id)
    there = read_site(ledger)
    assert there.live and there.previous
    assert (there.live.fingerprint, there.previous.fingerprint) == (BLUE, RED)
    assert [each.live for each in there.maintained] == [True, False]
    assert there.generation == before + 2
    change(ledger, site.switch, index.id)
    assert read_site(ledger) == there
    change(ledger, site.switch_back)
    back = read_site(ledger)
    assert back.live and back.previous
    assert (back.live.fingerprint, back.previous.fingerprint) == (RED, BLUE)


def test_dropping(ledger: Sessions) -> None:
    index_id = filled(ledger)
    change(ledger, site.switch, index_id)
    assert refusal(ledger, site.begin_drop, index_id) == "index-live"
    change(ledger, site.switch_back)
    with ledger.begin() as session:
        session.add(FillRange(index_id=index_id, first_image_id=1, last_image_id=9))
    before = read_site(ledger).generation
    assert change(ledger, site.begin_drop, index_id).state == "dropping"
    change(ledger, site.begin_drop, index_id)
    state = read_site(ledger)
    assert state.previous is None and state.generation == before + 1
    assert [each.fingerprint for each in state.maintained] == [RED]
    assert [each.fingerprint for each in state.dropping] == [BLUE]
    assert refusal(ledger, site.switch, index_id) == "index-dropping"
    assert refusal(ledger, site.register, BLUE, "blue", 16) == "index-dropping"
    with ledger() as session:
        assert session.scalar(select(func.count()).select_from(FillRange)) == 0
    for _ in range(2):
        with ledger.begin() as session:
            site.dropped(session, index_id)
    assert [each.fingerprint for each in read_site(ledger).indexes] == [RED]
    assert refusal(ledger, site.switch, index_id) == "index-unknown"


def test_an_index_that_is_not_being_dropped_is_never_forgotten(ledger: Sessions) -> None:
    index_id = filled(ledger)
    with ledger.begin() as session:
        site.dropped(session, index_id)
    assert len(read_site(ledger).maintained) == 2


def test_indexes_are_found_by_fingerprint_or_name(ledger: Sessions) -> None:
    filled(ledger)
    state = read_site(ledger)
    assert state.find("bbbb").fingerprint == state.find("blue").fingerprint == BLUE
    for name, code in (("nothing", "index-unknown"), ("", "index-unknown")):
        with pytest.raises(SiteRefused) as caught:
            state.find(name)
        assert caught.value.code == code and "aaaa" in caught.value.fix
    change(ledger, site.register, "bbb" + "c" * 29, "blue", 16)
    with pytest.raises(SiteRefused) as caught:
        read_site(ledger).find("bbb")
    assert caught.value.code == "index-ambiguous"


def test_a_writer_notices_that_the_indexes_have_moved(ledger: Sessions) -> None:
    state = read_site(ledger)
    with ledger() as session:
        assert session.scalar(select(site.not_moved(state)))
        assert not session.scalar(select(site.not_moved(SiteState())))
    change(ledger, site.register, BLUE, "blue", 16)
    with ledger() as session:
        assert not session.scalar(select(site.not_moved(state)))


def test_where_image_bytes_are_is_written_down(empty: Sessions) -> None:
    with empty.begin() as session:
        site.decide_images_url(session, lambda _noted: "s3://shop/twirl")
    assert read_site(empty).images_url == "s3://shop/twirl"
    change(empty, site.ensure_live, RED, "red", 8)
    assert read_site(empty).images_url == "s3://shop/twirl"
