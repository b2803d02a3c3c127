"""Images know their stage, merchant and priority; tables about indexes, workers and searches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import steps

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CLAIM = ["state", "queue", "priority", "merchant_id", "next_attempt_at", "id"]
CLAIM_INDEX = "ix_image_state_queue_priority_merchant_id_next_attempt_at_id"
NEW_INDEXES = (
    CLAIM_INDEX,
    "ix_image_merchant_id_state_id",
    "ix_image_failed",
    "ix_image_waiting_source",
)
OLD_INDEXES = {
    "ix_image_state_next_attempt_at_id": ["state", "next_attempt_at", "id"],
    "ix_image_state_claimed_at": ["state", "claimed_at"],
    "ix_image_state_fingerprint": ["state", "fingerprint"],
}
STAGES = {"ck_image_queue": "queue IN ('images', 'embed', 'index')"}
OWNER = steps.Reference("merchant_id", "merchant", ondelete="CASCADE")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _images()
    _products()
    steps.add_columns("import_job", _instant("heartbeat_at", nullable=True))
    _indexes()
    _workers()
    _searches()


def downgrade() -> None:
    tables = (
        "query_log",
        "stage_minute",
        "worker",
        "fill_range",
        "site",
        "vector_index",
        "catalogue_revision",
    )
    for name in tables:
        steps.drop_table(name)
    steps.drop_columns("import_job", "heartbeat_at")
    for name in ("sku", "title"):
        steps.drop_index(f"ix_product_{name}_prefix", "product")
    for name in NEW_INDEXES:
        steps.drop_index(name, "image")
    columns = ("queued_at", "priority", "queue", "merchant_id")
    steps.drop_columns("image", *columns, checks=tuple(STAGES), references=[OWNER])
    for name, on in OLD_INDEXES.items():
        steps.create_index(name, "image", on)


def _images() -> None:
    steps.add_columns(
        "image",
        _number("merchant_id", nullable=True),
        sa.Column("queue", sa.String(8), server_default="images", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    steps.fill(
        "image", "merchant_id", "(SELECT merchant_id FROM product WHERE product.id = image.product_id)"
    )
    steps.constrain("image", required=["merchant_id"], checks=STAGES, references=[OWNER])
    steps.create_index(CLAIM_INDEX, "image", CLAIM)
    for name in OLD_INDEXES:  # every change of state would write them
        steps.drop_index(name, "image")
    steps.create_index("ix_image_merchant_id_state_id", "image", ["merchant_id", "state", "id"])
    failed = ["merchant_id", "error_code", "id"]
    steps.create_index("ix_image_failed", "image", failed, where="state = 'failed'")
    waiting = "sha256 IS NULL AND source LIKE 'incoming:%'"
    steps.create_index("ix_image_waiting_source", "image", ["source"], where=waiting)


def _products() -> None:
    for name in ("sku", "title"):
        steps.create_index(f"ix_product_{name}_prefix", "product", ["merchant_id", steps.beginning(name)])
    steps.create_table(
        "catalogue_revision",
        sa.Column("merchant_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _refers("catalogue_revision", "merchant_id", "merchant", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_catalogue_revision")),
    )


def _indexes() -> None:
    steps.create_table(
        "vector_index",
        _number("id"),
        _text("fingerprint", 64),
        _text("pack", 200),
        _number("dimension"),
        _text("state", 16),
        sa.Column("rate", sa.Double(), nullable=True),
        _instant("next_batch_at", nullable=True),
        _number("total"),
        _instant("created_at"),
        _instant("ready_at", nullable=True),
        _text("message", 1000),
        sa.CheckConstraint("state IN ('filling', 'ready', 'dropping')", name=op.f("ck_vector_index_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vector_index")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_vector_index_fingerprint")),
    )
    steps.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        _number("live_index_id", nullable=True),
        _number("previous_index_id", nullable=True),
        _number("generation"),
        _text("images_url", 1000),
        _instant("created_at"),
        sa.CheckConstraint("id = 1", name=op.f("ck_site_one_row")),
        _refers("site", "live_index_id", "vector_index"),
        _refers("site", "previous_index_id", "vector_index"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    steps.create_table(
        "fill_range",
        _number("id"),
        _number("index_id"),
        _number("first_image_id"),
        _number("last_image_id"),
        _number("images"),
        _number("attempts"),
        _text("claimed_by", 100, nullable=True),
        _instant("claimed_at", nullable=True),
        _instant("done_at", nullable=True),
        _refers("fill_range", "index_id", "vector_index", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fill_range")),
    )
    steps.create_index("ix_fill_range_index_id_done_at_id", "fill_range", ["index_id", "done_at", "id"])


def _workers() -> None:
    steps.create_table(
        "worker",
        _number("id"),
        _text("name", 100),
        _text("host", 255),
        _number("pid"),
        _text("queues", 100),
        _text("device", 32),
        _instant("started_at"),
        _instant("seen_at"),
        _number("images"),
        _number("failures"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
        sa.UniqueConstraint("name", name=op.f("uq_worker_name")),
    )
    steps.create_index("ix_worker_seen_at", "worker", ["seen_at"])
    steps.create_table(
        "stage_minute",
        _instant("minute"),
        _text("stage", 16),
        _number("images"),
        _number("failures"),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "stage", name=op.f("pk_stage_minute")),
    )


def _searches() -> None:
    steps.create_table(
        "query_log",
        _number("id"),
        _instant("at"),
        _number("merchant_id"),
        _text("fingerprint", 64),
        _text("mode", 16),
        _text("words", 500),
        _text("reference", 100),
        _text("photo_id", 64),
        sa.Column("balance", sa.Double(), nullable=False),
        sa.Column("filters", JSON, nullable=False),
        sa.Column("top", JSON, nullable=False),
        _number("total"),
        sa.Column("took_ms", sa.Double(), nullable=False),
        _refers("query_log", "merchant_id", "merchant", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_log")),
    )
    steps.create_index("ix_query_log_merchant_id_at", "query_log", ["merchant_id", "at"])
    steps.create_index("ix_query_log_at", "query_log", ["at"])


def _instant(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _refers(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)
