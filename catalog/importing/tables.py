"""The ledger's tables about imports: what was asked for, every row's fate, what each product was before.

`ImportJob` and `RowError`, the counts of a run and what is wrong with its rows, are in `catalog.models`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models import Base, now, one_of

REQUEST_STATES = ("draft", "waiting", "running", "rehearsed", "done", "failed", "cancelled")
STEPS = ("fetch", "rehearse", "import", "undo")
OUTCOMES = ("created", "updated", "unchanged", "refused", "removed", "kept")
EVERY = ("hour", "day")


class ImportRequest(Base):
    """An import that somebody asked for: a file and what is to be done with it next.

    `step` is what a worker does when the state is "waiting"; while it does, "running". See
    `catalog.importing.jobs`. Its counts and its rows' faults are those of `job_id`, once it has begun.
    """

    __tablename__ = "import_request"
    __table_args__ = (
        CheckConstraint(one_of("state", REQUEST_STATES), name="state"),
        CheckConstraint(one_of("step", STEPS), name="step"),
        Index(None, "state", "id"),
        Index(None, "merchant_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    step: Mapped[str] = mapped_column(String(16), default="import")
    filename: Mapped[str] = mapped_column(String(300), default="")
    file: Mapped[str] = mapped_column(String(64), default="")  # its key in `catalog.storage.feed_files`
    images: Mapped[str] = mapped_column(String(64), default="")  # the key of a ZIP archive beside it
    url: Mapped[str] = mapped_column(String(2000), default="")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # see `catalog.importing.jobs.Options`
    survey: Mapped[dict[str, Any]] = mapped_column(default=dict)  # its columns and how they were understood
    rehearsal: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what would come of it
    job_id: Mapped[int | None] = mapped_column(ForeignKey("import_job.id", ondelete="SET NULL"))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("feed_schedule.id", ondelete="SET NULL"))
    batches: Mapped[int] = mapped_column(default=0)  # that are in: who takes it over goes on behind them
    attempts: Mapped[int] = mapped_column(default=0)  # claims since anything went in
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_at: Mapped[datetime | None]
    asked_by: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    message: Mapped[str] = mapped_column(String(1000), default="")


class ImportRow(Base):
    """What came of one row of a feed. Kept for a merchant's last imports."""

    __tablename__ = "import_row"
    __table_args__ = (
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        Index(None, "job_id", "outcome", "id"),
        Index(None, "job_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    row: Mapped[int]  # as a spreadsheet shows it; 0 for a product that the feed does not list
    sku: Mapped[str] = mapped_column(String(100), default="")
    outcome: Mapped[str] = mapped_column(String(16))
    product_id: Mapped[int | None]  # of what went in; the product may be gone by now


class ImportBefore(Base):
    """What a product was before an import changed it, so that the import can be undone."""

    __tablename__ = "import_before"
    __table_args__ = (Index(None, "merchant_id", "id"), Index(None, "job_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(String(100))
    outcome: Mapped[str] = mapped_column(String(16))  # created, updated or removed
    rev: Mapped[int]  # that the import left the product at: any other is a later edit
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    record: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {} for one that was not there


class ImportBeforeImage(Base):
    """The bytes of a picture that a product had before: they are kept as long as this row."""

    __tablename__ = "import_before_image"
    __table_args__ = (Index(None, "before_id"), Index(None, "sha256"))

    id: Mapped[int] = mapped_column(primary_key=True)
    before_id: Mapped[int] = mapped_column(ForeignKey("import_before.id", ondelete="CASCADE"))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int | None]  # None: raw bytes that were not decoded yet
    height: Mapped[int | None]


class ColumnMapping(Base):
    """What a merchant said that the columns of a header mean."""

    __tablename__ = "column_mapping"
    __table_args__ = (UniqueConstraint("merchant_id", "header_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    header_hash: Mapped[str] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class FeedSchedule(Base):
    """A feed at an address that is fetched by the clock, and what came of it the last times."""

    __tablename__ = "feed_schedule"
    __table_args__ = (
        CheckConstraint(one_of("every", EVERY), name="every"),
        Index(None, "merchant_id"),
        Index(None, "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(2000))
    every: Mapped[str] = mapped_column(String(8), default="day")
    at: Mapped[str] = mapped_column(String(5), default="03:00")  # UTC; of an hourly one the minutes count
    removal: Mapped[str] = mapped_column(String(16), default="none")
    check_pictures: Mapped[bool] = mapped_column(default=False, server_default="0")
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    etag: Mapped[str] = mapped_column(String(300), default="")
    last_modified: Mapped[str] = mapped_column(String(100), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of the file that was imported last
    next_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_at: Mapped[datetime | None]
    outcomes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"last": [newest first]}
    created_at: Mapped[datetime] = mapped_column(default=now)
