"""The composition root: settings -> services. The only place that picks a back end.

Everything is built when first asked for, so that `twirl import` never loads a model and the web process
loads it after it was forked. Tests override by argument: `Services(settings, store=...)`.
"""

import os
import socket
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.blobs import Blobs, Incoming
from catalog.database import Access, open_engine, sessions, upgrade
from catalog.images import Decoder
from catalog.merchants import merchant_of
from catalog.models import Merchant
from catalog.place import ImagePlace
from catalog.site import ensure_live, filled_by, live_index, read_site
from embedding.devices import claim_device
from embedding.pack_folders import PackFolders, look, notice, verified
from indexer.operating import Operations
from indexer.queue import Bell, CeleryBell, Limits, WakeFile
from searcher.models import Models
from searcher.photos import QueryPhotos
from searcher.query_log import QueryLog
from searcher.search import Searcher
from settings import Settings, secrets
from settings.shapes import claimed_batch
from telemetry import logs, tracing
from telemetry.versions import versions
from vectors.edge.store import EdgeStore
from vectors.protocol import VectorStore

if TYPE_CHECKING:
    # These bring PyTorch, which takes seconds to import: `twirl import` must not wait for it.
    from embedding.pack import Pack
    from embedding.packs import Packs
    from indexer.activity import Activity
    from indexer.fill import Filler, Record
    from indexer.photo_links import PhotoLinks
    from indexer.pipeline import Pipeline, Report

log = get_logger("twirl")
SHIPPED_PACKS = Path(__file__).resolve().parent / "packs"


class Services:
    """What the entry points hand to the packages below them."""

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

    @property
    def pack(self) -> "Pack":
        """The live index's model pack: encoders and composer."""
        return self.packs.get(self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """The live index's fingerprint. Raises SiteRefused before the first start."""
        return live_index(read_site(self.sessions)).fingerprint

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

    @cached_property
    def photos(self) -> QueryPhotos:
        """Shoppers' photos, kept for a while."""
        return QueryPhotos(self.data / "photos", self.settings.web.photo_ttl_s)

    @cached_property
    def photo_links(self) -> "PhotoLinks":
        """Fetches the pictures whose addresses shoppers paste."""
        from indexer.photo_links import PhotoLinks

        return PhotoLinks(self.incoming)

    @cached_property
    def models(self) -> Models:
        """The model that answers, as the live index changes."""
        return Models(self.sessions, self.packs, self.store, self.photos)

    @cached_property
    def searcher(self) -> Searcher:
        """Answers searches."""
        patience_s = self.settings.vectors.vectors_timeout_s
        return Searcher(self.sessions, self.models, self.store, patience_s=patience_s, span=tracing.span)

    @cached_property
    def query_log(self) -> QueryLog:
        """Keeps what shoppers search, to compare models on."""
        return QueryLog(self.sessions, on=self.settings.model.query_log_days > 0)

    @cached_property
    def doorbell(self) -> Bell:
        """Tells whoever indexes that there is work."""
        return self.bell if self.deployed else self.wake_file

    @cached_property
    def wake_file(self) -> WakeFile:
        """The bell of the embedded indexer."""
        return WakeFile(self.data / "run" / "wake")

    @cached_property
    def bell(self) -> CeleryBell:
        """The bell of the deployed workers. After any fork."""
        return CeleryBell(self.settings.queue.redis_url, self.limits)

    @property
    def limits(self) -> Limits:
        """What a task may take."""
        chosen = self.settings.queue
        return Limits(chosen.task_soft_limit_s, chosen.task_limit_s, chosen.soft_shutdown_s)

    @property
    def lease_s(self) -> float:
        """After which a claim is another worker's: never before the task that holds it was killed."""
        least = self.settings.queue.task_limit_s if self.deployed else 0
        return max(self.settings.indexing.claim_lease_s, least)

    @property
    def worker_id(self) -> str:
        """This process, as claims and the ledger's list of workers name it. After any fork."""
        return f"{socket.gethostname()}:{os.getpid()}"

    def activity(self, queues: Iterable[str]) -> "Activity":
        """This worker's record in the ledger: what it did, that it lives."""
        from indexer.activity import Activity

        return Activity(self.sessions, self.worker_id, queues, self.device)

    def pipeline(self, report: "Report | None" = None, keep_pixels: bool = True) -> "Pipeline":
        """One worker's way from catalogue rows to indexed vectors; `report` is told of every batch."""
        from indexer.pipeline import Pipeline

        return Pipeline(
            self.sessions, self.blobs, self.incoming, self.decoder, self.packs, self.store,
            worker_id=self.worker_id, batch=claimed_batch(self.settings),
            report=report or (lambda _done: None), keep_pixels=keep_pixels, span=tracing.span,
        )  # fmt: skip

    def filler(self, record: "Record | None" = None) -> "Filler":
        """One worker's part in filling the index of another pack; `record` is told what was done."""
        from indexer.fill import Filler

        return Filler(
            self.sessions, self.blobs, self.packs, self.store, self.worker_id,
            claimed_batch(self.settings), self.lease_s, record,
        )  # fmt: skip

    @cached_property
    def operations(self) -> Operations:
        """What operators decide."""
        return Operations(self.sessions, self.store, lambda: self.doorbell.ring(()))

    @cached_property
    def device(self) -> str:
        """Where this process's models run. After any fork: a free GPU is its own from then on."""
        return claim_device(self.settings.model.device, self.data / "run")

    @cached_property
    def parts(self) -> dict[str, str]:
        """{part: version} of this program and of what it runs on."""
        return versions()

    def log_as(self, process: str) -> None:
        """Log as JSON lines, as this process, from now on."""
        logs.configure(self.settings.logging.log_level, process, secrets(self.settings))

    def observe(self, process: str) -> None:
        """Log, and send traces if a collector is named. After any fork: what sends does not survive one."""
        self.log_as(process)
        chosen = self.settings.operations
        if chosen.otlp_endpoint:
            tracing.start(chosen.otlp_endpoint, f"twirl-{process}", self.parts["twirl"], chosen.otlp_ratio)
            tracing.instrument(self.database, celery=self.deployed)

    def prepare(self) -> None:
        """Make folders, bring the schema up to date; the first time, note the images' place and the pack."""
        for name in ("blobs", "incoming", "index", "run", "photos"):
            (self.data / name).mkdir(parents=True, exist_ok=True)
        upgrade(self.database)
        self.place.settle(own_ledger=not self.settings.storage.database_url)
        if read_site(self.sessions).live is None:
            self._begin()

    def _begin(self) -> None:
        """Register the live index: of the setting's pack, or of the one that filled what is there."""
        filled = filled_by(self.sessions)
        at_hand = {each.fingerprint: each for each in self.pack_folders}
        pack = at_hand.get(filled) or self.pack_folders.first()
        self.pack_folders.keep(pack)
        with self.sessions.begin() as session:
            ensure_live(session, pack.fingerprint, pack.name, pack.dimension)

    def pack_notice(self) -> str:
        """A sentence where TWIRL_PACK names another pack than the live index's; else nothing."""
        live = read_site(self.sessions).live
        return notice(look(self.settings.model.pack), live.pack, live.fingerprint) if live else ""

    def merchant(self, slug: str | None = None, name: str = "") -> Merchant:
        """The merchant of that slug, or of the storefront; made, and called `name`, when missing."""
        return merchant_of(self.sessions, slug or self.settings.web.shop, name)

    def warm_up(self) -> None:
        """Load and read now what the first searches would else wait for, several of them at once."""
        _ = self.blobs, self.decoder, self.photos
        if notice := self.pack_notice():
            log.warning("pack-not-live", message=notice)
        self.models.watch()
        self.searcher.warm_up(self.merchant().id)

    def close(self) -> None:
        """Let go of what was opened; what was never asked for is not opened for it."""
        for name in ("models", "query_log", "decoder", "store", "bell"):
            if name in self.__dict__:
                self.__dict__[name].close()
        if "database" in self.__dict__:
            self.database.dispose()
