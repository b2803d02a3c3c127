"""A shop's currency is that of its prices; one without a price has none until its first."""

from migrations import steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Until now it was USD whatever the prices said. Where there are several, the commonest.
OF_PRICES = (
    "COALESCE((SELECT p.currency FROM product p WHERE p.merchant_id = merchant.id "
    "AND p.price_minor IS NOT NULL AND p.deleted_at IS NULL "
    "GROUP BY p.currency ORDER BY count(*) DESC, p.currency LIMIT 1), '')"
)


def upgrade() -> None:
    steps.derive("merchant", "currency", OF_PRICES)


def downgrade() -> None:
    steps.derive("merchant", "currency", "COALESCE(NULLIF(currency, ''), 'USD')")
