"""One collection as the keeper sees it: its folder, who serves it, and who builds its successor."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vectors.edge.damage import Deaths, is_aside, set_aside
from vectors.edge.order import Order, write_atomically
from vectors.edge.wire import pack_collection, unpack_collection
from vectors.protocol import Collection

FIRST = "g000001"
SERVED = "served"
STOP_S = 10.0  # to flush and close
_GENERATION = re.compile(r"g\d{6,}")

log = logging.getLogger(__name__)


@dataclass
class Child:
    """A shard process and what it serves."""

    process: subprocess.Popen[bytes]
    order: Order
    started: float = field(default_factory=time.monotonic)

    def wait_or_kill(self) -> None:
        """After it was asked to end: wait for that, or kill it when it takes too long."""
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it now; a shard is safe against that."""
        self.process.kill()
        self.process.wait()


@dataclass
class Shelf:
    """A collection's folder and processes."""

    collection: Collection
    folder: Path
    serving: Child | None = None
    successor: Child | None = None
    retired: list[Child] = field(default_factory=list)  # each answers "moved" for a few seconds more
    ready: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    deaths: Deaths = field(default_factory=Deaths)

    @property
    def current(self) -> str:
        """The name of the generation that counts."""
        return (self.folder / "current").read_text().strip()

    @property
    def generation(self) -> Path:
        """The folder of the generation that counts."""
        return self.folder / self.current

    def next_generation(self) -> Path:
        """An unused folder for a successor."""
        taken = [int(path.name[1:]) for path in self.folder.glob("g*")]
        return self.folder / f"g{max(taken) + 1:06d}"

    def promote(self, name: str) -> None:
        """The one moment of a handover: `current` is renamed into place."""
        write_atomically(self.folder / "current", name)
        self.retired += [self.serving] if self.serving else []
        self.serving, self.successor = self.successor, None

    def note_served(self) -> None:
        """Remember that there is a shard: from now on its absence is damage, not a beginning."""
        (self.folder / SERVED).touch()

    def kill(self) -> None:
        """End every process of the collection."""
        for child in (self.successor, self.serving, *self.retired):
            if child is not None:
                child.kill()


def make_shelf(root: Path, collection: Collection) -> Shelf:
    """A new collection's folder; one that is half made never gets the name that counts."""
    folder = root / collection.name
    beside = folder.with_name(f".making-{collection.name}")
    shutil.rmtree(beside, ignore_errors=True)
    (beside / FIRST).mkdir(parents=True)
    write_atomically(beside / "collection.json", json.dumps(pack_collection(collection)))
    write_atomically(beside / "current", FIRST)
    beside.rename(folder)
    return Shelf(collection, folder)


def open_shelves(root: Path) -> list[Shelf]:
    """The collections on disk, rid of what was half made or half removed when something was killed.

    One that makes no sense is set aside.
    """
    shelves = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not is_aside(path)):
        if folder.name.startswith("."):
            shutil.rmtree(folder)
            continue
        try:
            shelves.append(_open_shelf(folder))
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            log.error("the folder of %s cannot be read: %r", folder.name, error)
            set_aside(folder)
    return shelves


def _open_shelf(folder: Path) -> Shelf:
    """Raises ValueError and the like for a folder that cannot be a collection's."""
    collection = unpack_collection(json.loads((folder / "collection.json").read_text()))
    shelf = Shelf(collection, folder)
    current = shelf.current
    if collection.name != folder.name or not _GENERATION.fullmatch(current):
        raise ValueError(f"collection {collection.name!r}, current generation {current!r}")
    if not (shelf.generation / "shard").is_dir() and (current != FIRST or (folder / SERVED).exists()):
        raise ValueError(f"generation {current} has no shard")
    for generation in folder.iterdir():
        if generation.is_dir() and generation.name != current:
            shutil.rmtree(generation)
    return shelf


def start_child(order: Order, ended: Callable[[Child, int], None]) -> Child:
    """A shard process, which ends with the thread that calls this; `ended` is called with its status."""
    order.generation.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "vectors.edge.shard_process", order.dumps()]
    quiet = subprocess.DEVNULL
    home = (
        Path(__file__).resolve().parents[2]
    )  # not where we were started: a folder there may be called `vectors`
    child = Child(subprocess.Popen(command, stdin=quiet, stdout=quiet, cwd=home), order)  # noqa: S603 - our own module
    threading.Thread(target=lambda: ended(child, child.process.wait()), daemon=True).start()
    return child


def discard(folder: Path) -> None:
    """Remove a folder without waiting: gone by its name at once, by its bytes soon."""
    gone = folder.with_name(f".gone-{folder.name}-{os.urandom(4).hex()}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    threading.Thread(target=shutil.rmtree, args=(gone, True), daemon=True).start()
