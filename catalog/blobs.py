"""Image bytes on disk: re-encoded renditions by content hash, and raw bytes that wait to be decoded.

Everything is durable when a call returns: written beside, synced, renamed into place, the folder synced.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

SIZES = (160, 480, 1200)  # longest side of each rendition, in pixels

_BESIDE = ".new-"  # how the names of unfinished files and folders begin
_HASH = re.compile(r"[0-9a-f]{64}")


class BlobMissing(LookupError):
    """There are no such bytes."""


class Blobs:
    """Renditions of decoded images: `root/ab/<sha256>/<size>.webp`, all sizes of an image or none."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def put(self, sha256: str, renditions: Mapping[int, bytes]) -> None:
        """Keep the WebP bytes of every size; nothing happens where they are kept already."""
        if set(renditions) != set(SIZES):
            raise ValueError(f"Renditions must be {SIZES}, not {tuple(renditions)}.")
        folder = self._folder(sha256)
        if self.has(sha256):
            return
        shutil.rmtree(folder, ignore_errors=True)  # a rendition was lost: the set is made anew
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=self.root))
        try:
            beside.chmod(0o755)
            for size, data in renditions.items():
                _write_durably(beside / f"{size}.webp", data)
            _sync_folder(beside)
            _rename_folder(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def read(self, sha256: str, size: int) -> bytes:
        """Return the WebP bytes of one size; BlobMissing when there are none."""
        try:
            return self.path(sha256, size).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"No {size} px rendition of {sha256}.") from None

    def path(self, sha256: str, size: int) -> Path:
        """Return where the WebP file of one size is or would be; ValueError for no hash or no size."""
        if size not in SIZES:
            raise ValueError(f"No rendition of {size} px: there are {SIZES}.")
        return self._folder(sha256) / f"{size}.webp"

    def has(self, sha256: str) -> bool:
        """Say whether every rendition of the image is kept."""
        return all(self.path(sha256, size).is_file() for size in SIZES)

    def delete(self, sha256: str) -> None:
        """Forget an image; absent ones are no error."""
        shutil.rmtree(self._folder(sha256), ignore_errors=True)

    def unfinished(self) -> list[Path]:
        """Return what is being written now, or was when its writer was killed."""
        return list(self.root.glob(f"{_BESIDE}*"))

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self.root.glob("[0-9a-f][0-9a-f]/*") if _HASH.fullmatch(path.name))

    def _folder(self, sha256: str) -> Path:
        return self.root / _checked(sha256)[:2] / sha256


class Incoming:
    """Raw image bytes between the import and the decoder: `root/<sha256>`, deleted after decoding."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def put(self, data: bytes) -> str:
        """Keep raw bytes durably and return their sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            os.utime(path)  # they count as new again: whoever clears away old bytes leaves them
        except FileNotFoundError:
            self.root.mkdir(parents=True, exist_ok=True)
            _write_beside(path, data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the raw bytes; BlobMissing when there are none."""
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"No incoming bytes {sha256}.") from None

    def delete(self, sha256: str) -> None:
        """Forget raw bytes; absent ones are no error."""
        self._path(sha256).unlink(missing_ok=True)

    def unfinished(self) -> list[Path]:
        """Return what is being written now, or was when its writer was killed."""
        return list(self.root.glob(f"{_BESIDE}*"))

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self.root.glob("*") if _HASH.fullmatch(path.name))

    def _path(self, sha256: str) -> Path:
        return self.root / _checked(sha256)


def discard(path: Path) -> None:
    """Remove what was never finished; gone is fine."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _checked(sha256: str) -> str:
    """Return the hash: what is none could name any file on the machine."""
    if not _HASH.fullmatch(sha256):
        raise ValueError(f"Not a sha256 in lower-case hex: {sha256[:80]!r}.")
    return sha256


def _write_beside(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        _write_durably(beside, data)
        beside.replace(path)
        _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename_folder(beside: Path, folder: Path) -> None:
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process put the same image first: that is as good
            raise
    _sync_folder(folder.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
