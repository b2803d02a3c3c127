"""Events into their tables, many at once; and the key that a shop signs its links with."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from catalog.insight.tables import ClickEvent, InsightKey, SearchEvent

Row = Mapping[str, Any]


def write_events(session: Session, searches: Sequence[Row], clicks: Sequence[Row]) -> None:
    """Add searches, and clicks that are not there yet: of a search, each piece counts once in each way."""
    if searches:
        session.execute(_insert(session, SearchEvent), list(searches))
    if clicks:
        session.execute(_insert(session, ClickEvent).on_conflict_do_nothing(), list(clicks))


def signing_key(session: Session, merchant_id: int) -> str:
    """The shop's key, made when first asked for. Two at once agree."""
    mine = select(InsightKey.key).where(InsightKey.merchant_id == merchant_id)
    found = session.scalar(mine)
    if found is None:
        made = {"merchant_id": merchant_id, "key": secrets.token_hex(32)}
        session.execute(_insert(session, InsightKey).on_conflict_do_nothing(), [made])
        found = session.scalar(mine)
    return str(found)


def _insert(session: Session, table: Any) -> Any:
    postgres = session.get_bind().dialect.name == "postgresql"
    known: Table = table.__table__
    return (postgresql.insert if postgres else sqlite.insert)(known)
