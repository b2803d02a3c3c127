import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from catalog.storage.rendition_cache import RenditionCache

HASHES = [f"{n:064x}" for n in range(64)]


def total(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def test_what_is_put_is_found_until_it_is_old(tmp_path: Path) -> None:
    cache = RenditionCache(tmp_path, limit=10_000, fresh_s=60)
    assert cache.get(HASHES[0], 480) is None
    cache.put(HASHES[0], 480, b"webp")
    assert cache.get(HASHES[0], 480) == b"webp" and cache.get(HASHES[0], 160) is None
    (path,) = tmp_path.rglob("*.webp")
    os.utime(path, (time.time(), time.time() - 61))
    assert cache.get(HASHES[0], 480) is None and cache.get(HASHES[0], 480, stale=True) == b"webp"
    assert cache.get(HASHES[0], 480) is None  # having been read while stale made it no fresher
    cache.put(HASHES[0], 480, b"anew")
    assert cache.get(HASHES[0], 480) == b"anew"
    cache.delete(HASHES[0])
    assert cache.get(HASHES[0], 480, stale=True) is None


def test_it_stays_within_its_limit_and_keeps_what_is_read(tmp_path: Path) -> None:
    cache = RenditionCache(tmp_path, limit=32_000)
    cache.put(HASHES[0], 480, bytes(1000))
    for number in range(1, 200):
        cache.put(HASHES[number % 63 + 1], (160, 480, 1200)[number % 3], bytes(1000))
        assert cache.get(HASHES[0], 480) is not None, number
        assert total(tmp_path) <= 32_000 * 17 // 16 + 1000
    left = total(tmp_path)
    assert left >= 16_000
    assert RenditionCache(tmp_path, limit=5_000).make_room() > 0 and total(tmp_path) <= 5_000


def test_a_cache_that_cannot_write_is_only_no_help(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = RenditionCache(tmp_path / "file", limit=1000)
    cache.put(HASHES[0], 480, b"webp")
    assert cache.get(HASHES[0], 480) is None
    cache.delete(HASHES[0])


def test_threads_share_it(tmp_path: Path) -> None:
    cache = RenditionCache(tmp_path, limit=8_000)

    def use(number: int) -> bool:
        sha256, data = HASHES[number % 16], bytes([number % 16]) * 1000
        cache.put(sha256, 480, data)
        return cache.get(sha256, 480) in (data, None)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(400)))
    assert total(tmp_path) <= 10_000
