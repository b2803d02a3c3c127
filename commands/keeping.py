"""Commands that keep the installation well: schema, doctor, backup, restore, rebuild."""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from bootstrap import Services
from indexer.doctor import Difference
from launcher.embedded import prepare
from launcher.show import console, progress, say, show_indexing

SHOWN = 20  # differences of one kind
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.pass_obj
def migrate(services: Services) -> None:
    """Bring the database to the newest schema."""
    prepare(services, migrate=True)
    console.print("The database has the newest schema.")


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended, then look again.")
@click.option("--drop-unknown", is_flag=True, help="With --repair: drop collections that no index here has.")
@click.pass_obj
def doctor(services: Services, repair: bool, drop_unknown: bool) -> None:
    """Compare database, pictures and indexes, and say what differs. Exit status 1 when something does."""
    from launcher.embedded import borrowed
    from launcher.indexing import examine, mend

    prepare(services)
    with borrowed(services, ("engine", "indexer") if repair else ("engine",), say) as tend:
        if repair and (found := sum(1 for _ in mend(services, drop_unknown))):
            console.print(f"{found} differences found; mending")
            services.doorbell.ring(())
            with progress() as bars:
                show_indexing(services, None, bars, tend)
        left = _print_differences(examine(services))
    _print_failed(services)
    sys.exit(1 if left else 0)


def _print_failed(services: Services) -> None:
    """Say what is in no index because it failed: database and index agree on that."""
    if reasons := services.operations.reasons():
        counted = ", ".join(f"{code} {images}" for code, images in sorted(reasons.items()))
        say(f"Pictures that failed and cannot be found: {counted}. /ops shows them.")


def _print_differences(differences: Iterable[Difference]) -> int:
    """Print the first of each kind as they are found, then how many there are."""
    kinds: Counter[str] = Counter()
    for each in differences:
        kinds[each.kind] += 1
        if kinds[each.kind] <= SHOWN:
            say(f"{each.kind}: {each.subject}: {each.detail}\n  Fix: {each.fix}")
    for kind, count in kinds.items():
        if count > SHOWN:
            say(f"{kind}: {count - SHOWN} more")
    console.print(f"{kinds.total()} differences")
    return kinds.total()


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--no-images", is_flag=True, help="Leave pictures out: the object storage has its own copies.")
@click.option("--no-vectors", is_flag=True, help="Leave vectors out: restoring embeds every image again.")
@click.option("--keep", type=click.IntRange(min=1), help="Keep so many backups, forget the older ones.")
@click.pass_obj
def backup(services: Services, folder: Path, no_images: bool, no_vectors: bool, keep: int | None) -> None:
    """Add a backup of everything to FOLDER, while Twirl runs or while it does not.

    Tables, pictures, vectors and model packs. Pictures that an older backup has are not copied again. A
    backup that is interrupted leaves the older ones as they were.
    """
    from launcher.backup import Chosen, make_backup
    from launcher.embedded import borrowed

    prepare(services)
    chosen = Chosen(images=not no_images, vectors=not no_vectors, keep=keep)
    with borrowed(services, ("engine",), say):
        made = make_backup(services, folder, chosen, say)
    if made.manifest.gone:
        say(f"{made.manifest.gone} pictures were deleted meanwhile; restoring will look for them anew")
    say(f"Backup {made.name} in {folder} is whole.")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--name", help="Which backup; the newest unless said. --list names them.")
@click.option("--list", "listing", is_flag=True, help="List the backups in FOLDER and change nothing.")
@click.option("--check", is_flag=True, help="Read the backup to its last byte and change nothing.")
@click.option("--no-vectors", is_flag=True, help="Embed every image again, whatever vectors the backup has.")
@click.option("--force", is_flag=True, help="Replace what is in the database, all of it.")
@click.pass_obj
def restore(
    services: Services,
    folder: Path,
    name: str | None,
    listing: bool,
    check: bool,
    no_vectors: bool,
    force: bool,
) -> None:
    """Put the newest backup in FOLDER (or another one) in place. Stop Twirl first.

    The database may be another than the one that the backup was made of: SQLite or PostgreSQL, and so may
    the vector engine. Cut off, it is run again with --force.
    """
    from launcher.preflight import check_folder
    from launcher.restore import Wanted, check_backup
    from launcher.restore import restore as put_back

    folder = folder.expanduser().resolve()
    if listing:
        _list(folder)
        return
    if check:
        whole, lacking = check_backup(folder, name)
        say(f"Backup {whole.name} is whole; {lacking} pictures were gone when it was made.")
        return
    check_folder(services.data)
    done = put_back(services, folder, Wanted(name, force, not no_vectors), say)
    if done.queued:
        say(f"{done.queued} images wait to be embedded again: start Twirl.")
    say("Restored. `twirl doctor` compares what is there.")


def _list(folder: Path) -> None:
    from catalog.keeping.backup_folder import BackupFolder

    kept = BackupFolder(folder)
    for name in kept.names():
        manifest = kept.open(name).manifest
        images = f"{manifest.blobs.records} pictures" if manifest.blobs else "no pictures"
        vectors = sum(part.ids.records for part in manifest.vectors)
        rows = sum(part.records for part in manifest.tables.values())
        say(f"{name}  {rows} rows, {images}, {vectors} vectors, Twirl {manifest.twirl}")
    say(f"{len(kept.names())} backups")


@click.command()
@click.option("--drop", is_flag=True, help="Drop the collections first: search finds little until the end.")
@click.option("--no-wait", is_flag=True, help="Return at once; it goes on while Twirl runs.")
@click.pass_obj
def rebuild(services: Services, drop: bool, no_wait: bool) -> None:
    """Make every index anew from database and pictures: each image is embedded again.

    The shop goes on: what is in an index stays until it is written over. With --drop nothing of the old
    indexes is left, for one that is damaged.
    """
    from launcher.embedded import borrowed
    from launcher.indexing import begin_rebuild

    prepare(services)
    with borrowed(services, ("engine",) if no_wait else ("engine", "indexer"), say) as tend:
        queued = begin_rebuild(services, drop)
        console.print(f"{queued} images queued to be embedded again")
        services.doorbell.ring(())
        if no_wait:
            return
        with progress() as bars:
            show_indexing(services, None, bars, tend)
        left = _print_differences(_examined(services))
    _print_failed(services)
    sys.exit(1 if left else 0)


def _examined(services: Services) -> Iterable[Difference]:
    from launcher.indexing import examine

    return examine(services)


COMMANDS = (migrate, doctor, backup, restore, rebuild)
