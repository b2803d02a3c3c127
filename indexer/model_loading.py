"""Has model packs loaded beside the tasks: fetching and loading a big one may take longer than a task."""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from structlog import get_logger

if TYPE_CHECKING:  # it brings torch
    from embedding.packs import Packs

log = get_logger("worker")


class ModelLoading:
    """Loads what is asked for in a thread, which no time limit of a task interrupts."""

    def __init__(self, packs: "Packs", patience_s: float) -> None:
        self.packs, self._patience_s = packs, patience_s
        self._thread: threading.Thread | None = None
        self._failed: Exception | None = None
        self._guard = threading.Lock()

    def ready(self, fingerprints: Iterable[str]) -> bool:
        """Whether all are loaded, after waiting for a while. Raises what hindered the last attempt."""
        wanted = list(fingerprints)
        if self._loaded(wanted):
            return True
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._failed = None
                self._thread = threading.Thread(target=self._load, args=(wanted,), name="models", daemon=True)
                self._thread.start()
            loading = self._thread
        loading.join(self._patience_s)
        if self._failed is not None:
            raise self._failed
        return self._loaded(wanted)

    def _loaded(self, wanted: Iterable[str]) -> bool:
        return all(self.packs.loaded(each) is not None for each in wanted)

    def _load(self, wanted: Iterable[str]) -> None:
        try:
            for fingerprint in wanted:
                self.packs.get(fingerprint)
        except Exception as error:  # whoever waits raises it
            self._failed = error
        else:
            log.info("models-loaded", fingerprints=[each[:16] for each in wanted])
