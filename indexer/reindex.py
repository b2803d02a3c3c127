"""Queueing what is indexed already: for a new model pack, a lost index, or on request."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update

from catalog.models import Image, Product
from indexer.ledger import Sessions


def enqueue_reindex(sessions: Sessions, merchant_id: int | None = None) -> int:
    """Queue every live or failed image again, of one merchant or of all; return how many.

    What this pack has embedded already is not embedded again: its vector is read from the index.
    """
    which = [Image.state.in_(("live", "failed"))]
    if merchant_id is not None:
        mine = select(Product.id).where(Product.merchant_id == merchant_id)
        which.append(Image.product_id.in_(mine))
    return _enqueue(sessions, *which)


def enqueue_stale(sessions: Sessions, fingerprint: str) -> int:
    """Queue the live images that another pack embedded; return how many."""
    return _enqueue(sessions, Image.state == "live", Image.fingerprint != fingerprint)


def requeue(sessions: Sessions, image_ids: Sequence[int]) -> int:
    """Queue these images again, whatever their state; return how many."""
    chunks = [image_ids[start : start + 500] for start in range(0, len(image_ids), 500)]
    return sum(_enqueue(sessions, Image.id.in_(some)) for some in chunks)


def _enqueue(sessions: Sessions, *which: ColumnElement[bool]) -> int:
    again = {"state": "queued", "attempts": 0, "next_attempt_at": None, "error_code": "", "error_message": ""}
    with sessions.begin() as session:
        queued = update(Image).where(*which).values(**again, claimed_by=None, claimed_at=None)
        return int(session.execute(queued).rowcount)  # type: ignore[attr-defined]
