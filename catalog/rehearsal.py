"""What an import would do, without doing it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.feeds import read_feed, survey_feed
from catalog.feeds.pictures import open_pictures
from catalog.models import Merchant, Product
from catalog.preparing import batches, prepared
from catalog.records import RowFault
from catalog.removing import Presence, Removal, missing_products, objection

KEPT = 100_000  # faults that are shown or written; all are counted


@dataclass
class Rehearsal:
    """The counts of an import that was not made; `refused` counts rows, `codes` faults by their code."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    removed: int = 0
    kept_because: str = ""
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[RowFault] = field(default_factory=list)


def rehearse(
    sessions: sessionmaker[Session],
    merchant_id: int,
    feed: Path,
    images: Path | None,
    removal: Removal = Removal.NONE,
) -> Rehearsal:
    """Read the feed and compare it with the ledger; nothing is written. FeedRefused as for an import."""
    with sessions() as session:
        currency = session.get_one(Merchant, merchant_id).currency
    would, presence = Rehearsal(), Presence()
    with open_pictures(images) as pictures:
        for items in batches(read_feed(feed, currency, survey_feed(feed))):
            presence.note(items)
            batch = prepared(sessions, merchant_id, items, pictures, None)
            there = _there(sessions, merchant_id, [record.sku for record in batch.records])
            would.rows += batch.rows
            would.created += len(batch.records) - there
            would.updated += there
            would.unchanged += batch.unchanged
            would.refused += len({fault.row for fault in batch.faults})
            _keep(would, [*batch.faults, *batch.warnings])
    if removal is not Removal.NONE:
        missing, total = missing_products(sessions, merchant_id, presence)
        would.kept_because = objection(presence, len(missing), total, removal)
        would.removed = 0 if would.kept_because else len(missing)
    return would


def _there(sessions: sessionmaker[Session], merchant_id: int, skus: Sequence[str]) -> int:
    mine = select(Product.sku).where(
        Product.merchant_id == merchant_id, Product.sku.in_(skus), Product.deleted_at.is_(None)
    )
    with sessions() as session:
        return len(session.scalars(mine).all())


def _keep(would: Rehearsal, faults: list[RowFault]) -> None:
    would.codes.update(fault.code for fault in faults)
    would.faults += faults[: KEPT - len(would.faults)]
