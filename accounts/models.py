"""The tables of accounts. A user is a person; what a person may do is said by a membership in each shop.

Secrets are never stored: of a session's or an invitation's token only the SHA-256 is kept (256 random bits
need no slow hash), of a password an argon2id hash. What is counted against guessing is named by a keyed hash.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, now, one_of

ROLES = ("viewer", "editor", "owner")  # each may do what those before it may
INVITATIONS = ("setup", "invite", "reset")  # what a one-time link is for


class User(Base):
    """A person with an account. `password` is "" until one is set, `totp_secret` without a second factor.

    `fs_uniquifier` is the name by which sessions know the user (Flask-Security's word): a new one ends them
    all. `totp_counter` is the time step of the last code used, so that no code is used twice.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # in lower case
    name: Mapped[str] = mapped_column(String(100), default="")
    password: Mapped[str] = mapped_column(String(255), default="")
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    totp_secret: Mapped[str] = mapped_column(Text, default="")  # encrypted with the console's key
    totp_counter: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=now)
    password_at: Mapped[datetime | None]
    login_at: Mapped[datetime | None]

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_anonymous = False
    roles: tuple[()] = ()

    @property
    def is_active(self) -> bool:
        """Whether the account may be used."""
        return self.active

    def get_id(self) -> str:
        """The name by which sessions know this user."""
        return self.fs_uniquifier


class RecoveryCode(Base):
    """One code that stands in for the second factor, once: the row goes when it is used."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64))


class Membership(Base):
    """What a user may do in one shop."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint(one_of("role", ROLES), name="role"), Index(None, "merchant_id"))

    user_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    merchant_id: Mapped[int] = mapped_column(
        ForeignKey("merchant.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    role: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoginSession(Base):
    """A browser that is logged in. It is over at `expires_at`, or a while after `seen_at`."""

    __tablename__ = "login_session"
    __table_args__ = (Index(None, "user_id"), Index(None, "expires_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    agent: Mapped[str] = mapped_column(String(200), default="")  # what the browser says that it is
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Invitation(Base):
    """A link that works once: the first account of an installation, a member to be, or a new password."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint(one_of("kind", INVITATIONS), name="kind"),
        Index(None, "merchant_id"),
        Index(None, "user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254), default="")  # "": who opens the link says it
    role: Mapped[str] = mapped_column(String(8), default="")
    merchant_id: Mapped[int | None] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))  # a reset's
    invited_by: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what, when. Of a shop, or of an account alone (`merchant_id` is NULL: a login, a password)."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "merchant_id", "id"), Index(None, "user_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int | None] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(String(254), default="")  # outlives the account
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(300), default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class LoginAttempt(Base):
    """How often something was tried in the window that began at `since`, by a keyed hash of what it was."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index(None, "since"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime]
