"""The rows of a feed, a batch at a time, made ready: images looked up, bytes kept, faults set apart."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session, sessionmaker

from catalog.feeds.cells import shortened
from catalog.feeds.columns import feed_name
from catalog.feeds.pictures import PictureMissing, Pictures
from catalog.feeds.values import is_url
from catalog.importing.batching import BATCH, batches
from catalog.pictures.decoding import ImageRefused, sniff
from catalog.products import content_hashes
from catalog.records import ProductRecord, RowFault
from catalog.storage.blobs import Incoming

__all__ = ["BATCH", "Batch", "batches", "prepared"]


@dataclass
class Batch:
    """Rows that are committed together."""

    rows: int = 0  # how many rows of the feed it covers
    records: list[ProductRecord] = field(default_factory=list)  # with sources, their bytes durable
    faults: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)  # of rows that went in all the same
    same: list[ProductRecord] = field(default_factory=list)  # which say what the ledger has already

    @property
    def unchanged(self) -> int:
        """How many rows cost nothing."""
        return len(self.same)


def prepared(
    sessions: sessionmaker[Session],
    merchant_id: int,
    items: list[ProductRecord | RowFault],
    pictures: Pictures,
    incoming: Incoming | None,
) -> Batch:
    """Look the images up and make the bytes of changed rows durable, before any row names them.

    Without `incoming` nothing is kept: for a look at what an import would do.
    """
    batch = Batch(rows=len({item.row for item in items}))
    with sessions() as session:
        skus = [item.sku for item in items if isinstance(item, ProductRecord)]
        known = content_hashes(session, merchant_id, skus)
    for item in items:
        if isinstance(item, RowFault):
            batch.faults.append(item)
            continue
        found = _found(item, pictures)
        if found.refused:
            batch.faults += found.faults
            continue
        batch.warnings += found.faults
        sourced = replace(item, images=tuple(dict.fromkeys(found.sources.values())))
        if known.get(item.sku) == sourced.content_hash():
            batch.same.append(sourced)
            continue
        if incoming is not None:
            _keep_bytes(found.sources, pictures, incoming)
        batch.records.append(sourced)
    return batch


@dataclass
class _Found:
    """The images of one row: where each that is there comes from, and what is wrong with the others."""

    sources: dict[str, str] = field(default_factory=dict)  # by the feed's name
    faults: list[RowFault] = field(default_factory=list)
    refused: bool = False  # whether the row cannot go in: its main image is not there


def _found(record: ProductRecord, pictures: Pictures) -> _Found:
    """Look a row's images up. Without its main image it is refused, without an additional one it goes in.

    Bytes are hashed and let go, one image at a time, so that a row of eleven large photos costs one of them.
    """
    found = _Found()
    for position, name in enumerate(record.images):
        try:
            found.sources[name] = name if is_url(name) else f"incoming:{_hashed(pictures.read(name))}"
        except PictureMissing as error:
            found.faults.append(_image_fault(record, position, "image-missing", str(error)))
        except ImageRefused as error:
            words = f"{name[:80]!r}: {error.message} {error.fix}"
            found.faults.append(_image_fault(record, position, error.code, words))
        else:
            continue
        found.refused = found.refused or position == 0
    return found


def _hashed(data: bytes) -> str:
    sniff(data)
    return hashlib.sha256(data).hexdigest()


def _image_fault(record: ProductRecord, position: int, code: str, message: str) -> RowFault:
    ours = ("sku", "title", "image", "more_images")
    sku, title, image, more = (record.called.get(name, feed_name(name)) for name in ours)
    raw = shortened({sku: record.sku, title: record.title, image: ", ".join(record.images)})
    return RowFault(record.row, more if position else image, code, message, raw, record.sku)


def _keep_bytes(names: Iterable[str], pictures: Pictures, incoming: Incoming) -> None:
    for name in names:
        if not is_url(name):
            incoming.put(pictures.read(name))
