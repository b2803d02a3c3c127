"""Image bytes in object storage: an object an image, put whole, and served through a bounded local cache."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from catalog.storage.blobs import (
    SIZES,
    BlobMissing,
    StorageUnavailable,
    check_renditions,
    check_size,
    checked_hash,
    is_hash,
)
from catalog.storage.bundle import FRONT, bundled, rendition
from catalog.storage.object_store import ObjectStore
from catalog.storage.rendition_cache import RenditionCache

MARKER = "installation.json"  # at the root: whose images these are (`catalog.storage.place`)
_SMALL = 480  # renditions up to this size lie at an object's front


class _Objects:
    """What both kinds of object share: `<folder>/ab/<sha256><suffix>`."""

    folder: str
    suffix = ""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def has(self, sha256: str) -> bool:
        """Whether the bytes are kept, all of them."""
        return self.store.has(self._name(sha256))

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Which of these are not kept."""
        names = {self._name(sha256): sha256 for sha256 in hashes}
        return {names[name] for name in self.store.missing(names)}

    def delete(self, sha256: str) -> None:
        """Forget them; absent ones are no error."""
        self.store.delete(self._name(sha256))

    def age_s(self, sha256: str) -> float:
        """Seconds since they were put, by the storage's clock; 0 for absent ones."""
        return self.store.age_s(self._name(sha256))

    def clear_unfinished(self, age_s: float) -> int:
        """Nothing is ever half there."""
        return 0

    def check(self) -> None:
        """Return when the storage answers and is ours; StorageUnavailable says what is wrong with it."""
        if not self.store.has(MARKER):
            raise lost(self.store)

    def __iter__(self) -> Iterator[str]:
        for shelf in self.store.names(self.folder):
            for name in self.store.names(f"{self.folder}/{shelf}"):
                if is_hash(name.removesuffix(self.suffix)):
                    yield name.removesuffix(self.suffix)

    def _name(self, sha256: str) -> str:
        return f"{self.folder}/{checked_hash(sha256)[:2]}/{sha256}{self.suffix}"

    def _read(self, sha256: str, first: int | None = None) -> bytes:
        try:
            return self.store.read(self._name(sha256), first)
        except FileNotFoundError:
            self.check()  # an image that is gone is given up for good: be sure that it is no other bucket
            raise BlobMissing(f"No bytes of {sha256}.") from None


class ObjectBlobs(_Objects):
    """Renditions of decoded images: `blobs/ab/<sha256>.zip`, each a bundle of all sizes."""

    folder, suffix = "blobs", ".zip"

    def __init__(self, store: ObjectStore, cache: RenditionCache | None = None) -> None:
        super().__init__(store)
        self.cache = cache

    def put(self, sha256: str, renditions: Mapping[int, bytes]) -> None:
        """Keep the WebP bytes of every size, all at once; they count as new where they are kept already."""
        check_renditions(renditions)
        self.store.put(self._name(sha256), bundled(renditions))

    def read(self, sha256: str, size: int) -> bytes:
        """The WebP bytes of one size; BlobMissing when there are none, ValueError when they are damaged."""
        check_size(size)
        if size <= _SMALL:
            found = rendition(self._read(sha256, FRONT), size)
            if found is not None:
                return found
        return _whole(self._read(sha256), size)

    def read_all(self, sha256: str) -> dict[int, bytes]:
        """The WebP bytes of every size; BlobMissing when there are none, ValueError when they are damaged."""
        data = self._read(sha256)
        return {size: _whole(data, size) for size in SIZES}

    def content(self, sha256: str, size: int) -> bytes:
        """The same for a browser, from the cache where it is; an old copy while the storage is away."""
        check_size(size)
        if self.cache is None:
            return self.read(sha256, size)
        found = self.cache.get(checked_hash(sha256), size)
        if found is None:
            try:
                found = self.read(sha256, size)
            except StorageUnavailable:
                found = self.cache.get(sha256, size, stale=True)
                if found is None:
                    raise
            else:
                self.cache.put(sha256, size, found)
        return found

    def delete(self, sha256: str) -> None:
        """Forget an image; absent ones are no error."""
        super().delete(sha256)
        if self.cache is not None:
            self.cache.delete(sha256)


class ObjectIncoming(_Objects):
    """Raw image bytes between the import and the decoder: `incoming/ab/<sha256>`."""

    folder = "incoming"

    def put(self, data: bytes) -> str:
        """Keep raw bytes durably and return their sha256; they count as new where they are kept already."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.store.put(self._name(sha256), data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """The raw bytes; BlobMissing when there are none."""
        return self._read(sha256)


def _whole(data: bytes, size: int) -> bytes:
    found = rendition(data, size)
    if found is None:
        raise ValueError("The object ends before its renditions do: it is damaged.")
    return found


def lost(store: ObjectStore) -> StorageUnavailable:
    """The storage answers, but whose it is is not written there any more."""
    return StorageUnavailable(
        "storage-lost", f"{store.url} answers, but the images' {MARKER} is not there.",
        "Check that TWIRL_IMAGES_URL names the bucket and prefix that the images were put in. After "
        "restoring them from a backup: twirl images adopt",
    )  # fmt: skip
