"""The image bytes of all backups in one folder: each picture once, in a file that knows whether it is whole.

`blobs/ab/<sha256>.zip` has the renditions of a picture, `incoming/<sha256>` raw bytes. Files are written
beside, a few hundred at a time, synced together and then given their names.
"""

import hashlib
import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path

from catalog.keeping.backup_folder import Backup, BackupRefused, Part
from catalog.storage.blobs import SIZES, BlobMissing, Blobs, Incoming, checked_hash, is_hash
from catalog.storage.bundle import bundled, rendition
from catalog.storage.folders import sync_folder

AT_ONCE = 200  # pictures that are looked for, or synced, together
THREADS = 8  # that wait for disks or object storage
_BESIDE = ".new-"
_Written = tuple[Path, Path]  # the file beside, and the name that it is to have
_END, _END_BYTES = b"PK\x05\x06", 22  # how a ZIP without a comment ends


class Vault:
    """The bytes that all backups of one folder share."""

    def __init__(self, root: Path) -> None:
        self.blobs, self.incoming = root / "blobs", root / "incoming"

    def take_blobs(self, hashes: Iterable[str], source: Blobs) -> tuple[int, int]:
        """Keep pictures that are not kept yet: how many were copied, and how many were gone or damaged."""

        def copy(sha256: str) -> _Written | None:
            try:
                renditions = {size: source.read(sha256, size) for size in SIZES}
            except (BlobMissing, ValueError):  # a damaged one must not keep all others out of the backup
                return None
            return _write_beside(self._blob(sha256), bundled(renditions))

        return _taken(hashes, lambda sha256: _has(self._blob(sha256)), copy)

    def take_incoming(self, hashes: Iterable[str], source: Incoming) -> tuple[int, int]:
        """Keep raw bytes that are not kept yet; return how many were copied, and how many were gone."""

        def copy(sha256: str) -> _Written | None:
            try:
                return _write_beside(self._raw(sha256), source.read(sha256))
            except BlobMissing:
                return None

        return _taken(hashes, lambda sha256: self._raw(sha256).is_file(), copy)

    def give_blobs(self, hashes: Iterable[str], target: Blobs) -> int:
        """Put pictures back that the target lacks; return how many. Raises BackupRefused."""

        def put(sha256: str) -> bool:
            path = self._blob(sha256)
            if there := path.exists():  # else it was gone already when it was to be copied
                target.put(sha256, _renditions(path))
            return there

        return _given(hashes, target.missing, put)

    def give_incoming(self, hashes: Iterable[str], target: Incoming) -> int:
        """Put raw bytes back that the target lacks; return how many. Raises BackupRefused."""

        def put(sha256: str) -> bool:
            path = self._raw(sha256)
            if there := path.exists():
                target.put(_checked(path))
            return there

        return _given(hashes, lambda some: {each for each in some if not target.has(each)}, put)

    def check(self, blobs: Iterable[str], incoming: Iterable[str]) -> int:
        """Read everything; return how many are not there. Raises BackupRefused for one that is broken."""
        missing = 0
        for sha256 in blobs:
            path = self._blob(sha256)
            missing += not path.exists()
            if path.exists():
                _renditions(path)
        for sha256 in incoming:
            path = self._raw(sha256)
            missing += not path.exists()
            if path.exists():
                _checked(path)
        return missing

    def forget_all_but(self, backups: Iterable[Backup]) -> int:
        """Delete bytes that none of these backups names; return how many. Only while no backup is made."""
        kept = list(backups)
        removed = 0
        lists = [listed(backup, backup.manifest.blobs) for backup in kept]
        shelves = groupby(heapq.merge(*lists), key=lambda sha256: sha256[:2])
        shelf, named = next(shelves, ("~", iter(())))
        for folder in sorted(self.blobs.glob("[0-9a-f][0-9a-f]")):
            while shelf < folder.name:
                shelf, named = next(shelves, ("~", iter(())))
            mine = named if shelf == folder.name else ()
            removed += _forget(folder, {f"{sha256}.zip" for sha256 in mine})
        waiting = {sha256 for backup in kept for sha256 in listed(backup, backup.manifest.incoming)}
        return removed + _forget(self.incoming, waiting)

    def _blob(self, sha256: str) -> Path:
        return self.blobs / checked_hash(sha256)[:2] / f"{sha256}.zip"

    def _raw(self, sha256: str) -> Path:
        return self.incoming / checked_hash(sha256)


def _taken(
    hashes: Iterable[str], has: Callable[[str], bool], copy: Callable[[str], _Written | None]
) -> tuple[int, int]:
    copied = gone = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for some in _chunks(hashes):
            new = [sha256 for sha256 in some if not has(sha256)]
            written = [each for each in threads.map(copy, new) if each is not None]
            _keep(written, threads)
            copied, gone = copied + len(written), gone + len(new) - len(written)
    return copied, gone


def _given(
    hashes: Iterable[str], missing: Callable[[list[str]], set[str]], put: Callable[[str], bool]
) -> int:
    with ThreadPoolExecutor(THREADS) as threads:
        return sum(sum(threads.map(put, sorted(missing(some)))) for some in _chunks(hashes))


def listed(backup: Backup, part: Part | None) -> Iterator[str]:
    """The hashes in a backup's list, in order; none where there is no list."""
    return (line.decode().strip() for line in backup.lines(part)) if part else iter(())


def _renditions(path: Path) -> dict[int, bytes]:
    """{size: WebP bytes}. Raises BackupRefused for a file that is not as it was written."""
    whole = path.read_bytes()
    try:
        found = {size: rendition(whole, size) for size in SIZES}
    except ValueError as error:
        raise _broken(path) from error
    renditions = {size: data for size, data in found.items() if data is not None}
    if len(renditions) < len(SIZES):
        raise _broken(path)
    return renditions


def _has(path: Path) -> bool:
    """Whether a file is there to its end; a power cut may have emptied it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _END_BYTES:
                return False
            file.seek(-_END_BYTES, os.SEEK_END)
            return file.read(len(_END)) == _END
    except FileNotFoundError:
        return False


def _checked(path: Path) -> bytes:
    """Raw bytes. Raises BackupRefused for others than their name says."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.name:
        raise _broken(path)
    return data


def _write_beside(target: Path, data: bytes) -> _Written:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(_BESIDE + target.name)
    beside.write_bytes(data)
    return beside, target


def _keep(written: Sequence[_Written], threads: ThreadPoolExecutor) -> None:
    """Sync files and give them their names; what is synced at the same time is written together."""
    list(threads.map(_sync, (beside for beside, _ in written)))
    for beside, target in written:
        beside.replace(target)
    for folder in {target.parent for _, target in written}:
        sync_folder(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _forget(folder: Path, named: set[str]) -> int:
    """Remove the files of a folder but those named; what a killed writer left does not count."""
    removed = 0
    for path in folder.glob("*"):
        unfinished = path.name.startswith(_BESIDE)
        if unfinished or (is_hash(path.stem) and path.name not in named):
            path.unlink()
            removed += not unfinished
    return removed


def _chunks(hashes: Iterable[str]) -> Iterator[list[str]]:
    left = iter(hashes)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _broken(path: Path) -> BackupRefused:
    return BackupRefused(
        "backup-damaged", f"The picture {path} in the backup is not as it was written.",
        f"Delete that file; the next `twirl backup` copies it anew. Restore without it: rm {path}",
    )  # fmt: skip
