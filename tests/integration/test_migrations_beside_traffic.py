"""Migrations on a PostgreSQL that is in use: nobody waits behind them, and what was cut off goes on."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import ProgrammingError

from benchmarks.migrate_million import FILL
from catalog.database import current_revision, downgrade, newest_revision, open_engine, upgrade
from migrations import steps
from tests.support.postgres import fresh, postgres

IMAGES = 600


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


@pytest.fixture
def old(server: str) -> Iterator[Engine]:
    """The first release's tables with a few rows."""
    engine = open_engine(fresh(server, "old"))
    upgrade(engine, "0001")
    with engine.begin() as connection:
        for statement in FILL:
            sizes = {"merchants": 3, "products": IMAGES // 2, "images": IMAGES}
            connection.execute(text(statement), sizes)
    yield engine
    engine.dispose()


def asked(engine: Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar()


def is_whole(engine: Engine) -> bool:
    with engine.connect() as connection:
        current = current_revision(connection) == newest_revision()
    owned = asked(
        engine,
        "SELECT count(*) FROM image JOIN product p ON p.id = product_id "
        "WHERE image.merchant_id = p.merchant_id",
    )
    invalid = asked(engine, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated")
    broken = asked(engine, "SELECT count(*) FROM pg_index WHERE NOT indisvalid")
    return bool(current and owned == IMAGES and invalid == broken == 0)


def test_every_statement_on_a_table_with_rows_is_one_that_nobody_waits_behind(old: Engine) -> None:
    said: list[str] = []
    event.listen(
        old, "before_cursor_execute", lambda c, cursor, sql, *rest: said.append(" ".join(sql.split()))
    )
    upgrade(old)
    assert is_whole(old)
    filled = r"(merchant|product|image|import_job|row_error)"
    for sql in said:
        if re.search(rf"\bINDEX\b.* ON {filled}\b", sql) or sql.startswith("DROP INDEX"):
            assert "CONCURRENTLY" in sql
        if re.match(rf"ALTER TABLE {filled} ADD CONSTRAINT", sql):
            assert sql.endswith("NOT VALID")
        if match := re.match(r"ALTER TABLE (\w+) ALTER COLUMN (\w+) SET NOT NULL", sql):
            rule = f"ck_{match[1]}_{match[2]}_given"
            assert f"ALTER TABLE {match[1]} VALIDATE CONSTRAINT {rule}" in said[: said.index(sql)]
        if sql.startswith("UPDATE") and "alembic_version" not in sql:
            assert "BETWEEN" in sql or "WHERE id = " in sql  # a stretch of rows, or one
        if re.match(rf"ALTER TABLE {filled} (?!VALIDATE)", sql):
            waits = [each for each in said[: said.index(sql)] if each.startswith("SET lock_timeout")]
            assert waits[-1] == f"SET lock_timeout = {steps.LOCK_MS}"


def test_while_a_long_reader_holds_the_table_others_are_not_kept_waiting(old: Engine) -> None:
    longest, stop = [0.0], threading.Event()

    def shop() -> None:
        while not stop.wait(0.01):
            began = time.monotonic()
            with old.begin() as connection:
                connection.execute(text("UPDATE image SET attempts = 1 WHERE id = 7"))
            longest[0] = max(longest[0], time.monotonic() - began)

    migration = threading.Thread(target=upgrade, args=(old,))
    shopper = threading.Thread(target=shop)
    with old.connect() as reader:
        reader.execute(text("SELECT id FROM image LIMIT 1"))
        shopper.start()
        migration.start()
        time.sleep(2.5)
        assert migration.is_alive()  # it waits for the reader, nobody waits for it
    migration.join(60)
    stop.set()
    shopper.join()
    assert is_whole(old)
    assert longest[0] < 1.5  # LOCK_MS, and what a busy machine adds


def test_a_migration_gives_up_and_names_who_holds_the_table(
    old: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PATIENCE_S", 0.5)
    with old.connect() as reader:
        pid = reader.execute(text("SELECT pg_backend_pid() FROM image LIMIT 1")).scalar()
        with pytest.raises(steps.MigrationBlocked, match=f"pid {pid} twirl idle in transaction"):
            upgrade(old)
    upgrade(old)
    assert is_whole(old)


@pytest.mark.parametrize("step", ["fill", "constrain", "create_index", "drop_index", "create_table"])
def test_a_migration_that_was_cut_off_goes_on(
    old: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real, calls = getattr(steps, step), []

    def cut(*args: Any, **options: Any) -> None:
        calls.append(args)
        real(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(steps, step, cut)
        upgrade(old)
    assert calls and not is_whole(old)
    upgrade(old)
    assert is_whole(old)


def test_an_index_that_was_left_half_built_is_made_anew(old: Engine) -> None:
    with old.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("UPDATE product SET title = 'the same'"))
        with pytest.raises(Exception, match="could not create unique index"):
            connection.execute(
                text("CREATE UNIQUE INDEX CONCURRENTLY ix_product_title_prefix ON product (title)")
            )
    assert asked(old, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 1
    upgrade(old)
    assert is_whole(old)
    made = asked(old, "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_product_title_prefix'")
    assert "text_pattern_ops" in made and "UNIQUE" not in made


def test_several_processes_migrate_at_the_same_time(old: Engine) -> None:
    engines = [open_engine(old.url) for _ in range(4)]
    failed: list[Exception] = []

    def migrate(engine: Engine) -> None:
        try:
            upgrade(engine)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=migrate, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == [] and is_whole(old)
    assert asked(old, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    for engine in engines:
        assert asked(engine, "SHOW lock_timeout") == "10s"  # nothing of the migration stays on the pool
        engine.dispose()


def test_down_again_with_the_rows(old: Engine) -> None:
    upgrade(old)
    downgrade(old, "0001")
    assert asked(old, "SELECT count(*) FROM image") == IMAGES
    with pytest.raises(ProgrammingError, match="merchant_id"):
        asked(old, "SELECT merchant_id FROM image")
    upgrade(old)
    assert is_whole(old)
