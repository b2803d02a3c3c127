"""Webhooks: addresses of a merchant's that are told when an import has ended, as Standard Webhooks has it.

What is to be told lies in SQL (`webhook_delivery`) until it has arrived or is given up: `announce` compares
ended imports with what was written there, so however one ended, also by a kill, each webhook is told of it
once. `indexer.webhooks` sends.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.programs.tables import Webhook, WebhookDelivery
from catalog.public_addresses import may_be_public

EVENTS = {
    "import.done": "an import went through; some of its rows may have been refused",
    "import.failed": "an import ended before its feed did, or its feed could not be read",
}
TEST = "webhook.test"
SECRET = "whsec_"  # noqa: S105 - what a secret begins with
MOST, MAX_URL, MAX_NAME = 20, 2000, 100
KEPT = timedelta(days=14)  # after a delivery's end


class WebhookRefused(ValueError):
    """A webhook that cannot be: what is wrong in which field, and what mends it."""

    def __init__(self, code: str, field: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.field, self.message, self.fix = code, field, message, fix


class WebhookMissing(LookupError):
    """The shop has no such webhook."""


@dataclass(frozen=True)
class Message:
    """What is sent: its id, its event, and the body to the byte."""

    id: str
    event: str
    payload: str


def create_webhook(
    session: Session, merchant_id: int, url: str, events: Sequence[str] = (), name: str = "",
    allow_private: bool = False,
) -> Webhook:  # fmt: skip
    """A new webhook for these events, or all, with a secret of 256 bits. Raises WebhookRefused."""
    checked_url(url, allow_private)
    wanted = _events(events)
    if len(webhooks(session, merchant_id)) >= MOST:
        raise WebhookRefused("too-many-webhooks", "", f"The shop has {MOST} webhooks.", "Delete one first.")
    row = Webhook(
        merchant_id=merchant_id, uid=f"wh_{secrets.token_hex(8)}", url=url, events=wanted,
        name=" ".join(name.split())[:MAX_NAME], created_at=instant(session),
        secret=SECRET + base64.b64encode(secrets.token_bytes(32)).decode(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def checked_url(url: str, allow_private: bool = False) -> str:
    """The address, or WebhookRefused: https on port 443 alone, and no address of an inner network.

    Where its name leads is checked each time that it is told. `allow_private` is for tests.
    """
    fix = "Give the https:// address of your own receiver."
    try:
        parts = urlsplit(url)
        usable = parts.hostname and "@" not in parts.netloc and not parts.fragment and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookRefused("webhook-address", "url", "This is no address that can be told.", fix)
    if allow_private and parts.scheme in ("http", "https"):
        return url
    if parts.scheme != "https":
        raise WebhookRefused("webhook-address", "url", "Only https keeps what is told from others.", fix)
    if parts.port not in (None, 443):
        raise WebhookRefused("webhook-address", "url", f"Port {parts.port} is not told, only 443.", fix)
    if not may_be_public(parts.hostname or ""):
        raise WebhookRefused("webhook-address", "url", "The address is not one of the public internet.", fix)
    return url


def webhooks(session: Session, merchant_id: int) -> Sequence[Webhook]:
    """The merchant's webhooks, the oldest first."""
    mine = select(Webhook).where(Webhook.merchant_id == merchant_id).order_by(Webhook.id)
    return session.scalars(mine).all()


def find_webhook(session: Session, merchant_id: int, uid: str) -> Webhook:
    """The merchant's webhook of that name. Raises WebhookMissing."""
    mine = Webhook.merchant_id == merchant_id, Webhook.uid == uid
    found = session.scalars(select(Webhook).where(*mine)).one_or_none() if uid.isascii() else None
    if found is None:
        raise WebhookMissing(uid)
    return found


def change_webhook(
    session: Session, merchant_id: int, uid: str, *, events: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> Webhook:  # fmt: skip
    """Tell it of other events, or let it rest, or begin again. Raises WebhookMissing, WebhookRefused."""
    found = find_webhook(session, merchant_id, uid)
    if events is not None:
        found.events = _events(events)
    if enabled is not None:
        found.disabled_at = None if enabled else found.disabled_at or instant(session)
        found.disabled_because = "" if enabled else found.disabled_because or "Switched off."
    session.flush()
    return found


def move_webhook(session: Session, merchant_id: int, uid: str, url: str) -> str:
    """Have it told at another address, what waits for it too; return the old one.

    Its secret stays. Raises WebhookMissing, WebhookRefused.
    """
    found = find_webhook(session, merchant_id, uid)
    before, found.url = found.url, checked_url(url)
    session.flush()
    return before


def delete_webhook(session: Session, merchant_id: int, uid: str) -> None:
    """Forget a webhook and what it was still to be told. Raises WebhookMissing."""
    found = find_webhook(session, merchant_id, uid)
    session.execute(delete(Webhook).where(Webhook.id == found.id))


def send_test(session: Session, merchant_id: int, uid: str) -> str:
    """Put a message without news in the line; its id. Raises WebhookMissing."""
    found = find_webhook(session, merchant_id, uid)
    at = instant(session)
    message = message_of(f"msg_test_{secrets.token_hex(8)}", TEST, at, {"webhook_id": found.uid})
    enqueue(session, [(found, message)], at)
    return message.id


def deliveries_before(
    session: Session, webhook_id: int, before: int | None, limit: int
) -> Sequence[WebhookDelivery]:
    """The latest messages of a webhook and what became of them, those with ids under `before`."""
    mine = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if before is not None:
        mine = mine.where(WebhookDelivery.id < before)
    return session.scalars(mine.order_by(WebhookDelivery.id.desc()).limit(limit)).all()


def message_of(message_id: str, event: str, at: datetime, data: Mapping[str, Any]) -> Message:
    """A message in the shape that Standard Webhooks recommends: type, timestamp, data."""
    said = {"type": event, "timestamp": at.isoformat(), "data": dict(data)}
    return Message(message_id, event, json.dumps(said, ensure_ascii=False, separators=(",", ":")))


def enqueue(session: Session, told: Iterable[tuple[Webhook, Message]], at: datetime) -> int:
    """Put messages in the line; one that a webhook was given before is not put there again. How many."""
    rows = [
        {
            "merchant_id": each.merchant_id, "webhook_id": each.id, "message_id": message.id,
            "event": message.event, "payload": message.payload, "state": "waiting", "attempts": 0,
            "next_attempt_at": at, "error": "", "created_at": at,
        }
        for each, message in told
    ]  # fmt: skip
    if not rows:
        return 0
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = insert(WebhookDelivery).values(rows)
    added = added.on_conflict_do_nothing(index_elements=["webhook_id", "message_id"])
    return len(session.scalars(added.returning(WebhookDelivery.id)).all())


def signature(secret: str, message_id: str, timestamp: int, payload: str) -> str:
    """The `webhook-signature` of Standard Webhooks: "v1," and the HMAC-SHA256 of "id.timestamp.body"."""
    key = base64.b64decode(secret.removeprefix(SECRET))
    signed = hmac.new(key, f"{message_id}.{timestamp}.{payload}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def give_up(session: Session, webhook_id: int, because: str) -> None:
    """Let a webhook rest, and what it was still to be told."""
    at = instant(session)
    mine = Webhook.id == webhook_id, Webhook.disabled_at.is_(None)
    session.execute(update(Webhook).where(*mine).values(disabled_at=at, disabled_because=because[:300]))


def forget_deliveries(session: Session) -> None:
    """Drop what ended two weeks ago."""
    ended = WebhookDelivery.ended_at < instant(session) - KEPT
    session.execute(delete(WebhookDelivery).where(ended))


def _events(wanted: Sequence[str]) -> list[str]:
    unknown = [event for event in wanted if event not in EVENTS]
    if unknown:
        said = f"{unknown[0]!r:.80} is no event."
        raise WebhookRefused("webhook-event", "events", said, f"Name some of: {', '.join(EVENTS)}.")
    return list(dict.fromkeys(wanted or EVENTS))
