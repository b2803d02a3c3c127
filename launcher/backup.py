"""A backup of the whole installation while it runs: tables, image bytes, vectors, model packs.

Bytes are copied first, because they take longest and only the new ones are copied. Then SQL is read as it is
at one moment, then the bytes that came meanwhile, then the vectors: what has changed since that moment is
told by its rev when they are put back.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from bootstrap import Services
from catalog.database import current_revision
from catalog.keeping.backup_folder import Backup, BackupFolder, BackupRefused, Manifest, VectorPart
from catalog.keeping.byte_vault import Vault, listed
from catalog.keeping.table_dump import dump_hashes, dump_tables, last_ids, snapshot
from catalog.models import Image
from catalog.site import IndexRef, read_site
from embedding.errors import PackRefused
from indexer.vector_snapshot import take

PAGE = 1000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """What a backup is to hold beside the tables, and how many backups are kept (None: all)."""

    images: bool = True
    vectors: bool = True
    keep: int | None = None


@dataclass
class Making:
    """A backup in the making: it lies in `beside` until it is whole."""

    services: Services
    folder: BackupFolder
    beside: Path
    chosen: Chosen
    say: Say
    vault: Vault = field(init=False)

    def __post_init__(self) -> None:
        self.vault = Vault(self.folder.root)

    def run(self) -> Backup:
        """Make it."""
        if self.chosen.images:
            copied, _ = self.vault.take_blobs(decoded(self.services.sessions), self.services.blobs)
            self.say(f"{copied} pictures copied; those that older backups have are not copied again")
        manifest = self._with_bytes(self._tables())
        manifest = replace(manifest, vectors=self._vectors(), packs=self._packs())
        return self.folder.finish(self.beside, manifest)

    def _tables(self) -> Manifest:
        with snapshot(self.services.database) as connection:
            revision = current_revision(connection)
            tables = dump_tables(connection, self.beside)
            blobs, incoming = dump_hashes(connection, self.beside)
            manifest = Manifest(
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                twirl=self.services.parts["twirl"],
                revision=str(revision),
                database=connection.dialect.name,
                tables=tables,
                sequences=last_ids(connection),
            )
        self.say(f"{sum(part.records for part in tables.values())} rows of {len(tables)} tables")
        return replace(manifest, blobs=blobs, incoming=incoming) if self.chosen.images else manifest

    def _with_bytes(self, manifest: Manifest) -> Manifest:
        backup = Backup(self.beside, manifest)
        _, gone = self.vault.take_blobs(listed(backup, manifest.blobs), self.services.blobs)
        _, lost = self.vault.take_incoming(listed(backup, manifest.incoming), self.services.incoming)
        return replace(manifest, gone=gone + lost)

    def _vectors(self) -> list[VectorPart]:
        taken = []
        for index in self._indexes() if self.chosen.vectors else ():
            part = take(self.services.store, index, self.beside)
            if part is not None:
                taken.append(part)
                self.say(f"{part.ids.records} vectors of {index.pack} ({index.fingerprint[:16]})")
        return taken

    def _packs(self) -> list[str]:
        kept = []
        for index in self._indexes():
            try:
                self._keep_pack(index)
            except PackRefused as error:
                self.say(f"The pack {index.pack} is not in the backup: {error}")
            else:
                kept.append(index.fingerprint)
        return kept

    def _keep_pack(self, index: IndexRef) -> None:
        target = self.folder.packs / index.fingerprint
        if target.exists():
            return
        beside = self.beside / "pack"
        shutil.copytree(self.services.pack_folders.find(index.fingerprint), beside)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.rename(target)

    def _indexes(self) -> tuple[IndexRef, ...]:
        return read_site(self.services.sessions).maintained


def make_backup(services: Services, root: Path, chosen: Chosen, say: Say) -> Backup:
    """Add a backup to a folder, then forget the oldest beyond `keep`. The vector engine must answer.

    Raises BackupRefused, and what database, storage and engine raise when they are away; the folder is then
    as it was.
    """
    root = root.expanduser().resolve()
    if root.is_relative_to(services.data):
        raise BackupRefused(
            "backup-inside-data", f"{root} lies in the data folder: it would be lost with it.",
            "Name a folder on another disk.",
        )  # fmt: skip
    folder = BackupFolder(root)
    with folder.begun() as beside:
        made = Making(services, folder, beside, chosen, say).run()
        if chosen.keep is not None:
            _forget(folder, chosen.keep, say)
    return made


def _forget(folder: BackupFolder, keep: int, say: Say) -> None:
    old = folder.names()[:-keep]
    for name in old:
        folder.forget(name)
    left = [folder.open(name) for name in folder.names()]
    removed = Vault(folder.root).forget_all_but(left) if old else 0
    named = {fingerprint for backup in left for fingerprint in backup.manifest.packs}
    for path in folder.packs.glob("*") if old else ():
        if path.name not in named:
            shutil.rmtree(path)
    if old:
        say(f"{len(old)} old backups forgotten, and {removed} pictures that only they had")


def decoded(sessions: sessionmaker[Session]) -> Iterator[str]:
    """The hashes of every decoded picture, page by page along the index."""
    after = ""
    hashes = select(Image.sha256).distinct().order_by(Image.sha256).limit(PAGE)
    while True:
        with sessions() as session:
            some = [str(each) for each in session.scalars(hashes.where(Image.sha256 > after))]
        yield from some
        if len(some) < PAGE:
            return
        after = some[-1]
