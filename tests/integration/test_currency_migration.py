"""Migration 0012: each shop has the currency of its prices; one without a price has none yet."""

from sqlalchemy import text

from catalog.database import downgrade, open_engine, upgrade
from tests.integration.test_migrations import postgres, urls  # noqa: F401 - fixtures

PRODUCT = text(
    "INSERT INTO product (merchant_id, sku, item_group_id, rev, hidden, created_at, updated_at, price_minor, "
    "currency, availability, attributes, deleted_at, content_hash, title, brand, category, colour, pattern, "
    "material, gender, age_group, size, link, description) VALUES (:shop, :sku, 'g', 1, false, "
    "current_timestamp, current_timestamp, :price, :currency, 'in_stock', '{}', :deleted, '', '', '', '', "
    "'', '', '', '', '', '', '', '')"
)
PRICES = {  # shop: (price, currency, deleted) of its products
    1: [(4900, "EUR", False), (100, "EUR", False)],
    2: [(4900, "USD", False), (5000, "GBP", False), (5000, "GBP", False)],  # several: the commonest
    3: [(None, "USD", False), (4900, "SEK", True)],  # nothing with a price
    4: [],
    5: [(4900, "USD", False)],
}
AFTER = {1: "EUR", 2: "GBP", 3: "", 4: "", 5: "USD"}


def test_a_shop_has_the_currency_of_its_prices(urls: tuple[str, str]) -> None:  # noqa: F811
    engine = open_engine(urls[0])
    upgrade(engine)
    downgrade(engine, "0011")
    with engine.begin() as connection:
        for shop, products in PRICES.items():
            made = (
                "INSERT INTO merchant (id, slug, name, currency, created_at) VALUES (:id, :slug, '', 'USD', "
            )
            connection.execute(text(made + "current_timestamp)"), {"id": shop, "slug": f"shop-{shop}"})
            for n, (price, currency, deleted) in enumerate(products):
                at = "2026-11-01 00:00:00+00:00" if deleted else None
                values = {"shop": shop, "sku": f"{shop}-{n}", "price": price, "currency": currency}
                connection.execute(PRODUCT, {**values, "deleted": at})
    upgrade(engine)

    def currencies() -> dict[int, str]:
        with engine.connect() as connection:
            return dict(connection.execute(text("SELECT id, currency FROM merchant")).tuples().all())

    assert currencies() == AFTER
    with engine.connect() as connection:  # no item's own price was touched
        assert connection.execute(text("SELECT count(*) FROM product WHERE currency = 'USD'")).scalar() == 3
    downgrade(engine, "0011")
    assert currencies() == {1: "EUR", 2: "GBP", 3: "USD", 4: "USD", 5: "USD"}
    engine.dispose()
