"""What the keeper tells a shard process to do, as one JSON argument; and where a collection lies on disk.

ROOT/engine.lock  ROOT/aliases.json
ROOT/collections/NAME/collection.json       dimension and fields
ROOT/collections/NAME/current               the generation that counts, e.g. "g000003"
ROOT/collections/NAME/g000003/shard/        the Qdrant Edge shard
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from vectors.edge.damage import set_aside
from vectors.edge.wire import pack_collection, unpack_collection
from vectors.protocol import Collection


@dataclass(frozen=True)
class Order:
    """Own `generation`, listen on `socket`; with an `incumbent`, first copy its generation and take over."""

    collection: Collection
    generation: Path
    socket: Path
    keeper: Path  # its socket
    aliases: Path  # the file
    parent: int  # the keeper's process id
    incumbent: Path | None = None  # its socket
    source: Path | None = None  # its generation

    def dumps(self) -> str:
        """As one argument of a command line."""
        paths = {"generation": self.generation, "socket": self.socket, "keeper": self.keeper}
        paths |= {"aliases": self.aliases}
        known = {"incumbent": self.incumbent, "source": self.source}
        return json.dumps(
            {"collection": pack_collection(self.collection), "parent": self.parent}
            | {name: str(path) for name, path in paths.items()}
            | {name: str(path) for name, path in known.items() if path is not None}
        )

    @staticmethod
    def loads(text: str) -> "Order":
        """The inverse of `dumps`."""
        packed = json.loads(text)
        collection, parent = unpack_collection(packed.pop("collection")), packed.pop("parent")
        return Order(collection, parent=parent, **{name: Path(path) for name, path in packed.items()})

    def aliases_stamp(self) -> int:
        """Changes whenever the alias file is replaced; 0 when there is none."""
        try:
            status = self.aliases.stat()
        except FileNotFoundError:
            return 0
        return hash((status.st_mtime_ns, status.st_ino))

    def read_aliases(self) -> frozenset[str]:
        """The aliases that mean this collection now."""
        known = read_aliases(self.aliases)
        return frozenset(alias for alias, name in known.items() if name == self.collection.name)


def read_aliases(path: Path) -> dict[str, str]:
    """Alias -> collection."""
    try:
        aliases: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return aliases


def check_aliases(path: Path) -> None:
    """Set the file aside where it makes no sense: who indexes points the aliases again."""
    try:
        sound = all(isinstance(name, str) for name in read_aliases(path).values())
    except (ValueError, AttributeError):
        sound = False
    if not sound:
        set_aside(path)


def write_atomically(path: Path, text: str) -> None:
    """The file holds the old text or the new one, whatever is killed; and it survives a power cut."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
