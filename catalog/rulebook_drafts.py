"""Rulebooks that are being edited: one a person and shop, kept until it is published or thrown away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalog.insight.tables import RulebookDraft
from catalog.models import now


@dataclass(frozen=True)
class Draft:
    """Somebody's rulebook; `base` is the version that it was made from."""

    base: int
    content: dict[str, Any]
    changed_at: datetime


def draft_of(session: Session, merchant_id: int, author: str) -> Draft | None:
    """The person's draft in this shop."""
    row = session.scalar(select(RulebookDraft).where(*_mine(merchant_id, author)))
    return None if row is None else Draft(row.base, row.content, row.changed_at)


def keep_draft(session: Session, merchant_id: int, author: str, base: int, content: dict[str, Any]) -> None:
    """Put this in place of the person's draft."""
    row = session.scalar(select(RulebookDraft).where(*_mine(merchant_id, author)))
    if row is None:
        row = RulebookDraft(merchant_id=merchant_id, author=author)
        session.add(row)
    row.base, row.content, row.changed_at = base, content, now()
    session.flush()


def drop_draft(session: Session, merchant_id: int, author: str) -> None:
    """Throw the person's draft away."""
    session.execute(delete(RulebookDraft).where(*_mine(merchant_id, author)))


def _mine(merchant_id: int, author: str) -> tuple[Any, Any]:
    return RulebookDraft.merchant_id == merchant_id, RulebookDraft.author == author
