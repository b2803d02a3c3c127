"""Raw image bytes, from the incoming folder or from a merchant's URL."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests_hardened.ip_filter import InvalidIPAddress

from catalog.storage.blobs import BlobMissing, Incoming
from indexer.errors import FetchFailed
from indexer.following import MAX_REDIRECTS, AddressRefused, Get, Late, TooManyRedirects, followed
from indexer.validators import NOTHING_KNOWN, Validators, wait_s

INCOMING = "incoming:"
MAX_BYTES = 16 * 1024 * 1024
DEADLINE_S = 20.0
PER_HOST = 4  # connections to one host at once: a merchant's site is no load test
AGENT = "Twirl image fetcher (+https://schema.org/Product)"
HOST_WAIT_S = 60.0  # at most, that others of a host wait with one: its answer may be about that one alone
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_BUSY = {429, 503}  # whose Retry-After is heeded
UNCHANGED = 304


@dataclass(frozen=True)
class Fetched:
    """What an address gave; `data` is None where the host says that what it said last time holds."""

    data: bytes | None
    validators: Validators = NOTHING_KNOWN


class Fetcher:
    """Gets the bytes behind `Image.source`. Thread-safe.

    A host that says when it wants to be asked again (429 and 503 with Retry-After) is left alone so long.
    `allow_private` opens loopback addresses and any port: for tests against a server of their own.
    """

    def __init__(
        self, incoming: Incoming, allow_private: bool = False, deadline_s: float = DEADLINE_S
    ) -> None:
        self.incoming, self.allow_private, self.deadline_s = incoming, allow_private, deadline_s
        self._hosts: defaultdict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(PER_HOST)
        )
        self._busy: dict[str, float] = {}  # hosts that want not to be asked, until when

    def fetch(self, source: str) -> bytes:
        """The raw bytes, at most MAX_BYTES. Raises FetchFailed."""
        return self.get(source).data or b""

    def get(self, source: str, known: Validators = NOTHING_KNOWN) -> Fetched:
        """The raw bytes, at most MAX_BYTES, unless the host says that they are as `known`. FetchFailed."""
        if source.startswith(INCOMING):
            return Fetched(self._incoming(source.removeprefix(INCOMING)))
        try:
            host = urlsplit(source).netloc
        except ValueError:
            raise _refused("The image's address is no address.") from None
        with self._hosts[host]:
            self._heed(host)
            try:
                return self._download(source, known)
            except FetchFailed as failed:
                if failed.wait_s:
                    self._busy[host] = time.monotonic() + min(failed.wait_s, HOST_WAIT_S)
                raise

    def _heed(self, host: str) -> None:
        """Leave a host alone that wants it."""
        left = self._busy.get(host, 0.0) - time.monotonic()
        if left > 0:
            raise FetchFailed(
                "image-host-busy", "The image's host asks us to come again later.",
                "Nothing is to be done: it is tried again by itself.", True, left, asked=False,
            )  # fmt: skip
        self._busy.pop(host, None)

    def _incoming(self, sha256: str) -> bytes:
        try:
            return self.incoming.read(sha256)
        except BlobMissing:
            raise FetchFailed(
                "image-missing", "The bytes of this image are gone.", "Import the feed with its images again."
            ) from None

    def _download(self, url: str, known: Validators) -> Fetched:
        headers = {"User-Agent": AGENT, "Accept": "image/*", "Accept-Encoding": "identity", **known.headers}
        try:
            with followed(url, Get(headers, self.deadline_s, self.allow_private)) as answer:
                if known and answer.status_code == UNCHANGED:
                    return Fetched(None, known)
                return Fetched(_body(answer), Validators.of(answer.headers))
        except TooManyRedirects as error:
            raise FetchFailed(
                "image-redirects", f"The image address redirects more than {MAX_REDIRECTS} times.",
                "Give the address of the image itself.",
            ) from error  # fmt: skip
        except AddressRefused as error:
            raise _refused(str(error)) from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise _translate(error, self.deadline_s) from error


def _body(answer: requests.Response) -> bytes:
    if answer.status_code != 200:
        raise FetchFailed(
            f"image-http-{answer.status_code}", f"The image's address answered {answer.status_code}.",
            "Make the image public at this address, then import again.", answer.status_code in _AGAIN,
            wait_s(answer.headers) if answer.status_code in _BUSY else 0.0,
        )  # fmt: skip
    chunks, size = [], 0
    for chunk in answer.iter_content(65_536):
        size += len(chunk)
        if size > MAX_BYTES:
            raise FetchFailed(
                "image-too-large", f"The image is larger than {MAX_BYTES // 2**20} MiB.",
                "Save it smaller or at a lower JPEG quality.",
            )  # fmt: skip
        chunks.append(chunk)
    return b"".join(chunks)


def _refused(message: str) -> FetchFailed:
    return FetchFailed("image-address", message, "Give a public address of the image in the feed.")


def _translate(error: Exception, deadline_s: float) -> FetchFailed:
    fix = "Check that the address opens in a browser; it is tried again by itself."
    if isinstance(error, (Late, requests.Timeout)):
        return FetchFailed("image-timeout", f"No image within {deadline_s:g} s.", fix, transient=True)
    if isinstance(error, InvalidIPAddress):
        return _refused("The image's address is not on the public internet.")
    if isinstance(error, (requests.exceptions.InvalidURL, UnicodeError)):
        return _refused("The image's address is no address.")
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, OSError)):
        return FetchFailed("image-unreachable", "The image's host cannot be reached.", fix, transient=True)
    return _refused("The image's address cannot be used.")
