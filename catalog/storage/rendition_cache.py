"""Renditions that browsers ask for often, in a local folder of bounded size.

An entry is asked for anew a day after it came, so that a picture that was deleted does not live on for ever
in the cache of another machine; while the storage is away, older ones still serve.
"""

import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from catalog.storage.blobs import SIZES

FRESH_S = 86_400.0


class RenditionCache:
    """Files `root/ab/<sha256>-<size>.webp`. Thread-safe, and several processes may share a folder.

    A full disk or a folder that is gone costs the cache's help and nothing else. The least recently read
    entries go when there are more than `limit` bytes; a file's access time, set by us, says which.
    """

    def __init__(self, root: Path, limit: int, fresh_s: float = FRESH_S) -> None:
        self.root, self.limit, self.fresh_s = Path(root), limit, fresh_s
        self._added = limit  # bytes since the last look at the whole folder: the first one looks
        self._guard = threading.Lock()

    def get(self, sha256: str, size: int, stale: bool = False) -> bytes | None:
        """The bytes, or None when they are not here, or too old unless `stale` will do."""
        path = self._path(sha256, size)
        try:
            put_at = path.stat().st_mtime
            if not stale and time.time() - put_at > self.fresh_s:
                return None
            data = path.read_bytes()
            os.utime(path, (time.time(), put_at))
        except OSError:
            return None
        return data

    def put(self, sha256: str, size: int, data: bytes) -> None:
        """Keep the bytes, and make room when it is time."""
        path = self._path(sha256, size)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(beside).replace(path)
        with self._guard:
            self._added += len(data)
            due = self._added > self.limit // 16
            if due:
                self._added = 0
        if due:
            self.make_room()

    def delete(self, sha256: str) -> None:
        """Forget an image."""
        for size in SIZES:
            with suppress(OSError):
                self._path(sha256, size).unlink(missing_ok=True)

    def make_room(self) -> int:
        """Remove what was not read for longest until four fifths of the limit are left; how many entries."""
        entries = sorted(self._entries())
        total, removed = sum(entry[1] for entry in entries), 0
        if total <= self.limit:
            return 0
        for _, length, path in entries:
            if total <= self.limit * 4 // 5:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
            total, removed = total - length, removed + 1
        return removed

    def _entries(self) -> list[tuple[float, int, Path]]:
        """(last read, bytes, file) of every entry, what killed writers left included."""
        found = []
        for path in self.root.glob("??/*"):
            with suppress(OSError):
                said = path.stat()
                found.append((said.st_atime, said.st_size, path))
        return found

    def _path(self, sha256: str, size: int) -> Path:
        return self.root / sha256[:2] / f"{sha256}-{size}.webp"
