"""The ledger: merchants, products, their images, imports. Every other store is derived from these tables.

What is kept about the indexes, the workers and the searches is in `catalog.operations`.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    case,
    false,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

AVAILABILITIES = ("in_stock", "out_of_stock", "preorder", "backorder")
IMAGE_STATES = ("queued", "fetching", "embedding", "live", "failed", "hidden")
JOB_STATES = ("running", "done", "failed")
STAGES = ("images", "embed", "index")  # who takes a queued image next: see Image.queue
INDEX_STATES = ("filling", "ready", "dropping")
EDIT, BULK = 0, 1  # Image.priority: what a merchant waits for, and a row of a large import
LISTED = ("category", "brand", "availability")  # what the console's list of items is narrowed by
SUSPECT = 2  # added to the priority of an image over which its worker died: such go alone, and last
MAX_POSITION = 10  # one main image and ten more, as Google Merchant has it
CHECKED = "check_at IS NOT NULL"  # what the index of pictures to be checked has
HIDDEN = "hidden = true"  # what the index of hidden items has. A query says it literally, or misses it.
# The rows that need raw bytes of the incoming folder. A query says it literally, or misses the index.
WAITING_SOURCE = "sha256 IS NULL AND source LIKE 'incoming:%'"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Takes aware datetimes only and gives back UTC, because SQLite forgets the offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn the instant into UTC; a naive datetime raises ValueError."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A naive datetime has no instant: use datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say UTC where the database has dropped it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


def _where(condition: str) -> dict[str, Any]:
    """The condition of a partial index, as both databases want it."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def one_of(column: str, values: tuple[str, ...]) -> str:
    """The SQL condition that a column has one of these values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """The tables' base: constraint names are fixed so that migrations can name them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads this class attribute)
        datetime: UtcDateTime(),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[str]: JSON().with_variant(JSONB(), "postgresql"),
    }


class Merchant(Base):
    """A shop: the tenant of everything below."""

    __tablename__ = "merchant"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")  # ISO 4217; "" until a price names one
    created_at: Mapped[datetime] = mapped_column(default=now)


class CatalogueRevision(Base):
    """How often what a merchant's shoppers could see has changed: see `catalog.changes`."""

    __tablename__ = "catalogue_revision"

    merchant_id: Mapped[int] = mapped_column(
        ForeignKey("merchant.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int] = mapped_column(BigInteger)


class Product(Base):
    """One sellable variant: one row of a feed. Variants of one article share `item_group_id`.

    Absent text is "" and never NULL. `rev` starts at 1 and rises with each accepted change. A row with
    `deleted_at` is a tombstone: the indexer takes its points out of the index and then purges it.
    """

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sku"),
        CheckConstraint(one_of("availability", AVAILABILITIES), name="availability"),
        CheckConstraint("rev >= 1", name="rev"),
        Index(None, "merchant_id", "item_group_id"),
        Index(None, "merchant_id", "created_at", "id"),  # browsing: newest first
        Index(None, "merchant_id", "id", "title"),  # the console's pages, and words in all titles
        *(Index(None, "merchant_id", column, "id") for column in LISTED),  # … and what narrows them
        Index("ix_product_hidden", "hidden", "merchant_id", "id", **_where(HIDDEN)),
        Index("ix_product_deleted_at", "deleted_at", **_where("deleted_at IS NOT NULL")),
        {"sqlite_autoincrement": True},  # a purged product's id is never given to another
    )

    # The wide columns (link, description, attributes) come last: SQLite then reads facets without them.
    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(String(100))
    item_group_id: Mapped[str] = mapped_column(String(100))
    rev: Mapped[int] = mapped_column(default=1)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    price_minor: Mapped[int | None] = mapped_column(BigInteger)  # in the currency's minor unit
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="")  # the shop's, but of rows from before 0012
    availability: Mapped[str] = mapped_column(String(16), default="in_stock")
    title: Mapped[str] = mapped_column(String(300), default="")
    brand: Mapped[str] = mapped_column(String(150), default="")
    category: Mapped[str] = mapped_column(String(750), default="")  # a path: "Women > Dresses"
    colour: Mapped[str] = mapped_column(String(200), default="")
    pattern: Mapped[str] = mapped_column(String(200), default="")
    material: Mapped[str] = mapped_column(String(300), default="")
    gender: Mapped[str] = mapped_column(String(32), default="")
    age_group: Mapped[str] = mapped_column(String(32), default="")
    size: Mapped[str] = mapped_column(String(200), default="")
    link: Mapped[str] = mapped_column(String(2000), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # every other column of the feed
    # Names of columns, or "images", that the merchant has set by hand and that no feed changes.
    locked: Mapped[list[str]] = mapped_column(default=list, server_default="[]")

    merchant: Mapped[Merchant] = relationship()
    every_image: Mapped[list["Image"]] = relationship(
        back_populates="product",
        order_by="Image.position",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    images: Mapped[list["Image"]] = relationship(  # what a shopper may see: without the removed ones
        primaryjoin="and_(Image.product_id == Product.id, Image.removed == False)",
        order_by="Image.position",
        viewonly=True,
    )


# The console finds items by the beginning of their sku or title, letter case aside: see `catalog.listing`.
for _column in (Product.sku, Product.title):
    _lowered = func.lower(_column)
    Index(
        f"ix_product_{_column.key}_prefix",
        Product.merchant_id,
        _lowered.label("lowered"),
        postgresql_ops={"lowered": "text_pattern_ops"},
    )

# What a waiting row keeps and every other gets anew, in any UPDATE of the table: nobody has to think of it.
_QUEUED_AT = case(
    (literal_column("image.state") == "queued", literal_column("image.queued_at", UtcDateTime())),
    else_=func.now(),
)


class Image(Base):
    """One picture of a product and how far it has come on its way into the index.

    `source` is "incoming:<sha256>" (raw bytes that wait in the incoming folder) or an http(s) URL.
    `sha256` is None until those bytes are decoded; after that it names the blob, and a queued row that
    has it needs neither fetching nor decoding (only what is said about the product has changed).
    A row that is `removed` is a tombstone of its own: the feed no longer lists it, so the indexer deletes
    its point and then the row. Everything that the indexer must look at is `queued`, and `queue` names the
    stage that takes it: "images" fetches and decodes, "embed" needs the model, "index" needs neither.
    """

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("product_id", "position"),
        CheckConstraint(one_of("state", IMAGE_STATES), name="state"),
        CheckConstraint(f"position BETWEEN 0 AND {MAX_POSITION}", name="position"),
        CheckConstraint(one_of("queue", STAGES), name="queue"),
        Index(None, "state", "queue", "priority", "merchant_id", "next_attempt_at", "id"),  # claims, sweeps
        Index(None, "merchant_id", "state", "id"),  # how far a merchant's pictures have come; the console
        Index(None, "merchant_id", "state", "product_id", "position"),  # … and its items
        Index(None, "sha256"),  # is this blob still in use?
        Index("ix_image_failed", "merchant_id", "error_code", "id", **_where("state = 'failed'")),
        Index("ix_image_waiting_source", "source", **_where(WAITING_SOURCE)),  # are these raw bytes needed?
        Index("ix_image_check_at", "merchant_id", "check_at", "id", **_where(CHECKED)),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))  # the product's
    position: Mapped[int]  # 0 is the main image
    source: Mapped[str] = mapped_column(String(2000))
    sha256: Mapped[str | None] = mapped_column(String(64))
    width: Mapped[int | None]
    height: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    queue: Mapped[str] = mapped_column(String(8), default="images", server_default="images")
    priority: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")  # EDIT or BULK
    removed: Mapped[bool] = mapped_column(default=False, server_default=false())
    error_code: Mapped[str] = mapped_column(String(64), default="")
    error_message: Mapped[str] = mapped_column(String(1000), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    # Since when it waits: every change of a row that was not waiting before sets it, see `_QUEUED_AT`.
    queued_at: Mapped[datetime] = mapped_column(default=now, onupdate=_QUEUED_AT, server_default=func.now())
    next_attempt_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(100))
    claimed_at: Mapped[datetime | None]
    # Of the live pack when it was indexed; "" says that the indexes' vectors are not of these bytes.
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    indexed_rev: Mapped[int] = mapped_column(default=0)  # the product.rev that the point carries
    # What the host said of these bytes when they came, and when it last said that they are still so.
    etag: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))
    last_modified: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    fetched_at: Mapped[datetime | None]
    # When its host is to be asked whether the picture is another one by now; see `catalog.picture_checks`.
    check_at: Mapped[datetime | None]
    check_attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    check_code: Mapped[str] = mapped_column(String(64), default="", server_default=text("''"))
    check_message: Mapped[str] = mapped_column(String(1000), default="", server_default=text("''"))

    product: Mapped[Product] = relationship(back_populates="every_image")

    def forget_host(self) -> None:
        """Its bytes are others from now on: what its host said of those before says nothing of them."""
        self.etag = self.last_modified = self.check_code = self.check_message = ""
        self.fetched_at = self.check_at = None


class ImportJob(Base):
    """One run of an import: its counts, and its refused rows in `errors`."""

    __tablename__ = "import_job"
    __table_args__ = (
        CheckConstraint(one_of("state", JOB_STATES), name="state"),
        Index(None, "merchant_id", "started_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id", ondelete="CASCADE"))
    filename: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(16), default="running")
    rows: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now)
    heartbeat_at: Mapped[datetime | None]  # a running job that is silent for long has lost its process
    finished_at: Mapped[datetime | None]
    message: Mapped[str] = mapped_column(String(1000), default="")
    kind: Mapped[str] = mapped_column(String(16), default="import", server_default="import")  # or "undo"
    removed: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int] = mapped_column(default=0, server_default="0")  # rows in all, an estimate
    undone_at: Mapped[datetime | None]

    errors: Mapped[list["RowError"]] = relationship(order_by="RowError.row", passive_deletes=True)


class RowError(Base):
    """One reason why a row of a feed was refused. `row` counts as a spreadsheet does: the header is row 1."""

    __tablename__ = "row_error"
    __table_args__ = (Index(None, "job_id", "row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    row: Mapped[int]
    column: Mapped[str] = mapped_column(String(200), default="")
    code: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(1000), default="")
    raw: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the row as the feed had it
