"""The first tables: merchants, products, images, imports and their row errors."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _merchants()
    _products()
    _images()
    _imports()


def downgrade() -> None:
    for table in ("row_error", "import_job", "image", "product", "merchant"):
        op.drop_table(table)


def _instant(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, length: int, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False)


def _belongs_to(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{owner}"
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], name=op.f(name), ondelete="CASCADE")


def _merchants() -> None:
    op.create_table(
        "merchant",
        _number("id"),
        _text("slug", 64),
        _text("name", 200),
        _text("currency", 3),
        _instant("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("slug", name=op.f("uq_merchant_slug")),
    )


def _products() -> None:
    availabilities = "availability IN ('in_stock', 'out_of_stock', 'preorder', 'backorder')"
    op.create_table(
        "product",
        _number("id"),
        _number("merchant_id"),
        _text("sku", 100),
        _text("item_group_id", 100),
        _number("rev"),
        _flag("hidden"),
        _instant("deleted_at", nullable=True),
        _instant("created_at"),
        _instant("updated_at"),
        _text("content_hash", 64),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("sale_price_minor", sa.BigInteger(), nullable=True),
        _text("currency", 3),
        _text("availability", 16),
        _text("title", 300),
        _text("brand", 150),
        _text("category", 750),
        _text("colour", 200),
        _text("pattern", 200),
        _text("material", 300),
        _text("gender", 32),
        _text("age_group", 32),
        _text("size", 200),
        _text("link", 2000),
        sa.Column("description", sa.Text(), nullable=False),
        _json("attributes"),
        sa.CheckConstraint(availabilities, name=op.f("ck_product_availability")),
        sa.CheckConstraint("rev >= 1", name=op.f("ck_product_rev")),
        _belongs_to("product", "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("merchant_id", "sku", name=op.f("uq_product_merchant_id_sku")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_product_merchant_id_item_group_id"), "product", ["merchant_id", "item_group_id"])
    op.create_index(
        op.f("ix_product_merchant_id_created_at_id"), "product", ["merchant_id", "created_at", "id"]
    )
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_product_deleted_at", "product", ["deleted_at"], sqlite_where=deleted, postgresql_where=deleted
    )


def _images() -> None:
    states = "state IN ('queued', 'fetching', 'embedding', 'live', 'failed', 'hidden')"
    op.create_table(
        "image",
        _number("id"),
        _number("product_id"),
        _number("position"),
        _text("source", 2000),
        _text("sha256", 64, nullable=True),
        _number("width", nullable=True),
        _number("height", nullable=True),
        _text("state", 16),
        _flag("removed"),
        _text("error_code", 64),
        _text("error_message", 1000),
        _number("attempts"),
        _instant("next_attempt_at", nullable=True),
        _text("claimed_by", 100, nullable=True),
        _instant("claimed_at", nullable=True),
        _text("fingerprint", 64),
        _number("indexed_rev"),
        sa.CheckConstraint(states, name=op.f("ck_image_state")),
        sa.CheckConstraint("position BETWEEN 0 AND 10", name=op.f("ck_image_position")),
        _belongs_to("image", "product_id", "product"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("product_id", "position", name=op.f("uq_image_product_id_position")),
        sqlite_autoincrement=True,
    )
    claim = ["state", "next_attempt_at", "id"]
    op.create_index(op.f("ix_image_state_next_attempt_at_id"), "image", claim)
    op.create_index(op.f("ix_image_state_claimed_at"), "image", ["state", "claimed_at"])
    op.create_index(op.f("ix_image_state_fingerprint"), "image", ["state", "fingerprint"])
    op.create_index(op.f("ix_image_sha256"), "image", ["sha256"])


def _imports() -> None:
    op.create_table(
        "import_job",
        _number("id"),
        _number("merchant_id"),
        _text("filename", 300),
        _text("state", 16),
        *map(_number, ("rows", "created", "updated", "unchanged", "refused")),
        _instant("started_at"),
        _instant("finished_at", nullable=True),
        _text("message", 1000),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_import_job_state")),
        _belongs_to("import_job", "merchant_id", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_index(op.f("ix_import_job_merchant_id_started_at"), "import_job", ["merchant_id", "started_at"])
    op.create_table(
        "row_error",
        _number("id"),
        _number("job_id"),
        _number("row"),
        _text("column", 200),
        _text("code", 64),
        _text("message", 1000),
        _json("raw"),
        _belongs_to("row_error", "job_id", "import_job"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_error")),
    )
    op.create_index(op.f("ix_row_error_job_id_row"), "row_error", ["job_id", "row"])
