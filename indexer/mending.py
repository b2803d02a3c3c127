"""Mends what the doctor finds, as it finds it: images are queued again, what has no owner goes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import delete, select, update

from catalog.models import Image, Product
from catalog.operations import FillRange
from catalog.site import IndexRef, read_site
from catalog.storage.blobs import Blobs, Incoming
from indexer import mapping
from indexer.claims import Sessions
from indexer.doctor import Difference, Examined, differences
from indexer.patience import patiently
from indexer.reindex import enqueue_reindex, requeue
from indexer.sweeper import YOUNG_S, collect_garbage
from vectors.protocol import VectorStore

AT_ONCE = 500
FROM_THE_START = frozenset({"missing-blob", "stuck-claim"})  # kinds whose bytes may have to be fetched


def repair(
    sessions: Sessions,
    blobs: Blobs,
    incoming: Incoming,
    store: VectorStore,
    age_s: float = YOUNG_S,
    alone: bool = False,
    drop_unknown: bool = False,
) -> Iterator[Difference]:
    """Mend what `diagnose` finds, as far as the bytes are still there, while it is given out.

    Images are queued again (the indexer does the rest), points and bytes without an owner are deleted; bytes
    younger than `age_s` are not, because an import makes them durable before any row names them.
    """
    found = differences(Examined(sessions, blobs, incoming, store, alone))
    while some := list(islice(found, AT_ONCE)):
        _mend(sessions, store, some, drop_unknown)
        yield from some
    collect_garbage(sessions, blobs, incoming, age_s)


def _mend(sessions: Sessions, store: VectorStore, some: Sequence[Difference], drop_unknown: bool) -> None:
    for each in some:
        if each.kind == "wrong-alias":
            patiently(store.point_alias, mapping.ALIAS, each.collection)
        elif each.kind == "missing-collection":
            refill_lost(sessions, store, each.collection)
        elif each.kind == "unknown-collection" and drop_unknown:
            patiently(store.drop, each.collection)
    _delete(store, some)
    _own(sessions, [each.image_id for each in some if each.kind == "wrong-merchant" and each.image_id])
    fetched = _ids(each for each in some if each.kind in FROM_THE_START)
    requeue(sessions, sorted(fetched))
    requeue(sessions, sorted(_ids(some) - fetched), stage=None)


def _ids(some: Iterable[Difference]) -> set[int]:
    return {each.image_id for each in some if each.image_id is not None}


def _delete(store: VectorStore, some: Sequence[Difference]) -> None:
    late: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for each in some:
        if each.point is None:
            continue
        if each.rev is None:
            patiently(store.delete, each.collection, [each.point])
        else:
            late[each.collection][each.point] = each.rev
    for collection, points in late.items():
        patiently(store.delete, collection, list(points), list(points.values()))


def _own(sessions: Sessions, image_ids: Sequence[int]) -> None:
    if image_ids:
        owner = select(Product.merchant_id).where(Product.id == Image.product_id).scalar_subquery()
        with sessions.begin() as session:
            session.execute(update(Image).where(Image.id.in_(image_ids)).values(merchant_id=owner))


def refill_lost(sessions: Sessions, store: VectorStore, collection: str) -> None:
    """Make a lost collection; a fill begins anew, a ready index gets every image again."""
    for index in read_site(sessions).maintained:
        if index.collection == collection:
            if index.state == "ready":  # before it is made: its absence tells of the loss, whoever dies here
                enqueue_reindex(sessions, stage="embed")
            make_empty(sessions, store, index)


def make_empty(sessions: Sessions, store: VectorStore, index: IndexRef) -> None:
    """Make an index's collection; what was filled already of one that is being filled is forgotten."""
    patiently(store.create, mapping.collection(index.fingerprint, index.dimension))
    if index.state == "filling":
        with sessions.begin() as session:
            session.execute(delete(FillRange).where(FillRange.index_id == index.id))
