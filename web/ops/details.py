"""Rows behind the figures: examples of what failed, and the last imports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Image, ImportJob, Merchant, Product
from web.ops.figures import FAILED, Figures

EXAMPLES = 3
CODES = 12
IMPORTS = 8


@dataclass(frozen=True)
class Example:
    """One image that failed."""

    image_id: int
    merchant: str
    sku: str
    position: int
    message: str
    sha256: str | None  # of its picture, where that could be decoded


@dataclass(frozen=True)
class Failure:
    """Images that failed for one reason."""

    code: str
    images: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Import:
    """One run of an import."""

    merchant: str
    filename: str
    state: str
    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    started_at: datetime
    finished_at: datetime | None
    heartbeat_at: datetime | None
    message: str


@dataclass(frozen=True)
class Details:
    """One reading."""

    failures: tuple[Failure, ...]
    imports: tuple[Import, ...]


def read(sessions: sessionmaker[Session], figures: Figures) -> Details:
    """Examples for the most frequent reasons, and the last imports, in one transaction."""
    with sessions() as session:
        failures = [
            Failure(code, images, _examples(session, "" if code == "unknown" else code))
            for code, images in list(figures.failed.items())[:CODES]
        ]
        return Details(tuple(failures), _imports(session))


def _examples(session: Session, code: str) -> tuple[Example, ...]:
    columns = (Image.id, Merchant.slug, Product.sku, Image.position, Image.error_message, Image.sha256)
    rows = (
        select(*columns)
        .join(Product, Product.id == Image.product_id)
        .join(Merchant, Merchant.id == Image.merchant_id)
        .where(FAILED, Image.error_code == code)
        .order_by(Image.merchant_id, Image.id)  # as the index of failures has them
        .limit(EXAMPLES)
    )
    return tuple(Example(*row) for row in session.execute(rows))


def _imports(session: Session) -> tuple[Import, ...]:
    columns: tuple[Any, ...] = (
        Merchant.slug, ImportJob.filename, ImportJob.state, ImportJob.rows, ImportJob.created,
        ImportJob.updated, ImportJob.unchanged, ImportJob.refused, ImportJob.started_at,
        ImportJob.finished_at, ImportJob.heartbeat_at, ImportJob.message,
    )  # fmt: skip
    rows = select(*columns).join(Merchant, Merchant.id == ImportJob.merchant_id)
    recent = rows.order_by(ImportJob.id.desc()).limit(IMPORTS)
    return tuple(Import(*row) for row in session.execute(recent))
