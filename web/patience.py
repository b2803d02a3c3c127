"""For how long a request waits for the database before it is answered that the shop takes a break."""

from flask import Flask, current_app, g

from catalog import patience
from web.services import KEY, services


def register(app: Flask) -> None:
    """Limit what every request of this application waits for PostgreSQL, all in all."""
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    if KEY in current_app.extensions:
        g.database_limit = patience.begin(services().settings.limits.db_answer_s)


def _end(_error: BaseException | None) -> None:
    token = g.pop("database_limit", None)
    if token is not None:
        patience.end(token)
