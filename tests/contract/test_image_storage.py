"""What a folder and object storage promise alike; the object storage is an S3 server over HTTP."""

import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from catalog.storage.blobs import SIZES, BlobMissing, StorageUnavailable
from catalog.storage.object_store import ObjectStore
from catalog.storage.place import Images, open_folder, open_objects
from catalog.storage.rendition_cache import RenditionCache
from tests.support.s3 import OPTIONS, S3Server, running_s3

HASH = "ab" * 32
RENDITIONS = {size: b"webp %d " % size + bytes(size * 50) for size in SIZES}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture(params=["folder", "objects"])
def images(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> Images:
    if request.param == "folder":
        opened = open_folder(tmp_path)
    else:
        opened = open_objects(s3.url(secrets.token_hex(4)), OPTIONS, timeout_s=10)
    opened.own("the tests")
    return opened


def test_renditions_come_back_and_go(images: Images) -> None:
    blobs = images.blobs
    assert not blobs.has(HASH) and list(blobs) == [] and blobs.age_s(HASH) == 0
    blobs.put(HASH, RENDITIONS)
    blobs.put(HASH, RENDITIONS)
    assert blobs.has(HASH) and list(blobs) == [HASH]
    assert {size: blobs.read(HASH, size) for size in SIZES} == blobs.read_all(HASH) == RENDITIONS
    assert blobs.missing([HASH, "cd" * 32]) == {"cd" * 32} and blobs.missing([]) == set()
    blobs.delete(HASH)
    blobs.delete(HASH)
    assert list(blobs) == [] and not blobs.has(HASH)
    with pytest.raises(BlobMissing):
        blobs.read_all(HASH)
    for size in SIZES:
        with pytest.raises(BlobMissing):
            blobs.read(HASH, size)
        with pytest.raises(BlobMissing):
            blobs.content(HASH, size)


def test_a_browser_gets_the_same_bytes(images: Images) -> None:
    images.blobs.put(HASH, RENDITIONS)
    for size in SIZES:
        content = images.blobs.content(HASH, size)
        assert (content.read_bytes() if isinstance(content, Path) else content) == RENDITIONS[size]


def test_raw_bytes_come_back_and_go(images: Images) -> None:
    incoming, data = images.incoming, secrets.token_bytes(70_000)
    sha256 = incoming.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest() and incoming.put(data) == sha256
    assert incoming.has(sha256) and incoming.read(sha256) == data and list(incoming) == [sha256]
    empty = incoming.put(b"")
    assert incoming.read(empty) == b"" and len(list(incoming)) == 2
    incoming.delete(sha256)
    incoming.delete(sha256)
    assert not incoming.has(sha256) and list(incoming) == [empty]
    with pytest.raises(BlobMissing):
        incoming.read(sha256)


def test_ages_are_told_and_putting_again_counts_as_new(images: Images) -> None:
    images.blobs.put(HASH, RENDITIONS)
    raw = images.incoming.put(b"photo")
    time.sleep(2.1)  # an S3 server tells whole seconds
    assert 1 < images.blobs.age_s(HASH) < 60 and 1 < images.incoming.age_s(raw) < 60
    images.blobs.put(HASH, RENDITIONS)
    images.incoming.put(b"photo")
    assert images.blobs.age_s(HASH) < 1.5 and images.incoming.age_s(raw) < 1.5
    assert images.blobs.clear_unfinished(0) == images.incoming.clear_unfinished(0) == 0


@pytest.mark.parametrize("name", ["", "../../etc/passwd", HASH.upper(), HASH + "0", "ab/" + HASH[3:], "a\n"])
def test_what_is_no_hash_names_nothing(images: Images, name: str) -> None:
    for call in (images.blobs.has, images.blobs.delete, images.incoming.read, images.incoming.delete):
        with pytest.raises(ValueError, match="Not a sha256"):
            call(name)
    for read in (images.blobs.read, images.blobs.content):
        with pytest.raises(ValueError, match="Not a sha256"):
            read(name, 480)
        with pytest.raises(ValueError, match="No rendition of 481"):
            read(HASH, 481)


def test_all_sizes_or_none(images: Images) -> None:
    with pytest.raises(ValueError, match="Renditions must be"):
        images.blobs.put(HASH, {480: b""})
    assert list(images.blobs) == []


def test_readers_never_meet_half_an_image(images: Images) -> None:
    """Writers replace and delete one image as fast as they can; who reads it gets all of it or nothing."""
    until, met, wrong = time.monotonic() + 1.5, [0], []

    def write() -> None:
        while time.monotonic() < until:
            images.blobs.put(HASH, RENDITIONS)
            images.blobs.delete(HASH)

    def read() -> None:
        while time.monotonic() < until:
            for size in SIZES:
                try:
                    found = images.blobs.read(HASH, size)
                except BlobMissing:
                    continue
                met[0] += 1
                if found != RENDITIONS[size]:
                    wrong.append((size, len(found)))

    threads = [threading.Thread(target=write), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met[0] > 0 and wrong == []


def test_many_put_the_same_images_at_once(images: Images) -> None:
    hashes = [f"{n:064x}" for n in range(0, 2048, 256)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: images.blobs.put(hashes[n % 8], RENDITIONS), range(32)))
        list(threads.map(lambda n: images.incoming.put(b"%d" % (n % 8)), range(32)))
    assert sorted(images.blobs) == hashes and len(list(images.incoming)) == 8


def test_the_check_names_what_is_wrong(images: Images, tmp_path: Path) -> None:
    images.blobs.check()
    images.incoming.put(b"photo")
    images.incoming.check()
    elsewhere = open_folder(tmp_path / "elsewhere")
    if isinstance(images.root, ObjectStore):
        elsewhere = open_objects(images.address.replace("?", "/other?"), OPTIONS, timeout_s=10)
    for room in (elsewhere.blobs, elsewhere.incoming):
        with pytest.raises(StorageUnavailable) as refused:
            room.check()
        assert refused.value.code in ("storage-folder-missing", "storage-lost") and refused.value.fix
    for ask in (elsewhere.blobs.read, elsewhere.blobs.content):
        with pytest.raises(StorageUnavailable):  # nobody gives a picture up because a mount is away
            ask(HASH, 480)


# --- what only object storage can do to us ---


@pytest.fixture
def shop(s3: S3Server, tmp_path: Path) -> Images:
    cache = RenditionCache(tmp_path / "cache", 2**20)
    opened = open_objects(s3.url(secrets.token_hex(4)), OPTIONS, 10, cache)
    opened.own("the tests")
    return opened


def test_an_image_is_one_object_and_a_small_rendition_needs_only_its_front(
    shop: Images, s3: S3Server
) -> None:
    large = {160: b"s" * 4_000, 480: b"m" * 30_000, 1200: b"l" * 300_000}
    shop.blobs.put(HASH, large)
    (key,) = s3.keys(f"{urlsplit(shop.address).path[1:]}/blobs/")
    assert key.endswith(f"/ab/{HASH}.zip")
    assert {size: shop.blobs.read(HASH, size) for size in SIZES} == large
    huge = {160: b"s", 480: b"m" * 70_000, 1200: b"l"}
    shop.blobs.put(HASH, huge)
    assert shop.blobs.read(HASH, 480) == huge[480]  # the front ends before it does


def test_a_lost_bucket_is_no_lost_image(shop: Images) -> None:
    """An image whose bytes are gone is given up; one in a bucket that is not ours must not be."""
    with pytest.raises(BlobMissing):
        shop.incoming.read(HASH)
    assert isinstance(shop.root, ObjectStore)
    for url in (shop.address.replace("s3://shop/", "s3://shop/other-"), shop.address.replace("shop", "none")):
        away = open_objects(url, OPTIONS, timeout_s=10)
        with pytest.raises(StorageUnavailable) as refused:
            away.incoming.read(HASH)
        assert refused.value.code in ("storage-lost", "storage-no-bucket")
        with pytest.raises(StorageUnavailable):
            away.blobs.read(HASH, 480)


def test_an_outage_is_told_in_time_and_ends_by_itself(shop: Images, s3: S3Server) -> None:
    shop.blobs.put(HASH, RENDITIONS)
    assert shop.blobs.content(HASH, 480) == RENDITIONS[480]
    s3.stop()
    try:
        calls = [
            lambda: shop.blobs.has(HASH), lambda: shop.blobs.put(HASH, RENDITIONS), lambda: list(shop.blobs),
            lambda: shop.blobs.read(HASH, 480), lambda: shop.blobs.delete("cd" * 32), shop.blobs.check,
            lambda: shop.incoming.put(b"x"), lambda: shop.blobs.age_s(HASH),
            lambda: shop.blobs.missing([HASH]),
        ]  # fmt: skip
        began = time.monotonic()
        for call in calls:
            with pytest.raises(StorageUnavailable) as refused:
                call()
            assert refused.value.code == "storage-unreachable" and s3.endpoint in refused.value.message
        assert time.monotonic() - began < 12  # one of them waited for the storage, the others were told
        assert shop.blobs.content(HASH, 480) == RENDITIONS[480]  # a browser is served from the cache
        with pytest.raises(StorageUnavailable):
            shop.blobs.content(HASH, 1200)
    finally:
        s3.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert shop.blobs.has(HASH)
            return
        except StorageUnavailable:
            time.sleep(0.2)
    pytest.fail("it did not come back")


def test_a_storage_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"s3://shop/x?endpoint_url=http://127.0.0.1:{deaf.getsockname()[1]}"
        images = open_objects(url, OPTIONS, timeout_s=1.0)
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            images.blobs.has(HASH)
        assert time.monotonic() - began < 5
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            images.blobs.has(HASH)
        assert time.monotonic() - began < 0.5  # told, not tried


def test_a_damaged_object_is_not_served(shop: Images) -> None:
    assert isinstance(shop.root, ObjectStore)
    name = f"blobs/ab/{HASH}.zip"
    shop.blobs.put(HASH, RENDITIONS)
    whole = shop.root.read(name)
    flipped = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]  # in the smallest one
    shop.root.put(name, flipped)
    with pytest.raises(ValueError, match="damaged"):
        shop.blobs.read(HASH, 160)
    assert shop.blobs.read(HASH, 1200) == RENDITIONS[1200]
    for data in (whole[:5000], b"no bundle at all, though long enough to be read as one"):
        shop.root.put(name, data)
        for size in SIZES:
            with pytest.raises(ValueError, match=r"damaged|no .* rendition"):
                shop.blobs.read(HASH, size)
