"""One collection as the keeper sees it: its folder, who serves it, and who builds its successor."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vectors.edge.order import Order, write_atomically
from vectors.edge.wire import pack_collection, unpack_collection
from vectors.protocol import Collection

FIRST = "g000001"
STOP_S = 10.0  # to flush and close


@dataclass
class Child:
    """A shard process and what it serves."""

    process: subprocess.Popen[bytes]
    order: Order

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
    ready: threading.Event = field(default_factory=threading.Event)
    failures: int = 0

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
        self.serving, self.successor = self.successor, None


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
    """The collections on disk, rid of what was half made or half removed when something was killed."""
    shelves = []
    for folder in sorted(root.iterdir()):
        if folder.name.startswith("."):
            shutil.rmtree(folder)
            continue
        collection = unpack_collection(json.loads((folder / "collection.json").read_text()))
        shelf = Shelf(collection, folder)
        for generation in folder.iterdir():
            if generation.is_dir() and generation.name != shelf.current:
                shutil.rmtree(generation)
        shelves.append(shelf)
    return shelves


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
