"""Imports asked for in the console: files, mappings, every row's fate, undo, refetching."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
REQUEST_STATES = "'draft', 'waiting', 'running', 'rehearsed', 'done', 'failed', 'cancelled'"
STEPS = "'fetch', 'rehearse', 'import', 'undo'"
OUTCOMES = "'created', 'updated', 'unchanged', 'refused', 'removed', 'kept'"
INDEXES = {
    "feed_schedule": (["merchant_id"], ["next_at"]),
    "import_request": (["state", "id"], ["merchant_id", "id"]),
    "import_row": (["job_id", "outcome", "id"], ["job_id", "id"]),
    "import_before": (["merchant_id", "id"], ["job_id", "id"]),
    "import_before_image": (["before_id"], ["sha256"]),
}


def upgrade() -> None:
    steps.add_columns(
        "import_job",
        sa.Column("kind", sa.String(16), server_default="import", nullable=False),
        sa.Column("removed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        _instant("undone_at", nullable=True),
    )
    _schedules()
    _requests()
    _rows()
    _before()
    for table, indexes in INDEXES.items():
        for columns in indexes:
            steps.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    for name in (
        "import_before_image", "import_before", "import_row", "import_request", "feed_schedule",
        "column_mapping",
    ):  # fmt: skip
        steps.drop_table(name)
    steps.drop_columns("import_job", "undone_at", "total", "removed", "kind")


def _schedules() -> None:
    steps.create_table(
        "column_mapping",
        _number("id"),
        _number("merchant_id"),
        _text("header_hash", 64),
        sa.Column("mapping", JSON, nullable=False),
        _instant("updated_at"),
        _refers("column_mapping", "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_mapping")),
        sa.UniqueConstraint(
            "merchant_id", "header_hash", name=op.f("uq_column_mapping_merchant_id_header_hash")
        ),
    )
    steps.create_table(
        "feed_schedule",
        _number("id"),
        _number("merchant_id"),
        _text("url", 2000),
        _text("every", 8),
        _text("at", 5),
        _text("removal", 16),
        sa.Column("enabled", sa.Boolean(), server_default=sa.true(), nullable=False),
        _text("etag", 300),
        _text("last_modified", 100),
        _text("sha256", 64),
        _instant("next_at"),
        _number("failures"),
        _text("claimed_by", 100, nullable=True),
        _instant("claimed_at", nullable=True),
        sa.Column("outcomes", JSON, nullable=False),
        _instant("created_at"),
        sa.CheckConstraint("every IN ('hour', 'day')", name=op.f("ck_feed_schedule_every")),
        _refers("feed_schedule", "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_schedule")),
    )


def _requests() -> None:
    steps.create_table(
        "import_request",
        _number("id"),
        _number("merchant_id"),
        _text("state", 16),
        _text("step", 16),
        _text("filename", 300),
        _text("file", 64),
        _text("images", 64),
        _text("url", 2000),
        sa.Column("options", JSON, nullable=False),
        sa.Column("survey", JSON, nullable=False),
        sa.Column("rehearsal", JSON, nullable=False),
        _number("job_id", nullable=True),
        _number("schedule_id", nullable=True),
        _number("batches"),
        _number("attempts"),
        _text("claimed_by", 100, nullable=True),
        _instant("claimed_at", nullable=True),
        _text("asked_by", 255),
        _instant("created_at"),
        _instant("finished_at", nullable=True),
        _text("message", 1000),
        sa.CheckConstraint(f"state IN ({REQUEST_STATES})", name=op.f("ck_import_request_state")),
        sa.CheckConstraint(f"step IN ({STEPS})", name=op.f("ck_import_request_step")),
        _refers("import_request", "merchant_id", "merchant"),
        _refers("import_request", "job_id", "import_job", "SET NULL"),
        _refers("import_request", "schedule_id", "feed_schedule", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_request")),
    )


def _rows() -> None:
    steps.create_table(
        "import_row",
        _number("id"),
        _number("job_id"),
        _number("row"),
        _text("sku", 100),
        _text("outcome", 16),
        _number("product_id", nullable=True),
        sa.CheckConstraint(f"outcome IN ({OUTCOMES})", name=op.f("ck_import_row_outcome")),
        _refers("import_row", "job_id", "import_job"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row")),
    )


def _before() -> None:
    steps.create_table(
        "import_before",
        _number("id"),
        _number("merchant_id"),
        _number("job_id"),
        _text("sku", 100),
        _text("outcome", 16),
        _number("rev"),
        _text("content_hash", 64),
        sa.Column("record", JSON, nullable=False),
        _refers("import_before", "merchant_id", "merchant"),
        _refers("import_before", "job_id", "import_job"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_before")),
    )
    steps.create_table(
        "import_before_image",
        _number("id"),
        _number("before_id"),
        _number("position"),
        _text("sha256", 64),
        _number("width", nullable=True),
        _number("height", nullable=True),
        _refers("import_before_image", "before_id", "import_before"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_before_image")),
    )


def _refers(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete
    )


def _number(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _text(name: str, length: int, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _instant(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
