"""The picture behind an address that a shopper pasted, fetched under the same guards as a merchant's."""

import threading

from catalog.pictures.decoder import ImageRefused
from catalog.storage.blobs import Incoming
from indexer.errors import FetchFailed
from indexer.fetch import INCOMING, Fetcher

DEADLINE_S = 6.0  # a shopper waits
AT_ONCE = 4  # of a process: what is slow elsewhere must not take the threads that answer searches
_FIX = "Save the picture, then drop it here; or paste the address of the picture itself."


class PhotoLinks:
    """Reads pictures by address. Thread-safe. `allow_private` is for tests, as of `Fetcher`."""

    def __init__(self, incoming: Incoming, allow_private: bool = False) -> None:
        self._fetcher = Fetcher(incoming, allow_private, DEADLINE_S)
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def read(self, url: str) -> bytes:
        """The bytes at a public http or https address, at most 16 MiB. Raises ImageRefused with the fix."""
        if url.startswith(INCOMING):
            raise ImageRefused("image-address", "This is no address of a picture.", _FIX)
        if not self._free.acquire(blocking=False):
            busy = "Many pictures are being fetched right now."
            raise ImageRefused("image-busy", busy, "Try again in a few seconds.")
        try:
            return self._fetcher.fetch(url)
        except FetchFailed as error:
            raise ImageRefused(error.code, error.message, _FIX) from error
        finally:
            self._free.release()
