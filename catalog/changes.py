"""One number a merchant that rises with every change that shoppers could see.

Whoever keeps something made of a merchant's rows (searcher.stock) compares one row a second instead of
counting the tables. The number is written by the last statement of a transaction: its row is locked for the
length of a commit only, and whoever reads a number sees every change that it counts.
"""

from collections.abc import Iterable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog.models import CatalogueRevision

_NOTED = "merchants-changed"
_RAISE = text(
    "INSERT INTO catalogue_revision (merchant_id, revision) SELECT id, 1 FROM merchant WHERE id = :merchant "
    "ON CONFLICT (merchant_id) DO UPDATE SET revision = catalogue_revision.revision + 1"
)


def note_change(session: Session, merchant_ids: Iterable[int]) -> None:
    """Say that this transaction changes what these merchants' shoppers could see."""
    session.info.setdefault(_NOTED, set()).update(merchant_ids)


def write_changes(session: Session) -> None:
    """Raise the numbers of the merchants noted. `catalog.database.sessions` calls it before each commit.

    In order of id: two transactions that change the same merchants can never wait for each other.
    """
    noted = session.info.pop(_NOTED, None)
    if noted:
        session.flush()
        for merchant_id in sorted(noted):
            session.execute(_RAISE, {"merchant": merchant_id})


def forget_changes(session: Session) -> None:
    """Drop what was noted in a transaction that did not come to its end."""
    session.info.pop(_NOTED, None)


def revision(session: Session, merchant_id: int) -> int:
    """The merchant's number now; 0 before the first change."""
    mine = select(CatalogueRevision.revision).where(CatalogueRevision.merchant_id == merchant_id)
    return session.scalar(mine) or 0
