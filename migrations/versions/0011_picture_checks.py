"""What hosts say of pictures when they are fetched, and when they are to be asked again."""

import sqlalchemy as sa

from migrations import steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEX = "ix_image_check_at"


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def upgrade() -> None:
    steps.add_columns(
        "image",
        _text("etag", 300),
        _text("last_modified", 100),
        sa.Column("fetched_at", sa.DateTime(timezone=True)),
        sa.Column("check_at", sa.DateTime(timezone=True)),
        sa.Column("check_attempts", sa.SmallInteger(), nullable=False, server_default="0"),
        _text("check_code", 64),
        _text("check_message", 1000),
    )
    checked = "check_at IS NOT NULL"
    steps.create_index(INDEX, "image", ["merchant_id", "check_at", "id"], where=checked)
    steps.add_columns(  # a plain text as its default: for an expression SQLite would copy the table
        "feed_schedule", sa.Column("check_pictures", sa.Boolean(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    steps.drop_columns("feed_schedule", "check_pictures")
    steps.drop_index(INDEX, "image")
    steps.drop_columns(
        "image", "etag", "last_modified", "fetched_at", "check_at", "check_attempts", "check_code",
        "check_message",
    )  # fmt: skip
