"""The ledger's tables about its own running: which index is live, who works, how fast, what was searched."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.importing import tables as of_imports  # noqa: F401 - whoever needs every table takes them from here
from catalog.insight import tables as of_insight  # noqa: F401 - and these
from catalog.models import INDEX_STATES, Base, now, one_of


class VectorIndex(Base):
    """One collection of the vector engine: the catalogue as one model pack sees it.

    Every index that is filling or ready is maintained: new and edited images are written to all of them.
    """

    __tablename__ = "vector_index"
    __table_args__ = (CheckConstraint(one_of("state", INDEX_STATES), name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    pack: Mapped[str] = mapped_column(String(200))  # its name, for people
    dimension: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    rate: Mapped[float | None]  # images a second that a fill may take at most; NULL: as fast as it goes
    next_batch_at: Mapped[datetime | None]  # before which the rate allows nobody another batch
    total: Mapped[int] = mapped_column(default=0)  # images that were there when the fill began
    created_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    message: Mapped[str] = mapped_column(String(1000), default="")


class Site(Base):
    """What holds for the whole installation, in one row whose id is 1.

    `generation` rises with each change of the live index and of the set of maintained ones.
    """

    __tablename__ = "site"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    live_index_id: Mapped[int | None] = mapped_column(ForeignKey("vector_index.id"))
    previous_index_id: Mapped[int | None] = mapped_column(ForeignKey("vector_index.id"))
    generation: Mapped[int] = mapped_column(default=1)
    images_url: Mapped[str] = mapped_column(String(1000), default="")  # where image bytes are kept
    created_at: Mapped[datetime] = mapped_column(default=now)


class FillRange(Base):
    """A piece of the work of filling an index: the images whose ids lie in [first, last].

    `first_image_id` moves on with every batch that is written: who takes a piece over goes on from there.
    """

    __tablename__ = "fill_range"
    __table_args__ = (Index(None, "index_id", "done_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    index_id: Mapped[int] = mapped_column(ForeignKey("vector_index.id", ondelete="CASCADE"))
    first_image_id: Mapped[int]
    last_image_id: Mapped[int]
    images: Mapped[int] = mapped_column(default=0)  # that were written
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class Worker(Base):
    """A process that indexes, and when it last said so."""

    __tablename__ = "worker"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)  # "host:pid"
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    queues: Mapped[str] = mapped_column(String(100), default="")
    device: Mapped[str] = mapped_column(String(32), default="")
    started_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now, index=True)
    images: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class StageMinute(Base):
    """What all workers together did in one stage in one minute; workers add to it."""

    __tablename__ = "stage_minute"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(String(16), primary_key=True)
    images: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)


class QueryLog(Base):
    """One search, to be replayed on another model. It holds nothing of who searched."""

    __tablename__ = "query_log"
    __table_args__ = (Index(None, "merchant_id", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(String(64))  # of the pack that answered
    mode: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(String(500), default="")
    reference: Mapped[str] = mapped_column(String(100), default="")  # the sku that was searched from
    photo_id: Mapped[str] = mapped_column(String(64), default="")
    balance: Mapped[float] = mapped_column(default=0.5)
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    top: Mapped[list[str]] = mapped_column(default=list)  # skus of the first hits, at most ten
    total: Mapped[int] = mapped_column(default=0)
    took_ms: Mapped[float] = mapped_column(default=0.0)


class Promotion(Base):
    """A candidate pack that an operator let in: what was measured then, and why although it had not won."""

    __tablename__ = "promotion"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    fingerprint: Mapped[str] = mapped_column(String(64))
    pack: Mapped[str] = mapped_column(String(200))  # its name, for people
    live_fingerprint: Mapped[str] = mapped_column(String(64))  # of the pack that it was measured against
    forced: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(1000), default="")
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Rulebook(Base):
    """One published version of a merchant's search rules and synonyms: see `catalog.rulebooks`."""

    __tablename__ = "rulebook"

    merchant_id: Mapped[int] = mapped_column(
        ForeignKey("merchant.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(default=now)
    note: Mapped[str] = mapped_column(String(500), default="")
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author: Mapped[str] = mapped_column(String(255), default="", server_default=text("''"))  # "": twirl rules


class SearchKey(Base):
    """What lets pages of other sites search a shop: see `catalog.programs.search_keys`."""

    __tablename__ = "search_key"
    __table_args__ = (Index(None, "merchant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    origins: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
