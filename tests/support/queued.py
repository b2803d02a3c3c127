"""Ledgers with many queued images, written by the database itself: that takes seconds for a million."""

from sqlalchemy import Connection, text

# One product and one image for each number in (first, last], of one merchant.
_PRODUCTS = """
WITH RECURSIVE n(i) AS (SELECT :first + 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last)
INSERT INTO product (id, merchant_id, sku, item_group_id, rev, hidden, created_at, updated_at, content_hash,
    currency, availability, title, brand, category, colour, pattern, material, gender, age_group, size, link,
    description, attributes)
SELECT i, :merchant, 'S' || i, 'S' || i, 1, false, current_timestamp, current_timestamp, '', 'USD',
    'in_stock', 'T', '', '', '', '', '', '', '', '', '', '', '{}' FROM n
"""
_IMAGES = """
WITH RECURSIVE n(i) AS (SELECT :first + 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last)
INSERT INTO image (id, product_id, merchant_id, position, source, state, queue, priority, removed, error_code,
    error_message, attempts, queued_at, fingerprint, indexed_rev, next_attempt_at)
SELECT i, i, :merchant, 0, 'https://shop.example/' || i || '.jpg', 'queued', :stage, :priority, false, '', '',
    0, current_timestamp, '', 0, :later FROM n
"""
_MERCHANTS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO merchant (id, slug, name, currency, created_at)
SELECT i, 'm' || i, '', 'USD', current_timestamp FROM n
"""


def queue_images(
    connection: Connection,
    merchant: int,
    first: int,
    count: int,
    stage: str = "images",
    priority: int = 1,
    later: object = None,
) -> int:
    """Queue images with the ids (first, first + count]; return the last id."""
    span = {"first": first, "last": first + count, "merchant": merchant}
    connection.execute(text(_PRODUCTS), span)
    rows = text(_IMAGES)
    connection.execute(rows, {**span, "stage": stage, "priority": priority, "later": later})
    return first + count


def make_merchants(connection: Connection, count: int) -> None:
    """Merchants with the ids 1 to `count`."""
    connection.execute(text(_MERCHANTS), {"count": count})
