"""Every row of the ledger as JSON lines, and back, on either database.

A table is a gzipped file: its columns in the first line, then a line a row. It is read in one transaction
that sees one moment, and written in one transaction, so that a load that was cut off has done nothing.
"""

import json
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Engine, MetaData, Table, func, select, text, union

from catalog import operations  # noqa: F401 - its tables belong to Base
from catalog.database import unlimited, writing
from catalog.importing.tables import ImportBeforeImage
from catalog.items import tables as of_items  # noqa: F401 - and these
from catalog.keeping.backup_folder import Backup, Part, damaged, written_lines
from catalog.models import Base, Image
from catalog.programs import tables as of_programs  # noqa: F401 - and these

# Processes of this moment; and what must not come to life again: logins that ended, links that were used.
LEFT_OUT = frozenset({"worker", "login_session", "login_attempt", "invitation"})
ROWS_AT_ONCE = 1000
IN_USE = ("merchant", "product", "image", "import_job", "query_log")  # with rows: a database that is in use


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A reading transaction that sees the database as it is now until its end."""
    postgres = engine.dialect.name == "postgresql"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if postgres else {}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        unlimited(connection)
        connection.execute(text("SELECT 1 FROM alembic_version")).all()  # both databases look now, not later
        yield connection


def dump_tables(connection: Connection, folder: Path) -> dict[str, Part]:
    """Write every table of a snapshot under folder/tables; return {table: its file}."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]
    return {table.name: _dump(connection, table, folder) for table in tables}


def _dump(connection: Connection, table: Table, folder: Path) -> Part:
    rows = select(table).order_by(*table.primary_key.columns)
    with written_lines(folder, f"tables/{table.name}.jsonl.gz") as (writer, lines):
        lines.write(_line([column.name for column in table.columns]))
        for row in _streamed(connection, rows):
            lines.write(_line([_plain(value) for value in row]))
            writer.records += 1
    return writer.finish()


def _streamed(connection: Connection, rows: Any) -> Iterator[Any]:
    found = connection.execution_options(stream_results=True, yield_per=ROWS_AT_ONCE).execute(rows)
    for some in found.partitions():
        yield from some


def _line(values: list[Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def dump_hashes(connection: Connection, folder: Path) -> tuple[Part, Part]:
    """Write the hashes of every decoded picture, and of raw bytes that wait, sorted; return both files."""
    shown = select(Image.sha256).where(Image.sha256.is_not(None))
    kept = select(ImportBeforeImage.sha256).where(ImportBeforeImage.width.is_not(None))  # to be taken back to
    decoded: Any = union(shown, kept).order_by("sha256")
    waiting = select(Image.source).where(Image.sha256.is_(None), Image.source.startswith("incoming:"))
    blobs = _hashes(connection, decoded, folder, "blobs.txt.gz")
    return blobs, _hashes(connection, waiting.distinct().order_by(Image.source), folder, "incoming.txt.gz")


def _hashes(connection: Connection, wanted: Any, folder: Path, name: str) -> Part:
    with written_lines(folder, name) as (writer, lines):
        for (said,) in _streamed(connection, wanted):
            lines.write(said.removeprefix("incoming:").encode() + b"\n")
            writer.records += 1
    return writer.finish()


def last_ids(connection: Connection) -> dict[str, int]:
    """{table: the last id that it has given away}, those of rows that are gone among them."""
    known = {}
    for table, column in _counted(Base.metadata.sorted_tables):
        last = int(connection.execute(select(func.max(column))).scalar() or 0)
        known[table.name] = max(last, _sequence(connection, table.name))
    return known


def _sequence(connection: Connection, table: str) -> int:
    if connection.dialect.name == "postgresql":
        name = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table}
        ).scalar()
        last, called = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
        return int(last if called else last - 1)
    known = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
    return int(connection.execute(known, {"table": table}).scalar() or 0)


def _counted(tables: Iterable[Table]) -> list[tuple[Table, Column[Any]]]:
    """The tables whose ids the database gives, with that column."""
    return [(table, table.c.id) for table in tables if "id" in table.c and table.name != "site"]


def in_use(engine: Engine) -> dict[str, int]:
    """{table: rows} of what an operator would lose; {} for a database that is empty or has no tables."""
    there = _tables(engine, IN_USE)
    with engine.connect() as connection:
        found = {
            table.name: int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)
            for table in there.sorted_tables
        }
    return {name: rows for name, rows in found.items() if rows}


def load_tables(engine: Engine, backup: Backup) -> dict[str, int]:
    """Fill empty tables of the backup's own revision, in one transaction; return {table: rows}.

    The tables are taken as the database has them, because this program's may be of a later revision.
    Raises BackupRefused for a table that is not as its manifest says.
    """
    there = _tables(engine, backup.manifest.tables)
    loaded = {}
    with writing(engine) as connection:
        unlimited(connection)
        for table in there.sorted_tables:
            part = backup.manifest.tables[table.name]
            loaded[table.name] = _load(connection, table, backup, part)
            if loaded[table.name] != part.records:
                raise damaged(backup.folder, f"{part.path} has {loaded[table.name]} rows, not {part.records}")
        for table, column in _counted(there.sorted_tables):
            _go_on_from(connection, table, column, backup.manifest.sequences.get(table.name, 0))
    return loaded


def _tables(engine: Engine, names: Collection[str]) -> MetaData:
    """Those of the tables that the database has, as it has them."""
    there = MetaData()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*expression-based index")  # nothing to us
        there.reflect(engine, only=lambda name, _: name in names)
    return there


def _load(connection: Connection, table: Table, backup: Backup, part: Part) -> int:
    lines = backup.lines(part)
    names = json.loads(next(lines))
    instants = {name for name in names if isinstance(table.c[name].type, DateTime)}
    aware = connection.dialect.name == "postgresql"
    rows: list[dict[str, Any]] = []
    count = 0
    for line in lines:
        row = dict(zip(names, json.loads(line), strict=True))
        for name in instants:
            row[name] = _instant(row[name], aware)
        rows.append(row)
        if len(rows) == ROWS_AT_ONCE:
            connection.execute(table.insert(), rows)
            count += len(rows)
            rows = []
    if rows:
        connection.execute(table.insert(), rows)
    return count + len(rows)


def _instant(said: str | None, aware: bool) -> datetime | None:
    """SQLite keeps UTC without saying so."""
    if said is None:
        return None
    at = datetime.fromisoformat(said).astimezone(UTC)
    return at if aware else at.replace(tzinfo=None)


def _go_on_from(connection: Connection, table: Table, column: Column[Any], last: int) -> None:
    """Let the next id be one that no row has ever had."""
    last = max(last, int(connection.execute(select(func.max(column))).scalar() or 0))
    if connection.dialect.name == "postgresql":
        if last:
            found = "SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"
            connection.execute(text(found), {"table": table.name, "last": last})
        return
    moved = text("UPDATE sqlite_sequence SET seq = :last WHERE name = :table")
    if connection.execute(moved, {"table": table.name, "last": last}).rowcount == 0 and last:
        kept = text("SELECT 1 FROM sqlite_master WHERE name = :table AND sql LIKE '%AUTOINCREMENT%'")
        if connection.execute(kept, {"table": table.name}).first():
            added = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :last)")
            connection.execute(added, {"table": table.name, "last": last})
