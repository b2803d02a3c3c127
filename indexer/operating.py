"""What an operator decides about the indexes and about pictures that failed, from the page or a command."""

import time
from collections.abc import Callable

from sqlalchemy import Select, func, select
from structlog import get_logger

from catalog import site
from catalog.models import Image
from catalog.site import IndexRef, SiteRefused
from indexer.claims import Sessions
from indexer.mapping import ALIAS
from indexer.reindex import requeue
from vectors.protocol import VectorStore, VectorStoreError

log = get_logger("indexer")
SETTLE_S = 1.0  # by then nobody reads or writes an index that is being dropped
CHUNK = 2000  # images in one transaction: a longer one would hold up every worker on SQLite


class Operations:
    """Each takes effect in SQL first; the engine's alias and collections follow. Thread-safe."""

    def __init__(self, sessions: Sessions, store: VectorStore, ring: Callable[[], None]) -> None:
        self._sessions, self._store, self._ring = sessions, store, ring

    def retry(self, code: str = "", image_id: int | None = None, merchant_id: int | None = None) -> int:
        """Try failed images again from the first stage on, all or those that are named; how many."""
        failed = select(Image.id).where(Image.state == "failed").order_by(Image.id).limit(CHUNK)
        if code:
            failed = failed.where(Image.error_code == code)
        if image_id is not None:
            failed = failed.where(Image.id == image_id)
        if merchant_id is not None:
            failed = failed.where(Image.merchant_id == merchant_id)
        retried = last = 0
        while ids := self._ids(failed.where(Image.id > last)):
            retried += requeue(self._sessions, ids)
            last = ids[-1]
        if retried:
            log.info("retried", code=code, image=image_id, images=retried)
            self._ring()
        return retried

    def reasons(self) -> dict[str, int]:
        """{code: how many images have failed with it}"""
        counted = select(Image.error_code, func.count()).where(Image.state == "failed")
        with self._sessions() as session:
            rows = session.execute(counted.group_by(Image.error_code))
            return {code: int(images) for code, images in rows}

    def switch(self, index_id: int) -> IndexRef:
        """Make a ready index the live one. Raises SiteRefused."""
        with self._sessions.begin() as session:
            index = site.switch(session, index_id)
        return self._live(index)

    def switch_back(self) -> IndexRef:
        """Make the index live again that was so before. Raises SiteRefused."""
        with self._sessions.begin() as session:
            index = site.switch_back(session)
        return self._live(index)

    def drop(self, index_id: int) -> IndexRef:
        """Give up an index with its collection. Raises SiteRefused, for the live one always.

        When the engine is away the index stays "dropping", unused, and the same call finishes it.
        """
        with self._sessions.begin() as session:
            index = site.begin_drop(session, index_id)
        time.sleep(SETTLE_S)
        try:
            self._store.drop(index.collection)
        except VectorStoreError as error:
            said = f"The index of {index.pack} is out of use, but still takes room: {error.message}"
            raise SiteRefused(error.code, said, "Drop it again once the vector engine answers.") from error
        with self._sessions.begin() as session:
            site.dropped(session, index_id)
        log.info("index-dropped", fingerprint=index.fingerprint, pack=index.pack)
        return index

    def _live(self, index: IndexRef) -> IndexRef:
        """Let the engine's alias follow; SQL has decided already, so an engine that is away stops nothing."""
        log.info("index-live", fingerprint=index.fingerprint, pack=index.pack)
        try:
            self._store.point_alias(ALIAS, index.collection)
        except VectorStoreError as error:
            log.info("alias-not-moved", cause=str(error)[:200])  # the next worker's look moves it
        return index

    def _ids(self, failed: Select[int]) -> list[int]:
        with self._sessions() as session:
            return list(session.scalars(failed))
