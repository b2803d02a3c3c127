"""The index of a shop's items in order has their titles, so that words are looked for in it alone."""

from migrations import steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BEFORE = "ix_product_merchant_id_id"


def upgrade() -> None:
    steps.create_index(f"{BEFORE}_title", "product", ["merchant_id", "id", "title"])
    steps.drop_index(BEFORE, "product")


def downgrade() -> None:
    steps.create_index(BEFORE, "product", ["merchant_id", "id"])
    steps.drop_index(f"{BEFORE}_title", "product")
