"""Image bytes in a local folder, durable when a call returns.

Everything is written beside, synced, renamed into place, and the folder synced.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from catalog.storage.blobs import (
    SIZES,
    BlobMissing,
    StorageUnavailable,
    check_renditions,
    check_size,
    checked_hash,
    is_hash,
)

_BESIDE = ".new-"  # how the names of unfinished files and folders begin
_YOUNG_S = 600.0  # a write takes milliseconds: what is unfinished for longer has lost its writer


class FolderBlobs:
    """Renditions of decoded images: `root/ab/<sha256>/<size>.webp`, all sizes of an image or none."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def put(self, sha256: str, renditions: Mapping[int, bytes]) -> None:
        """Keep the WebP bytes of every size, all at once; they count as new where they are kept already."""
        check_renditions(renditions)
        if self._kept_anew(sha256):
            return
        folder = self._folder(sha256)
        shutil.rmtree(folder, ignore_errors=True)  # a rendition was lost: the set is made anew
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=self.root))
        try:
            beside.chmod(0o755)
            for size, data in renditions.items():
                write_durably(beside / f"{size}.webp", data)
            sync_folder(beside)
            rename_folder(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def read(self, sha256: str, size: int) -> bytes:
        """The WebP bytes of one size; BlobMissing for none, StorageUnavailable without the folder."""
        try:
            return self.path(sha256, size).read_bytes()
        except FileNotFoundError:
            self.check()  # an image that is gone is given up for good: a mount that is away is none
            raise BlobMissing(f"No {size} px rendition of {sha256}.") from None

    def read_all(self, sha256: str) -> dict[int, bytes]:
        """The WebP bytes of every size; BlobMissing when there are none."""
        return {size: self.read(sha256, size) for size in SIZES}

    def content(self, sha256: str, size: int) -> Path:
        """The file of one size; BlobMissing when there is none, StorageUnavailable without the folder."""
        path = self.path(sha256, size)
        if not path.is_file():
            self.check()
            raise BlobMissing(f"No {size} px rendition of {sha256}.")
        return path

    def path(self, sha256: str, size: int) -> Path:
        """Where the WebP file of one size is or would be; ValueError for no hash or no size."""
        check_size(size)
        return self._folder(sha256) / f"{size}.webp"

    def has(self, sha256: str) -> bool:
        """Whether every rendition of the image is kept."""
        return all(self.path(sha256, size).is_file() for size in SIZES)

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Which of these are not kept."""
        return {sha256 for sha256 in hashes if not self.has(sha256)}

    def delete(self, sha256: str) -> None:
        """Forget an image; absent ones are no error."""
        shutil.rmtree(self._folder(sha256), ignore_errors=True)

    def age_s(self, sha256: str) -> float:
        """Seconds since it was put; 0 for an absent one."""
        return _age_s(self.path(sha256, SIZES[0]))

    def clear_unfinished(self, age_s: float) -> int:
        """Remove what killed writers left behind and that is older than `age_s`; return how many pieces."""
        return _clear_unfinished(self.root, age_s)

    def check(self) -> None:
        """Return when the folder is there; StorageUnavailable where it is not."""
        _check(self.root)

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self.root.glob("[0-9a-f][0-9a-f]/*") if is_hash(path.name))

    def _kept_anew(self, sha256: str) -> bool:
        """Whether all is kept; if so it counts as new again: whoever clears away old bytes leaves it."""
        if not self.has(sha256):
            return False
        try:
            os.utime(self.path(sha256, SIZES[0]))
        except FileNotFoundError:  # cleared away between the two looks
            return False
        return True

    def _folder(self, sha256: str) -> Path:
        return self.root / checked_hash(sha256)[:2] / sha256


class FolderIncoming:
    """Raw image bytes between the import and the decoder: `root/<sha256>`, deleted after decoding."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def put(self, data: bytes) -> str:
        """Keep raw bytes durably and return their sha256; they count as new where they are kept already."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            os.utime(path)  # whoever clears away old bytes leaves them
        except FileNotFoundError:
            self.root.mkdir(parents=True, exist_ok=True)
            _write_beside(path, data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """The raw bytes; BlobMissing when there are none."""
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"No incoming bytes {sha256}.") from None

    def has(self, sha256: str) -> bool:
        """Whether the bytes are kept."""
        return self._path(sha256).is_file()

    def delete(self, sha256: str) -> None:
        """Forget raw bytes; absent ones are no error."""
        self._path(sha256).unlink(missing_ok=True)

    def age_s(self, sha256: str) -> float:
        """Seconds since they were put; 0 for absent ones."""
        return _age_s(self._path(sha256))

    def clear_unfinished(self, age_s: float) -> int:
        """Remove what killed writers left behind and that is older than `age_s`; return how many pieces."""
        return _clear_unfinished(self.root, age_s)

    def check(self) -> None:
        """Return when the folder is there; StorageUnavailable where it is not."""
        _check(self.root)

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self.root.glob("*") if is_hash(path.name))

    def _path(self, sha256: str) -> Path:
        return self.root / checked_hash(sha256)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whose bytes are on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def rename_folder(beside: Path, folder: Path) -> None:
    """Give a finished folder its name, durably; one that another process put there first is as good."""
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Return when the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_beside(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        write_durably(beside, data)
        beside.replace(path)
        sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _clear_unfinished(root: Path, age_s: float) -> int:
    old = [left for left in root.glob(f"{_BESIDE}*") if _age_s(left) >= max(age_s, _YOUNG_S)]
    for left in old:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return len(old)


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _check(root: Path) -> None:
    if not root.is_dir():
        raise StorageUnavailable(
            "storage-folder-missing",
            f"The folder of the images, {root}, is not there.",
            "Mount it where TWIRL_DATA says, or restore it from a backup.",
        )
