"""Compares the ledger, the kept bytes and every maintained index, both ways, and says what differs.

Each index is read once, in 40 bytes a point (`indexer.census`); the ledger passes by in chunks of rows, and
differences are given one by one. An index that is still being filled is left to the end of its fill. While
an indexer works, what is in its hands may show up; run it when the queue is empty for a verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from catalog.clock import instant
from catalog.identity import collection_name, point_id
from catalog.models import Image, Product
from catalog.site import IndexRef, SiteState, read_site
from catalog.storage.blobs import Blobs, Incoming
from indexer import mapping
from indexer.census import Census, Found, digest
from indexer.claims import CLAIMED, Sessions
from indexer.patience import patiently
from indexer.sweeper import orphan_blobs, orphan_incoming
from vectors.protocol import VectorStore

CHUNK = 1000
LEASE_S = 120.0
WAITS = ("queued", *CLAIMED)
_REINDEX = "Run `twirl doctor --repair`: the image is indexed again."
_FORGET = "Run `twirl doctor --repair`: it is deleted."
_CLEAR = "Run `twirl doctor --repair`: they are deleted once they are ten minutes old."
_REFILL = "Run `twirl doctor --repair`: it is made and filled again."
_POINT = "Run `twirl doctor --repair`: it points there again."
_UNKNOWN = "If no other installation uses this engine: twirl doctor --repair --drop-unknown."


@dataclass(frozen=True)
class Difference:
    """One disagreement: its stable kind, what it is about, what is wrong, what mends it."""

    kind: str
    subject: str
    detail: str
    fix: str
    image_id: int | None = None  # the ledger's row, where there is one
    collection: str = ""  # where the index is at fault
    point: str | None = None  # to be deleted from the collection
    rev: int | None = None  # that it carried: it stays if it has been written anew since


@dataclass(frozen=True)
class Examined:
    """What is compared. `alone`: no other installation has collections or an alias in this engine."""

    sessions: Sessions
    blobs: Blobs
    incoming: Incoming
    store: VectorStore
    alone: bool = False


def diagnose(
    sessions: Sessions, blobs: Blobs, incoming: Incoming, store: VectorStore, alone: bool = False
) -> Iterator[Difference]:
    """Every difference between SQL, bytes and the indexes; none when they agree.

    Raises VectorStoreUnavailable, StorageUnavailable.
    """
    return differences(Examined(sessions, blobs, incoming, store, alone))


def differences(what: Examined) -> Iterator[Difference]:
    """See `diagnose`."""
    site = read_site(what.sessions)
    yield from _of_engine(what, site)
    there = set(patiently(what.store.collections))
    yield from map(_lost, (index for index in site.maintained if index.collection not in there))
    ready = [index.collection for index in site.maintained if index.state == "ready"]
    taken = {name: Census(what.store, name) for name in ready if name in there}
    for rows in _rows(what.sessions):
        yield from _of_rows(what, rows, taken)
    for collection, census in taken.items():
        yield from _of_points(collection, census)
    for sha256 in orphan_blobs(what.sessions, what.blobs):
        yield Difference("orphan-blob", sha256, "No image of the ledger has these bytes.", _CLEAR)
    for sha256 in orphan_incoming(what.sessions, what.blobs, what.incoming):
        yield Difference("orphan-incoming", sha256, "No image waits for these raw bytes.", _CLEAR)


def _of_engine(what: Examined, site: SiteState) -> Iterator[Difference]:
    if not what.alone:
        return
    known = {index.collection for index in site.indexes}
    for name in patiently(what.store.collections):
        if name.startswith(collection_name("")) and name not in known:
            said = "The engine holds a collection that no index of the ledger has."
            yield Difference("unknown-collection", name, said, _UNKNOWN, collection=name)
    if site.live is None or site.live.collection not in patiently(what.store.collections):
        return
    told, name = patiently(what.store.resolve, mapping.ALIAS), site.live.collection
    if told != name:
        said = f"The engine's alias {mapping.ALIAS!r} means {told or 'nothing'}, not the live index."
        yield Difference("wrong-alias", name, said, _POINT, collection=name)


def _lost(index: IndexRef) -> Difference:
    said = f"The engine has no collection of {index.pack}."
    return Difference("missing-collection", index.collection, said, _REFILL, collection=index.collection)


def _of_points(collection: str, census: Census) -> Iterator[Difference]:
    for point in census.duplicates():
        said = "The index holds this point twice."
        yield Difference("duplicate-point", point, said, _FORGET, None, collection, point)
    for point, rev in census.unowned():
        yield _extra(collection, point, "No image of the ledger has this point.", rev)


@dataclass(frozen=True)
class _Row:
    """An image with its product, and what its bytes and the indexes have for it."""

    image: Image
    point: str
    lacks_bytes: bool
    found: Mapping[str, Found | None]  # by collection
    at: datetime  # the database's clock when it was looked at

    @property
    def product(self) -> Product:
        return self.image.product

    @property
    def subject(self) -> str:
        return f"{self.product.sku} image {self.image.position}"

    @property
    def wanted(self) -> bool:
        """Whether a shopper may find it."""
        return not (self.image.removed or self.product.hidden or self.product.deleted_at)


def _of_rows(what: Examined, images: Sequence[Image], taken: Mapping[str, Census]) -> Iterator[Difference]:
    points = [point_id(image.product.merchant_id, image.product.sku, image.position) for image in images]
    found = {collection: census.find(points) for collection, census in taken.items()}
    live = {image.sha256 for image in images if image.state == "live" and image.sha256}
    missing = what.blobs.missing(live) if live else set()
    with what.sessions() as session:
        at = instant(session)
    for image, point in zip(images, points, strict=True):
        here = {collection: known.get(point) for collection, known in found.items()}
        yield from _of_row(_Row(image, point, image.sha256 is None or image.sha256 in missing, here, at))


def _of_row(row: _Row) -> Iterator[Difference]:
    image = row.image
    if image.merchant_id != row.product.merchant_id:
        yield _again("wrong-merchant", row, f"It says merchant {image.merchant_id}, its product another.")
    if image.state in CLAIMED and _is_stuck(image, row.at):
        yield _again("stuck-claim", row, f"It is {image.state} in the hands of a worker that is silent.")
    if image.state in WAITS:
        return  # on its way: the index may or may not have it
    if image.state == "live" and row.wanted:
        yield from _of_live(row)
        return
    if image.state == "hidden" and row.wanted:
        yield _again("not-indexed", row, "It is hidden, and its product is not.")
    for collection, found in row.found.items():
        if found is not None:
            said = f"{row.subject} is {image.state if row.wanted else 'not for sale'} and must not be found."
            again = image.id if image.state == "live" else None
            yield _extra(collection, row.point, said, found.rev, again)


def _of_live(row: _Row) -> Iterator[Difference]:
    image = row.image
    if not image.fingerprint:
        yield _again("no-fingerprint", row, "It is live, but nothing says that its vectors are of its bytes.")
    if row.lacks_bytes:
        yield _again("missing-blob", row, "It is live but its renditions are gone.")
    for collection, found in row.found.items():
        yield from _of_point(row, collection, found)


def _of_point(row: _Row, collection: str, found: Found | None) -> Iterator[Difference]:
    if found is None:
        yield _again("missing-point", row, "It is live but the index does not have it.", collection)
        return
    revs = (found.rev, row.image.indexed_rev, row.product.rev)
    if len(set(revs)) > 1:
        said = "The index has rev {}, the image says {}, the product is at {}.".format(*revs)
        ahead = found.rev if found.rev > row.product.rev else None  # it would refuse the ledger's
        yield _again("wrong-rev", row, said, collection, ahead)
    elif found.said != digest(mapping.payload(row.product, row.image.position)):
        said = "What the index says of it is not what the ledger says."
        yield _again("wrong-payload", row, said, collection)
    if not found.sound:
        yield _again("zero-vector", row, "Its vector in the index is no unit vector.", collection)


def _is_stuck(image: Image, at: datetime) -> bool:
    return image.claimed_at is None or image.claimed_at < at - timedelta(seconds=LEASE_S)


def _again(kind: str, row: _Row, detail: str, collection: str = "", rev: int | None = None) -> Difference:
    """It is to be indexed again; with a `rev`, after the point that carries it is deleted."""
    point = None if rev is None else row.point
    return Difference(kind, row.subject, detail, _REINDEX, row.image.id, collection, point, rev)


def _extra(collection: str, point: str, detail: str, rev: int, image_id: int | None = None) -> Difference:
    return Difference("extra-point", point, detail, _FORGET, image_id, collection, point, rev)


def _rows(sessions: Sessions) -> Iterator[list[Image]]:
    """The ledger in chunks by image id: images with their products, without what nobody compares."""
    after = 0
    product = contains_eager(Image.product)
    slim = product.defer(Product.description).defer(Product.attributes).defer(Product.link)
    wanted = select(Image).join(Image.product).options(slim).order_by(Image.id).limit(CHUNK)
    while True:
        with sessions() as session:
            images = list(session.scalars(wanted.where(Image.id > after)))
        if not images:
            return
        yield images
        after = images[-1].id
