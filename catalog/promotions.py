"""The ledger of candidate packs that operators let in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.operations import Promotion


@dataclass(frozen=True)
class Promoted:
    """One promotion: a pack that won, or one that was let in for a reason although it had not."""

    at: datetime
    pack: str
    fingerprint: str
    live_fingerprint: str  # of the pack that it was measured against
    forced: bool
    reason: str
    figures: dict[str, Any]  # the table that was shown, as JSON


def note_promotion(
    session: Session,
    *,
    pack: str,
    fingerprint: str,
    live_fingerprint: str,
    forced: bool,
    reason: str,
    figures: dict[str, Any],
) -> None:
    """Add a promotion to the ledger; earlier ones of the same pack stay."""
    session.add(
        Promotion(
            pack=pack, fingerprint=fingerprint, live_fingerprint=live_fingerprint, forced=forced,
            reason=reason, figures=figures,
        )
    )  # fmt: skip


def list_promotions(session: Session) -> list[Promoted]:
    """Every promotion, the latest first."""
    rows = session.scalars(select(Promotion).order_by(Promotion.id.desc()))
    return [
        Promoted(row.at, row.pack, row.fingerprint, row.live_fingerprint, row.forced, row.reason, row.figures)
        for row in rows
    ]
