"""A real PostgreSQL for tests, and fresh databases in it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pgserver.postgres_server import get_server
from sqlalchemy import create_engine, make_url, text


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server of its own; gives the URL of its first database."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # a unix socket's name has 107 bytes
        server = get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def fresh(uri: str, name: str) -> str:
    """Make an empty database of this name, in place of one that is there; return its URL."""
    url = make_url(uri).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
