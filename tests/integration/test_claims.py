"""Who gets which waiting images, on SQLite and on a real PostgreSQL; and what the databases read for it."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, func, select, text, update

from catalog import models
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.models import BULK, EDIT, SUSPECT, Image, Merchant, Product, now
from indexer import ledger, sweeper
from indexer.claims import MERCHANTS, Claims, Job
from tests.support.postgres import postgres
from tests.support.queued import make_merchants, queue_images

INDEX = "ix_image_state_queue_priority_merchant_id_next_attempt_at_id"
MANY = 20_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = open_engine(f"sqlite:///{tmp_path_factory.mktemp('claims')}/twirl.sqlite3")
        upgrade(made)
        yield made
        made.dispose()
        return
    with postgres() as uri:
        made = open_engine(uri)
        upgrade(made)
        yield made
        made.dispose()


@pytest.fixture
def empty(engine: Engine) -> Sessions:
    with engine.begin() as connection:
        for table in (Image, Product, Merchant):
            connection.execute(delete(table))
    return sessions(engine)


def queued(ledger_: Sessions, merchants: dict[int, int], first: int = 0, **said: Any) -> int:
    """{merchant: how many images}; returns the last id."""
    with ledger_.begin() as session:
        known = set(session.scalars(select(Merchant.id)))
        for merchant in merchants.keys() - known:
            session.add(Merchant(id=merchant, slug=f"m{merchant}"))
        session.flush()
        for merchant, count in merchants.items():
            first = queue_images(session.connection(), merchant, first, count, **said)
    return first


def merchants(jobs: list[Job]) -> Counter[int]:
    return Counter(job.image.merchant_id for job in jobs)


def test_a_small_merchant_is_served_in_the_first_batch(empty: Sessions) -> None:
    queued(empty, {1: 5000, 2: 3})
    jobs = Claims(empty, "w:1").take("images", 32)
    assert merchants(jobs) == {1: 29, 2: 3}
    ids = [job.image.id for job in jobs if job.image.merchant_id == 1]
    assert ids == sorted(ids) == list(range(1, 30))  # in the order in which they came
    assert {job.image.state for job in jobs} == {"fetching"} and {job.image.attempts for job in jobs} == {1}


def test_a_batch_is_divided_evenly(empty: Sessions) -> None:
    queued(empty, {1: 100, 2: 100, 3: 4, 4: 100})
    claims = Claims(empty, "w:1")
    assert merchants(claims.take("images", 16)) == {1: 4, 2: 4, 3: 4, 4: 4}
    assert merchants(claims.take("images", 16)) == {1: 6, 2: 5, 4: 5}


def test_edits_go_before_bulk_imports_of_anybody(empty: Sessions) -> None:
    last = queued(empty, {1: 200, 2: 200})
    last = queued(empty, {2: 3}, last, priority=EDIT)
    queued(empty, {1: 40, 2: 40}, last, stage="embed", priority=EDIT)
    claims = Claims(empty, "w:1")
    edits = claims.take("images", 9)  # a batch of their own: they wait for no bulk row's picture
    assert [job.image.priority for job in edits] == [EDIT] * 3 and merchants(edits) == {2: 3}
    assert merchants(claims.take("images", 9)) == {1: 5, 2: 4}


def test_everybody_has_a_turn_where_more_wait_than_a_batch_holds(empty: Sessions) -> None:
    queued(empty, dict.fromkeys(range(1, 21), 3))
    claims = Claims(empty, "w:1")
    seen = [merchants(claims.take("images", 8)) for _ in range(5)]
    assert sum(seen, Counter()) == dict.fromkeys(range(1, 21), 2)
    assert all(set(each.values()) == {1} for each in seen)


def test_what_is_to_be_tried_later_waits_and_keeps_nobody_waiting(empty: Sessions) -> None:
    soon, past = now() + timedelta(hours=1), now() - timedelta(seconds=1)
    last = queued(empty, dict.fromkeys(range(1, MERCHANTS + 10), 2), later=soon)
    claims = Claims(empty, "w:1")
    assert claims.take("images", 8) == [] and not claims.due("images")
    last = queued(empty, {MERCHANTS + 20: 2}, last, later=past)
    queued(empty, {MERCHANTS + 20: 1}, last)
    assert claims.due("images")
    assert [job.image.id for job in claims.take("images", 8)] == [last + 1, last - 1, last]


def test_a_suspect_goes_alone_and_last_and_is_given_up_at_its_third_death(empty: Sessions) -> None:
    queued(empty, {1: 5})
    claims = Claims(empty, "w:1")
    assert len(claims.take("images", 2)) == 2
    assert sweeper.release_worker(empty, "w:1") == 2
    assert [job.image.id for job in claims.take("images", 32)] == [3, 4, 5]  # what nobody died over
    assert claims.take("images", 32) == [] and claims.has_suspect("images")
    for _ in range(2):
        (job,) = claims.take_suspect("images")
        assert job.suspect and (job.image.id, job.image.priority) == (1, BULK + SUSPECT)
        sweeper.release_worker(empty, "w:1")
        with empty.begin() as session:  # the others are at work elsewhere
            session.execute(update(Image).where(Image.id > 1).values(state="live"))
    with empty() as session:
        poison = session.get_one(Image, 1)
        assert (poison.state, poison.error_code) == ("failed", "poison")


def test_a_suspect_that_does_well_is_none_any_more(empty: Sessions) -> None:
    queued(empty, {1: 1}, priority=EDIT)
    claims = Claims(empty, "w:1")
    claims.take("images", 1)
    sweeper.release_worker(empty, "w:1")
    (job,) = claims.take_suspect("images")
    job.sha256, job.size = "a" * 64, (10, 20)
    assert ledger.pass_on(empty, [job], "embed") == 1
    (job,) = claims.take("embed", 1)
    assert not job.suspect and (job.image.priority, job.image.attempts) == (EDIT, 1)
    assert (job.image.sha256, job.image.width, job.image.error_code) == ("a" * 64, 10, "")


def test_tries_of_what_may_work_later_are_no_deaths(empty: Sessions) -> None:
    queued(empty, {1: 1})
    claims = Claims(empty, "w:1")
    for _ in range(4):
        (job,) = claims.take("images", 1)
        ledger.mark_failed(empty, job, "image-timeout", "No image within 20 s.", transient=True)
        with empty.begin() as session:
            session.execute(update(Image).values(next_attempt_at=None))
    claims.take("images", 1)
    sweeper.release_worker(empty, "w:1")
    claims.take_suspect("images")
    sweeper.release_worker(empty, "w:1")
    with empty() as session:
        assert session.get_one(Image, 1).state == "queued"  # it ended two workers, not three


def test_no_image_is_claimed_twice_by_four_at_once(empty: Sessions) -> None:
    queued(empty, {1: 1500, 2: 400, 3: 100})
    taken: list[list[Job]] = []
    start = threading.Barrier(4)

    def work(number: int) -> None:
        claims = Claims(empty, f"w:{number}")
        start.wait(30)
        while jobs := claims.take("images", 25):
            taken.append(jobs)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    ids = [job.image.id for jobs in taken for job in jobs]
    assert len(ids) == len(set(ids)) == 2000
    with empty() as session:
        held = dict(session.execute(select(Image.id, Image.claimed_by)).tuples().all())
    assert all(held[job.image.id] == job.token for jobs in taken for job in jobs)


def test_a_claim_takes_what_another_has_not_locked(empty: Sessions) -> None:
    if empty.kw["bind"].dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: there are no row locks")
    queued(empty, {1: 20})
    with empty.begin() as session:  # a merchant's change of these products is under way
        session.scalars(select(Image).where(Image.id <= 5).with_for_update()).all()
        jobs = Claims(empty, "w:1").take("images", 10)
    assert [job.image.id for job in jobs] == list(range(6, 16))


class Sent:
    """Statements on their way to the database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.statements: list[tuple[str, Any]] = []

    def __enter__(self) -> "Sent":
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "image" in statement and statement.lstrip().startswith(("SELECT", "WITH")):
            self.statements.append((statement, parameters))


def plans_on_sqlite(engine: Engine, statements: list[tuple[str, Any]]) -> list[str]:
    with engine.connect() as connection:
        return [
            str(row[3])
            for statement, parameters in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def plans_on_postgres(engine: Engine, statements: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for statement, parameters in statements:
        with engine.connect() as connection, connection.begin() as transaction:
            from indexer.claims import _STEER

            connection.execute(_STEER)
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            answer = connection.exec_driver_sql(explain, parameters).scalar_one()
            transaction.rollback()
        found.append((answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("analysed", [False, True])
def test_a_claim_reads_what_it_takes_and_no_more(empty: Sessions, engine: Engine, analysed: bool) -> None:
    """Whether the database knows how much is queued, or thinks that nothing is, as in a fresh import."""
    sqlite = engine.dialect.name == "sqlite"
    if not sqlite:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE image SET (autovacuum_enabled = false)"))
            connection.execute(text("TRUNCATE image, product, merchant CASCADE"))
            connection.execute(text("ANALYZE image"))
    with engine.begin() as connection:
        make_merchants(connection, 500)
        last = queue_images(connection, 7, 0, MANY)
        for merchant in (3, 9, *range(200, 260)):
            last = queue_images(connection, merchant, last, 10)
        # Others' rows that are long indexed, and some that are tried again in an hour.
        connection.execute(update(Image).where(Image.id % 3 == 0, Image.id < 9000).values(state="live"))
        later = update(Image).where(Image.id % 3 == 1, Image.id < 9000)
        connection.execute(later.values(next_attempt_at=now() + timedelta(hours=1)))
    if analysed:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
    claims = Claims(empty, "w:1")
    with Sent(engine) as sent:
        assert len(claims.take("images", 32)) == 32
        assert not claims.has_suspect("images") and not claims.due("embed") and claims.gathered(32) is False
    assert len(sent.statements) >= 6
    if sqlite:
        details = plans_on_sqlite(engine, sent.statements)
        read = [each for each in details if "image" in each]
        assert read and all("SEARCH image" in each for each in read), details
        assert not any("TEMP B-TREE" in each for each in details), details
        claim = [each for each in read if "INTEGER PRIMARY KEY" not in each and "claimed_at" not in each]
        assert claim and all(INDEX in each for each in claim), claim
        return
    for (statement, _), plan in zip(sent.statements, plans_on_postgres(engine, sent.statements), strict=True):
        said = json.dumps(plan, indent=1)[:3000]
        kinds = {node["Node Type"] for node in nodes(plan)}
        assert not kinds & {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan"}, (statement, said)
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1000, (statement, said)


def test_the_ledger_forgets_no_waiting_image_however_it_is_claimed(empty: Sessions) -> None:
    """A worker that claims, passes on, fails and gives back at random loses nothing."""
    queued(empty, {1: 60, 2: 30})
    claims = Claims(empty, "w:1")
    for turn in range(30):
        jobs = claims.take("images" if turn % 2 else "embed", 8)
        ledger.pass_on(empty, jobs[:3], "embed")
        ledger.release(empty, jobs[3:5])
        ledger.suspect(empty, jobs[5:6])
    sweeper.release_worker(empty, "w:1")
    with empty() as session:
        states = dict(session.execute(select(Image.state, func.count()).group_by(Image.state)).tuples().all())
        assert states == {"queued": 90}
        assert session.scalar(select(func.count()).where(Image.claimed_by.is_not(None))) == 0


class OffClock(datetime):
    """This machine's clock, `off` seconds from the database's."""

    off = 0.0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=cls.off)


@pytest.mark.parametrize(("worker", "beat"), [(-150.0, 0.0), (150.0, 0.0), (0.0, 150.0), (0.0, -150.0)])
def test_leases_hold_between_machines_whose_clocks_differ(
    engine: Engine, empty: Sessions, monkeypatch: pytest.MonkeyPatch, worker: float, beat: float
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("a file of one machine has one clock")
    monkeypatch.setattr(models, "datetime", OffClock)
    monkeypatch.setattr(OffClock, "off", worker)
    queued(empty, {1: 6})
    jobs = Claims(empty, "far:1").take("images", 4)
    monkeypatch.setattr(OffClock, "off", beat)
    assert sweeper.release_stale(empty, 120.0) == 0  # nobody is blamed
    assert len(ledger.still_ours(empty, jobs)) == 4
    monkeypatch.setattr(OffClock, "off", worker)
    ledger.mark_failed(empty, jobs[0], "fetch-timeout", "It took too long.", transient=True)
    with empty() as session:
        pause = session.get_one(Image, jobs[0].image.id).next_attempt_at
    assert pause is not None and abs((pause - datetime.now(UTC)).total_seconds() - 30) < 20
    with empty.begin() as session:
        silent = update(Image).where(Image.id.in_([job.image.id for job in jobs[1:]]))
        session.execute(silent.values(claimed_at=datetime.now(UTC) - timedelta(seconds=130)))
    monkeypatch.setattr(OffClock, "off", beat)
    assert sweeper.release_stale(empty, 120.0) == 3  # and what is silent is found
