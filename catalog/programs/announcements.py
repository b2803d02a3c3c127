"""What webhooks are to be told: ended imports, compared with what was written down for each webhook."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.importing.tables import ImportRequest
from catalog.models import ImportJob
from catalog.programs.tables import Webhook, WebhookDelivery
from catalog.programs.webhooks import Message, enqueue, message_of

LOOKED_BACK = timedelta(days=1)  # by a process that has not looked before
MARGIN = timedelta(minutes=5)  # of what was ended before the last look and committed after it
PER_WEBHOOK = 2  # messages of one webhook that are claimed at once: others have their turn
_COUNTS = ("rows", "created", "updated", "unchanged", "refused", "removed")


class Announcer:
    """Writes down what is to be told, each look from where the last one ended. For one thread."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self.sessions = sessions
        self._since: datetime | None = None

    def look(self) -> int:
        """Put what has ended since in the line of each webhook that wants it; return how many messages."""
        with self.sessions() as session:
            at = instant(session)
            hooks = session.scalars(select(Webhook).where(Webhook.disabled_at.is_(None))).all()
            since = max(self._since - MARGIN, at - LOOKED_BACK) if self._since else at - LOOKED_BACK
            told = list(_told(session, hooks, since)) if hooks else []
        self._since = at
        if not told:
            return 0
        with self.sessions.begin() as session:
            return enqueue(session, told, at)


def due(session: Session) -> bool:
    """Whether a message waits that is to be sent now."""
    return session.scalar(_due(instant(session)).limit(1)) is not None


def claimable(at: datetime, limit: int) -> Any:
    """Selects ids of messages that are due, the longest waiting first, few of each webhook."""
    place = func.row_number().over(
        partition_by=WebhookDelivery.webhook_id,
        order_by=(WebhookDelivery.next_attempt_at, WebhookDelivery.id),
    )
    ranked = _due(at).add_columns(WebhookDelivery.next_attempt_at, place.label("place")).subquery()
    fair = select(ranked.c.id).where(ranked.c.place <= PER_WEBHOOK)
    return fair.order_by(ranked.c.next_attempt_at, ranked.c.id).limit(limit)


def _due(at: datetime) -> Any:
    due = select(WebhookDelivery.id).join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
    return due.where(
        WebhookDelivery.state == "waiting", WebhookDelivery.next_attempt_at <= at,
        Webhook.disabled_at.is_(None),
    )  # fmt: skip


def _told(session: Session, hooks: Iterable[Webhook], since: datetime) -> Iterable[tuple[Webhook, Message]]:
    """What was ended since then, for each webhook that was there by then and wants it."""
    by_shop: dict[int, list[Webhook]] = {}
    for hook in hooks:
        by_shop.setdefault(hook.merchant_id, []).append(hook)
    for merchant_id, at, message in (*_requests(session, by_shop, since), *_jobs(session, by_shop, since)):
        for hook in by_shop[merchant_id]:
            if hook.created_at <= at and message.event in hook.events:
                yield hook, message


def _requests(
    session: Session, shops: Iterable[int], since: datetime
) -> Iterable[tuple[int, datetime, Message]]:
    ended = select(ImportRequest, ImportJob).outerjoin(ImportJob, ImportJob.id == ImportRequest.job_id)
    ended = ended.where(
        ImportRequest.merchant_id.in_(list(shops)), ImportRequest.finished_at >= since,
        ImportRequest.state.in_(("done", "failed", "cancelled")), ImportRequest.step.in_(("fetch", "import")),
    )  # fmt: skip
    for request, job in session.execute(ended.order_by(ImportRequest.id)):
        if request.state == "done" and request.step == "fetch":
            continue  # what was fetched goes on to be imported
        yield request.merchant_id, *_message(f"msg_import_{request.id}", request, request.id, job)


def _jobs(session: Session, shops: Iterable[int], since: datetime) -> Iterable[tuple[int, datetime, Message]]:
    """Imports that nobody asked for here: by the command."""
    asked = select(ImportRequest.id).where(ImportRequest.job_id == ImportJob.id).exists()
    ended = select(ImportJob).where(
        ImportJob.merchant_id.in_(list(shops)), ImportJob.finished_at >= since,
        ImportJob.state.in_(("done", "failed")), ~asked,
    )  # fmt: skip
    for job in session.scalars(ended.order_by(ImportJob.id)):
        yield job.merchant_id, *_message(f"msg_job_{job.id}", job, None, job)


def _message(
    name: str, ended: ImportRequest | ImportJob, import_id: int | None, job: ImportJob | None
) -> tuple[datetime, Message]:
    """When it ended, and the message of that: one that is begun again and ends again has another."""
    at = ended.finished_at
    assert at is not None  # noqa: S101 - it was asked for
    event = "import.done" if ended.state == "done" else "import.failed"
    counts = {count: getattr(job, count, 0) if job else 0 for count in _COUNTS}
    data = {
        "import_id": import_id, "state": ended.state, "filename": ended.filename, "message": ended.message,
        **counts, "finished_at": at.isoformat(),
    }  # fmt: skip
    return at, message_of(f"{name}_{int(at.timestamp())}", event, at, data)
