"""Taking image bytes and uploaded feeds from one place to another. Run again, it goes on."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.operations import Worker
from catalog.site import decide_images_url
from catalog.storage.blobs import BlobMissing
from catalog.storage.feed_files import FeedFileMissing, FeedFiles
from catalog.storage.object_store import StorageRefused
from catalog.storage.place import LEFT, Images, Noted

AT_ONCE = 16  # images copied side by side
CHUNK = 256
SILENT_S = 60.0  # a worker that was seen less long ago is running
Moving = Callable[[int, int | None], None]  # told of images looked at so far; the total is not known


@dataclass(frozen=True)
class Moved:
    """How many images and waiting raw bytes were copied; those that were there already are not counted."""

    images: int
    incoming: int


def check_quiet(sessions: sessionmaker[Session]) -> None:
    """Raise StorageRefused while workers run: they would go on putting images into the old place."""
    with sessions() as session:
        lately = Worker.seen_at > instant(session) - timedelta(seconds=SILENT_S)
        running = session.scalars(select(Worker.name).where(lately).order_by(Worker.name)).all()
    if running:
        raise StorageRefused(
            "storage-in-use", f"Workers are running: {', '.join(running[:5])}.",
            f"Stop them and the web processes, wait {SILENT_S:g} s, and run it again.",
        )  # fmt: skip


def copy_images(source: Images, target: Images, moving: Moving = lambda _done, _total: None) -> Moved:
    """Copy what the target lacks; it is marked as this installation's first.

    Raises StorageRefused for a place of another installation, StorageUnavailable.
    """
    owner, there = source.owner(), target.owner()
    if there not in ("", owner, LEFT + owner):
        raise StorageRefused(
            "storage-foreign", f"{target.address} holds the images of another installation ({there}).",
            "Name another bucket, prefix or folder.",
        )  # fmt: skip
    target.own(owner)
    looked = _Looked(moving)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="move") as threads:
        images = incoming = 0
        for some in looked.chunks(source.incoming):
            lacking = [sha256 for sha256 in some if not target.incoming.has(sha256)]
            incoming += sum(threads.map(lambda sha256: _copy_incoming(source, target, sha256), lacking))
        for some in looked.chunks(source.blobs):
            lacking = sorted(target.blobs.missing(some))
            images += sum(threads.map(lambda sha256: _copy_image(source, target, sha256), lacking))
    return Moved(images, incoming)


def note_moved(sessions: sessionmaker[Session], source: Images, target: Images) -> None:
    """From now on, whoever starts uses the target.

    A folder that was left says so: with the installation's id in it, it would be taken for the place again.
    """
    owner = target.owner()
    with sessions.begin() as session:
        decide_images_url(session, lambda text: str(Noted(target.address, Noted.read(text).id)))
    if isinstance(source.root, Path) and not is_same(source, target):
        source.own(LEFT + owner)


def is_same(one: Images, other: Images) -> bool:
    """Whether two places are one, whatever their addresses."""
    if isinstance(one.root, Path) and isinstance(other.root, Path):
        return other.root.exists() and one.root.samefile(other.root)
    return one.address == other.address


def _copy_image(source: Images, target: Images, sha256: str) -> bool:
    try:
        renditions = source.blobs.read_all(sha256)
    except (
        BlobMissing,
        ValueError,
    ):  # cleared away meanwhile, lost or damaged: then the doctor misses it there
        return False
    target.blobs.put(sha256, renditions)
    return True


def _copy_incoming(source: Images, target: Images, sha256: str) -> bool:
    try:
        target.incoming.put(source.incoming.read(sha256))
    except BlobMissing:
        return False
    return True


def copy_feeds(source: FeedFiles, target: FeedFiles) -> int:
    """Copy the uploaded feeds and archives that the target lacks, under their keys; return how many."""
    copied = 0
    for key in sorted(set(source) - set(target)):
        with suppress(FeedFileMissing), source.opened(key) as file, target.received() as copy:
            shutil.copyfile(file, copy)
            target.keep(copy, key)
            copied += 1
    return copied


class _Looked:
    """Cuts into chunks, and tells how many there were."""

    def __init__(self, moving: Moving) -> None:
        self._moving, self._done = moving, 0

    def chunks(self, hashes: Iterable[str]) -> Iterator[list[str]]:
        """Up to CHUNK hashes at a time."""
        listed = iter(hashes)
        while some := list(islice(listed, CHUNK)):
            yield some
            self._done += len(some)
            self._moving(self._done, None)
