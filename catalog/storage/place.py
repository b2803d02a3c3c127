"""Where image bytes are kept: one place for the whole installation, written down in the ledger.

The first process writes down the address and an id, and leaves the id in the place itself. So a process on
another machine finds object storage by the ledger alone, a folder that is not the same one is noticed before
anything is written to it, and two installations never clear away each other's images.
"""

import json
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sqlalchemy.orm import Session, sessionmaker

from catalog.site import decide_images_url, read_site
from catalog.storage.blobs import Blobs, Incoming, StorageUnavailable
from catalog.storage.folders import FolderBlobs, FolderIncoming, write_durably
from catalog.storage.object_store import ObjectStore, StorageRefused, is_object_url
from catalog.storage.objects import MARKER, ObjectBlobs, ObjectIncoming, lost
from catalog.storage.pack_files import PackFiles, Verify
from catalog.storage.rendition_cache import RenditionCache

LEFT = "left:"  # in a folder, before the id of the installation that was moved away from it


class PlaceSettings(Protocol):
    """The settings that say where image bytes are kept."""

    @property
    def images_url(self) -> str:
        """Object storage or a folder; "" for what the ledger notes, else the data folder."""

    @property
    def images_options(self) -> str:
        """JSON for the storage's library; it may hold credentials."""

    @property
    def images_timeout_s(self) -> float:
        """How long one request may take."""

    @property
    def images_cache_mb(self) -> int:
        """How much of it is kept in the data folder, for browsers."""


@dataclass(frozen=True)
class Noted:
    """What the ledger says: an address and the id of the installation whose images lie there."""

    address: str = ""
    id: str = ""

    @classmethod
    def read(cls, text: str) -> "Noted":
        """From `address#id`; nothing from nothing."""
        address, _, found = text.rpartition("#")
        return cls(address, found)

    def __str__(self) -> str:
        return f"{self.address}#{self.id}"


@dataclass(frozen=True)
class Images:
    """One place, opened: a folder or object storage, and the rooms in it."""

    address: str
    root: Path | ObjectStore
    blobs: Blobs
    incoming: Incoming

    def owner(self) -> str:
        """The id that was left here; "" where none was. Raises StorageUnavailable."""
        try:
            if isinstance(self.root, ObjectStore):
                said = self.root.read(MARKER)
            else:
                said = _marker(self.root).read_bytes()
        except FileNotFoundError:
            return ""
        return str(json.loads(said)["id"])

    def own(self, owner: str) -> None:
        """Leave an id here. Raises StorageUnavailable."""
        said = json.dumps({"id": owner}).encode()
        if isinstance(self.root, ObjectStore):
            self.root.put(MARKER, said)
        else:
            marker = _marker(self.root)
            marker.parent.mkdir(parents=True, exist_ok=True)
            write_durably(marker, said)


def open_folder(root: Path) -> Images:
    """The place in a local folder (a mounted one too)."""
    root = Path(root).resolve()
    address = f"file://{socket.gethostname()}{root}"
    return Images(address, root, FolderBlobs(root / "blobs"), FolderIncoming(root / "incoming"))


def open_objects(
    url: str, options: Mapping[str, Any], timeout_s: float, cache: RenditionCache | None = None
) -> Images:
    """The place in object storage; nothing is asked of it yet. Raises StorageRefused for an unusable URL."""
    store = ObjectStore(url, options, timeout_s)
    return Images(url, store, ObjectBlobs(store, cache), ObjectIncoming(store))


def find_place(setting: str, noted: Noted, data: Path, open_url: Callable[[str], Images]) -> Images:
    """The place to use: the setting's, else the one that the ledger notes, else the data folder.

    Raises StorageRefused where setting and ledger differ, and where a noted folder is not on this machine.
    """
    if is_object_url(setting or noted.address):
        if noted.address and setting and _plain(setting) != _plain(noted.address):
            raise _moved(setting, noted)
        return open_url(setting or noted.address)
    if is_object_url(noted.address):
        raise _moved(setting, noted)
    places = [open_folder(root) for root in _folders(setting, noted, data)]
    return next((place for place in places if noted.id and place.owner() == noted.id), places[0])


def check_ours(images: Images, noted: Noted) -> None:
    """Raise StorageRefused where the place is not the noted one, StorageUnavailable where it cannot say."""
    owner = images.owner() if noted.address else ""
    if owner == noted.id:
        return
    if isinstance(images.root, Path):
        raise StorageRefused(
            "storage-elsewhere", f"The images of this installation are not in {images.root}.",
            f"They are kept in {noted.address}: mount that folder here and name it in TWIRL_DATA or "
            "TWIRL_IMAGES_URL=file:///path, or move the images to object storage with `twirl images move`. "
            "If these are they, restored from a backup: twirl images adopt",
        )  # fmt: skip
    if owner:
        raise _foreign(images, owner)
    raise lost(images.root)


def settle(sessions: sessionmaker[Session], images: Images, own_ledger: bool) -> None:
    """Note where the images are kept, the first time; later check that they still are.

    `own_ledger`: the database lies in the images' own folder, so what is there is ours whatever it says.
    Raises StorageRefused, StorageUnavailable.
    """
    noted = Noted.read(read_site(sessions).images_url)
    if noted.address and _as_noted(images, noted):
        return

    def decide(text: str) -> str:
        noted, owner = Noted.read(text), images.owner()
        if noted.address and (not own_ledger or owner.startswith(LEFT)):
            check_ours(images, noted)  # another process was first, object storage lost the id, or they moved
        if owner and not noted.address and not own_ledger:
            raise _foreign(images, owner)
        wanted = noted.id or owner or secrets.token_hex(8)
        if owner != wanted:
            images.own(wanted)
        return text or str(Noted(images.address, wanted))

    with sessions.begin() as session:
        decide_images_url(session, decide)


def _as_noted(images: Images, noted: Noted) -> bool:
    """Whether nothing is to be noted anew; storage that is away is taken at the ledger's word."""
    try:
        return images.owner() == noted.id
    except StorageUnavailable:
        if isinstance(images.root, Path):
            raise
        return True


def adopt(sessions: sessionmaker[Session], images: Images) -> None:
    """Say that this place holds the images of this installation: after a restore, or a change of address."""

    def decide(text: str) -> str:
        wanted = Noted.read(text).id or images.owner().removeprefix(LEFT) or secrets.token_hex(8)
        images.own(wanted)
        return str(Noted(images.address, wanted))

    with sessions.begin() as session:
        decide_images_url(session, decide)


def _marker(root: Path) -> Path:
    return root / "blobs" / MARKER


def _folders(setting: str, noted: Noted, data: Path) -> list[Path]:
    """Where a folder may be, the likeliest first: a data folder that was moved or copied has its own."""
    if setting:
        return [Path(urlsplit(setting).path)]
    there = Path(urlsplit(noted.address).path) if noted.address else data
    return [data, there]


def _plain(url: str) -> str:
    """A URL without what only says how to get there."""
    return url.split("?")[0].rstrip("/")


def _moved(setting: str, noted: Noted) -> StorageRefused:
    return StorageRefused(
        "storage-moved", f"The images are kept at {noted.address}, but TWIRL_IMAGES_URL names {setting}.",
        f"Move them: TWIRL_IMAGES_URL= twirl images move {setting}. Or leave TWIRL_IMAGES_URL out.",
    )  # fmt: skip


def _foreign(images: Images, owner: str) -> StorageRefused:
    return StorageRefused(
        "storage-foreign", f"{images.address} holds the images of another installation ({owner}).",
        "Name another prefix or folder in TWIRL_IMAGES_URL. If they are this one's, restored from a backup: "
        "twirl images adopt",
    )  # fmt: skip


class ImagePlace:
    """The place that this process uses, found by its settings and the ledger when it is first asked for."""

    def __init__(
        self, sessions: sessionmaker[Session], data: Path, chosen: PlaceSettings, verify: Verify
    ) -> None:
        self.sessions, self.data, self.chosen, self._verify = sessions, data, chosen, verify

    @cached_property
    def images(self) -> Images:
        """Images and raw bytes. Raises StorageRefused where the place is not this installation's.

        Object storage that does not answer now is taken as it is: whoever asks it for bytes is told.
        """
        noted = self.noted()
        found = find_place(self.chosen.images_url, noted, self.data, self.open)
        try:
            check_ours(found, noted)
        except StorageUnavailable:
            if isinstance(found.root, Path):
                raise
        return found

    def check(self) -> None:
        """Raise now what `images` would refuse later, and StorageUnavailable for what waiting cannot mend."""
        try:
            check_ours(self.images, self.noted())
        except StorageUnavailable as error:
            if error.code != "storage-unreachable":
                raise

    def noted(self) -> Noted:
        """What the ledger says."""
        return Noted.read(read_site(self.sessions).images_url)

    def settle(self, own_ledger: bool) -> None:
        """Note the place, the first time, or check it. Raises StorageRefused, StorageUnavailable."""
        found = find_place(self.chosen.images_url, self.noted(), self.data, self.open)
        settle(self.sessions, found, own_ledger and found.root == self.data)

    def open(self, url: str) -> Images:
        """Any place by its address. Raises StorageRefused."""
        if not is_object_url(url):
            return open_folder(Path(urlsplit(url).path))
        cache = RenditionCache(self.data / "cache", self.chosen.images_cache_mb * 2**20)
        return open_objects(url, _options(self.chosen.images_options), self.chosen.images_timeout_s, cache)

    def fetch_pack(self, fingerprint: str) -> Path | None:
        """A model pack that another machine published; see `PackFiles.fetch`."""
        return self._packs.fetch(fingerprint)

    def publish_pack(self, folder: Path, fingerprint: str) -> None:
        """Put a model pack where other machines find it; see `PackFiles.publish`."""
        self._packs.publish(folder, fingerprint)

    @property
    def _packs(self) -> PackFiles:
        return PackFiles(self.images.root, self.data / "packs", self._verify)


def _options(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text or "{}")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise StorageRefused(
            "storage-options", "TWIRL_IMAGES_OPTIONS is no JSON object.",
            'Write it as {"endpoint_url": "https://minio:9000"}.',
        )  # fmt: skip
    return said
