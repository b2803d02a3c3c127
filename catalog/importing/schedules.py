"""Feeds that are fetched by the clock: when each is due, who fetches it, what came of it the last times."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.importing.tables import FeedSchedule

LEASE_S = 900.0  # longer than any fetch may take
OUTCOMES = 10  # that are kept
AGAIN_S = (300, 900, 3600)  # after the first failures in a row; then by the clock again


@dataclass(frozen=True)
class Due:
    """A schedule whose turn it is, in somebody's hands."""

    id: int
    merchant_id: int
    url: str
    removal: str
    etag: str
    last_modified: str
    sha256: str
    check_pictures: bool
    token: str


def add_schedule(
    session: Session,
    merchant_id: int,
    url: str,
    every: str,
    at: str,
    removal: str,
    check_pictures: bool = False,
) -> FeedSchedule:
    """Fetch this feed from now on; the first time at once. `at` is "HH:MM" in UTC. ValueError."""
    _minutes(at)
    schedule = FeedSchedule(
        merchant_id=merchant_id, url=url, every=every, at=at, removal=removal, next_at=instant(session),
        check_pictures=check_pictures,
    )  # fmt: skip
    session.add(schedule)
    session.flush()
    return schedule


def list_schedules(session: Session, merchant_id: int) -> list[FeedSchedule]:
    """A merchant's schedules."""
    mine = select(FeedSchedule).where(FeedSchedule.merchant_id == merchant_id)
    return list(session.scalars(mine.order_by(FeedSchedule.id)))


def find_schedule(session: Session, merchant_id: int, schedule_id: int) -> FeedSchedule | None:
    """This merchant's schedule of that id, or None."""
    mine = FeedSchedule.id == schedule_id, FeedSchedule.merchant_id == merchant_id
    return session.scalars(select(FeedSchedule).where(*mine)).one_or_none()


def claim_due(sessions: sessionmaker[Session], worker_id: str) -> Due | None:
    """Take the schedule that has been due for longest; None where none is."""
    with sessions.begin() as session:
        at = instant(session)
        silent = FeedSchedule.claimed_at < at - timedelta(seconds=LEASE_S)
        free = or_(FeedSchedule.claimed_at.is_(None), silent)
        found = select(FeedSchedule).where(FeedSchedule.enabled, FeedSchedule.next_at <= at, free)
        row = session.scalars(
            found.order_by(FeedSchedule.next_at).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        row.claimed_by, row.claimed_at = f"{worker_id[:80]}/{secrets.token_hex(6)}", at
        return Due(
            row.id, row.merchant_id, row.url, row.removal, row.etag, row.last_modified, row.sha256,
            row.check_pictures, row.claimed_by,
        )  # fmt: skip


def any_due(session: Session) -> bool:
    """Whether a schedule's turn has come."""
    at = instant(session)
    due = select(FeedSchedule.id).where(FeedSchedule.enabled, FeedSchedule.next_at <= at)
    return session.scalar(due.limit(1)) is not None


def note_outcome(
    session: Session, due: Due, code: str, message: str, request_id: int | None = None, **values: Any
) -> bool:
    """Write what came of fetching and when the next time is; `values` are columns. False: no longer ours.

    A `code` that begins with "feed-" is a failure: it is tried again soon, and then by the clock.
    """
    row = session.get(FeedSchedule, due.id, with_for_update=True, populate_existing=True)
    if row is None or row.claimed_by != due.token:
        return False
    at, failed = instant(session), code.startswith("feed-")
    said = {"at": at.isoformat(timespec="seconds"), "code": code, "message": message[:300]}
    last = [{**said, "request": request_id}, *row.outcomes.get("last", [])][:OUTCOMES]
    row.outcomes = {"last": last}
    row.claimed_by = row.claimed_at = None
    row.failures = row.failures + 1 if failed else 0
    by_clock = next_time(at, row.every, row.at)
    soon = at + timedelta(seconds=AGAIN_S[row.failures - 1]) if 0 < row.failures <= len(AGAIN_S) else by_clock
    row.next_at = min(soon, by_clock)
    for name, value in values.items():
        setattr(row, name, value)
    return True


def next_time(after: datetime, every: str, at: str) -> datetime:
    """The next instant by the clock: of an hourly schedule the minutes of `at` count. UTC."""
    hours, minutes = _minutes(at)
    if every == "hour":
        found = after.replace(minute=minutes, second=0, microsecond=0)
        return found if found > after else found + timedelta(hours=1)
    found = after.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    return found if found > after else found + timedelta(days=1)


def _minutes(at: str) -> tuple[int, int]:
    hours, _, minutes = at.partition(":")
    found = int(hours), int(minutes)
    if not (0 <= found[0] < 24 and 0 <= found[1] < 60):
        raise ValueError(f"{at!r} is no time of day. Write it as 03:30.")
    return found
