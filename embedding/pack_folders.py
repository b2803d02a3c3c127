"""The packs at hand: where the folder of a fingerprint, or of a name, is. Looking loads no weights, no torch.

Whatever is registered is kept in one folder of the installation's own, by fingerprint: neither an upgrade of
the program nor a change of the setting may take the pack of the live index away.
"""

import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedding.errors import PackRefused

Fetch = Callable[[str], Path | None]  # fingerprint -> the folder it is in now, if any
Publish = Callable[[Path, str], None]  # a kept folder and its fingerprint: other machines may want it


@dataclass(frozen=True)
class PackAtHand:
    """A folder with a pack in it, as its `pack.json` says; `damaged` tells why it cannot be one."""

    folder: Path
    name: str
    fingerprint: str = ""
    dimension: int = 0
    damaged: str = ""


class PackFolders:
    """Packs by fingerprint and by name. Thread-safe."""

    def __init__(
        self,
        named: Path,
        shelves: Sequence[Path],
        kept: Path,
        fetch: Fetch = lambda _fingerprint: None,
        publish: Publish = lambda _folder, _fingerprint: None,
    ) -> None:
        """`named` is the one that the settings name; each of `shelves` and `kept` holds folders of packs."""
        self.named, self._shelves, self.kept = named, tuple(shelves), kept
        self._fetch, self._publish = fetch, publish

    def __iter__(self) -> Iterator[PackAtHand]:
        """Every pack at hand, the named one first, each fingerprint once; damaged ones too."""
        seen: set[str | Path] = set()
        for folder in self._folders():
            found = look(folder)
            if (key := found.fingerprint or folder.resolve()) not in seen:
                seen.add(key)
                yield found

    def find(self, fingerprint: str) -> Path:
        """The folder of the pack of this fingerprint. Raises PackRefused where it is nowhere at hand."""
        for found in self:
            if found.fingerprint == fingerprint:
                return found.folder
        if (fetched := self._fetch(fingerprint)) is not None:
            return fetched
        raise PackRefused(
            "pack-not-at-hand", f"The model pack {fingerprint[:16]} is not on this machine.",
            f"Put its folder into {self.kept}.",
        )  # fmt: skip

    def choose(self, said: str) -> PackAtHand:
        """The pack that an operator means: a folder, a name, or the beginning of a fingerprint.

        Raises PackRefused.
        """
        folder = Path(said).expanduser()
        if (folder / "pack.json").is_file():
            return _whole(look(folder))
        packs = list(self)
        exact = [each for each in packs if each.name == said]
        found = exact or [each for each in packs if said and each.fingerprint.startswith(said)]
        if len(found) == 1:
            return _whole(found[0])
        known = ", ".join(f"{each.name} ({each.fingerprint[:16]})" for each in packs if not each.damaged)
        if found:
            raise PackRefused(
                "pack-ambiguous", f"{said!r} may be any of {len(found)} packs.",
                f"Name its folder or its fingerprint: {known}.",
            )  # fmt: skip
        raise PackRefused(
            "pack-unknown", f"There is no model pack {said!r}.",
            f"Name a folder with a pack.json in it, or one of: {known}.",
        )  # fmt: skip

    def first(self) -> PackAtHand:
        """The one that the settings name: a new installation begins with it. Raises PackRefused."""
        try:
            return self.choose(str(self.named))
        except PackRefused as error:
            if error.code != "pack-unknown":
                raise
            fix = "Name the folder of one in TWIRL_PACK; Twirl's own is packs/twirl-small beside its sources."
            raise PackRefused(error.code, error.message, fix) from error

    def keep(self, pack: PackAtHand) -> Path:
        """Copy a pack among the kept ones, checked, and publish it; one that is there stays.

        Raises PackRefused.
        """
        target = self.kept / pack.fingerprint
        if look(target).fingerprint != pack.fingerprint:
            self._copy(pack, target)
        self._publish(target, pack.fingerprint)
        return target

    def _copy(self, pack: PackAtHand, target: Path) -> None:
        verified(pack.folder)
        self.kept.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.kept))
        try:
            shutil.copytree(pack.folder, beside / "pack")
            shutil.rmtree(target, ignore_errors=True)
            (beside / "pack").rename(target)
        except OSError:
            if look(target).fingerprint != pack.fingerprint:  # another process kept it first: as good
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _folders(self) -> Iterator[Path]:
        if (self.named / "pack.json").is_file():
            yield self.named
        for shelf in (*self._shelves, self.kept):
            yield from (
                path.parent for path in sorted(shelf.glob("*/pack.json")) if path.parent.name[0] != "."
            )


def look(folder: Path) -> PackAtHand:
    """What the folder's `pack.json` says, unchecked; never raises."""
    try:
        said = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
        return PackAtHand(folder, str(said["name"]), str(said["fingerprint"]), int(said["dimension"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return PackAtHand(folder, folder.name, damaged=repr(error))


def verified(folder: Path) -> str:
    """The fingerprint of a pack whose every byte was looked at. Raises PackRefused."""
    # Brings torch, which looking does without.
    from embedding.dual_files import DUAL, check_files, read_dual
    from embedding.pack_files import read_info, read_pack_json, read_weights

    if read_pack_json(folder).get("kind") == DUAL:
        dual = read_dual(folder)
        check_files(folder, dual)
        return dual.fingerprint
    info = read_info(folder)
    read_weights(folder, info)
    return info.fingerprint


def notice(named: PackAtHand, live_name: str, live_fingerprint: str) -> str:
    """A sentence where the settings name another pack than the live index's; else nothing."""
    if named.fingerprint == live_fingerprint:
        return ""
    goes_on = f"The live model stays {live_name} ({live_fingerprint[:16]})."
    if named.damaged:
        return f"TWIRL_PACK names {named.folder}, where there is no readable pack. {goes_on}"
    change = f"`twirl reembed --pack {shlex.quote(str(named.folder))}` and then `twirl switch` change it."
    return f"TWIRL_PACK names {named.name} ({named.fingerprint[:16]}). {goes_on} {change}"


def _whole(pack: PackAtHand) -> PackAtHand:
    if pack.damaged:
        raise PackRefused(
            "pack-damaged", f"{pack.folder} holds no readable pack.json.", "Restore it from where it came."
        )
    return pack
