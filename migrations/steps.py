"""The steps that migrations are made of: on PostgreSQL none of them keeps shoppers or workers waiting.

Each step is one statement that commits by itself, or several of them, and may be repeated: a migration that
was cut off is run again from its start. A statement that needs a strong lock waits for it for LOCK_MS only
and tries again later, because every reader that comes after a waiting ALTER TABLE waits behind it. What
takes long (indexes, checks of all rows, filling a column) takes no such lock. SQLite has one writer anyway:
there a whole migration is one transaction. `docs/migrations.md` has the rules.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import OperationalError
from structlog import get_logger

log = get_logger("migrations")
LOCK_MS = 250  # how long anybody is made to wait behind a migration that waits itself
PATIENCE_S = 600.0
LONGEST_PAUSE_S = 5.0
BATCH_S = 0.1  # what a batch of a backfill should take: its rows are locked so long
FIRST_BATCH, LARGEST_BATCH = 1000, 20_000  # ids
_TRIED_AGAIN = {"55P03", "40P01"}  # lock_not_available, deadlock_detected

Column = str | sa.TextClause


class MigrationBlocked(Exception):
    """Somebody has held a table for so long that the migration gave up; nothing is half done."""

    code = "migration-blocked"

    def __init__(self, step: str, blockers: str) -> None:
        self.message = f"The migration waited {PATIENCE_S / 60:.0f} minutes for its turn to {step}."
        self.fix = f"End what holds the table ({blockers or 'nobody now'}), then run `twirl migrate` again."
        super().__init__(f"{self.message} {self.fix}")


@dataclass(frozen=True)
class Reference:
    """A foreign key: of this column to `to`.id."""

    column: str
    to: str
    ondelete: str | None = None


def on_postgres() -> bool:
    """Whether the database is PostgreSQL."""
    return op.get_bind().dialect.name == "postgresql"


def create_table(name: str, *items: sa.schema.SchemaItem, **options: Any) -> None:
    """Make a table that is new."""
    _briefly(f"make {name}", name, lambda: op.create_table(name, *items, if_not_exists=True, **options))


def drop_table(name: str) -> None:
    """Remove a table with its rows."""
    _briefly(f"drop {name}", name, lambda: op.drop_table(name, if_exists=True))


def add_columns(table: str, *columns: sa.Column[Any]) -> None:
    """Add columns that are nullable or have a default that is one value for all rows: none is rewritten."""
    for column in columns:
        if not column.nullable and column.server_default is None:
            raise ValueError(
                f"{column.name}: add it nullable or with a server default, fill it, constrain it."
            )
    if not on_postgres():
        with _altered(table) as batch:
            for column in columns:
                batch.add_column(column)
        return
    for column in columns:
        add = partial(op.add_column, table, column, if_not_exists=True)
        _briefly(f"add {table}.{column.name}", table, add)


def fill(table: str, column: str, value: str) -> None:
    """Set a column where it is NULL, in batches of ids that commit by themselves; `value` is SQL."""
    change = f"UPDATE {table} SET {column} = {value} WHERE {column} IS NULL"  # noqa: S608 - no value of anyone's
    if not on_postgres():
        op.execute(change)
        return
    first, last = op.get_bind().execute(sa.text(f"SELECT min(id), max(id) FROM {table}")).one()  # noqa: S608
    batch = FIRST_BATCH
    while first is not None and first <= last:
        upto = first + batch - 1
        began = time.monotonic()
        some = f"{change} AND id BETWEEN {first} AND {upto}"
        _briefly(f"fill {table}.{column}", table, partial(op.execute, some))
        first = upto + 1
        batch = _next_batch(batch, time.monotonic() - began)


def derive(table: str, column: str, value: str) -> None:
    """Set a column of a table of few rows to what SQL says of each; what has changed meanwhile is left.

    All is read first, beside the traffic; then each row that differs is written by itself, by its id.
    """
    said = sa.text(f"SELECT id, {column}, {value} FROM {table}")  # noqa: S608 - no value of anyone's
    change = sa.text(f"UPDATE {table} SET {column} = :new WHERE id = :id AND {column} = :old")  # noqa: S608
    for row, old, new in op.get_bind().execute(said).all():
        if new != old:
            values = {"id": row, "old": old, "new": new}
            _briefly(f"set {table}.{column}", table, partial(op.get_bind().execute, change, values))


def _next_batch(batch: int, took: float) -> int:
    return int(min(max(batch * BATCH_S / max(took, 0.001), batch / 4, 100), batch * 2, LARGEST_BATCH))


def constrain(
    table: str,
    *,
    required: Sequence[str] = (),
    checks: Mapping[str, str] | None = None,
    references: Iterable[Reference] = (),
) -> None:
    """Make columns NOT NULL, add checks ({name: SQL}) and foreign keys; the rows must meet them already.

    On PostgreSQL each holds for new rows at once and is then checked for the old ones beside the traffic.
    """
    checks = checks or {}
    if not on_postgres():
        with _altered(table) as batch:
            for column in required:
                batch.alter_column(column, nullable=False)
            for each in references:
                name = op.f(f"fk_{table}_{each.column}_{each.to}")
                batch.create_foreign_key(name, each.to, [each.column], ["id"], ondelete=each.ondelete)
            for rule, condition in checks.items():
                batch.create_check_constraint(op.f(rule), condition)
        return
    for column in required:
        _require(table, column)
    for each in references:
        _refer(table, each)
    for rule, condition in checks.items():
        _check(table, rule, condition)


def _require(table: str, column: str) -> None:
    """NOT NULL by way of a check: SET NOT NULL then believes the check and does not read the table."""
    rule = f"ck_{table}_{column}_given"
    _check(table, rule, f"{column} IS NOT NULL")
    _briefly(f"require {table}.{column}", table, lambda: op.alter_column(table, column, nullable=False))
    _briefly(f"drop {rule}", table, lambda: op.drop_constraint(op.f(rule), table, if_exists=True))


def _check(table: str, name: str, condition: str) -> None:
    def add() -> None:
        op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)

    _add_and_validate(table, name, add)


def _refer(table: str, reference: Reference) -> None:
    name = f"fk_{table}_{reference.column}_{reference.to}"

    def add() -> None:
        op.create_foreign_key(
            op.f(name), table, reference.to, [reference.column], ["id"],
            ondelete=reference.ondelete, postgresql_not_valid=True,
        )  # fmt: skip

    _add_and_validate(table, name, add)


def _add_and_validate(table: str, name: str, add: Callable[[], object]) -> None:
    known = "SELECT 1 FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:table)"
    if not op.get_bind().execute(sa.text(known), {"name": name, "table": table}).first():
        _briefly(f"add {name}", table, add)
    _unhurried(lambda: op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))


def create_index(name: str, table: str, columns: Sequence[Column], where: str | None = None) -> None:
    """Make an index beside the traffic; one that an interrupted run left half built is made anew."""
    condition = None if where is None else sa.text(where)
    if not on_postgres():
        op.create_index(op.f(name), table, columns, sqlite_where=condition)
        return
    valid = _is_valid(name)
    if valid:
        return
    if valid is False:
        drop_index(name, table)
    _unhurried(
        lambda: op.create_index(
            op.f(name), table, columns, postgresql_concurrently=True, postgresql_where=condition
        )
    )


def beginning(column: str) -> sa.TextClause:
    """What an index holds of a text column so that it finds texts by how they begin, letter case aside."""
    return sa.text(f"lower({column})" + (" text_pattern_ops" if on_postgres() else ""))


def _is_valid(index: str) -> bool | None:
    known = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    found = op.get_bind().execute(known, {"name": index}).scalar()
    return None if found is None else bool(found)


def drop_index(name: str, table: str) -> None:
    """Remove an index beside the traffic."""
    if not on_postgres():
        op.drop_index(op.f(name), table)
        return
    _unhurried(lambda: op.drop_index(op.f(name), table, if_exists=True, postgresql_concurrently=True))


def drop_columns(
    table: str, *columns: str, checks: Sequence[str] = (), references: Sequence[Reference] = ()
) -> None:
    """Remove columns, their checks and foreign keys first."""
    names = [(name, "check") for name in checks]
    names += [(f"fk_{table}_{each.column}_{each.to}", "foreignkey") for each in references]
    if names and not on_postgres():
        with _altered(table) as batch:
            for name, kind in names:
                batch.drop_constraint(op.f(name), type_=kind)
            for column in columns:
                batch.drop_column(column)
        return
    for name, _ in names:
        _briefly(f"drop {name}", table, partial(op.drop_constraint, op.f(name), table, if_exists=True))
    for column in columns:
        there = "IF EXISTS " if on_postgres() else ""
        drop = partial(op.execute, f"ALTER TABLE {table} DROP COLUMN {there}{column}")
        _briefly(f"drop {table}.{column}", table, drop)


@contextmanager
def _altered(table: str) -> Iterator[Any]:
    """SQLite's ALTER TABLE, which may copy the table and drop the old one: with the rows that refer to it."""
    before = _made_by(table)
    with op.batch_alter_table(table) as batch:
        yield batch
    seen = sa.inspect(op.get_bind())
    referred = [
        other for other in seen.get_table_names()
        if any(key["referred_table"] == table for key in seen.get_foreign_keys(other))
    ]  # fmt: skip
    if referred and _made_by(table) != before:
        raise ValueError(f"SQLite has copied {table}: the rows of {referred} that refer to it are gone.")


def _made_by(table: str) -> int:
    """The page where SQLite keeps the table: another one when it was copied."""
    known = sa.text("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = :name")
    return int(op.get_bind().execute(known, {"name": table}).scalar() or 0)


def _unhurried(work: Callable[[], object]) -> None:
    """Run a statement that nobody has to wait for, however long it waits itself."""
    op.get_bind().exec_driver_sql("SET lock_timeout = 0")
    work()


def _briefly(step: str, table: str, work: Callable[[], object]) -> None:
    """Run a statement that others wait behind: it gives up after LOCK_MS and tries again after a pause."""
    if not on_postgres():
        work()
        return
    bind = op.get_bind()
    bind.exec_driver_sql(f"SET lock_timeout = {LOCK_MS}")
    deadline, pause = time.monotonic() + PATIENCE_S, 0.1
    while True:
        try:
            work()
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _TRIED_AGAIN:
                raise
            holders = _holders(bind, table)
            if time.monotonic() > deadline:
                raise MigrationBlocked(step, holders) from error
            log.info("migration-waits", step=step, holders=holders)
        else:
            return
        time.sleep(random.uniform(pause / 2, pause))
        pause = min(pause * 2, LONGEST_PAUSE_S)


_HOLDERS = """
    SELECT a.pid, a.application_name, a.state, max(date_trunc('second', now() - a.xact_start)) AS since
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.relation = to_regclass(:table) AND l.granted AND a.pid <> pg_backend_pid()
    GROUP BY 1, 2, 3 ORDER BY since DESC NULLS LAST LIMIT 3
"""


def _holders(bind: sa.Connection, table: str) -> str:
    """Who has a lock on the table, longest transaction first, in words."""
    found = bind.execute(sa.text(_HOLDERS), {"table": table})
    return "; ".join(f"pid {pid} {name} {state} for {since}" for pid, name, state, since in found)
