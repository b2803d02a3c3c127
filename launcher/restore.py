"""An installation from a backup: bytes and packs, then the tables in one transaction, then the vectors.

Each part may be repeated, so a restore that was cut off is run again, with --force once tables are there.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, select, update

from bootstrap import Services
from catalog.clock import instant
from catalog.database import current_revision, downgrade, knows, upgrade
from catalog.importing.tidying import end_lost
from catalog.keeping.backup_folder import Backup, BackupFolder, BackupRefused
from catalog.keeping.byte_vault import Vault, listed
from catalog.keeping.table_dump import in_use, load_tables
from catalog.models import Image, ImportJob
from catalog.operations import FillRange, Site, Worker
from catalog.site import IndexRef, SiteState, dropped, live_index, read_site
from catalog.storage.feed_files import FeedFiles
from catalog.storage.place import LEFT, Images, Noted, adopt, find_place
from indexer.claims import CLAIMED
from indexer.mapping import ALIAS
from indexer.patience import patiently
from indexer.reindex import requeue
from indexer.vector_snapshot import Refilled, Snapshot, refill
from launcher.embedded import running
from launcher.preflight import lock_store

AT_ONCE = 500
WORKER_SILENT_S = 60
Say = Callable[[str], None]
_CUT_OFF = "A backup was made while it ran. Run it again: it goes on where it stopped."


@dataclass(frozen=True)
class Wanted:
    """Which backup, and how: `force` replaces what is there, without `vectors` all is embedded anew."""

    name: str | None = None
    force: bool = False
    vectors: bool = True


def check_backup(root: Path, name: str | None = None) -> tuple[Backup, int]:
    """Read a backup to its last byte; return it, and how many pictures it lacks. Raises BackupRefused."""
    folder = BackupFolder(root)
    backup = folder.open(name)
    backup.check()
    blobs, incoming = (listed(backup, part) for part in (backup.manifest.blobs, backup.manifest.incoming))
    return backup, Vault(root).check(blobs, incoming)


def restore(services: Services, root: Path, wanted: Wanted, say: Say) -> Refilled:
    """Put a backup in place of what is there. No other process of Twirl may run meanwhile.

    Raises BackupRefused (before anything is changed where the backup is damaged or the target in use),
    StartRefused where Twirl runs, and what database, storage and engine raise when they are away.
    """
    backup = BackupFolder(root).open(wanted.name)
    say(f"The backup of {backup.manifest.made_at}, made by Twirl {backup.manifest.twirl}")
    backup.check()
    with lock_store(services.data):
        _check_target(services, backup, wanted.force)
        old = _in_force(services)
        place = _place(services, backup, Noted.read(old.images_url))
        lacking = _bytes(services, backup, Vault(root), place, say)
        _tables(services, backup, place, say)
        _packs(services, root, backup)
        _settle(services, lacking)
        _end_lost_imports(services, place, say)
    with running(services, ("engine",) if services.embedded else (), say):
        return _vectors(services, backup, wanted.vectors, old.indexes, say)


def _check_target(services: Services, backup: Backup, force: bool) -> None:
    if not knows(backup.manifest.revision):
        raise BackupRefused(
            "backup-too-new", f"The backup's tables are of revision {backup.manifest.revision}.",
            f"Restore it with Twirl {backup.manifest.twirl} or a newer one.",
        )  # fmt: skip
    used = in_use(services.database)
    if used and not force:
        counts = ", ".join(f"{rows} rows in {name}" for name, rows in used.items())
        raise BackupRefused(
            "restore-target-in-use", f"The database is in use: {counts}.",
            "To replace all of it by the backup: the same command with --force.",
        )  # fmt: skip


def _in_force(services: Services) -> SiteState:
    """The installation that is replaced. Raises BackupRefused while it works."""
    with services.database.connect() as connection:
        if current_revision(connection) in (None, "0001"):
            return SiteState()
    with services.sessions() as session:
        lately = Worker.seen_at > instant(session) - timedelta(seconds=WORKER_SILENT_S)
        working = list(session.scalars(select(Worker.name).where(lately)))
    if working and services.settings.storage.database_url:  # else the folder's lock is ours already
        raise BackupRefused(
            "restore-while-working", f"Workers are at work: {', '.join(working[:5])}.",
            f"Stop web, workers and beat; {WORKER_SILENT_S} seconds later run this again.",
        )  # fmt: skip
    return read_site(services.sessions)


def _place(services: Services, backup: Backup, ours: Noted) -> Images | None:
    """Where the bytes go: the setting's place, else the data folder; None where the backup has none."""
    if backup.manifest.blobs is None:
        return None
    chosen = services.settings.storage.images_url
    place = find_place(chosen, Noted(), services.data, services.place.open)
    owner, alone = place.owner().removeprefix(LEFT), not services.settings.storage.database_url
    mine = alone and place.root == services.data  # with the database beside it, it is nobody else's
    if owner and not mine and owner not in (_noted_in(backup).id, ours.id):
        raise BackupRefused(
            "storage-foreign", f"{place.address} holds the images of another installation ({owner}).",
            "Name another prefix or folder in TWIRL_IMAGES_URL.",
        )  # fmt: skip
    return place


def _noted_in(backup: Backup) -> Noted:
    """Where the images were of the installation that was backed up."""
    names, *rows = (json.loads(line) for line in backup.lines(backup.manifest.tables["site"]))
    return Noted.read(dict(zip(names, rows[0], strict=True))["images_url"] if rows else "")


def _bytes(services: Services, backup: Backup, vault: Vault, place: Images | None, say: Say) -> list[str]:
    """Put the pictures back; return the hashes of those that the backup lacks."""
    if place is None:
        say("The backup has no pictures: they must be where they were")
        return []
    for name in ("blobs", "incoming", "index", "run", "photos"):
        (services.data / name).mkdir(parents=True, exist_ok=True)
    blobs, incoming = backup.manifest.blobs, backup.manifest.incoming
    given = vault.give_blobs(listed(backup, blobs), place.blobs)
    given += vault.give_incoming(listed(backup, incoming), place.incoming)
    say(f"{given} pictures copied")
    if not backup.manifest.gone:
        return []
    return [sha256 for some in _chunks(listed(backup, blobs)) for sha256 in sorted(place.blobs.missing(some))]


def _packs(services: Services, root: Path, backup: Backup) -> None:
    for fingerprint in backup.manifest.packs:
        services.pack_folders.keep(services.pack_folders.choose(str(root / "packs" / fingerprint)))


def _tables(services: Services, backup: Backup, place: Images | None, say: Say) -> None:
    """Empty tables of the backup's own revision, its rows, then the newest revision."""
    engine = services.database
    with engine.connect() as connection:
        there = current_revision(connection)
    if there is not None:
        downgrade(engine, "base")
    upgrade(engine, backup.manifest.revision)
    loaded = load_tables(engine, backup)
    upgrade(engine)
    if place is not None:
        adopt(services.sessions, place)
    say(f"{sum(loaded.values())} rows of {len(loaded)} tables")


def _settle(services: Services, lacking: Iterable[str]) -> None:
    """What workers had in hand when the backup was made waits again."""
    unclaimed = {"claimed_by": None, "claimed_at": None}
    with services.sessions.begin() as session:
        session.execute(update(Image).where(Image.state.in_(CLAIMED)).values(state="queued", **unclaimed))
        session.execute(update(FillRange).where(FillRange.done_at.is_(None)).values(**unclaimed))
        cut_off = update(ImportJob).where(ImportJob.state == "running")
        session.execute(cut_off.values(state="failed", message=_CUT_OFF, finished_at=instant(session)))
        session.execute(update(Site).values(generation=Site.generation + 1))
    for some in _chunks(lacking):
        with services.sessions() as session:
            found = list(session.scalars(select(Image.id).where(Image.sha256.in_(some))))
        requeue(services.sessions, found)


def _end_lost_imports(services: Services, place: Images | None, say: Say) -> None:
    """Uploaded feeds are in no backup; where pictures were left out, they too must be where they were."""
    if place is None:
        return
    if ended := end_lost(services.sessions, FeedFiles(place.root, services.data / "uploads")):
        say(f"{ended} imports waited for uploaded files, which no backup has: upload them again")


def _vectors(services: Services, backup: Backup, wanted: bool, old: Iterable[IndexRef], say: Say) -> Refilled:
    site, store = read_site(services.sessions), services.store
    there = set(patiently(store.collections))
    for collection in {index.collection for index in (*old, *site.indexes)} & there:
        patiently(store.drop, collection)
    with services.sessions.begin() as session:
        for index in site.dropping:
            dropped(session, index.id)
    parts = {part.fingerprint: part for part in backup.manifest.vectors} if wanted else {}
    points = queued = 0
    for index in site.maintained:
        part = parts.get(index.fingerprint)
        if part is None and index.state == "filling":
            with services.sessions.begin() as session:  # it begins anew
                session.execute(delete(FillRange).where(FillRange.index_id == index.id))
        done = refill(services.sessions, store, index, Snapshot(backup, part) if part else None)
        points, queued = points + done.points, queued + done.queued
        say(f"{done.points} vectors of {index.pack} ({index.fingerprint[:16]})")
    patiently(store.point_alias, ALIAS, live_index(site).collection)
    return Refilled(points, queued)


def _chunks(hashes: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for sha256 in hashes:
        some.append(sha256)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some
