"""Which model answers: one snapshot a request, followed as the site's live index changes.

A request takes its model once and uses nothing else: encoder, composer and collection always belong together.
Who serves calls `watch`: a thread then looks at SQL four times a second and has every index's pack loaded
before anybody switches to it, so that a switch is in force within a second and no request waits.
"""

import gc
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session, sessionmaker
from structlog import get_logger

from catalog.site import IndexRef, SiteState, live_index, read_site
from embedding.errors import PackRefused
from searcher.admission import Admission
from searcher.encode import Encoder
from searcher.photos import QueryPhotos
from vectors.protocol import VectorStore

if TYPE_CHECKING:  # the packs bring torch: who passes them in has it
    from embedding.pack import Pack
    from embedding.packs import Packs

log = get_logger("searcher")
POLL_S = 0.25
RETRY_S = 10.0  # after which a pack that could not be loaded is tried again


@dataclass(frozen=True, eq=False)
class Model:
    """All that one answer comes from."""

    index: IndexRef
    pack: "Pack"
    encoder: Encoder

    @property
    def fingerprint(self) -> str:
        """Of the pack, and so of every vector in the collection."""
        return self.index.fingerprint

    @property
    def collection(self) -> str:
        """Where its vectors are."""
        return self.index.collection


class Models:
    """The models of the indexes. Thread-safe. Unwatched it looks when asked, each `poll_s` at most."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        packs: "Packs",
        store: VectorStore,
        photos: QueryPhotos,
        poll_s: float = POLL_S,
        admission: Admission | None = None,
    ) -> None:
        self.sessions, self.packs, self.store, self.photos = sessions, packs, store, photos
        self.poll_s = poll_s
        self.admission = admission or Admission()  # one for all: they share the device
        self._site = SiteState()
        self._live: Model | None = None
        self._models: dict[str, Model] = {}
        self._failed_at: dict[str, float] = {}
        self._looked_at = float("-inf")
        self._turn, self._loading = threading.Lock(), threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def live(self) -> Model:
        """The model to answer with now. Raises SiteRefused before the first start, PackRefused."""
        if self._live is None or (self._watcher is None and self._due()):
            self.look()
        assert self._live is not None  # noqa: S101 - `look` raises where there is none
        return self._live

    def held(self, fingerprint: str) -> Model | None:
        """The model whose fingerprint begins so, while its index is ready; None where it is not kept."""
        self.live()
        named = (each for each in self._site.maintained if each.fingerprint.startswith(fingerprint))
        index = next(named, None)
        return self._model(index) if index is not None and index.state == "ready" else None

    def look(self) -> None:
        """Follow the site. Raises PackRefused where there is no model to go on with."""
        with self._turn:
            self._looked_at = time.monotonic()
            site = read_site(self.sessions)
            if site == self._site and self._live is not None:
                return
            try:
                live = self._model(live_index(site))
            except PackRefused as error:
                # An answer of the model before is better than none, and says that it is of that one.
                if self._live is None:
                    raise
                log.error("live-model-not-loaded", cause=str(error), answering=self._live.fingerprint)
                return
            if self._live is not live:
                log.info("model-live", pack=live.index.pack, fingerprint=live.fingerprint)
            self._live, self._site = live, site

    def preload(self) -> None:
        """Have the pack of every index loaded and warm; let go of what is not maintained any more.

        Those that are being filled too: the moment such an index is ready, somebody may switch to it.
        """
        site = self._site
        for index in site.maintained:
            if not self._failed_lately(index):
                try:
                    self._model(index)
                except PackRefused as error:
                    self._failed_at[index.fingerprint] = time.monotonic()
                    log.warning("model-not-preloaded", fingerprint=index.fingerprint, cause=str(error))
        kept = {index.fingerprint for index in site.maintained}
        with self._loading:
            self._models = {name: model for name, model in self._models.items() if name in kept}
        self.packs.keep(kept)

    def watch(self) -> None:
        """Follow the site in a thread from now on, until `close`. Raises as `look` does."""
        self.look()
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="models", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(10)

    def _encoder(self, pack: "Pack") -> Encoder:
        return Encoder(self.sessions, pack, self.store, self.photos, self.admission)

    def _watch(self) -> None:
        while not self._stop.wait(self.poll_s):
            try:
                self.look()
                self.preload()
            except Exception as error:  # the database is away: what is at hand serves on
                log.warning("models-not-followed", cause=repr(error)[:300])
                self._stop.wait(1.0)

    def _due(self) -> bool:
        return time.monotonic() - self._looked_at >= self.poll_s

    def _failed_lately(self, index: IndexRef) -> bool:
        return time.monotonic() - self._failed_at.get(index.fingerprint, float("-inf")) < RETRY_S

    def _model(self, index: IndexRef) -> Model:
        """The model of an index, its pack loaded and warm. Raises PackRefused."""
        known = self._models.get(index.fingerprint)
        if known is not None:
            return known
        with self._loading:
            if index.fingerprint not in self._models:
                pack = self.packs.get(index.fingerprint)
                _warm(pack)
                made = Model(index, pack, self._encoder(pack))
                if self._watcher is not None:  # a server: it must not walk over a model for garbage
                    gc.freeze()
                self._models = {**self._models, index.fingerprint: made}
            return self._models[index.fingerprint]


def _warm(pack: "Pack") -> None:
    """Make the first use of a pack, which takes longer than all later ones, before a shopper does."""
    blank = np.full((64, 64, 3), 255, dtype=np.uint8)
    pack.compose(pack.encode_images([blank])[0], pack.encode_texts(["warm"])[0])
