"""Where a fill begins: the collection is made, then the index registered; from then on workers fill it."""

from catalog import fills, site
from catalog.site import IndexRef, read_site
from indexer import mapping
from indexer.claims import Sessions
from vectors.protocol import VectorStore


def begin_fill(
    sessions: Sessions,
    store: VectorStore,
    *,
    fingerprint: str,
    pack: str,
    dimension: int,
    rate: float | None = None,
) -> IndexRef:
    """Have an index of this pack filled; one that is there already only takes the new `rate`, if any.

    What a collection of that name holds without being registered is of nobody knows when, so it goes.
    Raises SiteRefused, VectorStoreError.
    """
    wanted = mapping.collection(fingerprint, dimension)
    known = any(index.fingerprint == fingerprint for index in read_site(sessions).indexes)
    if not known and wanted.name in store.collections():
        store.drop(wanted.name)
    with sessions() as session:
        total = fills.embedded_images(session)
    if not known:
        store.create(wanted)
    with sessions.begin() as session:
        index = site.register(session, fingerprint, pack, dimension, rate, total)
    if index.state == "filling":
        with sessions.begin() as session:
            fills.plan(session, index.id)
    return index
