"""Queueing what is indexed already: for a lost index, for the doctor, or on request."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, func, select, update

from catalog.models import BULK, Image
from indexer.claims import Sessions

RANGE = 10_000  # ids that one transaction looks at: it locks its rows for a fraction of a second


def enqueue_reindex(
    sessions: Sessions, merchant_id: int | None = None, stage: str | None = None, anew: bool = False
) -> int:
    """Queue every live or failed image again, of one merchant or of all; return how many.

    What the indexes hold is not embedded again, its vector is read back; `stage` "embed" says at once that
    an index has lost what it held, and `anew` that no index's vectors are to be believed.
    """
    which: list[ColumnElement[bool]] = [Image.state.in_(("live", "failed"))]
    if merchant_id is not None:
        which.append(Image.merchant_id == merchant_id)
    with sessions() as session:
        ends = func.coalesce(func.min(Image.id), 1), func.coalesce(func.max(Image.id), 0)
        first, last = session.execute(select(*ends)).one()
    starts = range(first, last + 1, RANGE)
    pieces = (Image.id.between(start, start + RANGE - 1) for start in starts)
    return sum(_enqueue(sessions, [piece, *which], stage, anew) for piece in pieces)


def requeue(sessions: Sessions, image_ids: Sequence[int], stage: str | None = "images") -> int:
    """Queue these images again, whatever their state; return how many.

    From the first stage on, or from this one; None: from where their vectors and bytes allow.
    """
    chunks = [image_ids[start : start + 500] for start in range(0, len(image_ids), 500)]
    return sum(_enqueue(sessions, [Image.id.in_(some)], stage) for some in chunks)


def _enqueue(
    sessions: Sessions, which: Sequence[ColumnElement[bool]], stage: str | None, anew: bool = False
) -> int:
    later = stage or case((Image.fingerprint == "", "embed"), else_="index")
    again = {
        "state": "queued", "queue": case((Image.sha256.is_(None), "images"), else_=later), "priority": BULK,
        "attempts": 0, "next_attempt_at": None, "error_code": "", "error_message": "",
        "claimed_by": None, "claimed_at": None, **({"fingerprint": ""} if anew else {}),
    }  # fmt: skip
    with sessions.begin() as session:
        return int(session.execute(update(Image).where(*which).values(**again)).rowcount)  # type: ignore[attr-defined]
