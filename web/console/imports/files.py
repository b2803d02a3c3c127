"""What a form brings: a feed, and pictures beside it as a ZIP archive or one by one; kept for the workers."""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from catalog.importing.feed_process import FeedProcess
from catalog.storage.feed_files import FeedFileMissing
from web.console.imports.merging import MergeRefused, merge
from web.services import services

MIB = 2**20
MOST_MB = 4096  # of one form; the settings say less
_CHUNK = 2**20


class UploadRefused(Exception):
    """A form's files that cannot be taken; says what is wrong and what mends it."""


def kept_feed(field: str = "feed") -> tuple[str, str, dict[str, Any]]:
    """(key, file name, what it seems to be) of the uploaded feed. Raises UploadRefused, FeedRefused."""
    file = request.files.get(field)
    if file is None or not file.filename:
        raise UploadRefused("No feed was chosen. Choose its file first.")
    files = services().feed_files
    with files.received() as path:
        _write(file, path, services().settings.indexing.feed_max_mb, "feed")
        with FeedProcess(path, limits=services().feed_limits) as child:
            look = child.look()
        return files.keep(path), PurePosixPath(file.filename.replace("\\", "/")).name, look


def kept_pictures(before: str = "", field: str = "pictures") -> str:
    """The key of the archive of the uploaded pictures and of those `before`; "" where there are none.

    Raises UploadRefused.
    """
    given = [file for file in request.files.getlist(field) if file.filename]
    if not given:
        return before
    files, limit = services().feed_files, services().settings.indexing.feed_images_max_mb
    archives = [file for file in given if str(file.filename).lower().endswith(".zip")]
    if archives and len(given) > 1:
        raise UploadRefused("Give one ZIP archive, or the pictures one by one; not both, and not two.")
    with files.received() as path:
        if archives:
            _write(archives[0], path, limit, "archive of pictures")
            if not zipfile.is_zipfile(path):
                raise UploadRefused(f"{archives[0].filename} is no ZIP archive. Make it again.")
        else:
            _pack(given, path, limit)
        return _kept_with(before, path, limit) if before else files.keep(path)


def _kept_with(before: str, new: Path, limit_mb: int) -> str:
    """Keep new pictures together with those of an earlier upload, which other imports may still need."""
    files = services().feed_files
    try:
        with files.opened(before) as old, files.received() as both:
            merge(old, new, both, limit_mb)
            return files.keep(both)
    except FeedFileMissing:  # it is no longer kept: the new ones are all there is
        return files.keep(new)
    except MergeRefused as error:
        raise UploadRefused(str(error)) from None


def _write(file: FileStorage, path: Path, limit_mb: int, what: str) -> None:
    size = 0
    with path.open("wb") as target:
        while chunk := file.stream.read(_CHUNK):
            size += len(chunk)
            if size > limit_mb * MIB:
                raise UploadRefused(f"The {what} is larger than {limit_mb} MiB. Split it in two imports.")
            target.write(chunk)


def _pack(given: Sequence[FileStorage], path: Path, limit_mb: int) -> None:
    """Put loose pictures into an archive, not compressed: pictures are already."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in given:
            with archive.open(str(file.filename).replace("\\", "/").lstrip("/"), "w") as target:
                shutil.copyfileobj(file.stream, target)
            if archive.start_dir > limit_mb * MIB:
                raise UploadRefused(
                    f"The pictures are larger than {limit_mb} MiB. Split them in two imports."
                )
