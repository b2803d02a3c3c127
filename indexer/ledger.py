"""The rows of the ledger as the pipeline moves them: claimed, decoded, live, failed, released.

Each function is one short transaction. A claim is a token in `claimed_by`; the catalogue clears it with
every change of the product, so whatever is written "where the token is still ours" can never mark a row
whose product has moved on.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Update, and_, delete, exists, select, update
from sqlalchemy.orm import Session, contains_eager, sessionmaker

from catalog.identity import point_id
from catalog.models import Image, Product, now

WORKER_DIED = "worker-died"  # the error code of a row whose worker died while it held it
MAX_TRIES = 6  # of what may work later
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600

Sessions = sessionmaker[Session]


@dataclass
class Job:
    """One claimed image, and what the pipeline has found out about it so far."""

    image: Image
    product: Product
    token: str
    sha256: str | None = None  # of the raw bytes, once their renditions are kept
    size: tuple[int, int] | None = None  # width, height of the original
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False)  # (H, W, 3) RGB, longest side <= 480
    vector: NDArray[np.float32] | None = field(default=None, repr=False)  # (D,) unit

    @property
    def point_id(self) -> str:
        """The point of this image position."""
        return point_id(self.product.merchant_id, self.product.sku, self.image.position)

    @property
    def gone(self) -> bool:
        """Whether the index must not have it."""
        return self.image.removed or self.product.hidden or self.product.deleted_at is not None

    @property
    def suspect(self) -> bool:
        """Whether a worker died while holding it."""
        return self.image.error_code == WORKER_DIED


def claim(sessions: Sessions, worker_id: str, limit: int, fresh_only: bool = False) -> list[Job]:
    """Take up to `limit` due images, or one that a worker died over: those go alone, and last.

    With `fresh_only`, such suspects are left for a moment when nothing else is in the worker's hands.
    """
    token = f"{worker_id[:80]}/{secrets.token_hex(6)}"
    with sessions.begin() as session:
        images = _fresh(session, limit)
        if not images and not fresh_only:
            images = _take(session, 1, Image.error_code == WORKER_DIED, order=(Image.attempts, Image.id))
        for image in images:
            image.state, image.claimed_by, image.claimed_at = "fetching", token, now()
            image.attempts += 1
        return [Job(image, image.product, token, size=_size(image)) for image in images]


def _fresh(session: Session, limit: int) -> list[Image]:
    """New rows in order, then those whose pause is over. Two reads, each along the index of the claim."""
    fresh = Image.error_code != WORKER_DIED
    images = _take(session, limit, fresh, Image.next_attempt_at.is_(None), order=(Image.id,))
    if len(images) < limit:
        again = Image.next_attempt_at <= now()
        images += _take(session, limit - len(images), fresh, again, order=(Image.next_attempt_at,))
    return images


def _take(session: Session, limit: int, *which: ColumnElement[bool], order: tuple[Any, ...]) -> list[Image]:
    found = select(Image).join(Image.product).options(contains_eager(Image.product))
    found = found.where(Image.state == "queued", *which).order_by(*order).limit(limit)
    return list(session.scalars(found.with_for_update(of=Image, skip_locked=True)).unique())


def _size(image: Image) -> tuple[int, int] | None:
    return (image.width, image.height) if image.width and image.height else None


def _held(job: Job) -> Update:
    """An update that touches the row only while it is ours."""
    return update(Image).where(Image.id == job.image.id, Image.claimed_by == job.token)


def _unclaimed(**values: Any) -> dict[str, Any]:
    return {"claimed_by": None, "claimed_at": None, **values}


def note_decoded(sessions: Sessions, jobs: Iterable[Job]) -> list[Job]:
    """Write what each image's bytes are; return the jobs that are still ours.

    New bytes lose the fingerprint at once: the vector in the index is not theirs.
    """
    kept = []
    with sessions.begin() as session:
        for job in jobs:
            values: dict[str, Any] = {"state": "embedding", "sha256": job.sha256, "claimed_at": now()}
            if job.size:
                values["width"], values["height"] = job.size
            if job.sha256 != job.image.sha256:
                values["fingerprint"] = ""
            if _changed(session, _held(job).values(values)):
                if "fingerprint" in values:
                    job.image.fingerprint = ""
                kept.append(job)
    return kept


def mark_live(sessions: Sessions, jobs: Iterable[Job], fingerprint: str) -> list[Job]:
    """Mark what is in the index now; return the jobs whose row or product has moved on meanwhile."""
    late = []
    with sessions.begin() as session:
        for job in jobs:
            live = _unclaimed(
                state="live", fingerprint=fingerprint, indexed_rev=job.product.rev, attempts=0,
                next_attempt_at=None, error_code="", error_message="",
            )  # fmt: skip
            if not _changed(session, _held(job).where(_same_rev(job)).values(live)):
                late.append(job)
                _requeue(session, job)
    return late


def mark_gone(sessions: Sessions, jobs: Iterable[Job]) -> None:
    """Note that the index no longer has them: a removed image's row goes, the others' are hidden."""
    with sessions.begin() as session:
        for job in jobs:
            if job.image.removed:
                mine = and_(Image.id == job.image.id, Image.claimed_by == job.token, Image.removed.is_(True))
                session.execute(delete(Image).where(mine))
                continue
            hidden = _unclaimed(state="hidden", fingerprint="", indexed_rev=0, attempts=0, error_code="")
            if not _changed(session, _held(job).where(_same_rev(job)).values(hidden)):
                _requeue(session, job)


def _same_rev(job: Job) -> ColumnElement[bool]:
    """Whether the product is still the one that the claim read."""
    return exists().where(Product.id == Image.product_id, Product.rev == job.product.rev)


def _requeue(session: Session, job: Job) -> None:
    """Queue a row that is ours although its product has moved on; nobody else would.

    PostgreSQL locks the newest image but may read its product as it was when the claim's statement began.
    """
    session.execute(_held(job).values(_unclaimed(state="queued", attempts=0)))


def is_final(job: Job, transient: bool) -> bool:
    """Whether a failure now is for good."""
    return not transient or job.image.attempts >= MAX_TRIES


def still_ours(sessions: Sessions, job: Job) -> bool:
    """Whether the claim holds; it is renewed if so."""
    with sessions.begin() as session:
        return _changed(session, _held(job).values(claimed_at=now()))


def mark_failed(sessions: Sessions, job: Job, code: str, message: str, transient: bool = False) -> None:
    """Write why it failed: for good, or queued for a later attempt."""
    said = {"error_code": code[:64], "error_message": message[:1000]}
    if is_final(job, transient):
        values = _unclaimed(state="failed", fingerprint="", indexed_rev=0, **said)
    else:
        values = _unclaimed(state="queued", next_attempt_at=_next_attempt(job.image.attempts), **said)
    with sessions.begin() as session:
        session.execute(_held(job).values(values))


def _next_attempt(attempts: int) -> datetime:
    pause = min(FIRST_PAUSE_S * 4 ** (attempts - 1), LONGEST_PAUSE_S)
    return now() + timedelta(seconds=pause)


def release(sessions: Sessions, jobs: Iterable[Job]) -> None:
    """Give claims back as if they had never been taken: the failure was not the images'."""
    with sessions.begin() as session:
        for job in jobs:
            again = _unclaimed(state="queued", attempts=max(job.image.attempts - 1, 0))
            session.execute(_held(job).values(again))


def suspect(sessions: Sessions, jobs: Iterable[Job]) -> None:
    """Queue a batch that could not be handled together so that each image is tried alone."""
    with sessions.begin() as session:
        for job in jobs:
            alone = _unclaimed(state="queued", error_code=WORKER_DIED)
            session.execute(_held(job).values(alone))


def vanished(sessions: Sessions, jobs: Sequence[Job]) -> list[Job]:
    """Which of these the ledger no longer wants in the index at all (a newer rev is a matter of its own)."""
    wanted = select(Image.id).join(Image.product).where(
        Image.id.in_([job.image.id for job in jobs]), Image.removed.is_(False),
        Product.hidden.is_(False), Product.deleted_at.is_(None),
    )  # fmt: skip
    with sessions() as session:
        alive = set(session.scalars(wanted))
    return [job for job in jobs if job.image.id not in alive]


def twins(sessions: Sessions, hashes: Iterable[str], fingerprint: str) -> dict[str, str]:
    """{sha256: point id} of live images with the same bytes, embedded by the same pack."""
    columns = (Image.sha256, Image.position, Product.merchant_id, Product.sku)
    same = select(*columns).join(Image.product).where(
        Image.sha256.in_(set(hashes)), Image.state == "live", Image.fingerprint == fingerprint,
        Image.removed.is_(False), Product.hidden.is_(False), Product.deleted_at.is_(None),
    )  # fmt: skip
    with sessions() as session:
        rows = session.execute(same).all()
    return {str(sha): point_id(shop, sku, position) for sha, position, shop, sku in rows}


def known_sizes(sessions: Sessions, hashes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """{sha256: (width, height) of the original} where some row has it."""
    columns = (Image.sha256, Image.width, Image.height)
    known = select(*columns).where(Image.sha256.in_(set(hashes)), Image.width.is_not(None))
    with sessions() as session:
        rows = session.execute(known.distinct()).all()
    return {str(sha): (int(width or 0), int(height or 0)) for sha, width, height in rows}


def _changed(session: Session, statement: Update) -> bool:
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]
