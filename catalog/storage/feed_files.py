"""Uploaded feeds, and the archives of pictures beside them: kept where every worker can read them.

They lie beside the images, in the folder or in object storage: `uploads/<key>`. A file is received into
scratch space on this machine, and kept under a new key when it is whole.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.storage.folders import sync_folder
from catalog.storage.object_store import ObjectStore

FOLDER = "uploads"
_BESIDE = ".new-"
_KEY = frozenset("0123456789abcdef")


class FeedFileMissing(LookupError):
    """There is no such file any more."""


class FeedFiles:
    """Files by key. `root` is that of the images' place; `scratch` a folder of this machine."""

    def __init__(self, root: Path | ObjectStore, scratch: Path) -> None:
        self.root = root
        self._scratch = root / FOLDER if isinstance(root, Path) else scratch

    @contextmanager
    def received(self) -> Iterator[Path]:
        """A new empty file to write to; it is removed at the end unless it was kept."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_BESIDE, dir=self._scratch)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def keep(self, file: Path, key: str = "") -> str:
        """Keep a received file durably; return its key, a new one unless given. Raises StorageUnavailable."""
        key = _checked(key) if key else secrets.token_hex(16)
        if isinstance(self.root, ObjectStore):
            self.root.upload(file, f"{FOLDER}/{key}")
            return key
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(self._scratch / key)
        sync_folder(self._scratch)
        return key

    @contextmanager
    def opened(self, key: str) -> Iterator[Path]:
        """The file on this machine while the block runs. Raises FeedFileMissing, StorageUnavailable."""
        if not isinstance(self.root, ObjectStore):
            path = self._scratch / _checked(key)
            if not path.is_file():
                raise FeedFileMissing(key)
            yield path
            return
        with self.received() as copy:
            try:
                self.root.download(f"{FOLDER}/{_checked(key)}", copy)
            except FileNotFoundError:
                raise FeedFileMissing(key) from None
            yield copy

    def delete(self, key: str) -> None:
        """Forget a file; an absent one is no error."""
        if isinstance(self.root, ObjectStore):
            self.root.delete(f"{FOLDER}/{_checked(key)}")
        else:
            (self._scratch / _checked(key)).unlink(missing_ok=True)

    def age_s(self, key: str) -> float:
        """Seconds since it was kept; 0 for an absent one."""
        if isinstance(self.root, ObjectStore):
            return self.root.age_s(f"{FOLDER}/{_checked(key)}")
        return _age_s(self._scratch / _checked(key))

    def clear_unfinished(self, age_s: float) -> int:
        """Remove what killed receivers left behind and that is older than `age_s`; return how many."""
        old = [path for path in self._scratch.glob(f"{_BESIDE}*") if _age_s(path) >= age_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def __iter__(self) -> Iterator[str]:
        if isinstance(self.root, ObjectStore):
            names = iter(self.root.names(FOLDER))
        else:
            names = (path.name for path in self._scratch.glob("*"))
        return (name for name in names if _is_key(name))


def _is_key(name: str) -> bool:
    return len(name) == 32 and set(name) <= _KEY


def _checked(key: str) -> str:
    """The key; what is none could name any file."""
    if not _is_key(key):
        raise FeedFileMissing(key[:40])
    return key


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
