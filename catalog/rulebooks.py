"""The ledger of a merchant's rulebooks: every version stays, the highest is in force.

What a rulebook says is `searcher.merchandising`'s; here it is JSON.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.changes import note_change
from catalog.models import now
from catalog.operations import Rulebook

MAX_NOTE = 500


@dataclass(frozen=True)
class RulebookVersion:
    """One published rulebook; version 0 is the empty one that every shop begins with."""

    version: int
    at: datetime | None
    note: str
    content: dict[str, Any]
    author: str = ""  # who published it; "" by the command


class RulesOvertaken(Exception):
    """Another version is in force than the one that an edit began from."""


EMPTY = RulebookVersion(0, None, "", {})


def version_in_force(session: Session, merchant_id: int) -> int:
    """The merchant's newest version; 0 where nothing was ever published."""
    mine = select(func.max(Rulebook.version)).where(Rulebook.merchant_id == merchant_id)
    return session.scalar(mine) or 0


def rulebook(session: Session, merchant_id: int, version: int | None = None) -> RulebookVersion:
    """That version, or the one in force. Raises LookupError where there is no such."""
    version = version_in_force(session, merchant_id) if version is None else version
    if version == 0:
        return EMPTY
    mine = select(Rulebook).where(Rulebook.merchant_id == merchant_id, Rulebook.version == version)
    row = session.scalar(mine)
    if row is None:
        raise LookupError(f"There is no version {version} of the rules.")
    return _version(row)


def publish_rulebook(
    session: Session,
    merchant_id: int,
    content: dict[str, Any],
    note: str = "",
    after: int | None = None,
    author: str = "",
) -> int:
    """Put a rulebook in force; returns its version.

    `after` is the version that it was made from: raises RulesOvertaken where another one is in force by now.
    Two at once: one of them fails with an IntegrityError and changes nothing.
    """
    here = version_in_force(session, merchant_id)
    if after is not None and after != here:
        raise RulesOvertaken(f"Version {here} is in force, not {after}.")
    version = here + 1
    note = " ".join(note.split())[:MAX_NOTE]
    made = {"merchant_id": merchant_id, "version": version, "at": now(), "note": note, "content": content}
    session.add(Rulebook(**made, author=author[:255]))
    note_change(session, [merchant_id])
    session.flush()
    return version


def rulebook_history(session: Session, merchant_id: int, limit: int = 50) -> list[RulebookVersion]:
    """The published versions, the newest first."""
    mine = select(Rulebook).where(Rulebook.merchant_id == merchant_id).order_by(Rulebook.version.desc())
    return [_version(row) for row in session.scalars(mine.limit(limit))]


def _version(row: Rulebook) -> RulebookVersion:
    return RulebookVersion(row.version, row.at, row.note, row.content, row.author)
