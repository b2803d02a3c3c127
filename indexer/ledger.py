"""The rows of the ledger as the stages move them on: decoded, live, hidden, failed, given back.

Each function is one short transaction over a batch. A claim is a token in `claimed_by`; the catalogue clears
it with every change of the product, so whatever is written "where the token is still ours" can never mark a
row whose product has moved on. Rows are locked in the order of their ids, as the catalogue does.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from catalog.changes import note_change
from catalog.clock import instant
from catalog.identity import point_id
from catalog.models import SUSPECT, Image, Product
from catalog.operations import Site
from catalog.site import SiteState, live_index
from indexer.claims import WORKER_DIED, Job, Sessions

MAX_TRIES = 6  # of what may work later
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600


def pass_on(sessions: Sessions, jobs: Sequence[Job], stage: str) -> int:
    """Queue rows for another stage, as new there; what was found out about their bytes is written.

    New bytes lose the fingerprint at once: the vectors in the indexes are not theirs. Returns how many rows
    were still ours.
    """
    with sessions.begin() as session:
        ours = _ours(session, jobs)
        at = instant(session) if any(job.validators is not None for job in jobs) else None
        rows = [_passed(job, stage, at) for job in jobs if job.image.id in ours]
        _write(session, rows)
        return len(rows)


def _passed(job: Job, stage: str, at: datetime | None) -> dict[str, Any]:
    image = job.image
    width, height = job.size or (image.width, image.height)
    sha256 = job.sha256 or image.sha256
    return {
        **_queued(job, attempts=0), "queue": stage, "next_attempt_at": None,
        "sha256": sha256, "width": width, "height": height, "error_code": "", "error_message": "",
        "fingerprint": image.fingerprint if sha256 == image.sha256 else "", **_said(job, at),
    }  # fmt: skip


def _said(job: Job, at: datetime | None) -> dict[str, Any]:
    """What the host said of the bytes, where they were fetched now."""
    said, image = job.validators, job.image
    if said is None:
        return {"etag": image.etag, "last_modified": image.last_modified, "fetched_at": image.fetched_at}
    return {"etag": said.etag, "last_modified": said.last_modified, "fetched_at": at}


def mark_live(sessions: Sessions, jobs: Sequence[Job], site: SiteState) -> list[Job]:
    """Mark what is in the maintained indexes now; return the jobs whose row or product has moved on.

    Where the indexes are no longer those of `site`, the rows are queued again: one index lacks their vectors.
    """
    live = {"state": "live", "fingerprint": live_index(site).fingerprint, "next_attempt_at": None}
    return _settle(sessions, jobs, site, live)


def mark_gone(sessions: Sessions, jobs: Sequence[Job], site: SiteState) -> None:
    """Note that no index has them any more: a removed image's row goes, the others' are hidden."""
    removed = [job for job in jobs if job.image.removed]
    with sessions.begin() as session:
        if _same_indexes(session, site):
            ours = set(_ours(session, removed))
            session.execute(delete(Image).where(Image.id.in_(ours), Image.removed.is_(True)))
        else:
            _again(session, removed)
    hidden = {"state": "hidden", "fingerprint": ""}
    _settle(sessions, [job for job in jobs if not job.image.removed], site, hidden)


def _settle(sessions: Sessions, jobs: Sequence[Job], site: SiteState, values: dict[str, Any]) -> list[Job]:
    """Write an end of the way where neither indexes nor product have moved on; queue the others again.

    PostgreSQL reads the product as it was when the claim's statement began: another rev than the claim's is
    a row that is still ours although its product has moved on, and nobody else would queue it.
    """
    if not jobs:
        return []
    values |= {"attempts": 0, "error_code": "", "error_message": "", **_unclaimed()}
    with sessions.begin() as session:
        same = _same_indexes(session, site)
        ours = _ours(session, jobs)
        done = [job for job in jobs if same and ours.get(job.image.id) == job.product.rev]
        at = {"indexed_rev": 0} if values["state"] == "hidden" else {}
        _write(
            session, [{"id": job.image.id, "indexed_rev": job.product.rev, **values, **at} for job in done]
        )
        note_change(session, {job.product.merchant_id for job in done})
        settled = {job.image.id for job in done}
        late = [job for job in jobs if job.image.id not in settled]
        _again(session, [job for job in late if job.image.id in ours])
        return late


def _same_indexes(session: Session, site: SiteState) -> bool:
    """Whether the indexes are those of `site`, and stay so until the transaction ends."""
    now_at = select(Site.generation).where(Site.id == 1).with_for_update(read=True)
    return session.scalar(now_at) == site.generation


def _again(session: Session, jobs: Sequence[Job]) -> None:
    _write(session, [_queued(job, attempts=0) for job in jobs])


def _ours(session: Session, jobs: Sequence[Job]) -> dict[int, int]:
    """{image id: its product's rev} of the jobs whose claim holds; they are locked, so it goes on to hold."""
    mine = select(Image.id, Product.rev).join(Image.product).where(
        Image.id.in_([job.image.id for job in jobs]), Image.claimed_by.in_({job.token for job in jobs})
    )  # fmt: skip
    rows = session.execute(mine.order_by(Image.id).with_for_update(of=Image, key_share=True))
    return {image_id: rev for image_id, rev in rows}  # noqa: C416 - the rows are tuples of two


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    """Each row's values, by its id; all rows name the same columns."""
    if rows:
        session.execute(update(Image), rows)


def _unclaimed() -> dict[str, Any]:
    return {"claimed_by": None, "claimed_at": None}


def _queued(job: Job, attempts: int) -> dict[str, Any]:
    """The row waits, no suspect any more."""
    priority = job.image.priority % SUSPECT
    return {
        "id": job.image.id, "state": "queued", "attempts": attempts, "priority": priority, **_unclaimed()
    }  # fmt: skip


def is_final(job: Job, transient: bool, asked: bool = True) -> bool:
    """Whether a failure now is for good; one where the host was not asked is none."""
    return asked and (not transient or job.image.attempts >= MAX_TRIES)


def still_ours(sessions: Sessions, jobs: Sequence[Job]) -> list[Job]:
    """Those whose claim holds; it is renewed."""
    with sessions.begin() as session:
        ours, at = _ours(session, jobs), instant(session)
        _write(session, [{"id": image_id, "claimed_at": at} for image_id in ours])
    return [job for job in jobs if job.image.id in ours]


def mark_failed(
    sessions: Sessions,
    job: Job,
    code: str,
    message: str,
    transient: bool = False,
    wait_s: float = 0.0,
    asked: bool = True,
) -> None:
    """Write why it failed: for good, or queued for a later attempt, not before `wait_s` seconds.

    `asked` is False where nobody was asked: then it was no attempt.
    """
    said = {"error_code": code[:64], "error_message": message[:1000]}
    row = _queued(job, job.image.attempts if asked else max(job.image.attempts - 1, 0))
    with sessions.begin() as session:
        if is_final(job, transient, asked):
            row |= {"state": "failed", "fingerprint": "", "indexed_rev": 0}
        else:
            row |= {"next_attempt_at": instant(session) + pause(job.image.attempts, wait_s, asked)}
        if _ours(session, [job]):
            _write(session, [row | said])
            note_change(session, [job.product.merchant_id])


def pause(attempts: int, wait_s: float = 0.0, asked: bool = True) -> timedelta:
    """Until the next attempt: longer after each, and never shorter than the host wants."""
    grown = min(FIRST_PAUSE_S * 4 ** (attempts - 1), LONGEST_PAUSE_S) if asked else 0.0
    return timedelta(seconds=max(grown, wait_s))


def release(sessions: Sessions, jobs: Sequence[Job]) -> None:
    """Give claims back as if they had never been taken: the failure was not the images'."""
    with sessions.begin() as session:
        ours = _ours(session, jobs)
        back = [_queued(job, max(job.image.attempts - 1, 0)) for job in jobs if job.image.id in ours]
        kept = {job.image.id: job.image.priority for job in jobs}
        _write(session, [{**row, "priority": kept[row["id"]]} for row in back])


def suspect(sessions: Sessions, jobs: Sequence[Job]) -> None:
    """Queue a batch that could not be handled together so that each image is tried alone."""
    with sessions.begin() as session:
        ours = _ours(session, jobs)
        rows = [_queued(job, attempts=1) for job in jobs if job.image.id in ours]
        alone = [{**row, "priority": row["priority"] + SUSPECT, "error_code": WORKER_DIED} for row in rows]
        _write(session, alone)


def vanished(sessions: Sessions, jobs: Sequence[Job]) -> list[Job]:
    """Which of these the ledger no longer wants in an index at all (a newer rev is a matter of its own)."""
    wanted = select(Image.id).join(Image.product).where(
        Image.id.in_([job.image.id for job in jobs]), Image.removed.is_(False),
        Product.hidden.is_(False), Product.deleted_at.is_(None),
    )  # fmt: skip
    with sessions() as session:
        alive = set(session.scalars(wanted))
    return [job for job in jobs if job.image.id not in alive]


def twins(sessions: Sessions, hashes: Iterable[str]) -> dict[str, str]:
    """{sha256: point id} of live images with the same bytes, whose vectors are theirs."""
    same = select(func.max(Image.id)).group_by(Image.sha256).where(
        Image.sha256.in_(set(hashes)), Image.state == "live", Image.fingerprint != "", ~Image.removed
    )  # fmt: skip
    columns = (Image.sha256, Image.position, Product.merchant_id, Product.sku)
    with sessions() as session:
        rows = session.execute(select(*columns).join(Image.product).where(Image.id.in_(same))).all()
    return {str(sha): point_id(shop, sku, position) for sha, position, shop, sku in rows}


def known_sizes(sessions: Sessions, hashes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """{sha256: (width, height) of the original} where some row has it."""
    columns = (Image.sha256, Image.width, Image.height)
    known = select(*columns).where(Image.sha256.in_(set(hashes)), Image.width.is_not(None))
    with sessions() as session:
        rows = session.execute(known.distinct()).all()
    return {str(sha): (int(width or 0), int(height or 0)) for sha, width, height in rows}
