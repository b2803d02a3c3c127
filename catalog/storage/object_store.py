"""Objects below one address of an object store, through fsspec: bounded in time, with errors that say why.

Only stores whose writes are all or nothing are taken. A store that is away is asked by one caller at a time;
the others are told so at once, so that a shop whose pictures are away still has threads for everything else.
"""

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from catalog.storage.blobs import StorageUnavailable

PROTOCOLS = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
AT_ONCE = 16  # requests of one call that asks many things
AWAY_S = 2.0  # after a failure of the store, how long nobody asks it

# What each library calls its credentials has one of these in it: client_secret, sas_token, account_key, …
_SECRET = re.compile("key|secret|token|passw|credential|signature|sas|connection_string", re.IGNORECASE)
_LIBRARIES = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure", "adlfs")
_OUR_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # where a download is written
_AGES = (
    "LastModified",
    "last_modified",
    "mtime",
    "updated",
    "modified",
    "created",
)  # as each library says it

Answer = TypeVar("Answer")


class StorageRefused(Exception):
    """An address or a place for images that cannot be used: a stable `code`, what is wrong, what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


class ObjectStore:
    """Objects by name below `url`, for instance `s3://bucket/prefix?endpoint_url=https://minio:9000`.

    What follows the question mark goes to the library, as `options` do; credentials have no place in a URL
    that is written down. Thread-safe; a forked copy opens connections of its own.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        self.url, self.timeout_s = url, timeout_s
        self._protocol, self._root = parts.scheme, f"{parts.netloc}{parts.path}".rstrip("/")
        said = dict(parse_qsl(parts.query))
        _check_url(url, parts.scheme, parts.netloc, said)
        self._options = {**_defaults(parts.scheme, timeout_s), **said, **(options or {})}
        self._guard = threading.Lock()
        self._opened: tuple[int, Any] | None = None  # the process, and its file system
        self._away_until = 0.0
        self._asked_while_away = False

    def put(self, name: str, data: bytes) -> None:
        """Write an object, all of it or nothing; an older one of that name is replaced."""
        self._ask(lambda fs, path, limit: fs.pipe_file(path, data, **limit), name)

    def read(self, name: str, first: int | None = None) -> bytes:
        """An object, or its `first` bytes. FileNotFoundError where there is none."""
        span = {} if first is None else {"start": 0, "end": first}
        return bytes(self._ask(lambda fs, path, limit: fs.cat_file(path, **span, **limit), name))

    def has(self, name: str) -> bool:
        """Whether there is such an object."""
        return bool(self._ask(lambda fs, path, limit: fs.exists(path, **limit), name))

    def missing(self, names: Iterable[str]) -> set[str]:
        """Which of these there are not."""
        asked = list(names)
        with ThreadPoolExecutor(min(AT_ONCE, max(len(asked), 1)), thread_name_prefix="objects") as threads:
            return {
                name for name, there in zip(asked, threads.map(self.has, asked), strict=True) if not there
            }

    def delete(self, name: str) -> None:
        """Delete an object; an absent one is no error."""
        try:
            self._ask(lambda fs, path, limit: fs.rm_file(path, **limit), name)
        except FileNotFoundError:
            return

    def age_s(self, name: str) -> float:
        """Seconds since the object was put; 0 for an absent one."""
        try:
            said = self._ask(lambda fs, path, limit: fs.info(path, **limit), name)
        except FileNotFoundError:
            return 0.0
        return max(0.0, time.time() - _instant(said))

    def names(self, folder: str) -> list[str]:
        """The names of what lies directly in a folder, without the folder's; none where there is none.

        A large folder is listed by many requests, each of which is bounded in time.
        """
        try:
            found = self._ask(lambda fs, path, _limit: fs.ls(path, detail=False), folder)
        except FileNotFoundError:
            return []
        return sorted({str(path).rstrip("/").rsplit("/", 1)[-1] for path in found})

    def upload(self, file: Path, name: str) -> None:
        """Write a file of any size as an object."""
        self._ask(lambda fs, path, _limit: fs.put_file(str(file), path), name)

    def download(self, name: str, file: Path) -> None:
        """Read an object of any size into a file. FileNotFoundError where there is none."""
        self._ask(lambda fs, path, _limit: fs.get_file(path, str(file)), name)

    def _ask(self, question: Callable[[Any, str, dict[str, float]], Answer], name: str) -> Answer:
        self._wait_in_line()
        try:
            fs = self._file_system()
            limit = {"timeout": self.timeout_s} if fs.async_impl else {}
            answer = question(fs, f"{self._root}/{name}".rstrip("/"), limit)
        except FileNotFoundError as error:
            self._said(away=False)
            if "bucket does not exist" in str(error):  # NoSuchBucket and NoSuchKey are one class of error
                raise self._no_bucket(error) from error
            raise
        except Exception as error:
            unavailable = self._translated(error)
            self._said(away=unavailable is not None)
            if unavailable is None:
                raise
            raise unavailable from error
        self._said(away=False)
        return answer

    def _wait_in_line(self) -> None:
        """Let the first caller ask a store that was away; tell the others at once. Raises."""
        if not self._away_until:
            return
        with self._guard:
            mine = self._away_until and time.monotonic() >= self._away_until and not self._asked_while_away
            self._asked_while_away = self._asked_while_away or bool(mine)
        if self._away_until and not mine:
            raise self._unreachable("It did not answer a moment ago.")

    def _said(self, away: bool) -> None:
        with self._guard:
            self._away_until = time.monotonic() + AWAY_S if away else 0.0
            self._asked_while_away = False

    def _file_system(self) -> Any:
        with self._guard:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = os.getpid(), self._open()
            return self._opened[1]

    def _open(self) -> Any:
        try:
            # Takes a second to import, which a shop with its images in a folder does not want.
            import fsspec

            return fsspec.filesystem(
                self._protocol, skip_instance_cache=True, use_listings_cache=False, **self._options
            )
        except ImportError as error:
            library = PROTOCOLS[self._protocol]
            raise StorageRefused(
                "storage-library-missing", f"{self.url} needs the Python package {library}.",
                f"Install it: pip install {library}",
            ) from error  # fmt: skip

    def _translated(self, error: Exception) -> StorageUnavailable | None:
        """What is wrong with the storage; None for what is no fault of the storage's."""
        kind = type(error).__name__
        if isinstance(error, PermissionError) or "Credential" in kind or "TokenRetrieval" in kind:
            return StorageUnavailable(
                "storage-denied", f"{self.url} refuses us: {_short(error)}.",
                "Give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role, that may get, put, delete and "
                "list objects there.",
            )  # fmt: skip
        ours = isinstance(error, OSError) and error.errno in _OUR_DISK
        if not ours and (isinstance(error, OSError) or type(error).__module__.startswith(_LIBRARIES)):
            return self._unreachable(f"{_short(error)}.")
        return None

    def _unreachable(self, why: str) -> StorageUnavailable:
        return StorageUnavailable(
            "storage-unreachable", f"The images' storage {self.url} does not answer. {why}",
            "Check that it runs and that this machine may reach it; what was begun is tried again by itself.",
        )  # fmt: skip

    def _no_bucket(self, error: Exception) -> StorageUnavailable:
        return StorageUnavailable(
            "storage-no-bucket", f"There is no bucket for {self.url}: {_short(error)}.",
            "Make the bucket, or correct TWIRL_IMAGES_URL.",
        )  # fmt: skip


def is_object_url(url: str) -> bool:
    """Whether an address is one of object storage, not of a folder."""
    return urlsplit(url).scheme not in ("", "file")


def _check_url(url: str, protocol: str, bucket: str, said: Mapping[str, str]) -> None:
    if protocol not in PROTOCOLS:
        raise StorageRefused(
            "storage-url", f"Images cannot be kept at {url!r}.",
            f"Use a bucket ({', '.join(f'{name}://' for name in PROTOCOLS)}) or a folder "
            "(file:///mnt/images): their writes are all or nothing.",
        )  # fmt: skip
    if "@" in bucket or any(map(_SECRET.search, said)):
        raise StorageRefused(
            "storage-url-secret", "The images' address holds a password, and addresses are written down.",
            "Take it out; use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or TWIRL_IMAGES_OPTIONS_FILE.",
        )  # fmt: skip
    if not bucket:
        raise StorageRefused("storage-url", f"{url!r} names no bucket.", "Write it as s3://bucket/prefix.")


def _defaults(protocol: str, timeout_s: float) -> dict[str, Any]:
    """What we ask of a library unless the options say otherwise."""
    if protocol != "s3":
        return {}
    config = {
        "connect_timeout": min(3.0, timeout_s),
        "read_timeout": timeout_s,
        "retries": {"mode": "standard", "total_max_attempts": 2},  # s3fs tries again by itself
        "max_pool_connections": 2 * AT_ONCE,
    }
    return {"config_kwargs": config}


def _instant(said: Mapping[str, Any]) -> float:
    """When an object was put, as seconds since the epoch."""
    found = next((said[key] for key in _AGES if said.get(key)), None)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, datetime):
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if found is None:
        raise StorageUnavailable(
            "storage-no-ages", "The images' storage does not say how old an object is.", "Use another store."
        )
    return float(found)


def _short(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said.rstrip(".")[:200]
