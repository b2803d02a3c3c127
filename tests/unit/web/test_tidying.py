import os
import time
from pathlib import Path

import numpy as np

from searcher.photos import QueryPhotos
from web import tidying


def test_old_photos_are_forgotten_without_being_asked_for(tmp_path: Path) -> None:
    photos = QueryPhotos(tmp_path, ttl_s=60)
    old, young = (photos.put(np.zeros((8, 8, 3), np.uint8)) for _ in range(2))
    os.utime(tmp_path / f"{old}.webp", (1, 1))
    stop = tidying.start(photos, every_s=0.05)
    deadline = time.monotonic() + 5
    while (tmp_path / f"{old}.webp").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    assert not (tmp_path / f"{old}.webp").exists()
    assert photos.webp(young) is not None
