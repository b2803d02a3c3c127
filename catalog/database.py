"""Opening the ledger on SQLite or PostgreSQL, and bringing its tables up to date.

Read with `with sessions() as session:` and write with `with sessions.begin() as session:`. On SQLite the
second takes the write lock at its start (BEGIN IMMEDIATE): a transaction that reads first and then asks for
the lock fails at once when another process wrote in between, whatever the busy timeout says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 10_000
_WRITE = "sqlite_write"  # execution option: this transaction takes the write lock at its start


class Sessions(sessionmaker[Session]):
    """A sessionmaker whose `begin()` is a writing transaction: committed at the end, rolled back on error."""

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Give a session in a writing transaction."""
        with self() as session, session.begin():
            begin_write(session)
            yield session


def open_engine(url: str) -> Engine:
    """Open the database at `url`; PostgreSQL goes through psycopg 3 whatever driver the URL leaves out."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, pool_pre_ping=True, pool_size=5, max_overflow=10, pool_recycle=1800)


def sessions(engine: Engine) -> Sessions:
    """Return the factory of sessions; rows stay readable after a commit."""
    return Sessions(engine, expire_on_commit=False)


def begin_write(session: Session) -> None:
    """Take SQLite's write lock, before the session's first statement; PostgreSQL needs nothing."""
    session.connection(execution_options={_WRITE: True})


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to `revision` in one transaction. Safe to call by several processes at once."""
    with engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
        _lock_migrations(connection)
        command.upgrade(migration_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to `revision` ("base" removes them all, with their rows)."""
    with engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
        _lock_migrations(connection)
        command.downgrade(migration_config(connection), revision)


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the migrations that are installed beside this package."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _lock_migrations(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7461921)")  # any number that only we use


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we send BEGIN ourselves: sqlite3's own comes too late for IMMEDIATE
    for pragma in (
        "journal_mode = WAL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "foreign_keys = ON",
        "synchronous = NORMAL",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
