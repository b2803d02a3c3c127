"""Image bytes: re-encoded renditions by content hash, and raw bytes that wait to be decoded.

They lie in a folder (`catalog.storage.folders`) or in object storage (`catalog.storage.objects`). Either way
everything is durable when a call returns, and what is read is whole: a reader sees all renditions of an image
or none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

SIZES = (160, 480, 1200)  # longest side of each rendition, in pixels

_HASH = re.compile(r"[0-9a-f]{64}")


class BlobMissing(LookupError):
    """There are no such bytes."""


class StorageUnavailable(ConnectionError):
    """The storage does not answer, or refuses us. No image is to blame: what was begun is tried again."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


class Kept(Protocol):
    """What both rooms of bytes can do. Every call may raise StorageUnavailable; ValueError for no hash."""

    def has(self, sha256: str) -> bool:
        """Whether the bytes are kept, all of them."""

    def delete(self, sha256: str) -> None:
        """Forget them; absent ones are no error."""

    def age_s(self, sha256: str) -> float:
        """Seconds since they were put; 0 for absent ones, which are nothing to clear away."""

    def clear_unfinished(self, age_s: float) -> int:
        """Remove what killed writers left behind and that is older than `age_s`; return how many pieces."""

    def check(self) -> None:
        """Return when the storage answers; StorageUnavailable says what is wrong with it."""

    def __iter__(self) -> Iterator[str]:
        """The hashes of all that is kept."""


class Blobs(Kept, Protocol):
    """Renditions of decoded images, by the sha256 of the raw bytes."""

    def put(self, sha256: str, renditions: Mapping[int, bytes]) -> None:
        """Keep the WebP bytes of every size, all at once; they count as new where they are kept already."""

    def read(self, sha256: str, size: int) -> bytes:
        """The WebP bytes of one size; BlobMissing when there are none."""

    def read_all(self, sha256: str) -> dict[int, bytes]:
        """The WebP bytes of every size, as `put` takes them; BlobMissing when there are none."""

    def content(self, sha256: str, size: int) -> Path | bytes:
        """The same for a browser: a file where there is one at hand, else the bytes. BlobMissing for none."""

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Which of these are not kept: `has` for many at once."""


class Incoming(Kept, Protocol):
    """Raw image bytes between the import and the decoder."""

    def put(self, data: bytes) -> str:
        """Keep raw bytes durably and return their sha256; they count as new where they are kept already."""

    def read(self, sha256: str) -> bytes:
        """The raw bytes; BlobMissing when there are none."""


def is_hash(name: str) -> bool:
    """Whether a name is a sha256 in lower-case hex."""
    return _HASH.fullmatch(name) is not None


def checked_hash(sha256: str) -> str:
    """The hash, or ValueError: what is none could name any file or object."""
    if not is_hash(sha256):
        raise ValueError(f"Not a sha256 in lower-case hex: {sha256[:80]!r}.")
    return sha256


def check_size(size: int) -> None:
    """ValueError for a size that no rendition has."""
    if size not in SIZES:
        raise ValueError(f"No rendition of {size} px: there are {SIZES}.")


def check_renditions(renditions: Mapping[int, bytes]) -> None:
    """ValueError where a size is missing or one too many."""
    if set(renditions) != set(SIZES):
        raise ValueError(f"Renditions must be {SIZES}, not {tuple(renditions)}.")
