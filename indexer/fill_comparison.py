"""The end of a fill: ledger and collection are compared both ways, and what differs is written again.

It goes page by page, so that a worker can do other work in between. What seems to differ may only be on
its way, so it is looked at once more before anything follows from it.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Select, select
from structlog import get_logger

from catalog import fills, site
from catalog.identity import point_id
from catalog.models import Image, Product
from catalog.operations import VectorIndex
from catalog.storage.blobs import Blobs
from indexer import fill_claims
from indexer.claims import Sessions
from indexer.fill_claims import Piece
from indexer.fill_pixels import stored_pixels
from vectors.protocol import VectorStore

log = get_logger("indexer")
PAGE = 500
COMPARISONS = 8  # of one fill; what differs after the last is not mended by writing it again

Place = tuple[int, int]  # product id, position
Extra = tuple[Place, int]  # where a point says that it belongs, and its rev


@dataclass
class _Found:
    """What seems to differ: images that the collection lacks or has at an older rev, and points too many."""

    images: set[int] = field(default_factory=set)
    points: dict[str, Extra] = field(default_factory=dict)


def compare(sessions: Sessions, blobs: Blobs, store: VectorStore, piece: Piece) -> Iterator[int]:
    """Compare, a page a step: each yields how much it looked at. After it the index is ready, or goes on."""
    found = _Found()
    for looked in _pages(sessions, store, piece.index.collection, found):
        if not fill_claims.written(sessions, piece):
            return
        yield looked
    wrong = _still_wrong(sessions, store, piece.index.collection, sorted(found.images))
    _take_out(sessions, store, piece.index.collection, found.points)
    mendable = [image_id for image_id, sha256 in wrong.items() if stored_pixels(blobs, sha256) is not None]
    if fill_claims.written(sessions, piece):
        _settle(sessions, piece, mendable, lost=len(wrong) - len(mendable))


def _settle(sessions: Sessions, piece: Piece, mendable: Sequence[int], lost: int) -> None:
    """What can be mended is queued; where there is nothing, or no end of it, the index is ready."""
    index_id = piece.index.id
    with sessions.begin() as session:
        last = fills.comparisons(session, index_id) >= COMPARISONS
        if mendable and not last:
            fills.add_pieces(session, index_id, mendable)
        else:
            lost += len(mendable)
            site.mark_ready(session, index_id)
            session.get_one(VectorIndex, index_id).message = _message(lost)
        log.info("fill-compared", pack=piece.index.pack, again=len(mendable), lost=lost)
    fill_claims.finish(sessions, piece)


def _message(lost: int) -> str:
    if not lost:
        return ""
    return (
        f"{lost} pictures could not be embedded. `twirl doctor --repair` fetches those whose bytes are lost; "
        "the log names the others."
    )


def _pages(sessions: Sessions, store: VectorStore, collection: str, found: _Found) -> Iterator[int]:
    yield from _ledger(sessions, store, collection, found)
    yield from _collection(sessions, store, collection, found)


def _ledger(sessions: Sessions, store: VectorStore, collection: str, found: _Found) -> Iterator[int]:
    """Live images whose point is not there."""
    last = 0
    while rows := _read(sessions, _rows().where(Image.id > last, *_settled()).order_by(Image.id).limit(PAGE)):
        there = store.vectors(collection, [_point(row) for row in rows])
        found.images |= {row.id for row in rows if _point(row) not in there}
        last = rows[-1].id
        yield len(rows)


def _collection(sessions: Sessions, store: VectorStore, collection: str, found: _Found) -> Iterator[int]:
    """Points that no image owns, and those of an older rev."""
    after = None
    while page := store.scroll(collection, after=after, limit=PAGE):
        places = {point: _place(payload) for point, payload in page}
        owners = _owners(sessions, set(places.values()))
        for point, payload in page:
            owner = owners.get(places[point])
            if owner is None or _point(owner) != point:
                found.points[point] = places[point], _rev(payload)
            elif owner.state == "live" and _rev(payload) < owner.indexed_rev:
                found.images.add(owner.id)
        after = page[-1][0]
        yield len(page)


def _still_wrong(
    sessions: Sessions, store: VectorStore, collection: str, image_ids: Sequence[int]
) -> dict[int, str]:
    """{image id: sha256} of those that differ also now: read from the ledger first, then from the index."""
    wrong = {}
    for start in range(0, len(image_ids), PAGE):
        some = image_ids[start : start + PAGE]
        for row in _read(sessions, _rows().where(Image.id.in_(some), *_settled())):
            rev = _rev_of(store, collection, _point(row))
            if rev is None or rev < row.indexed_rev:
                wrong[row.id] = row.sha256
    return wrong


def _take_out(sessions: Sessions, store: VectorStore, collection: str, points: Mapping[str, Extra]) -> None:
    """Delete the points that still no image owns, not even one that waits, and nobody has written since."""
    listed = list(points)
    for start in range(0, len(listed), PAGE):
        some = listed[start : start + PAGE]
        places = {points[point][0] for point in some}
        owned = {_point(row) for row in _owners(sessions, places, waiting=True).values()}
        extra = [point for point in some if point not in owned]
        store.delete(collection, extra, [points[point][1] for point in extra])


def _owners(sessions: Sessions, places: set[Place], waiting: bool = False) -> dict[Place, Row[Any]]:
    """The images at these places that belong in an index; those that wait in a queue too, if asked for."""
    rows = _read(sessions, _rows().where(Image.product_id.in_({product for product, _ in places})))
    return {
        (row.product_id, row.position): row
        for row in rows
        if row.belongs or (waiting and row.state in ("queued", "fetching", "embedding"))
    }


def _rows() -> Select[Any]:
    columns: list[Any] = [Image.id, Image.product_id, Image.position, Image.sha256, Image.state]
    columns += [Image.indexed_rev, Product.merchant_id, Product.sku, fills.belongs().label("belongs")]
    return select(*columns).join(Image.product)


def _settled() -> tuple[Any, ...]:
    return (Image.state == "live", fills.belongs())


def _read(sessions: Sessions, rows: Select[Any]) -> list[Row[Any]]:
    with sessions() as session:
        return list(session.execute(rows).all())


def _point(row: Row[Any]) -> str:
    return point_id(row.merchant_id, row.sku, row.position)


def _place(payload: Mapping[str, Any]) -> Place:
    return int(payload.get("product", 0)), int(payload.get("position", 0))


def _rev(payload: Mapping[str, Any]) -> int:
    return int(payload.get("rev", 0))


def _rev_of(store: VectorStore, collection: str, point: str) -> int | None:
    """The rev that a point carries; None where it is not there."""
    before = str(uuid.UUID(int=uuid.UUID(point).int - 1))
    page = store.scroll(collection, after=before, limit=1)
    return _rev(page[0][1]) if page and page[0][0] == point else None
