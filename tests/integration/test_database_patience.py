"""A PostgreSQL that is silent costs a caller with a limit that limit, and the next ones nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from catalog.database import AWAY, Access, open_engine
from catalog.patience import within
from tests.support.faults import FaultyProxy
from tests.support.postgres import postgres

LIMIT_S, SLACK_S = 0.5, 0.4


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyProxy]:
    """A line to a real server, that can be made to swallow everything, as a stopped server does."""
    with postgres() as uri:
        folder = make_url(uri).query["host"]
        line = FaultyProxy(Path(str(folder)) / ".s.PGSQL.5432")
        yield line
        line.close()


@pytest.fixture
def engine(server: FaultyProxy) -> Iterator[Engine]:
    server.set("none")
    url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
    made = open_engine(url, Access(pool_size=1, pool_overflow=1))
    yield made
    server.set("none")
    made.dispose()


def ask(engine: Engine, statement: str = "SELECT 1") -> None:
    with within(LIMIT_S), engine.connect() as connection:
        connection.execute(text(statement))


def refused_after(engine: Engine) -> float:
    """Seconds until the refusal."""
    began = time.monotonic()
    with pytest.raises(AWAY):
        ask(engine)
    return time.monotonic() - began


def test_a_statement_ends_with_its_callers_time(engine: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError, match="timeout"):
        ask(engine, "SELECT pg_sleep(5)")
    assert LIMIT_S <= time.monotonic() - began < LIMIT_S + SLACK_S
    ask(engine)  # on another connection: what the first would still have got is nobody's
    with engine.connect() as connection:  # who has no limit waits
        connection.execute(text(f"SELECT pg_sleep({LIMIT_S + 0.2})"))


def test_a_server_that_is_silent_costs_the_limit_then_nothing_and_is_found_when_it_is_back(
    engine: Engine, server: FaultyProxy
) -> None:
    ask(engine)
    server.set("blackhole")
    assert (
        LIMIT_S <= refused_after(engine) < LIMIT_S + SLACK_S
    )  # on the connection at hand, then on a new one
    assert [refused_after(engine) < 0.1 for _ in range(5)] == [True] * 5
    server.set("none")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            ask(engine)
            break
        except AWAY:
            time.sleep(0.1)
    ask(engine)


def test_nobody_waits_for_a_free_connection_longer_than_they_may(engine: Engine) -> None:
    with engine.connect(), engine.connect():
        began = time.monotonic()
        with pytest.raises(NoConnection):
            ask(engine)
        assert LIMIT_S <= time.monotonic() - began < LIMIT_S + SLACK_S
    ask(engine)
