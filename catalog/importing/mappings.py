"""What a merchant said that the columns of a header mean, remembered for the next feed with that header."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.feeds.mapping import as_mapping, header_hash, proposed
from catalog.importing.tables import ColumnMapping


def recall(session: Session, merchant_id: int, columns: Iterable[str]) -> dict[str, str] | None:
    """The mapping that was remembered for these columns, or None."""
    found = _of(session, merchant_id, header_hash(columns))
    return None if found is None else dict(found.mapping)


def remember(session: Session, merchant_id: int, columns: Iterable[str], mapping: Mapping[str, str]) -> None:
    """Keep what these columns mean; the last word counts."""
    key = header_hash(columns)
    found = _of(session, merchant_id, key)
    if found is None:
        found = ColumnMapping(merchant_id=merchant_id, header_hash=key)
        session.add(found)
    found.mapping, found.updated_at = dict(mapping), instant(session)
    session.flush()


def mapping_for(session: Session, merchant_id: int, columns: list[str]) -> dict[str, str]:
    """What was remembered for these columns, else what is proposed."""
    return recall(session, merchant_id, columns) or as_mapping(proposed(columns))


def _of(session: Session, merchant_id: int, key: str) -> ColumnMapping | None:
    mine = ColumnMapping.merchant_id == merchant_id, ColumnMapping.header_hash == key
    return session.scalars(select(ColumnMapping).where(*mine)).one_or_none()
