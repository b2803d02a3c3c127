"""The tables of insight: searches and what was chosen of them, and what a maintenance round makes of them.

Nothing here says who searched: no address, no browser, no id that two searches would share. An event lives
for some weeks, the figures of its day as long as `TWIRL_INSIGHT_DAYS` says.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, now

MAX_WORDS = 200  # characters of a search that are kept
MAX_GAP = 1000
KINDS = ("open", "compare", "similar")  # what is done with a piece, the strongest sign first
DAY = String(10)  # "2026-11-29", in UTC
_JSON = JSON().with_variant(JSONB(), "postgresql")


def _merchant() -> Mapped[int]:
    return mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))


def _mine() -> Mapped[int]:
    return mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)


class SearchEvent(Base):
    """One search that asked something: its first page, and how well it was answered.

    `gap` is what it asked for that no product in stock has together (`searcher.insight.gaps`), "" where there
    was such a product; `unknown` the words that no text of the shop has, with a space between. `vector` is
    the photo's, (D,) float16 in base64, where one was searched by; `top` are the first skus that were shown.
    """

    __tablename__ = "search_event"
    __table_args__ = (Index(None, "day", "merchant_id"), Index(None, "uid"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = _merchant()
    day: Mapped[str] = mapped_column(DAY)  # of `at`
    at: Mapped[datetime] = mapped_column(default=now)
    uid: Mapped[str] = mapped_column(String(16))  # a random name, of this one search
    source: Mapped[str] = mapped_column(String(8))  # "shop", "api" or "embed"
    mode: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(String(MAX_WORDS), default="")  # letter case aside
    total: Mapped[int] = mapped_column(default=0)
    shown: Mapped[int] = mapped_column(SmallInteger, default=0)  # hits of the first page
    weak: Mapped[bool] = mapped_column(default=False)  # nothing really matched
    latency: Mapped[int] = mapped_column(SmallInteger, default=0)  # which step: `catalog.insight.latency`
    gap: Mapped[str] = mapped_column(String(MAX_GAP), default="")
    unknown: Mapped[str] = mapped_column(String(MAX_WORDS), default="")
    photo_id: Mapped[str] = mapped_column(String(64), default="")
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    top: Mapped[list[str]] = mapped_column(default=list)
    vector: Mapped[str] = mapped_column(Text, default="")


class ClickEvent(Base):
    """One piece chosen out of a search: opened, laid aside to compare, or taken as the start of another."""

    __tablename__ = "click_event"
    __table_args__ = (Index(None, "day", "merchant_id"), UniqueConstraint("uid", "sku", "kind"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = _merchant()
    day: Mapped[str] = mapped_column(DAY)  # of the search
    at: Mapped[datetime] = mapped_column(default=now)
    uid: Mapped[str] = mapped_column(String(16))  # of the search
    sku: Mapped[str] = mapped_column(String(100))
    rank: Mapped[int]  # from 1
    kind: Mapped[str] = mapped_column(String(8))  # one of KINDS


class InsightKey(Base):
    """What the shop signs its links with, so that a click names a search that there was."""

    __tablename__ = "insight_key"

    merchant_id: Mapped[int] = _mine()
    key: Mapped[str] = mapped_column(String(64))


class InsightDay(Base):
    """One day of a shop. `events` and `signals` are the rows that it was made of."""

    __tablename__ = "insight_day"

    merchant_id: Mapped[int] = _mine()
    day: Mapped[str] = mapped_column(DAY, primary_key=True)
    rolled_at: Mapped[datetime] = mapped_column(default=now)
    events: Mapped[int] = mapped_column(default=0)
    signals: Mapped[int] = mapped_column(default=0)
    by_photo: Mapped[int] = mapped_column(default=0)
    empty: Mapped[int] = mapped_column(default=0)  # searches that found nothing
    weak: Mapped[int] = mapped_column(default=0)  # … and those that found nothing that really matched
    chosen: Mapped[int] = mapped_column(default=0)  # searches of which a piece was opened
    opened: Mapped[int] = mapped_column(default=0)  # pieces
    compared: Mapped[int] = mapped_column(default=0)
    onward: Mapped[int] = mapped_column(default=0)
    latency: Mapped[list[int]] = mapped_column(_JSON, default=list)  # searches in each step of `latency`


class InsightWords(Base):
    """The searches of one day with these words, letter case aside."""

    __tablename__ = "insight_words"

    merchant_id: Mapped[int] = _mine()
    day: Mapped[str] = mapped_column(DAY, primary_key=True)
    words: Mapped[str] = mapped_column(String(MAX_WORDS), primary_key=True)
    searches: Mapped[int] = mapped_column(default=0)
    empty: Mapped[int] = mapped_column(default=0)
    weak: Mapped[int] = mapped_column(default=0)
    chosen: Mapped[int] = mapped_column(default=0)


class InsightRank(Base):
    """How often a place was shown on first pages of one day, and what stood there was opened."""

    __tablename__ = "insight_rank"

    merchant_id: Mapped[int] = _mine()
    day: Mapped[str] = mapped_column(DAY, primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shown: Mapped[int] = mapped_column(default=0)
    opened: Mapped[int] = mapped_column(default=0)


class InsightGap(Base):
    """What was asked for on one day and not in stock: facets together ("facets"), or a word ("word")."""

    __tablename__ = "insight_gap"

    merchant_id: Mapped[int] = _mine()
    day: Mapped[str] = mapped_column(DAY, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    gap: Mapped[str] = mapped_column(String(MAX_GAP), primary_key=True)
    searches: Mapped[int] = mapped_column(default=0)
    chosen: Mapped[int] = mapped_column(default=0)


class InsightPhotos(Base):
    """Photos of one day that look alike, of those that matched (or not: `weak`).

    `centre` is the mean of their vectors, (D,) float16 in base64; `photo_ids` a few of them, shown while
    they are kept; `skus` what was found first; `words` what was said beside, {words: searches}.
    """

    __tablename__ = "insight_photos"
    __table_args__ = (Index(None, "day", "merchant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = _merchant()
    day: Mapped[str] = mapped_column(DAY)
    fingerprint: Mapped[str] = mapped_column(String(64))
    weak: Mapped[bool]
    searches: Mapped[int]
    chosen: Mapped[int] = mapped_column(default=0)
    photo_ids: Mapped[list[str]] = mapped_column(default=list)
    skus: Mapped[list[str]] = mapped_column(default=list)
    words: Mapped[dict[str, Any]] = mapped_column(default=dict)
    centre: Mapped[str] = mapped_column(Text)


class RulebookDraft(Base):
    """An editor's rulebook that is not published yet; `base` is the version that it was made from."""

    __tablename__ = "rulebook_draft"

    merchant_id: Mapped[int] = _mine()
    author: Mapped[str] = mapped_column(String(255), primary_key=True)
    base: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changed_at: Mapped[datetime] = mapped_column(default=now)
