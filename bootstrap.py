"""The composition root: settings -> services. The only place that picks a back end.

Everything is built when first asked for, so that `twirl import` never loads a model and the web process
loads it after it was forked. Tests override by argument: `Services(settings, store=...)`.
"""

import os
import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from catalog.blobs import Blobs, Incoming
from catalog.database import open_engine, sessions, upgrade
from catalog.folders import FolderBlobs, FolderIncoming
from catalog.images import Decoder
from catalog.models import Merchant
from catalog.products import ensure_merchant, find_merchant
from indexer.queue import WakeFile
from searcher.photos import QueryPhotos
from searcher.search import Searcher
from settings import Settings
from vectors.edge.store import EdgeStore
from vectors.protocol import VectorStore

if TYPE_CHECKING:
    # These two bring PyTorch, which takes seconds to import: `twirl import` must not wait for it.
    from embedding.pack import Pack
    from indexer.pipeline import Pipeline


class Services:
    """What the entry points hand to the packages below them."""

    def __init__(
        self, settings: Settings, *, store: VectorStore | None = None, pack: "Pack | None" = None
    ) -> None:
        self.settings = settings
        self._given_store = store
        self._given_pack = pack

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.settings.storage.data.resolve()

    @property
    def engine_socket(self) -> Path:
        """Where the embedded vector engine listens."""
        return self.data / "run" / "engine.sock"

    @property
    def embedded(self) -> bool:
        """Whether the vector engine is ours to start."""
        return not self.settings.vectors.qdrant_url

    @cached_property
    def database(self) -> Engine:
        """The SQL engine."""
        return open_engine(self.settings.database_url)

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """Makes SQL sessions."""
        return sessions(self.database)

    @cached_property
    def blobs(self) -> Blobs:
        """Decoded pictures, by content hash."""
        return FolderBlobs(self.data / "blobs")

    @cached_property
    def incoming(self) -> Incoming:
        """Raw bytes that wait to be decoded."""
        return FolderIncoming(self.data / "incoming")

    @cached_property
    def decoder(self) -> Decoder:
        """Decodes pictures in child processes."""
        chosen = self.settings.indexing
        return Decoder(
            workers=chosen.decoder_workers,
            memory_mb=chosen.decoder_memory_mb,
            timeout_s=chosen.decoder_timeout_s,
        )

    @cached_property
    def pack(self) -> "Pack":
        """The model pack: encoders and composer."""
        from embedding.pack import load_pack

        chosen = self.settings.model
        return self._given_pack or load_pack(chosen.pack, chosen.device, chosen.torch_threads)

    @cached_property
    def fingerprint(self) -> str:
        """The pack's fingerprint, without loading the pack."""
        from embedding.pack_files import read_info

        return (
            self._given_pack.fingerprint
            if self._given_pack
            else read_info(self.settings.model.pack).fingerprint
        )

    @cached_property
    def store(self) -> VectorStore:
        """The vector engine: Qdrant Edge in its process, or a Qdrant server when one is named."""
        chosen = self.settings.vectors
        if self._given_store is not None:
            return self._given_store
        if self.embedded:
            return EdgeStore(self.engine_socket, chosen.vectors_timeout_s)
        # qdrant-client belongs to the `deployed` extra: an embedded installation has none.
        from vectors.server.store import ServerStore

        return ServerStore.connect(
            chosen.qdrant_url,
            api_key=chosen.qdrant_api_key or None,
            timeout_s=chosen.vectors_timeout_s,
            grpc_port=chosen.qdrant_grpc_port,
        )

    @cached_property
    def photos(self) -> QueryPhotos:
        """Shoppers' photos, kept for a while."""
        return QueryPhotos(self.data / "photos", self.settings.web.photo_ttl_s)

    @cached_property
    def searcher(self) -> Searcher:
        """Answers searches."""
        return Searcher(self.sessions, self.pack, self.store, self.photos)

    @cached_property
    def doorbell(self) -> WakeFile:
        """Tells the indexer that there is work."""
        return WakeFile(self.data / "run" / "wake")

    def pipeline(self) -> "Pipeline":
        """One worker's way from catalogue rows to indexed vectors."""
        from indexer.pipeline import Pipeline

        return Pipeline(
            self.sessions,
            self.blobs,
            self.incoming,
            self.decoder,
            self.pack,
            self.store,
            worker_id=f"{socket.gethostname()}:{os.getpid()}",
            batch=self.settings.indexing.batch,
        )

    def prepare(self) -> None:
        """Make the folders and bring the database to the newest schema."""
        for name in ("blobs", "incoming", "index", "run", "photos"):
            (self.data / name).mkdir(parents=True, exist_ok=True)
        upgrade(self.database)

    def merchant(self, slug: str | None = None, name: str = "") -> Merchant:
        """The merchant of that slug, or of the storefront; made, and called `name`, when missing.

        Every request asks: one that is there costs a read, and waits for no writer.
        """
        wanted = slug or self.settings.web.shop
        with self.sessions() as session:
            known = find_merchant(session, wanted)
        if known is not None:
            return known
        try:
            with self.sessions.begin() as session:
                return ensure_merchant(session, wanted, name)
        except IntegrityError:  # another process was first, on PostgreSQL
            with self.sessions.begin() as session:
                return ensure_merchant(session, wanted, name)

    def warm_up(self) -> None:
        """Load and read now what the first searches would else wait for, several of them at once."""
        _ = self.blobs, self.decoder, self.photos
        blank = np.full((64, 64, 3), 255, dtype=np.uint8)
        self.pack.compose(self.pack.encode_images([blank])[0], self.pack.encode_texts(["warm"])[0])
        self.searcher.stock.shelf(self.merchant().id)

    def close(self) -> None:
        """Let go of what was opened; what was never asked for is not opened for it."""
        for name in ("decoder", "store"):
            if name in self.__dict__:
                self.__dict__[name].close()
        if "database" in self.__dict__:
            self.database.dispose()
