"""Users, their shops, sessions and what they did."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import steps

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _account()
    _recovery_code()
    _membership()
    _login_session()
    _invitation()
    _audit_entry()
    _login_attempt()


def downgrade() -> None:
    for table in (
        "login_attempt", "audit_entry", "invitation", "login_session", "membership", "recovery_code",
        "account",
    ):  # fmt: skip
        steps.drop_table(table)


def _given(name: str, kind: "sa.types.TypeEngine[Any]") -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: "sa.types.TypeEngine[Any]") -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=True)


def _refers(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def _keyed(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=op.f(f"pk_{table}"))


def _account() -> None:
    steps.create_table(
        "account",
        _given("id", sa.Integer()),
        _given("email", sa.String(254)),
        _given("name", sa.String(100)),
        _given("password", sa.String(255)),
        _given("active", sa.Boolean()),
        _given("fs_uniquifier", sa.String(64)),
        _given("totp_secret", sa.Text()),
        _maybe("totp_counter", sa.BigInteger()),
        _given("created_at", INSTANT),
        _maybe("password_at", INSTANT),
        _maybe("login_at", INSTANT),
        _keyed("account"),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_account_fs_uniquifier")),
    )


def _recovery_code() -> None:
    steps.create_table(
        "recovery_code",
        _given("id", sa.Integer()),
        _given("user_id", sa.Integer()),
        _given("digest", sa.String(64)),
        _refers("recovery_code", "user_id", "account"),
        _keyed("recovery_code"),
    )
    steps.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])


def _membership() -> None:
    steps.create_table(
        "membership",
        _given("user_id", sa.Integer()),
        _given("merchant_id", sa.Integer()),
        _given("role", sa.String(8)),
        _given("created_at", INSTANT),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'owner')", name=op.f("ck_membership_role")),
        _refers("membership", "user_id", "account"),
        _refers("membership", "merchant_id", "merchant"),
        _keyed("membership", "user_id", "merchant_id"),
    )
    steps.create_index("ix_membership_merchant_id", "membership", ["merchant_id"])


def _login_session() -> None:
    steps.create_table(
        "login_session",
        _given("id", sa.Integer()),
        _given("digest", sa.String(64)),
        _given("user_id", sa.Integer()),
        _given("data", DOCUMENT),
        _given("agent", sa.String(200)),
        _given("created_at", INSTANT),
        _given("seen_at", INSTANT),
        _given("expires_at", INSTANT),
        _refers("login_session", "user_id", "account"),
        _keyed("login_session"),
        sa.UniqueConstraint("digest", name=op.f("uq_login_session_digest")),
    )
    steps.create_index("ix_login_session_user_id", "login_session", ["user_id"])
    steps.create_index("ix_login_session_expires_at", "login_session", ["expires_at"])


def _invitation() -> None:
    steps.create_table(
        "invitation",
        _given("id", sa.Integer()),
        _given("kind", sa.String(8)),
        _given("digest", sa.String(64)),
        _given("email", sa.String(254)),
        _given("role", sa.String(8)),
        _maybe("merchant_id", sa.Integer()),
        _maybe("user_id", sa.Integer()),
        _given("invited_by", sa.String(254)),
        _given("created_at", INSTANT),
        _given("expires_at", INSTANT),
        _maybe("used_at", INSTANT),
        sa.CheckConstraint("kind IN ('setup', 'invite', 'reset')", name=op.f("ck_invitation_kind")),
        _refers("invitation", "merchant_id", "merchant"),
        _refers("invitation", "user_id", "account"),
        _keyed("invitation"),
        sa.UniqueConstraint("digest", name=op.f("uq_invitation_digest")),
    )
    steps.create_index("ix_invitation_merchant_id", "invitation", ["merchant_id"])
    steps.create_index("ix_invitation_user_id", "invitation", ["user_id"])


def _audit_entry() -> None:
    steps.create_table(
        "audit_entry",
        _given("id", sa.Integer()),
        _maybe("merchant_id", sa.Integer()),
        _maybe("user_id", sa.Integer()),
        _given("email", sa.String(254)),
        _given("action", sa.String(64)),
        _given("subject", sa.String(300)),
        _given("details", DOCUMENT),
        _given("at", INSTANT),
        _refers("audit_entry", "merchant_id", "merchant"),
        _refers("audit_entry", "user_id", "account", "SET NULL"),
        _keyed("audit_entry"),
    )
    steps.create_index("ix_audit_entry_merchant_id_id", "audit_entry", ["merchant_id", "id"])
    steps.create_index("ix_audit_entry_user_id_id", "audit_entry", ["user_id", "id"])


def _login_attempt() -> None:
    steps.create_table(
        "login_attempt",
        _given("key", sa.String(64)),
        _given("count", sa.Integer()),
        _given("since", INSTANT),
        _keyed("login_attempt", "key"),
    )
    steps.create_index("ix_login_attempt_since", "login_attempt", ["since"])
