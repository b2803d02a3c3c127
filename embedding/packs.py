"""The loaded packs of one process: each is loaded when first asked for, once, and kept until let go."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from embedding.batching import BatchSizes
from embedding.errors import PackRefused
from embedding.forward import CPU_BATCH, Forward
from embedding.pack import Pack, load_pack

Find = Callable[[str], Path]  # fingerprint -> the folder of that pack; raises PackRefused
Size = Callable[[Forward, str], int]  # a loaded pack's image tower and fingerprint -> pictures at once


def batch_sizes(data: Path, fixed: int = 0) -> BatchSizes:
    """The sizes that were found on this machine; `fixed` where an operator has chosen one."""
    return BatchSizes(data / "run" / "batches.json", fixed)


class Packs:
    """Loads packs by fingerprint. Thread-safe: two that ask for one pack wait for one load."""

    def __init__(
        self,
        find: Find,
        device: str = "cpu",
        threads: int = 1,
        precision: str = "fp32",
        size: Size = lambda _forward, _fingerprint: CPU_BATCH,
        loaded: Iterable[Pack] = (),
    ) -> None:
        """`precision` is one of PRECISIONS; `size` says how many pictures a pack encodes at once."""
        self._find, self._device, self._threads = find, device, threads
        self._precision, self._size = precision, size
        self._loaded = {pack.fingerprint: pack for pack in loaded}
        self._loading: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, fingerprint: str) -> Pack:
        """The pack of this fingerprint. Raises PackRefused when it is not at hand or is damaged."""
        with self._guard:
            if fingerprint in self._loaded:
                return self._loaded[fingerprint]
            turn = self._loading.setdefault(fingerprint, threading.Lock())
        with turn:
            if (pack := self.loaded(fingerprint)) is None:
                pack = self._load(fingerprint)
            return pack

    def loaded(self, fingerprint: str) -> Pack | None:
        """The pack if it is loaded already: never waits."""
        with self._guard:
            return self._loaded.get(fingerprint)

    def keep(self, fingerprints: Iterable[str]) -> None:
        """Forget every pack but these; who holds one goes on with it."""
        wanted = set(fingerprints)
        with self._guard:
            self._loaded = {name: pack for name, pack in self._loaded.items() if name in wanted}
            self._loading = {name: turn for name, turn in self._loading.items() if name in wanted}

    def _load(self, fingerprint: str) -> Pack:
        pack = load_pack(self._find(fingerprint), self._device, self._threads, self._precision)
        if pack.fingerprint != fingerprint:
            raise PackRefused(
                "pack-changed", f"The pack at hand is {pack.fingerprint[:16]}, not {fingerprint[:16]}.",
                "Put the pack of that fingerprint back where it was.",
            )  # fmt: skip
        pack.forward.batch = self._size(pack.forward, fingerprint)
        with self._guard:
            self._loaded[fingerprint] = pack
        return pack
