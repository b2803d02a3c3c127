"""The ledger's tables for programs of merchants: secret keys, answers kept to be given again, webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, now, one_of

DELIVERY_STATES = ("waiting", "delivered", "failed")
_WAITING = text("state = 'waiting'")


class ApiKey(Base):
    """A secret by which a merchant's program uses the API (see `api_keys`). Only its hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (Index(None, "merchant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    prefix: Mapped[str] = mapped_column(String(32), unique=True)  # its beginning, which is no secret
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the whole key
    name: Mapped[str] = mapped_column(String(100), default="")
    scopes: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # after a rotation: the end of the overlap
    revoked_at: Mapped[datetime | None]


class KeptAnswer(Base):
    """The first answer to a request that named an Idempotency-Key: see `catalog.programs.idempotency`."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("merchant_id", "key"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(255))
    request: Mapped[str] = mapped_column(String(64))  # SHA-256 of what was asked
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Webhook(Base):
    """An address of a merchant's that is told of events: see `catalog.programs.webhooks`."""

    __tablename__ = "webhook"
    __table_args__ = (Index(None, "merchant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    uid: Mapped[str] = mapped_column(String(32), unique=True)  # by which the API names it
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(100))  # it signs, so it cannot be a hash
    events: Mapped[list[str]] = mapped_column(default=list)
    name: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str] = mapped_column(String(300), default="")


class WebhookDelivery(Base):
    """One message to one webhook, from the moment that it is due until it has arrived or is given up."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "message_id"),
        CheckConstraint(one_of("state", DELIVERY_STATES), name="state"),
        Index(None, "webhook_id", "id"),
        Index(None, "created_at"),
        Index("ix_webhook_delivery_due", "next_attempt_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(String(100))  # the same in every try: a receiver knows it again
    event: Mapped[str] = mapped_column(String(64))
    payload: Mapped[str] = mapped_column(Text)  # JSON, byte for byte as it is sent
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(default=now)  # of one being sent: its claim's end
    status: Mapped[int | None]  # of the last answer
    error: Mapped[str] = mapped_column(String(300), default="")  # of the last try
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
