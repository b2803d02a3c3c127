import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pgserver
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from catalog.database import downgrade, open_engine, upgrade
from catalog.models import Base


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # a short path: a unix socket's name has 107 bytes
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based index.*")


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two fresh databases: one to migrate, one to make straight from the models."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/migrated.sqlite3", f"sqlite:///{tmp_path}/modelled.sqlite3"
        return
    uri = request.getfixturevalue("postgres")
    admin = create_engine(uri.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in ("migrated", "modelled"):
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    base, _, query = uri.partition("?")
    stem = base.rsplit("/", 1)[0]
    yield f"{stem}/migrated?{query}", f"{stem}/modelled?{query}"


def described(engine: Engine) -> dict[str, object]:
    """All that the database says of its tables, checks and partial indexes included."""
    seen = inspect(engine)
    return {"": every_index(engine)} | {
        table: {
            "columns": sorted(
                (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)
            ),
            "primary": seen.get_pk_constraint(table),
            "foreign": sorted(map(str, seen.get_foreign_keys(table))),
            "unique": sorted(map(str, seen.get_unique_constraints(table))),
            "checks": sorted(map(str, seen.get_check_constraints(table))),
            "indexes": sorted(map(indexed, seen.get_indexes(table))),
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def every_index(engine: Engine) -> list[str]:
    """The indexes by name: SQLAlchemy does not see those of SQLite that are on an expression."""
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name <> 'alembic_version'",
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND tablename <> 'alembic_version'",
    }
    with engine.connect() as connection:
        return sorted(connection.execute(text(catalogue[engine.dialect.name])).scalars())


def indexed(index: Mapping[str, Any]) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {options}"


def test_migrations_make_what_the_models_say(urls: tuple[str, str]) -> None:
    migrated, modelled = map(open_engine, urls)
    upgrade(migrated)
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    Base.metadata.create_all(modelled)
    assert described(migrated) == described(modelled)
    migrated.dispose()
    modelled.dispose()


def test_upgrade_twice_and_down_to_nothing_and_up_again(urls: tuple[str, str]) -> None:
    engine = open_engine(urls[0])
    upgrade(engine)
    before = described(engine)
    upgrade(engine)
    downgrade(engine, "base")
    assert described(engine) == {"": []}
    upgrade(engine)
    assert described(engine) == before
    engine.dispose()
