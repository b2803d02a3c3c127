"""Alembic's environment: `catalog.database.upgrade` hands over a connection, a developer `-x url=...`."""

from alembic import context
from sqlalchemy import Connection

from accounts import models  # noqa: F401 - its tables belong to Base
from catalog import operations  # noqa: F401 - its tables belong to Base
from catalog.database import migrating, open_engine
from catalog.items import tables  # noqa: F401 - and these
from catalog.models import Base
from catalog.programs import tables as of_programs  # noqa: F401 - and these


def migrate(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=sqlite,  # SQLite alters a table by copying it
        transactional_ddl=sqlite,  # PostgreSQL: each statement by itself, see migrations.steps
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("Say which database: alembic -x url=sqlite:///data/twirl.sqlite3 <command>")
    engine = open_engine(url)
    with migrating(engine) as opened:
        migrate(opened)
    engine.dispose()
