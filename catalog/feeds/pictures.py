"""Images that come beside a feed: a folder or a ZIP archive, searched by the names that the feed gives."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol

from catalog.pictures.decoding import MAX_BYTES, ImageRefused
from catalog.records import FeedRefused

MAX_FILES = 200_000  # of a folder that are listed


class PictureMissing(LookupError):
    """No such picture beside the feed; the message names the fix."""


class Pictures(Protocol):
    """Where a feed's file names are looked up."""

    def read(self, name: str) -> bytes:
        """Return a picture's bytes; PictureMissing, or ImageRefused for a file that is too large."""

    def close(self) -> None:
        """Let go of the archive."""


def open_pictures(place: Path | None) -> "OpenPictures":
    """Open the folder or ZIP archive; None stands for a feed that has only links. FeedRefused otherwise."""
    if place is None:
        return OpenPictures(NoPictures())
    if place.is_dir():
        return OpenPictures(FolderPictures(place))
    try:
        return OpenPictures(ZipPictures(place))
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError):
        message = f"{place.name} is neither a folder nor a ZIP archive that can be read."
        raise FeedRefused(
            "images-unreadable", message, "Give the folder or ZIP that holds the images."
        ) from None


class OpenPictures:
    """A context manager around Pictures."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def __enter__(self) -> Pictures:
        return self._pictures

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pictures.close()


class NoPictures:
    """The feed came alone."""

    def read(self, name: str) -> bytes:
        """Raise PictureMissing."""
        raise PictureMissing(
            f"No images came with the feed, so {name[:80]!r} is not found. Give their folder."
        )

    def close(self) -> None:
        """Do nothing."""


class _Names:
    """Finds a file by the name in a feed: by its path, by the end of its path, by its bare name if only one
    file has that; whatever the case.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            key = _key(path)
            self._paths.setdefault(key, path)
            self._by_name.setdefault(key.rsplit("/", 1)[-1], []).append(path)

    def find(self, name: str) -> str:
        key = _key(name)
        if found := self._paths.get(key):
            return found
        same = self._by_name.get(key.rsplit("/", 1)[-1], [])
        deeper = [path for path in same if _ends_with(_key(path), key)]
        shallower = [path for path in same if _ends_with(key, _key(path))]
        for fitting in (deeper, shallower, same):
            if len(fitting) == 1:
                return fitting[0]
        if same:
            raise PictureMissing(f"{name[:80]!r} fits {len(same)} files. Give its folder too.")
        raise PictureMissing(f"The file {name[:80]!r} is not among the images. Add it or mend its name.")


def _key(name: str) -> str:
    return _path(name).casefold()


def _path(name: str) -> str:
    """Return a name in a feed as a relative path; PictureMissing for one that climbs."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise PictureMissing(f"{name[:80]!r} points out of the images' folder. Give a name inside it.")
    return "/".join(parts)


def _ends_with(path: str, end: str) -> bool:
    return ("/" + path).endswith("/" + end)


class FolderPictures:
    """Files under a folder; links that lead out of it are not followed.

    Exact names are opened as they are. Only when one is missing is the folder listed, its first MAX_FILES
    files, to find it by another case or place.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._names: _Names | None = None

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        try:
            path = self._inside(_path(name)) or self._inside(self._listed().find(name))
            if path is None:
                raise PictureMissing(f"{name[:80]!r} leads out of the images' folder. Put the file there.")
            if path.stat().st_size > MAX_BYTES:
                raise _too_large(name)
            return path.read_bytes()
        except (OSError, ValueError) as error:
            words = f"{name[:80]!r} cannot be read ({error}). Check its name and rights."
            raise PictureMissing(words) from None

    def close(self) -> None:
        """Do nothing."""

    def _inside(self, relative: str) -> Path | None:
        path = (self._root / relative).resolve()
        try:
            return path if path.is_relative_to(self._root) and path.is_file() else None
        except OSError:  # a name that is longer than any file's
            return None

    def _listed(self) -> "_Names":
        if self._names is None:
            self._names = _Names(islice(self._walk(), MAX_FILES))
        return self._names

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root):
            folders.sort()
            for file in sorted(files):
                yield Path(folder, file).relative_to(self._root).as_posix()


class ZipPictures:
    """Files in a ZIP archive, read one at a time and never unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        files = [info.filename for info in self._archive.infolist() if not info.is_dir()]
        self._names = _Names(file for file in files if ".." not in file.replace("\\", "/").split("/"))

    def read(self, name: str) -> bytes:
        """Return a file's bytes; what unpacks to more than a picture may have is refused while reading."""
        try:
            with self._archive.open(self._names.find(name)) as file:
                data = file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError):
            message = f"{name[:80]!r} cannot be unpacked: it is damaged or has a password."
            raise ImageRefused("image-zip-damaged", message, "Make the ZIP archive again.") from None
        if len(data) > MAX_BYTES:
            raise _too_large(name)
        return data

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def _too_large(name: str) -> ImageRefused:
    return ImageRefused(
        "image-too-large", f"{name[:80]!r} is larger than 16 MB.", "Save it smaller or as JPEG."
    )
