"""Product feeds: Google Merchant columns as CSV or TSV, and JSONL; streamed, every row checked by itself."""

from catalog.feeds.reader import currency_in, read_feed
from catalog.feeds.shape import FeedShape, survey_feed
from catalog.records import FeedRefused, ProductRecord, RowFault

__all__ = [
    "FeedRefused", "FeedShape", "ProductRecord", "RowFault", "currency_in", "read_feed", "survey_feed",
]  # fmt: skip
