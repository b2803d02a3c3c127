"""Shoppers' photos, kept for a while so that a result page can be paged, filtered and shared by address."""

import io
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_QUALITY = 92
_AT_HAND = 16  # photos; under 700 KB of pixels each


class QueryPhotos:
    """WebP files named by unguessable ids: `root/<id>.webp`. Who has the id can see the photo. Thread-safe.

    The pixels of the photos put last stay at hand, because the search that follows an upload asks for them
    at once. The file alone says whether a photo is still kept.
    """

    def __init__(self, root: Path, ttl_s: float) -> None:
        self.root, self.ttl_s = Path(root), ttl_s
        self._at_hand: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        self._guard = Lock()

    def put(self, pixels: NDArray[np.uint8]) -> str:
        """Keep (H, W, 3) uint8 RGB, longest side some 480 px; return its id (128 random bits)."""
        photo_id = secrets.token_urlsafe(16)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "WEBP", quality=_QUALITY, method=0)  # the fastest; as fine
        self.root.mkdir(parents=True, exist_ok=True)
        beside = self.root / f".new-{photo_id}"
        beside.touch(mode=0o600)
        beside.write_bytes(encoded.getvalue())
        beside.replace(self._path(photo_id))
        self._hold(photo_id, pixels)
        return photo_id

    def get(self, photo_id: str) -> NDArray[np.uint8] | None:
        """(H, W, 3) uint8 RGB, or None when it is not kept (any more)."""
        held = self._held(photo_id)
        if held is not None:
            return held
        data = self.webp(photo_id)
        if data is None:
            return None
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            return np.asarray(image.convert("RGB"))

    def webp(self, photo_id: str) -> bytes | None:
        """The WebP bytes, or None when it is not kept (any more)."""
        if not _ID.fullmatch(photo_id):
            return None  # what is no id of ours could name any file
        path = self._path(photo_id)
        try:
            return None if self._expired(path) else path.read_bytes()
        except FileNotFoundError:
            return None

    def has(self, photo_id: str) -> bool:
        """Whether it is still kept."""
        try:
            return bool(_ID.fullmatch(photo_id)) and not self._expired(self._path(photo_id))
        except FileNotFoundError:
            return False

    def delete(self, photo_id: str) -> None:
        """Forget a photo; absent ones are no error."""
        if _ID.fullmatch(photo_id):
            self._forget(self._path(photo_id))

    def purge(self) -> int:
        """Forget what is older than the time to live; return how many photos."""
        old = list(self._old())
        for path in old:
            self._forget(path)
        return len(old)

    def _hold(self, photo_id: str, pixels: NDArray[np.uint8]) -> None:
        with self._guard:
            self._at_hand[photo_id] = pixels
            while len(self._at_hand) > _AT_HAND:
                self._at_hand.popitem(last=False)

    def _held(self, photo_id: str) -> NDArray[np.uint8] | None:
        with self._guard:
            held = self._at_hand.get(photo_id)
        try:
            return held if held is not None and not self._expired(self._path(photo_id)) else None
        except FileNotFoundError:  # forgotten by another process
            return None

    def _forget(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with self._guard:
            self._at_hand.pop(path.stem, None)

    def _old(self) -> Iterator[Path]:
        for path in self.root.glob("*"):
            try:
                if self._expired(path):
                    yield path
            except FileNotFoundError:
                continue

    def _expired(self, path: Path) -> bool:
        return time.time() - path.stat().st_mtime > self.ttl_s

    def _path(self, photo_id: str) -> Path:
        return self.root / f"{photo_id}.webp"
