import errno
import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from catalog.database import open_engine, upgrade
from launcher.deployed import patiently
from launcher.refusals import explain, passes
from searcher.errors import SearchUnavailable
from vectors.protocol import FORBIDDEN, VectorStoreUnavailable


def failing(url: str) -> Exception:
    with pytest.raises(SQLAlchemyError) as caught:
        upgrade(open_engine(url))
    return caught.value


def test_databases_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "twirl.sqlite3"
    path.write_bytes(os.urandom(50_000))
    assert "restore the file from a backup" in str(explain(failing(f"sqlite:///{path}")))
    away = explain(failing("postgresql://u:hush@127.0.0.1:1/x"))
    assert away and "TWIRL_DATABASE_URL" in away and "hush" not in away
    assert "cannot be read" in str(explain(failing("nonsense")))
    assert "cannot be read" in str(explain(failing("dbase://x/y")))


@pytest.mark.parametrize(
    ("said", "fix", "waits"),
    [
        ('FATAL:  password authentication failed for user "twirl"', "ALTER ROLE", False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "twirl"', "a line for it", False),
        ('FATAL:  role "twirl" does not exist', "CREATE ROLE", False),
        ('FATAL:  database "twirl" does not exist', "CREATE DATABASE", False),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "host's name", False),
        ("FATAL:  sorry, too many clients already", "max_connections", True),
        ("canceling statement due to statement timeout", "TWIRL_DB_STATEMENT_TIMEOUT_MS", True),
        ("canceling statement due to lock timeout", "TWIRL_DB_LOCK_TIMEOUT_MS", True),
        ("connection failed: Connection refused", "check that it runs", True),
        ("FATAL:  the database system is starting up", "check that it runs", True),
    ],
)
def test_what_postgresql_says_has_its_own_fix_and_is_waited_for_or_not(
    said: str, fix: str, waits: bool
) -> None:
    error = OperationalError("SELECT 1", {}, Exception(said))
    text = explain(error)
    assert text is not None and said in text and fix in text.split("Fix: ")[1]
    assert passes(error) is waits


def test_a_search_that_the_engine_failed_says_what_to_do_about_the_engine() -> None:
    away = SearchUnavailable("The Qdrant server refuses this API key.")
    assert "Try again in a moment" in str(explain(away))
    away.__cause__ = VectorStoreUnavailable(FORBIDDEN, "It refuses.", "Set TWIRL_QDRANT_API_KEY.")
    assert explain(away) == "It refuses.\n  Fix: Set TWIRL_QDRANT_API_KEY."


def test_tables_of_a_newer_version_are_named() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999_from_tomorrow')"))
    with pytest.raises(Exception, match="9999_from_tomorrow") as caught:
        upgrade(engine)
    assert isinstance(caught.value, Exception)
    assert "not of this version" in str(explain(caught.value))


def test_a_full_disk_is_named_and_a_fault_of_ours_is_not_hidden() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/incoming/x")
    assert "/data/incoming/x" in str(explain(full)) and "Fix: free some disk" in str(explain(full))
    assert explain(KeyError("a fault of ours")) is None
    assert explain(sqlite3.OperationalError("not through SQLAlchemy")) is None


def test_the_packages_of_the_deployed_shape_are_named_where_they_are_missing() -> None:
    said = explain(ModuleNotFoundError("No module named 'celery'", name="celery"))
    assert said is not None and "twirl[deployed]" in said
    assert explain(ModuleNotFoundError("No module named 'numpy'", name="numpy")) is None


def test_what_stays_waits_for_a_database_that_restarts_and_for_no_wrong_address() -> None:
    said: list[str] = []
    tries = 0

    def start(url: str) -> None:
        nonlocal tries
        tries += 1
        with open_engine(url).connect():
            pass

    with pytest.raises(OperationalError):
        patiently(lambda: start("postgresql+psycopg://u@127.0.0.1:1/x"), said.append, patience_s=1.5)
    assert tries >= 2 and len(said) == 1 and said[0].startswith("Waiting for at most 1.5 s: The database")
    tries = 0
    with pytest.raises(OperationalError):
        patiently(lambda: start("postgresql+psycopg://u@no-such-host.invalid/x"), said.append)
    assert tries == 1 and len(said) == 1
