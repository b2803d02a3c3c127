"""Compares the ledger, the kept bytes and the index, both ways, and says what differs.

It reads in chunks: the ledger by id, the index by scroll. Only 24 bytes a point are held. While an indexer
works, what is in its hands may show up; run it when the queue is empty for a verdict.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from sqlalchemy import select

from catalog.blobs import Blobs, Incoming
from catalog.identity import collection_name, point_id
from catalog.models import Image, Product, now
from indexer.ledger import Sessions
from indexer.reindex import requeue
from indexer.sweeper import YOUNG_S, collect_garbage, orphan_blobs, orphan_incoming
from vectors.protocol import CollectionMissing, VectorStore

CHUNK = 1000
LEASE_S = 120.0
_REINDEX = "Run `twirl doctor --repair`: the image is indexed again."
_FORGET = "Run `twirl doctor --repair`: it is deleted."
_CLEAR = "Run `twirl doctor --repair`: they are deleted once they are ten minutes old."


@dataclass(frozen=True)
class Difference:
    """One disagreement: its stable kind, what it is about, what is wrong, what mends it."""

    kind: str
    subject: str
    detail: str
    fix: str
    image_id: int | None = None  # the ledger's row, where there is one
    point: str | None = None  # the index's point, where it is at fault


@dataclass(frozen=True)
class _Row:
    """What the ledger says of one image position."""

    image_id: int
    point: str
    subject: str
    state: str
    rev: int
    indexed_rev: int
    fingerprint: str
    sha256: str | None
    wanted: bool  # whether a shopper may find it
    stuck: bool


def diagnose(
    sessions: Sessions, blobs: Blobs, incoming: Incoming, store: VectorStore, fingerprint: str
) -> list[Difference]:
    """Every difference between SQL, bytes and the index of this pack; [] when they agree.

    Raises VectorStoreUnavailable.
    """
    return list(_differences(sessions, blobs, incoming, store, fingerprint))


def repair(
    sessions: Sessions,
    blobs: Blobs,
    incoming: Incoming,
    store: VectorStore,
    fingerprint: str,
    age_s: float = YOUNG_S,
) -> list[Difference]:
    """Mend what `diagnose` finds, as far as the bytes are still there; return what was found.

    Images are queued again (the indexer does the rest), points and bytes without an owner are deleted;
    young bytes are not, because an import makes them durable before any row names them.
    """
    found = diagnose(sessions, blobs, incoming, store, fingerprint)
    wrong = [each.point for each in found if each.point]
    if wrong:  # a point of a later rev than the ledger knows would refuse the ledger's
        store.delete(collection_name(fingerprint), wrong)
    collect_garbage(sessions, blobs, incoming, age_s)
    requeue(sessions, [each.image_id for each in found if each.image_id is not None])
    return found


def _differences(
    sessions: Sessions, blobs: Blobs, incoming: Incoming, store: VectorStore, fingerprint: str
) -> Iterator[Difference]:
    name = collection_name(fingerprint)
    points = _points(store, name)
    for rows in _rows(sessions):
        zero = _zero_vectors(store, name, rows, points)
        for row in rows:
            rev = points.pop(uuid.UUID(row.point).bytes, None)
            yield from _row_differences(row, rev, fingerprint, blobs, row.point in zero)
    for key in points:
        yield _extra(str(uuid.UUID(bytes=key)), "No image of the ledger has this point.")
    for sha256 in orphan_blobs(sessions, blobs):
        yield Difference("orphan-blob", sha256, "No image of the ledger has these bytes.", _CLEAR)
    for sha256 in orphan_incoming(sessions, blobs, incoming):
        yield Difference("orphan-incoming", sha256, "No image waits for these raw bytes.", _CLEAR)


def _row_differences(
    row: _Row, rev: int | None, fingerprint: str, blobs: Blobs, zero: bool
) -> Iterator[Difference]:
    if row.stuck:
        yield _again("stuck-claim", row, f"It is {row.state} in the hands of a worker that is silent.")
    if not row.wanted or row.state in ("failed", "hidden"):
        if rev is not None and row.state not in ("queued", "fetching"):
            yield _extra(row.point, f"{row.subject} is {row.state} and must not be found.")
        return
    if row.state != "live":
        return  # on its way: the index may or may not have it
    if row.fingerprint != fingerprint:
        said = f"It was embedded by pack {row.fingerprint[:16] or '(none)'}, not {fingerprint[:16]}."
        yield _again("other-pack" if row.fingerprint else "no-fingerprint", row, said)
    if rev is None:
        yield _again("missing-point", row, "It is live but the index does not have it.")
    elif not rev == row.indexed_rev == row.rev:
        said = f"The index has rev {rev}, the image says {row.indexed_rev}, the product is at {row.rev}."
        yield _again("wrong-rev", row, said)
    if zero:
        yield _again("zero-vector", row, "Its vector in the index is no unit vector.")
    if row.sha256 is None or not blobs.has(row.sha256):
        yield _again("missing-blob", row, "It is live but its renditions are gone.")


def _again(kind: str, row: _Row, detail: str) -> Difference:
    point = row.point if kind == "wrong-rev" else None
    return Difference(kind, row.subject, detail, _REINDEX, row.image_id, point)


def _extra(point: str, detail: str) -> Difference:
    return Difference("extra-point", point, detail, _FORGET, point=point)


def _points(store: VectorStore, name: str) -> dict[bytes, int]:
    """{point id as 16 bytes: the rev that it carries} of the whole collection."""
    points: dict[bytes, int] = {}
    after: str | None = None
    while True:
        try:
            page = store.scroll(name, after=after, limit=CHUNK)
        except CollectionMissing:
            return {}
        for point, said in page:
            rev = said.get("rev", 0)
            points[uuid.UUID(point).bytes] = rev if isinstance(rev, int) else 0
        if len(page) < CHUNK:
            return points
        after = page[-1][0]


def _zero_vectors(store: VectorStore, name: str, rows: Sequence[_Row], points: dict[bytes, int]) -> set[str]:
    live = [row.point for row in rows if row.state == "live" and uuid.UUID(row.point).bytes in points]
    if not live:
        return set()
    found = store.vectors(name, live)
    return {point for point, vector in found.items() if not abs(float(np.linalg.norm(vector)) - 1) < 0.01}


def _rows(sessions: Sessions) -> Iterator[list[_Row]]:
    """The ledger in chunks by image id."""
    after = 0
    while True:
        found = select(Image, Product).join(Image.product).where(Image.id > after)
        with sessions() as session:
            rows = session.execute(found.order_by(Image.id).limit(CHUNK)).all()
        if not rows:
            return
        yield [_row(image, product) for image, product in rows]
        after = rows[-1][0].id


def _row(image: Image, product: Product) -> _Row:
    claimed = image.state in ("fetching", "embedding")
    expired = image.claimed_at is None or image.claimed_at < now() - timedelta(seconds=LEASE_S)
    return _Row(
        image_id=image.id,
        point=point_id(product.merchant_id, product.sku, image.position),
        subject=f"{product.sku} image {image.position}",
        state=image.state,
        rev=product.rev,
        indexed_rev=image.indexed_rev,
        fingerprint=image.fingerprint,
        sha256=image.sha256,
        wanted=not (image.removed or product.hidden or product.deleted_at),
        stuck=claimed and expired,
    )
