"""Model packs beside the images, so that a worker on another machine finds the one it needs.

A pack is a folder of files. In object storage `pack.json` goes up last and is asked for first: who finds it
finds the rest. In a folder that machines share, a pack is copied beside and renamed.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from catalog.storage.folders import rename_folder
from catalog.storage.object_store import ObjectStore

_LAST = "pack.json"
Verify = Callable[[Path], str]  # a pack's folder -> its fingerprint; raises for one that is damaged


class PackFiles:
    """Publishes packs to `packs/<fingerprint>/` of a place, and fetches them into a local folder."""

    def __init__(self, place: ObjectStore | Path, kept: Path, verify: Verify) -> None:
        self.place, self.kept, self._verify = place, Path(kept), verify

    def publish(self, folder: Path, fingerprint: str) -> None:
        """Put a pack's files where other machines find them; nothing happens where they are."""
        if isinstance(self.place, ObjectStore):
            self._upload(self.place, folder, fingerprint)
        else:
            _take(folder, self.place / "packs" / fingerprint)

    def fetch(self, fingerprint: str) -> Path | None:
        """The pack in the local folder, brought there and verified where it was not; None if not published.

        Raises StorageUnavailable, and what `verify` raises for a damaged one, of which nothing is left.
        """
        folder = self.kept / fingerprint
        if _is_pack(folder):
            return folder
        self.kept.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.kept))
        try:
            if not self._bring(fingerprint, beside):
                return None
            found = self._verify(beside)
            if found != fingerprint:
                raise ValueError(f"The pack that was published as {fingerprint} is {found}.")
            beside.chmod(0o755)
            rename_folder(beside, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return folder

    def _upload(self, store: ObjectStore, folder: Path, fingerprint: str) -> None:
        if store.has(f"packs/{fingerprint}/{_LAST}"):
            return
        files = [path for path in folder.iterdir() if path.is_file()]
        for path in sorted(files, key=lambda path: path.name == _LAST):
            store.upload(path, f"packs/{fingerprint}/{path.name}")

    def _bring(self, fingerprint: str, into: Path) -> bool:
        """Copy a published pack's files; whether there is one."""
        if not isinstance(self.place, ObjectStore):
            published = self.place / "packs" / fingerprint
            if _is_pack(published):
                shutil.copytree(published, into, dirs_exist_ok=True)
            return _is_pack(published)
        names = self.place.names(f"packs/{fingerprint}")
        if _LAST not in names:
            return False
        for name in names:
            self.place.download(f"packs/{fingerprint}/{name}", into / name)
        return True


def _take(folder: Path, target: Path) -> None:
    """Copy a pack's folder, all of it or nothing; one that is there stays."""
    if _is_pack(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    try:
        shutil.copytree(folder, beside, dirs_exist_ok=True)
        beside.chmod(0o755)
        rename_folder(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _is_pack(folder: Path) -> bool:
    return (folder / _LAST).is_file()
