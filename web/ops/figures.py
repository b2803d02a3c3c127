"""The state of the whole installation in numbers, read from the ledger in one go and kept for some seconds.

`/metrics` and the operators' page show the same reading, so they never disagree. Every query runs along an
index: a reading of 100,000 images takes some 30 ms (`python -m benchmarks.ops_page`).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.fills import FillProgress, fill_progress
from catalog.models import IMAGE_STATES, STAGES, Image, ImportJob, Product, now
from catalog.operations import FillRange, StageMinute, VectorIndex, Worker
from catalog.site import IndexRef, SiteState, site_state

PRIORITIES = ("edit", "bulk")
WORK = ("fetch", "decode", "embed", "upsert", "mark")  # what workers count, in order
SEEN_S = 90  # a worker that has said nothing for so long is not counted on
SILENT = timedelta(minutes=5)  # after which a running import has lost its process
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORKERS = 200  # shown at most
CHART_MINUTES = 60

# Said literally: a parameter would keep SQLite from the index of what has failed.
FAILED = Image.state == literal("failed", literal_execute=True)


@dataclass(frozen=True)
class Waiting:
    """What waits for one stage at one priority: images that are due, and since when the first has been."""

    queue: str
    priority: str
    images: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True)
class Minute:
    """What all workers did in one stage in one minute."""

    at: datetime
    images: int
    failures: int
    seconds: float


@dataclass(frozen=True)
class Seen:
    """A worker as it last spoke of itself."""

    host: str
    pid: int
    queues: tuple[str, ...]
    device: str
    images: int
    failures: int
    started_at: datetime
    silent_s: float

    @property
    def here(self) -> bool:
        """Whether it counts as working."""
        return self.silent_s <= SEEN_S


@dataclass(frozen=True)
class Fill:
    """How far the filling of an index has come."""

    index: IndexRef
    progress: FillProgress
    open: int  # pieces that are still to be done
    still_s: float  # since the last piece was done, or since it began
    rate: float | None  # images a second that it may take at most
    message: str


@dataclass(frozen=True)
class Figures:
    """One reading."""

    images: Mapping[str, int]  # by state, every state
    failed: Mapping[str, int]  # by code, most frequent first
    products: int
    waiting: tuple[Waiting, ...]  # every queue and priority
    later: Mapping[str, int]  # by queue: they wait for their next attempt
    minutes: Mapping[str, tuple[Minute, ...]]  # by stage, the last hour, oldest first, gaps left out
    workers: tuple[Seen, ...]
    imports: Mapping[str, int]  # of the last day, by state
    site: SiteState
    fills: tuple[Fill, ...]
    at: datetime = field(default_factory=now)
    seconds: float = 0.0

    def workers_of(self, queue: str) -> int:
        """How many workers take from a queue."""
        return sum(worker.here and queue in worker.queues for worker in self.workers)


def read(sessions: sessionmaker[Session]) -> Figures:
    """Read everything, in one transaction."""
    began = time.perf_counter()
    with sessions() as session:
        at = instant(session)
        waiting, later = _queues(session, at)
        site = site_state(session)
        figures = Figures(
            images=_states(session),
            failed=_failed(session),
            products=_products(session),
            waiting=waiting,
            later=later,
            minutes=_minutes(session, at),
            workers=tuple(_workers(session, at)),
            imports=_imports(session, at),
            site=site,
            fills=tuple(_fills(session, site, at)),
            at=at,
        )
    return Figures(**{**figures.__dict__, "seconds": time.perf_counter() - began})


def _states(session: Session) -> dict[str, int]:
    counted = session.execute(select(Image.state, func.count()).group_by(Image.state))
    return dict.fromkeys(IMAGE_STATES, 0) | {state: int(images) for state, images in counted}


def _failed(session: Session) -> dict[str, int]:
    many = func.count().label("many")
    rows = select(Image.error_code, many).where(FAILED).group_by(Image.error_code)
    return {code or "unknown": int(images) for code, images in session.execute(rows.order_by(many.desc()))}


def _products(session: Session) -> int:
    """All less the deleted: each count has an index of its own, their difference would read every row."""
    every = session.scalar(select(func.count(Product.id))) or 0
    return every - (session.scalar(select(func.count()).where(Product.deleted_at.is_not(None))) or 0)


def _queues(session: Session, at: datetime) -> tuple[tuple[Waiting, ...], dict[str, int]]:
    """What waits, from the index of the claim alone; then the few rows that are first in line."""
    due = or_(Image.next_attempt_at.is_(None), Image.next_attempt_at <= at)
    columns = (func.sum(case((due, 1), else_=0)), func.count(), func.min(case((due, Image.id))))
    rows = session.execute(
        select(Image.queue, Image.priority, *columns)
        .where(Image.state == "queued")
        .group_by(Image.queue, Image.priority)
    ).all()
    since = _since(session, [first for *_, first in rows if first is not None])
    found: dict[tuple[str, str], Waiting] = {
        (queue, priority): Waiting(queue, priority) for queue in STAGES for priority in PRIORITIES
    }
    later: dict[str, int] = dict.fromkeys(STAGES, 0)
    for queue, number, ready, every, first in rows:
        key = (queue, PRIORITIES[number & 1])  # images that are tried alone have 2 more
        oldest = (at - since[first]).total_seconds() if first in since else 0.0
        known = found[key]
        found[key] = Waiting(*key, known.images + int(ready), max(known.oldest_s, oldest, 0.0))
        later[queue] += int(every) - int(ready)
    return tuple(found.values()), later


def _since(session: Session, ids: Iterable[int]) -> dict[int, datetime]:
    """{image: since when it is due}"""
    columns = (Image.id, Image.queued_at, Image.next_attempt_at)
    rows = session.execute(select(*columns).where(Image.id.in_(list(ids))))
    return {id_: max(queued, again or queued) for id_, queued, again in rows}


def _minutes(session: Session, at: datetime) -> dict[str, tuple[Minute, ...]]:
    recent = select(StageMinute).where(StageMinute.minute > at - timedelta(minutes=CHART_MINUTES))
    by_stage: dict[str, list[Minute]] = defaultdict(list)
    for row in session.scalars(recent.order_by(StageMinute.minute)):
        by_stage[row.stage].append(Minute(row.minute, row.images, row.failures, row.seconds))
    return {stage: tuple(minutes) for stage, minutes in by_stage.items()}


def _workers(session: Session, at: datetime) -> Iterable[Seen]:
    """Those that work, and those that went silent within the hour: killed ones leave a row each."""
    recent = select(Worker).where(Worker.seen_at > at - HOUR).order_by(Worker.seen_at.desc()).limit(WORKERS)
    for row in sorted(session.scalars(recent), key=lambda row: (row.host, row.pid)):
        silent = max(0.0, (at - row.seen_at).total_seconds())
        queues = tuple(name for each in row.queues.split(",") if (name := each.strip()))
        said = (row.host, row.pid, queues, row.device, row.images, row.failures, row.started_at)
        yield Seen(*said, silent)


def _imports(session: Session, at: datetime) -> dict[str, int]:
    alive = func.coalesce(ImportJob.heartbeat_at, ImportJob.started_at)
    silent = and_(ImportJob.state == "running", alive < at - SILENT)
    state = case((silent, "silent"), else_=ImportJob.state).label("standing")
    rows = select(state, func.count()).where(
        or_(ImportJob.started_at > at - DAY, ImportJob.state == "running")
    )
    counted: dict[str, Any] = dict.fromkeys(("running", "silent", "done", "failed"), 0)
    return counted | {name: int(many) for name, many in session.execute(rows.group_by(state))}


def _fills(session: Session, site: SiteState, at: datetime) -> Iterable[Fill]:
    for index in site.maintained:
        if index.state != "filling":
            continue
        row = session.get_one(VectorIndex, index.id)
        pieces = select(func.count().filter(FillRange.done_at.is_(None)), func.max(FillRange.done_at))
        open_, last = session.execute(pieces.where(FillRange.index_id == index.id)).one()
        still = (at - max(row.created_at, last or row.created_at)).total_seconds()
        far = fill_progress(session, index.id)
        yield Fill(index, far, open_, max(0.0, still), row.rate, row.message)
