"""What shoppers asked for and chose, what its days add up to, and drafts of rulebooks."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EVENTS = ("search_event", "click_event", "insight_photos")  # with ids; the others have a merchant's days
DAYS = ("insight_day", "insight_words", "insight_rank", "insight_gap")


def _json() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(JSONB(), "postgresql")


def _of_merchant(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_merchant_id_merchant")
    return sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=name, ondelete="CASCADE")


def _keyed(table: str, *key: str) -> tuple[sa.schema.SchemaItem, sa.schema.SchemaItem]:
    return _of_merchant(table), sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}"))


def _counts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def _texts(**lengths: int) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(length), nullable=False) for name, length in lengths.items()]


def _days(table: str, *more: sa.Column[Any], key: tuple[str, ...] = ()) -> None:
    """A table of figures by merchant and day, and perhaps by something else."""
    steps.create_table(
        table, *_counts("merchant_id"), *_texts(day=10), *more, *_keyed(table, "merchant_id", "day", *key)
    )


def upgrade() -> None:
    _events()
    _figures()
    steps.create_table(
        "insight_key", *_counts("merchant_id"), *_texts(key=64), *_keyed("insight_key", "merchant_id")
    )
    steps.create_table(
        "rulebook_draft",
        *_counts("merchant_id"), *_texts(author=255), *_counts("base"),
        sa.Column("content", _json(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        *_keyed("rulebook_draft", "merchant_id", "author"),
    )  # fmt: skip
    steps.add_columns("rulebook", sa.Column("author", sa.String(255), nullable=False, server_default=""))


def _events() -> None:
    steps.create_table(
        "search_event",
        *_counts("id", "merchant_id"), *_texts(day=10),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *_texts(uid=16, source=8, mode=16, words=200), *_counts("total"),
        sa.Column("shown", sa.SmallInteger(), nullable=False),
        sa.Column("weak", sa.Boolean(), nullable=False),
        sa.Column("latency", sa.SmallInteger(), nullable=False),
        *_texts(gap=1000, unknown=200, photo_id=64, fingerprint=64),
        sa.Column("top", _json(), nullable=False), sa.Column("vector", sa.Text(), nullable=False),
        *_keyed("search_event", "id"),
    )  # fmt: skip
    steps.create_table(
        "click_event",
        *_counts("id", "merchant_id"), *_texts(day=10),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *_texts(uid=16, sku=100), *_counts("rank"), *_texts(kind=8),
        *_keyed("click_event", "id"),
        sa.UniqueConstraint("uid", "sku", "kind", name=op.f("uq_click_event_uid_sku_kind")),
    )  # fmt: skip
    steps.create_table(
        "insight_photos",
        *_counts("id", "merchant_id"), *_texts(day=10, fingerprint=64),
        sa.Column("weak", sa.Boolean(), nullable=False), *_counts("searches", "chosen"),
        *(sa.Column(name, _json(), nullable=False) for name in ("photo_ids", "skus", "words")),
        sa.Column("centre", sa.Text(), nullable=False),
        *_keyed("insight_photos", "id"),
    )  # fmt: skip
    for table in EVENTS:
        steps.create_index(f"ix_{table}_day_merchant_id", table, ["day", "merchant_id"])
    steps.create_index("ix_search_event_uid", "search_event", ["uid"])


def _figures() -> None:
    _days(
        "insight_day",
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        *_counts("events", "signals", "by_photo", "empty", "weak", "chosen", "opened", "compared", "onward"),
        sa.Column("latency", _json(), nullable=False),
    )
    _days(
        "insight_words", *_texts(words=200), *_counts("searches", "empty", "weak", "chosen"), key=("words",)
    )
    _days("insight_rank", *_counts("rank", "shown", "opened"), key=("rank",))
    _days("insight_gap", *_texts(kind=8, gap=1000), *_counts("searches", "chosen"), key=("kind", "gap"))


def downgrade() -> None:
    for table in (*EVENTS, *DAYS, "insight_key", "rulebook_draft"):
        steps.drop_table(table)
    steps.drop_columns("rulebook", "author")
