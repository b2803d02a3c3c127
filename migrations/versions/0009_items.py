"""What the console keeps of items: fields that a feed must leave alone, what was seen in pictures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
PAGES = {  # the orders in which the console turns pages
    "ix_image_merchant_id_state_product_id_position": (
        "image",
        ["merchant_id", "state", "product_id", "position"],
    ),
    "ix_product_merchant_id_id": ("product", ["merchant_id", "id"]),
    "ix_product_merchant_id_category_id": ("product", ["merchant_id", "category", "id"]),
    "ix_product_merchant_id_brand_id": ("product", ["merchant_id", "brand", "id"]),
    "ix_product_merchant_id_availability_id": ("product", ["merchant_id", "availability", "id"]),
}


def upgrade() -> None:
    steps.add_columns("product", sa.Column("locked", JSON, nullable=False, server_default="[]"))
    steps.create_table(
        "item_look",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merchant_id", sa.Integer(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("alike", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        *_of("item_look", "product", "merchant"),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_item_look")),
    )
    steps.create_table(
        "item_hint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("dismissed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("value", sa.String(750), nullable=False),
        *_of("item_hint", "product", "merchant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_hint")),
        sa.UniqueConstraint("product_id", "code", name=op.f("uq_item_hint_product_id_code")),
    )
    steps.create_index(
        "ix_item_look_merchant_id_alike_product_id", "item_look", ["merchant_id", "alike", "product_id"]
    )
    steps.create_index(
        "ix_item_hint_merchant_id_code_product_id", "item_hint", ["merchant_id", "code", "product_id"]
    )
    for name, (table, columns) in PAGES.items():
        steps.create_index(name, table, columns)
    steps.create_index("ix_product_hidden", "product", ["hidden", "merchant_id", "id"], where="hidden = true")


def _of(table: str, *others: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [f"{other}_id"], [f"{other}.id"], name=op.f(f"fk_{table}_{other}_id_{other}"), ondelete="CASCADE"
        )
        for other in others
    ]


def downgrade() -> None:
    steps.drop_index("ix_product_hidden", "product")
    for name, (table, _) in PAGES.items():
        steps.drop_index(name, table)
    steps.drop_table("item_hint")
    steps.drop_table("item_look")
    steps.drop_columns("product", "locked")
