"""A folder of backups: what lies where, what makes one whole, and what a damaged one is refused for.

    FOLDER/backups/2026-11-24T01-02-03Z/   manifest.json, tables/, vectors/, blobs.txt.gz, incoming.txt.gz
    FOLDER/blobs/, FOLDER/incoming/        bytes by hash, which all backups share
    FOLDER/packs/<fingerprint>/            model packs, which all backups share

A backup is written beside under another name and renamed when everything is on the disk: one that was
interrupted is never taken for a whole one. Each file's sha256 is in the manifest, the manifest's own beside.
"""

import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from catalog.storage.folders import sync_folder, write_durably

FORMAT = 1
_BESIDE = ".new-"
_CHUNK = 1 << 20


class BackupRefused(Exception):
    """A backup that cannot be made or used: a stable `code`, what is wrong, and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


@dataclass(frozen=True)
class Part:
    """One file of a backup: its path under the backup's folder, how many records, bytes and their sha256."""

    path: str
    records: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class VectorPart:
    """The vectors of one index: N ids of 16 bytes, N revs as int64, (N, dimension) float32."""

    fingerprint: str
    dimension: int
    ids: Part
    revs: Part
    vectors: Part


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    made_at: str
    twirl: str
    revision: str  # of the schema
    database: str  # the dialect that it was read from; any can take it
    tables: dict[str, Part]
    sequences: dict[str, int]  # the last id that each table has given away
    blobs: Part | None = None  # a list of hashes; None: images were left out
    incoming: Part | None = None
    gone: int = 0  # pictures that were named but had vanished when they were to be copied
    vectors: list[VectorPart] = field(default_factory=list)
    packs: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def parts(self) -> list[Part]:
        """Every file."""
        vectors = [part for each in self.vectors for part in (each.ids, each.revs, each.vectors)]
        return [*self.tables.values(), *filter(None, (self.blobs, self.incoming)), *vectors]


class PartWriter(io.RawIOBase):
    """Writes one file of a backup and knows its sha256 when it is closed."""

    def __init__(self, root: Path, path: str) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._file, self._hash, self._bytes = path, target.open("xb"), hashlib.sha256(), 0
        self.records = 0

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._file.write(view)
        self._bytes += len(view)
        return len(view)

    def finish(self) -> Part:
        """Return what was written, once it is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Part(self._path, self.records, self._bytes, self._hash.hexdigest())


@contextmanager
def written_lines(root: Path, path: str) -> Iterator[tuple[PartWriter, gzip.GzipFile]]:
    """A gzipped file of lines: count them in the writer's `records`; `finish` the writer after the block."""
    writer = PartWriter(root, path)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=writer, mtime=0) as lines:
        yield writer, lines


class Backup:
    """One whole backup, for reading."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    @property
    def name(self) -> str:
        """When it was begun."""
        return self.folder.name

    def path(self, part: Part) -> Path:
        """Where a part lies."""
        return self.folder / part.path

    def lines(self, part: Part) -> Iterator[bytes]:
        """The lines of a gzipped part."""
        with gzip.open(self.path(part), "rb") as lines:
            yield from lines

    def check(self) -> None:
        """Read every file. Raises BackupRefused for one that is missing or not as it was written."""
        for part in self.manifest.parts:
            try:
                found = _sha256(self.path(part))
            except OSError as error:
                raise damaged(self.folder, f"{part.path} cannot be read ({error.strerror})") from error
            if found != part.sha256:
                raise damaged(self.folder, f"{part.path} is not as it was written")


class BackupFolder:
    """A folder that backups are kept in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def packs(self) -> Path:
        """The model packs."""
        return self.root / "packs"

    def names(self) -> list[str]:
        """The whole backups, oldest first."""
        return sorted(path.parent.name for path in self.root.glob("backups/[0-9]*/manifest.json"))

    def open(self, name: str | None = None) -> Backup:
        """A backup by its name, or the newest. Raises BackupRefused."""
        names = self.names()
        if not names:
            raise BackupRefused(
                "no-backup", f"There is no whole backup in {self.root}.",
                "Name the folder that was given to `twirl backup`.",
            )  # fmt: skip
        if name is not None and name not in names:
            raise BackupRefused(
                "no-backup", f"There is no backup {name!r}.", f"There are: {', '.join(names)}."
            )
        folder = self.root / "backups" / (name or names[-1])
        return Backup(folder, _read_manifest(folder))

    @contextmanager
    def begun(self) -> Iterator[Path]:
        """The folder of a backup in the making, for one process at a time; it is gone after an error."""
        made = self.root / "backups"
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(0o700)  # searches that shoppers made are in it
        with (self.root / ".lock").open("a+") as lock:
            _take(lock, self.root)
            for left in made.glob(f"{_BESIDE}*"):  # of a backup that was killed
                shutil.rmtree(left, ignore_errors=True)
            beside = made / f"{_BESIDE}{self._name()}"
            beside.mkdir()
            try:
                yield beside
            finally:
                shutil.rmtree(beside, ignore_errors=True)

    def finish(self, beside: Path, manifest: Manifest) -> Backup:
        """Give a complete backup its name."""
        body = json.dumps(asdict(manifest), indent=1).encode()
        write_durably(beside / "manifest.json", body)
        write_durably(beside / "manifest.sha256", hashlib.sha256(body).hexdigest().encode())
        for folder in (*(path for path in beside.rglob("*") if path.is_dir()), beside):
            sync_folder(folder)
        whole = beside.with_name(beside.name.removeprefix(_BESIDE))
        beside.rename(whole)
        sync_folder(whole.parent)
        return Backup(whole, manifest)

    def forget(self, name: str) -> None:
        """Remove a backup; half removed it is none."""
        folder = self.root / "backups" / name
        (folder / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def _name(self) -> str:
        name = stem = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        number = 1
        while (self.root / "backups" / name).exists():
            number += 1
            name = f"{stem}-{number}"
        return name


def damaged(folder: Path, what: str) -> BackupRefused:
    """The refusal of a backup that is not as it was written."""
    return BackupRefused(
        "backup-damaged", f"The backup {folder.name} is damaged: {what}.",
        "Restore an older one: `twirl restore FOLDER --list` names them.",
    )  # fmt: skip


def _take(lock: IO[str], root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise BackupRefused(
            "backup-running", f"Another backup into {root} is under way.", "Wait until it has ended."
        ) from error


def _read_manifest(folder: Path) -> Manifest:
    try:
        body = (folder / "manifest.json").read_bytes()
        told = (folder / "manifest.sha256").read_text().strip()
        if hashlib.sha256(body).hexdigest() != told:
            raise ValueError("another sha256")
        said = json.loads(body)
        if said["format"] > FORMAT:
            raise BackupRefused(
                "backup-too-new", f"The backup {folder.name} was made by Twirl {said['twirl']}.",
                "Restore it with that version or a newer one.",
            )  # fmt: skip
        return _manifest(said)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(folder, f"its manifest cannot be read ({error})") from error


def _manifest(said: dict[str, Any]) -> Manifest:
    said["tables"] = {name: Part(**part) for name, part in said["tables"].items()}
    for name in ("blobs", "incoming"):
        said[name] = Part(**said[name]) if said[name] else None
    said["vectors"] = [
        VectorPart(
            each["fingerprint"], each["dimension"], *(Part(**each[n]) for n in ("ids", "revs", "vectors"))
        )
        for each in said["vectors"]
    ]
    return Manifest(**said)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
