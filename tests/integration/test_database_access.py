"""How PostgreSQL is used: limits on what a statement may take, and a server that restarts under us."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pgserver
import psutil
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.database import Access, Sessions, open_engine, sessions, upgrade
from catalog.products import ensure_merchant, find_merchant
from tests.support.postgres import fresh, postgres
from web.problems import problem_of


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


def test_the_settings_reach_every_connection(server: str) -> None:
    chosen = Access(statement_timeout_ms=1234, lock_timeout_ms=567, application="twirl tester:1")
    engine = open_engine(server, chosen)
    names = ("statement_timeout", "lock_timeout", "application_name", "idle_in_transaction_session_timeout")
    with engine.connect() as connection:
        shown = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
    assert shown == ["1234ms", "567ms", "twirl tester:1", "5min"]
    engine.dispose()


def test_what_the_url_says_comes_first(server: str) -> None:
    said = {"application_name": "mine", "options": "-c work_mem=8MB"}
    url = make_url(server).update_query_dict(said)
    engine = open_engine(url)
    with engine.connect() as connection:
        shown = [
            connection.execute(text(f"SHOW {name}")).scalar()
            for name in ("application_name", "work_mem", "lock_timeout")
        ]
    assert shown == ["mine", "8MB", "10s"]
    engine.dispose()


def test_a_statement_and_a_lock_are_given_up_in_time(server: str) -> None:
    engine = open_engine(server, Access(statement_timeout_ms=300, lock_timeout_ms=100))
    with pytest.raises(OperationalError, match="statement timeout"), engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(20)"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE held (id int)"))
    with engine.begin() as holder:
        holder.execute(text("LOCK TABLE held"))
        with pytest.raises(OperationalError, match="lock timeout"), engine.connect() as connection:
            connection.execute(text("SELECT * FROM held"))
    engine.dispose()


def test_connections_are_bounded_and_waited_for_in_time(server: str) -> None:
    engine = open_engine(server, Access(pool_size=1, pool_overflow=1, pool_wait_s=0.2))
    with engine.connect() as first, engine.connect():
        with pytest.raises(PoolTimeout):
            engine.connect()
        assert first.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_a_database_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql://postgres@/postgres?host={tmp_path}")
    began = time.monotonic()
    with pytest.raises(OperationalError, match="No such file") as refused, engine.connect():
        pass
    assert time.monotonic() - began < 5
    problem = problem_of(refused.value)
    assert (problem.status, problem.code) == (503, "database-unavailable") and problem.headers["Retry-After"]


def _shop(ledger: Sessions, slug: str) -> int:
    with ledger.begin() as session:
        return ensure_merchant(session, slug).id


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_server_that_restarts_is_found_again(how: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = pgserver.get_server(folder)
        engine = open_engine(server.get_uri())
        try:
            upgrade(engine)
            ledger = sessions(engine)
            mine = _shop(ledger, "mine")
            kept = [engine.connect() for _ in range(3)]  # three connections that the restart will cut
            for connection in kept:
                connection.execute(text("SELECT 1"))
                connection.close()
            _end(server, how)
            with pytest.raises(OperationalError):
                _shop(ledger, "meanwhile")
            server.ensure_postgres_running()
            with ledger() as session:
                found = find_merchant(session, "mine")
                assert found is not None and found.id == mine
            threads = [threading.Thread(target=_shop, args=(ledger, f"shop-{n}")) for n in range(5)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            with ledger() as session:
                slugs = session.execute(text("SELECT slug FROM merchant ORDER BY 1")).scalars().all()
            assert slugs == ["mine", *(f"shop-{n}" for n in range(5))]
        finally:
            engine.dispose()
            server.cleanup()


def _end(server: pgserver.PostgresServer, how: int) -> None:
    """SIGINT: connections are cut, then an orderly end. SIGQUIT: an end without order, recovered from."""
    process = psutil.Process(server.get_pid())
    os.kill(process.pid, how)
    process.wait(20)


def test_a_session_that_is_ended_by_the_operator_costs_one_transaction(server: str) -> None:
    engine = open_engine(fresh(server, "ended"))
    upgrade(engine)
    ledger = sessions(engine)
    _shop(ledger, "one")
    ender = open_engine(make_url(server))
    with ender.connect() as connection:
        found = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ended'")
        assert connection.execute(found).scalar()
    assert _shop(ledger, "two") == 2
    ender.dispose()
    engine.dispose()
