"""A feed from its address into a file, under the guards of pictures: public hosts, a cap, a deadline."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import requests
from requests_hardened.ip_filter import InvalidIPAddress

from indexer.errors import FetchFailed
from indexer.following import AddressRefused, Get, Late, TooManyRedirects, followed
from indexer.validators import NOTHING_KNOWN, Validators

AGENT = "Twirl feed fetcher (+https://schema.org/Product)"
DEADLINE_S = 600.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_CHUNK = 2**18
_FIX = "Check that the address opens in a browser; it is tried again by itself."


@dataclass(frozen=True)
class FetchedFeed:
    """What came of fetching. `same`: the host says that nothing has changed, and nothing was written."""

    same: bool
    validators: Validators = NOTHING_KNOWN
    sha256: str = ""
    filename: str = ""


@dataclass(frozen=True)
class FeedFetcher:
    """Fetches feeds of at most `max_bytes`."""

    max_bytes: int
    allow_private: bool = False
    deadline_s: float = DEADLINE_S

    def fetch(self, url: str, into: Path, known: Validators = NOTHING_KNOWN) -> FetchedFeed:
        """Write the feed to `into`, unless it is as `known` says. Raises FetchFailed; OSError of our disk."""
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **known.headers}
        try:
            with followed(url, Get(headers, self.deadline_s, self.allow_private)) as answer:
                if answer.status_code == 304:
                    return FetchedFeed(same=True, validators=known)
                return self._written(answer, url, into)
        except (Late, AddressRefused, TooManyRedirects, requests.RequestException, ValueError) as error:
            raise _translated(error, self.deadline_s) from error

    def _written(self, answer: requests.Response, url: str, into: Path) -> FetchedFeed:
        if answer.status_code != 200:
            raise FetchFailed(
                f"feed-http-{answer.status_code}", f"The feed's address answered {answer.status_code}.",
                "Make the feed public at this address.", answer.status_code in _AGAIN,
            )  # fmt: skip
        digest, size = hashlib.sha256(), 0
        with into.open("wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                size += len(chunk)
                if size > self.max_bytes:
                    raise FetchFailed(
                        "feed-too-large", f"The feed is larger than {self.max_bytes // 2**20} MiB.",
                        "Split it, or raise TWIRL_FEED_MAX_MB.",
                    )  # fmt: skip
                digest.update(chunk)
                file.write(chunk)
        return FetchedFeed(False, Validators.of(answer.headers), digest.hexdigest(), filename_of(url))


def filename_of(url: str) -> str:
    """What a feed at an address is called: the end of its path, else its host."""
    parts = urlsplit(url)
    return (PurePosixPath(unquote(parts.path)).name or parts.hostname or "feed")[:300]


def _translated(error: Exception, deadline_s: float) -> FetchFailed:
    if isinstance(error, (Late, requests.Timeout)):
        return FetchFailed("feed-timeout", f"No feed within {deadline_s:g} s.", _FIX, transient=True)
    if isinstance(error, TooManyRedirects):
        return _refused("The feed's address redirects again and again.")
    if isinstance(error, InvalidIPAddress):
        return _refused("The feed's address is not on the public internet.")
    if isinstance(error, AddressRefused):
        return _refused(str(error))
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return FetchFailed("feed-unreachable", "The feed's host cannot be reached.", _FIX, transient=True)
    return _refused("The feed's address is no address.")


def _refused(message: str) -> FetchFailed:
    return FetchFailed("feed-address", message, "Give the public address of the feed itself.")
