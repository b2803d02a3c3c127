"""What everything else stands on: SQL, pictures, model packs and the vector engine."""

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from accounts import models as _accounts  # noqa: F401 - their tables belong to the ledger
from accounts.tokens import key_in
from catalog.database import Access, open_engine, sessions
from catalog.importing.feed_process import FeedLimits
from catalog.pictures.decoder import Decoder
from catalog.storage.blobs import Blobs, Incoming
from catalog.storage.feed_files import FeedFiles
from catalog.storage.place import ImagePlace
from embedding.devices import claim_device
from embedding.pack_folders import PackFolders, verified
from indexer.machine import worker_name
from settings import Settings
from vectors.edge.store import EdgeStore
from vectors.protocol import VectorStore

if TYPE_CHECKING:
    # It brings PyTorch, which takes seconds to import: `twirl import` must not wait for it.
    from embedding.packs import Packs

SHIPPED_PACKS = Path(__file__).resolve().parents[1] / "packs"


class Stores:
    """Where things are kept, and what reads and writes them there."""

    def __init__(
        self, settings: Settings, *, store: VectorStore | None = None, packs: "Packs | None" = None
    ) -> None:
        self.settings = settings
        self._given_store = store
        self._given_packs = packs

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.settings.storage.data.resolve()

    @property
    def engine_socket(self) -> Path:
        """Where the embedded vector engine listens."""
        return self.data / "run" / "engine.sock"

    @property
    def deployed(self) -> bool:
        """Whether Celery workers index, woken by Redis; else an indexer process does, beside us."""
        return self.settings.deployed

    @property
    def embedded(self) -> bool:
        """Whether the vector engine is ours to start."""
        return not self.settings.vectors.qdrant_url

    @property
    def worker_id(self) -> str:
        """This process, as claims and the ledger's list of workers name it. After any fork."""
        return worker_name(os.getpid())

    @cached_property
    def console_key(self) -> str:
        """The key of the console's cookies and second factors: the setting's, else the data folder's.

        "" in the deployed shape without the setting: processes on other machines would draw others.
        """
        given = self.settings.console.console_key
        if given or self.deployed:
            return given
        return key_in(self.data / "console_key")

    @cached_property
    def device(self) -> str:
        """Where this process's models run. After any fork: a free GPU is its own from then on."""
        return claim_device(self.settings.model.device, self.data / "run")

    @cached_property
    def database(self) -> Engine:
        """The SQL engine."""
        chosen = self.settings.storage
        access = Access(
            chosen.db_pool_size, chosen.db_pool_overflow, chosen.db_pool_wait_s,
            connect_timeout_s=chosen.db_connect_timeout_s,
            statement_timeout_ms=chosen.db_statement_timeout_ms, lock_timeout_ms=chosen.db_lock_timeout_ms,
            application=f"twirl {self.worker_id}",  # as claims and workers are signed
        )  # fmt: skip
        return open_engine(self.settings.database_url, access)

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """Makes SQL sessions."""
        return sessions(self.database)

    @cached_property
    def place(self) -> ImagePlace:
        """Where image bytes are kept."""
        return ImagePlace(self.sessions, self.data, self.settings.storage, verified)

    @property
    def blobs(self) -> Blobs:
        """Decoded pictures, by content hash. Raises StorageRefused where they cannot be this machine's."""
        return self.place.images.blobs

    @property
    def incoming(self) -> Incoming:
        """Raw bytes that wait to be decoded. Raises StorageRefused like `blobs`."""
        return self.place.images.incoming

    @property
    def feed_files(self) -> FeedFiles:
        """Uploaded feeds, where every worker reads them. Raises StorageRefused like `blobs`."""
        return FeedFiles(self.place.images.root, self.data / "uploads")

    @property
    def feed_limits(self) -> FeedLimits:
        """What reading a feed may take."""
        return FeedLimits(self.settings.indexing.feed_memory_mb)

    @cached_property
    def decoder(self) -> Decoder:
        """Decodes pictures in child processes."""
        chosen = self.settings.indexing
        return Decoder(chosen.decoder_workers, chosen.decoder_memory_mb, timeout_s=chosen.decoder_timeout_s)

    @cached_property
    def pack_folders(self) -> PackFolders:
        """The model packs at hand: the setting's, those beside it and shipped, those kept in the data."""
        named = self.settings.model.pack
        shelves = (named.resolve().parent, SHIPPED_PACKS)
        return PackFolders(
            named, shelves, self.data / "packs", self.place.fetch_pack, self.place.publish_pack
        )

    @cached_property
    def packs(self) -> "Packs":
        """The loaded model packs, by fingerprint."""
        from embedding.packs import Packs, batch_sizes

        chosen, sizes = self.settings.model, batch_sizes(self.data, self.settings.indexing.batch)
        return self._given_packs or Packs(
            self.pack_folders.find, self.device, chosen.torch_threads, chosen.precision, sizes.of
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
        from vectors.server import Cluster, ServerStore

        return ServerStore.connect(
            chosen.qdrant_url, api_key=chosen.qdrant_api_key or None,
            timeout_s=chosen.vectors_timeout_s, grpc_port=chosen.qdrant_grpc_port,
            cluster=Cluster(chosen.qdrant_shards, chosen.qdrant_replicas, chosen.qdrant_write_consistency),
        )  # fmt: skip
