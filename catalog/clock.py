"""One clock for what several machines compare: the database's."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.models import now


def instant(session: Session) -> datetime:
    """The present instant in UTC, by the clock that every process of the shop shares.

    PostgreSQL's for whoever uses it: machines differ by minutes, and a lease that one writes and another
    reads would end early or never. SQLite is a file of this machine, so its clock is ours.
    """
    if session.get_bind().dialect.name != "postgresql":
        return now()
    at: datetime = session.execute(select(func.statement_timestamp())).scalar_one()
    return at
