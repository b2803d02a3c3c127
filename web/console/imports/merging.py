"""Pictures that came before and new ones in one archive: of one name, the new one."""

import shutil
import zipfile
import zlib
from pathlib import Path

from catalog.pictures.decoding import MAX_BYTES

MIB = 2**20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class MergeRefused(Exception):
    """Archives that cannot be made one; says what is wrong and what mends it."""


def merge(before: Path, new: Path, target: Path, limit_mb: int) -> None:
    """Write to `target` what is in both archives. Raises MergeRefused.

    What came before is copied as it is and nothing of it is unpacked; a new picture of the same name takes
    the place of the old one in the archive's list.
    """
    shutil.copyfile(before, target)
    with _opened(new) as source, zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:
        fresh = [each for each in source.infolist() if not each.is_dir()]
        _forget(archive, {_key(each.filename) for each in fresh})
        for each in fresh:
            _add(source, each, archive)
            if archive.start_dir > limit_mb * MIB:
                raise MergeRefused(
                    f"These pictures and those that came before are larger than {limit_mb} MiB together. "
                    "Upload the mended file as a feed of its own, with only its pictures."
                )


def _opened(new: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(new)
    except (*_BROKEN, OSError, ValueError):
        raise MergeRefused("The archive of pictures cannot be read. Make the ZIP archive again.") from None


def _forget(archive: zipfile.ZipFile, keys: set[str]) -> None:
    for old in [each for each in archive.infolist() if _key(each.filename) in keys]:
        archive.filelist.remove(old)
        archive.NameToInfo.pop(old.filename, None)


def _key(name: str) -> str:
    """What a feed's name is compared by: see catalog.feeds.pictures."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".")).casefold()


def _add(source: zipfile.ZipFile, info: zipfile.ZipInfo, archive: zipfile.ZipFile) -> None:
    """Copy one picture; of one that is too large only as much as shows that it is."""
    try:
        with source.open(info) as file:
            data = file.read(MAX_BYTES + 1)
    except _BROKEN:
        raise MergeRefused(
            f"{info.filename[:80]} cannot be unpacked: it is damaged or has a password. "
            "Make the ZIP archive again."
        ) from None
    archive.writestr(info.filename, data)
