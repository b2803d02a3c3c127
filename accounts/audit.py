"""The audit log: who did what, when. Written in the transaction of the change itself, and never edited."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from accounts.models import AuditEntry
from catalog.clock import instant

PAGE = 50


def write(
    session: Session, merchant_id: int | None, user_id: int | None, email: str, action: str,
    subject: str = "", details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Note one deed. `action` is a stable word such as "member.removed"; no secret goes into `details`."""
    session.add(
        AuditEntry(
            merchant_id=merchant_id, user_id=user_id, email=email, action=action[:64], subject=subject[:300],
            details=dict(details or {}), at=instant(session),
        )
    )  # fmt: skip


def page(session: Session, merchant_id: int, before: int | None = None) -> list[AuditEntry]:
    """PAGE entries of a shop and one more where there are more, the latest first, below that id."""
    return list(session.scalars(_of(merchant_id, before).limit(PAGE + 1)))


def every(session: Session, merchant_id: int) -> Iterator[AuditEntry]:
    """All entries of a shop, the latest first."""
    yield from session.scalars(_of(merchant_id, None).execution_options(yield_per=500))


def _of(merchant_id: int, before: int | None) -> Select[Any]:
    mine = select(AuditEntry).where(AuditEntry.merchant_id == merchant_id).order_by(AuditEntry.id.desc())
    return mine if before is None else mine.where(AuditEntry.id < before)
