"""Shoppers' photos, kept for a while so that a result page can be paged, filtered and shared by address."""

import io
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_QUALITY = 92


class QueryPhotos:
    """WebP files named by unguessable ids: `root/<id>.webp`. Only who has the id can see the photo."""

    def __init__(self, root: Path, ttl_s: float) -> None:
        self.root, self.ttl_s = Path(root), ttl_s

    def put(self, pixels: NDArray[np.uint8]) -> str:
        """Keep (H, W, 3) uint8 RGB, longest side some 480 px; return its id (128 random bits)."""
        photo_id = secrets.token_urlsafe(16)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "WEBP", quality=_QUALITY, method=2)
        self.root.mkdir(parents=True, exist_ok=True)
        beside = self.root / f".new-{photo_id}"
        beside.touch(mode=0o600)
        beside.write_bytes(encoded.getvalue())
        beside.replace(self._path(photo_id))
        return photo_id

    def get(self, photo_id: str) -> NDArray[np.uint8] | None:
        """(H, W, 3) uint8 RGB, or None when it is not kept (any more)."""
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

    def delete(self, photo_id: str) -> None:
        """Forget a photo; absent ones are no error."""
        if _ID.fullmatch(photo_id):
            self._path(photo_id).unlink(missing_ok=True)

    def purge(self) -> int:
        """Forget what is older than the time to live; return how many photos."""
        old = list(self._old())
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

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
