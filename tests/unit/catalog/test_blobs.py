import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.storage.blobs import SIZES, BlobMissing
from catalog.storage.folders import FolderBlobs, FolderIncoming

HASH = "ab" * 32
RENDITIONS = {size: b"webp %d" % size for size in SIZES}


def test_renditions_come_back_and_go(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    assert not blobs.has(HASH) and list(blobs) == []
    blobs.put(HASH, RENDITIONS)
    blobs.put(HASH, RENDITIONS)
    assert blobs.has(HASH) and list(blobs) == [HASH]
    assert blobs.read(HASH, 480) == b"webp 480" == blobs.path(HASH, 480).read_bytes()
    blobs.delete(HASH)
    blobs.delete(HASH)
    assert list(blobs) == [] and not blobs.has(HASH)
    with pytest.raises(BlobMissing):
        blobs.read(HASH, 480)


def test_a_lost_rendition_counts_as_none_and_is_made_anew(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put(HASH, RENDITIONS)
    blobs.path(HASH, 160).unlink()
    assert not blobs.has(HASH)
    blobs.put(HASH, RENDITIONS)
    assert blobs.has(HASH) and blobs.read(HASH, 160) == b"webp 160"


def test_all_sizes_or_none(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(ValueError, match="Renditions must be"):
        blobs.put(HASH, {480: b""})
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", HASH.upper(), HASH + "0", "ab/" + HASH[3:], HASH + "\n"]
)
def test_what_is_no_hash_names_no_file(tmp_path: Path, name: str) -> None:
    for call in (
        FolderBlobs(tmp_path).has,
        FolderBlobs(tmp_path).delete,
        FolderIncoming(tmp_path).read,
        FolderIncoming(tmp_path).delete,
    ):
        with pytest.raises(ValueError, match="Not a sha256"):
            call(name)
    with pytest.raises(ValueError, match="No rendition of 481"):
        FolderBlobs(tmp_path).path(HASH, 481)


def test_many_put_the_same_image_at_once(tmp_path: Path) -> None:
    blobs, incoming = FolderBlobs(tmp_path / "blobs"), FolderIncoming(tmp_path / "incoming")
    hashes = [f"{n:064x}" for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: blobs.put(hashes[n % 8], RENDITIONS), range(64)))
        list(threads.map(lambda n: incoming.put(b"%d" % (n % 8)), range(64)))
    assert sorted(blobs) == hashes and len(list(incoming)) == 8
    left = [*(tmp_path / "blobs").glob(".new-*"), *(tmp_path / "incoming").glob(".new-*")]
    assert left == []


def test_incoming_bytes_come_back_and_go(tmp_path: Path) -> None:
    incoming = FolderIncoming(tmp_path / "incoming")
    assert list(incoming) == []
    sha256 = incoming.put(b"photo")
    assert incoming.read(sha256) == b"photo" and list(incoming) == [sha256]
    os.utime(tmp_path / "incoming" / sha256, (1, 1))
    assert incoming.put(b"photo") == sha256
    assert (tmp_path / "incoming" / sha256).stat().st_mtime > 1  # as new again
    incoming.delete(sha256)
    incoming.delete(sha256)
    with pytest.raises(BlobMissing):
        incoming.read(sha256)
