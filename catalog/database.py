"""Opening the ledger on SQLite or PostgreSQL, and bringing its tables up to date.

Read with `with sessions() as session:` and write with `with sessions.begin() as session:`. On SQLite the
second takes the write lock at its start (BEGIN IMMEDIATE): a transaction that reads first and then asks for
the lock fails at once when another process wrote in between, whatever the busy timeout says.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

from catalog import patience
from catalog.changes import forget_changes, write_changes

BUSY_TIMEOUT_MS = 10_000
IDLE_TRANSACTION_MS = 300_000  # whoever stops in a transaction for so long loses it, and its locks
MIGRATION_LOCK = 7461921  # any number that only we use
# What is raised while the database is away, restarts, is read-only (a standby, a full disk), has cut off who
# paused in a transaction, or while this process has no connection free: no row is to blame for any of them.
AWAY = (OperationalError, InternalError, NoConnection)
_WRITE = "sqlite_write"  # execution option: this transaction takes the write lock at its start
_LOOK_S = 0.2


@dataclass(frozen=True)
class Access:
    """How PostgreSQL is used: how many connections, and what they wait for at most (0 ms: for ever)."""

    pool_size: int = 5
    pool_overflow: int = 10
    pool_wait_s: float = 5.0
    connect_timeout_s: int = 5
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 10_000
    application: str = "twirl"  # what pg_stat_activity says of us


class Sessions(sessionmaker[Session]):
    """A sessionmaker whose `begin()` is a writing transaction: committed at the end, rolled back on error."""

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Give a session in a writing transaction."""
        with self() as session, session.begin():
            begin_write(session)
            yield session


def open_engine(url: str | URL, access: Access = Access()) -> Engine:
    """Open the database at `url`; PostgreSQL goes through psycopg 3 whatever driver the URL leaves out.

    A connection is tried before it is used: one that the server's restart has cut is replaced unnoticed.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        connect_args=_connect_args(parsed, access),
        poolclass=patience.ImpatientPool,
        pool_pre_ping=True,
        pool_size=access.pool_size,
        max_overflow=access.pool_overflow,
        pool_timeout=access.pool_wait_s,
        pool_recycle=1800,
    )
    from catalog.patient_connection import install  # psycopg belongs to the `deployed` extra

    install(engine)
    return engine


def _connect_args(url: URL, access: Access) -> dict[str, Any]:
    """libpq's parameters: a server that is gone is noticed within half a minute, not after two hours."""
    limits = {
        "statement_timeout": access.statement_timeout_ms,
        "lock_timeout": access.lock_timeout_ms,
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_MS,
    }
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    given = {
        "application_name": access.application[:63],
        "connect_timeout": access.connect_timeout_s,
        "keepalives": 1,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # of what was sent and is not acknowledged
    }
    said = {
        name: value for name, value in given.items() if name not in url.query
    }  # the URL has the last word
    return {**said, "options": f"{options} {url.query.get('options', '')}".strip()}


def sessions(engine: Engine) -> Sessions:
    """Return the factory of sessions; rows stay readable after a commit."""
    made = Sessions(engine, expire_on_commit=False)
    event.listen(made, "before_commit", write_changes)
    event.listen(made, "after_soft_rollback", lambda session, _transaction: forget_changes(session))
    return made


def begin_write(session: Session) -> None:
    """Take SQLite's write lock, before the session's first statement; PostgreSQL needs nothing."""
    session.connection(execution_options={_WRITE: True})


def unlimited(connection: Connection) -> None:
    """Let this transaction take as long as it needs, where the database sets limits."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A writing transaction without a session, for many rows of any table."""
    with engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
        yield connection


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to `revision`. Safe to call by several processes at once.

    SQLite: one transaction. PostgreSQL: statement by statement, beside the traffic; what was cut off goes on
    at the next call. Raises MigrationBlocked.
    """
    if revision == "head" and is_current(engine):
        return
    with migrating(engine) as connection:
        command.upgrade(migration_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to `revision` ("base" removes them all, with their rows)."""
    with migrating(engine) as connection:
        command.downgrade(migration_config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Whether the tables have the newest schema that this program knows."""
    with engine.connect() as connection:
        return current_revision(connection) == newest_revision()


def current_revision(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The newest revision that this program knows."""
    return str(ScriptDirectory.from_config(_scripts()).get_current_head())


def knows(revision: str) -> bool:
    """Whether this program can bring tables to this revision and on from there."""
    known = ScriptDirectory.from_config(_scripts()).walk_revisions()
    return revision in {script.revision for script in known}


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A connection on which to migrate, by one process at a time."""
    if engine.dialect.name == "sqlite":
        with writing(engine) as connection:
            yield connection
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # what is set on it below is not for the pool
        connection.exec_driver_sql("SET statement_timeout = 0")
        # Asked again and again: whoever waits inside a statement is what CREATE INDEX CONCURRENTLY waits for.
        while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})").scalar():
            time.sleep(_LOOK_S)
        yield connection  # closing it gives the lock back


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for the migrations that are installed beside this package."""
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config


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
