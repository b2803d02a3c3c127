"""Where images are kept: noted by the first process, found by the others, refused where it is not the place.

Two machines are two data folders over one database.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from atelier.catalogue import write_catalogue
from bootstrap import Services
from catalog.site import read_site
from catalog.storage.blobs import SIZES, StorageUnavailable
from catalog.storage.object_store import StorageRefused
from catalog.storage.objects import ObjectBlobs
from catalog.storage.place import Noted, adopt
from embedding.pack_folders import look
from settings import Settings, Storage
from tests.support.packs import disturbed_pack
from tests.support.s3 import CREDENTIALS, OPTIONS, S3Server, running_s3

ROOT = Path(__file__).resolve().parents[2]
HASH = "ab" * 32
RENDITIONS = {size: b"webp %d" % size for size in SIZES}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


class Machines:
    """Machines that share a database and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root, self.made = root, list[Services]()

    def machine(self, name: str, images_url: str = "", options: str = json.dumps(OPTIONS)) -> Services:
        chosen = Storage(
            data=self.root / name, database_url=f"sqlite:///{self.root / 'shared.sqlite3'}",
            images_url=images_url, images_options=options, images_timeout_s=5,
        )  # fmt: skip
        made = Services(Settings(storage=chosen))
        self.made.append(made)
        return made

    def noted(self) -> Noted:
        return Noted.read(read_site(self.made[0].sessions).images_url)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    for each in made.made:
        each.close()


def refusal(call: object) -> StorageRefused:
    with pytest.raises(StorageRefused) as refused:
        call()  # type: ignore[operator]
    assert refused.value.fix and refused.value.message.endswith(".")
    return refused.value


def test_another_machine_finds_object_storage_by_the_ledger_alone(machines: Machines, s3: S3Server) -> None:
    url = s3.url(secrets.token_hex(4))
    first = machines.machine("one", url)
    first.prepare()
    assert machines.noted().address == url and len(machines.noted().id) == 16
    first.blobs.put(HASH, RENDITIONS)
    second = machines.machine("two")  # no TWIRL_IMAGES_URL
    assert isinstance(second.blobs, ObjectBlobs) and second.blobs.read(HASH, 480) == RENDITIONS[480]
    second.prepare()
    sha256 = second.incoming.put(b"raw")
    assert first.incoming.read(sha256) == b"raw"


def test_another_machine_fetches_the_model_pack(machines: Machines, s3: S3Server, tmp_path: Path) -> None:
    first = machines.machine("one", s3.url(secrets.token_hex(4)))
    first.prepare()
    info = disturbed_pack(tmp_path / "trained")
    first.pack_folders.keep(look(tmp_path / "trained"))
    second = machines.machine("two")
    folder = second.pack_folders.find(info.fingerprint)
    assert folder == second.data / "packs" / info.fingerprint and look(folder).name == "twirl-other"
    assert second.packs.get(info.fingerprint).fingerprint == info.fingerprint
    assert second.pack_folders.find(info.fingerprint) == folder
    live = read_site(first.sessions).live
    assert live is not None and second.place.fetch_pack(live.fingerprint) is not None
    assert second.place.fetch_pack("0" * 32) is None


def test_a_damaged_pack_is_refused_and_nothing_of_it_is_left(
    machines: Machines, s3: S3Server, tmp_path: Path
) -> None:
    first = machines.machine("one", s3.url(secrets.token_hex(4)))
    first.prepare()
    info = disturbed_pack(tmp_path / "trained")
    first.pack_folders.keep(look(tmp_path / "trained"))
    store = first.place.images.root
    whole = store.read(f"packs/{info.fingerprint}/weights.safetensors")  # type: ignore[union-attr]
    store.put(f"packs/{info.fingerprint}/weights.safetensors", whole[:-9])  # type: ignore[union-attr]
    second = machines.machine("two")
    with pytest.raises(Exception, match="checksum"):
        second.pack_folders.find(info.fingerprint)
    assert list((second.data / "packs").iterdir()) == []


def test_a_folder_that_is_not_the_same_one_is_refused(machines: Machines) -> None:
    first = machines.machine("one")
    first.prepare()
    first.blobs.put(HASH, RENDITIONS)
    first.data.rename(machines.root / "far away")
    said = refusal(lambda: machines.machine("two").blobs)
    assert said.code == "storage-elsewhere" and str(first.data) in said.fix
    assert refusal(machines.machine("two").prepare).code == "storage-elsewhere"
    shutil.copytree(machines.root / "far away", machines.root / "three")  # as a mount would show it
    assert machines.machine("three").blobs.read(HASH, 480) == RENDITIONS[480]
    mounted = machines.machine("four", f"file://{machines.root}/three")
    assert mounted.blobs.has(HASH)


def test_a_mounted_folder_passes_packs_on(machines: Machines, tmp_path: Path) -> None:
    (tmp_path / "nfs").mkdir()
    first = machines.machine("one", f"file://{tmp_path}/nfs")
    first.prepare()
    first.blobs.put(HASH, RENDITIONS)
    info = disturbed_pack(tmp_path / "trained")
    first.pack_folders.keep(look(tmp_path / "trained"))
    second = machines.machine("two")  # the mount is where the ledger says
    assert second.blobs.has(HASH)
    assert second.pack_folders.find(info.fingerprint).is_relative_to(second.data)


def test_the_embedded_shape_may_move_its_folder(tmp_path: Path) -> None:
    one = Services(Settings(storage=Storage(data=tmp_path / "here")))
    one.prepare()
    one.blobs.put(HASH, RENDITIONS)
    one.close()
    (tmp_path / "here").rename(tmp_path / "there")
    shutil.copytree(tmp_path / "there", tmp_path / "copy")
    for name in ("there", "copy"):
        two = Services(Settings(storage=Storage(data=tmp_path / name)))
        two.prepare()
        assert two.blobs.path(HASH, 480).is_relative_to(tmp_path / name) and two.blobs.has(HASH)
        two.close()
    (tmp_path / "there" / "blobs" / "installation.json").unlink()  # restored without it
    three = Services(Settings(storage=Storage(data=tmp_path / "there")))
    three.prepare()
    assert three.blobs.has(HASH)
    three.close()


def test_a_bucket_of_another_installation_is_refused(
    machines: Machines, s3: S3Server, tmp_path: Path
) -> None:
    url = s3.url(secrets.token_hex(4))
    machines.machine("one", url).prepare()
    stranger = Machines(tmp_path / "stranger")
    stranger.root.mkdir()
    other = stranger.machine("one", url)
    said = refusal(other.prepare)
    assert said.code == "storage-foreign" and machines.noted().id in said.message
    assert read_site(other.sessions).images_url == ""  # nothing was noted
    adopt(other.sessions, other.place.open(url))  # it is a copy of that installation, after all
    other.prepare()
    assert stranger.noted() == machines.noted()
    other.close()


def test_a_setting_that_differs_from_the_ledger_is_refused(machines: Machines, s3: S3Server) -> None:
    url = s3.url(secrets.token_hex(4))
    first = machines.machine("one", url)
    first.prepare()
    for other in (s3.url("elsewhere"), f"file://{machines.root}/folder"):
        said = refusal(lambda other=other: machines.machine("two", other).blobs)
        assert said.code == "storage-moved" and "twirl images move" in said.fix
    near = url.replace("127.0.0.1", "localhost")  # the same bucket, reached another way
    assert machines.machine("three", near).place.images.address == near
    folder = Machines(machines.root / "folder")
    folder.root.mkdir()
    folder.machine("one").prepare()
    assert refusal(lambda: folder.machine("one", url).blobs).code == "storage-moved"


def test_an_outage_at_start(machines: Machines, s3: S3Server) -> None:
    url = s3.url(secrets.token_hex(4))
    s3.stop()
    try:
        with pytest.raises(StorageUnavailable):
            machines.machine("one", url).prepare()  # who begins must know where
    finally:
        s3.start()
    first = machines.machine("one", url)
    first.prepare()
    s3.stop()
    try:
        joins = machines.machine("two")
        joins.prepare()
        assert isinstance(joins.blobs, ObjectBlobs)  # who joins may wait
        joins.place.check()
    finally:
        s3.start()


def test_a_bucket_that_was_emptied_is_not_taken_for_an_empty_shop(machines: Machines, s3: S3Server) -> None:
    url = s3.url(secrets.token_hex(4))
    machines.machine("one", url).prepare()
    for key in s3.keys(url.split("/")[3].split("?")[0]):
        s3.client().delete_object(Bucket=s3.bucket, Key=key)
    with pytest.raises(StorageUnavailable) as lost:
        machines.machine("one", url).prepare()
    assert lost.value.code == "storage-lost"


@pytest.mark.parametrize(
    ("url", "options", "code"),
    [
        ("ftp://host/images", "", "storage-url"),
        ("s3:///images", "", "storage-url"),
        ("s3://key:secret@bucket/images", "", "storage-url-secret"),
        ("s3://bucket/images?secret=x", "", "storage-url-secret"),
        ("abfs://bucket/images?account_name=a&client_secret=x", "", "storage-url-secret"),
        ("az://bucket/images?credential=x", "", "storage-url-secret"),
        ("s3://bucket/images?AWS_Session_Token=x", "", "storage-url-secret"),
        ("s3://bucket/images", "{", "storage-options"),
        ("s3://bucket/images", "[]", "storage-options"),
        ("gs://bucket/images", "", "storage-library-missing"),
    ],
)
def test_what_cannot_be_used_is_said_at_start(machines: Machines, url: str, options: str, code: str) -> None:
    assert refusal(machines.machine("one", url, options).prepare).code == code


# --- moving ---


def test_images_move_from_a_folder_to_s3_and_on(machines: Machines, s3: S3Server, tmp_path: Path) -> None:
    from catalog.storage.moving import copy_images, note_moved

    first = machines.machine("one")
    first.prepare()
    hashes = [f"{n:064x}" for n in range(20)]
    for sha256 in hashes:
        first.blobs.put(sha256, RENDITIONS)
    raw = first.incoming.put(b"waits")
    target = first.place.open(s3.url(secrets.token_hex(4)))
    target.blobs.put(hashes[0], RENDITIONS)  # an earlier move came so far
    moved = copy_images(first.place.images, target)
    assert (moved.images, moved.incoming) == (19, 1)
    assert copy_images(first.place.images, target).images == 0
    note_moved(first.sessions, first.place.images, target)
    second = machines.machine("two")
    assert sorted(second.blobs) == hashes and second.incoming.read(raw) == b"waits"
    assert second.blobs.read_all(hashes[3]) == RENDITIONS
    back = second.place.open(f"file://{tmp_path}/back")
    assert copy_images(second.place.images, back).images == 20
    note_moved(second.sessions, second.place.images, back)
    assert machines.machine("three").blobs.read_all(hashes[3]) == RENDITIONS


def test_uploaded_feeds_move_along_under_their_keys(machines: Machines, s3: S3Server, tmp_path: Path) -> None:
    from catalog.storage.feed_files import FeedFiles
    from catalog.storage.moving import copy_feeds

    first = machines.machine("one")
    first.prepare()
    kept = {}
    for said in (b"id,title\n", b"PK archive"):
        with first.feed_files.received() as file:
            file.write_bytes(said)
            kept[first.feed_files.keep(file)] = said
    bucket = FeedFiles(first.place.open(s3.url(secrets.token_hex(4))).root, tmp_path / "scratch")
    assert copy_feeds(first.feed_files, bucket) == 2
    assert copy_feeds(first.feed_files, bucket) == 0  # run again, it has nothing left to do
    folder = FeedFiles(tmp_path / "back", tmp_path / "back")
    assert copy_feeds(bucket, folder) == 2
    for place in (bucket, folder):
        for key, said in kept.items():
            with place.opened(key) as file:
                assert file.read_bytes() == said


def test_one_damaged_object_holds_up_neither_a_move_nor_a_backup(
    machines: Machines, s3: S3Server, tmp_path: Path
) -> None:
    from catalog.keeping.byte_vault import Vault
    from catalog.storage.moving import copy_images

    first = machines.machine("one")
    first.prepare()
    source = first.place.open(s3.url(secrets.token_hex(4)))
    source.own(first.place.images.owner())
    hashes = [f"{n:064x}" for n in range(5)]
    for sha256 in hashes:
        source.blobs.put(sha256, RENDITIONS)
    listed = s3.client().list_objects_v2(Bucket=s3.bucket)["Contents"]
    (key,) = [each["Key"] for each in listed if hashes[2] in each["Key"] and source.address[5:].split("?")[0]
              .split("/", 1)[1] in each["Key"]]  # fmt: skip
    s3.client().put_object(Bucket=s3.bucket, Key=key, Body=b"not what was written")
    target = first.place.open(f"file://{tmp_path}/target")
    assert copy_images(source, target).images == 4
    assert target.blobs.missing(hashes) == {hashes[2]}
    assert Vault(tmp_path / "vault").take_blobs(hashes, source.blobs) == (4, 1)


@pytest.mark.parametrize("deployed", [True, False])
def test_a_folder_that_was_left_is_not_taken_again(tmp_path: Path, deployed: bool) -> None:
    from catalog.storage.moving import copy_images, is_same, note_moved

    database = f"sqlite:///{tmp_path / 'shared.sqlite3'}" if deployed else ""
    chosen = Settings(storage=Storage(data=tmp_path / "data", database_url=database))

    def begin(images_url: str = "") -> Services:
        made = Services(replace(chosen, storage=replace(chosen.storage, images_url=images_url)))
        made.prepare()
        return made

    def move(services: Services, folder: Path) -> None:
        source, target = services.place.images, services.place.open(f"file://{folder}")
        copy_images(source, target)
        note_moved(services.sessions, source, target)

    mount, data = tmp_path / "mount", tmp_path / "data"
    first = begin()
    first.blobs.put(HASH, RENDITIONS)
    move(first, mount)
    for url in ("", f"file://{mount}"):  # the data folder has them still
        assert begin(url).place.images.root == mount
    mount.rename(tmp_path / "unmounted")
    for url in ("", f"file://{data}"):
        assert refusal(lambda url=url: begin(url)).code == "storage-elsewhere"
    (tmp_path / "unmounted").rename(mount)
    move(begin(), mount)  # to where they are
    assert is_same(begin().place.images, begin().place.open(f"file://{mount}"))
    move(begin(), data)
    assert begin().place.images.root == data


def test_moving_by_command(tmp_path: Path, s3: S3Server) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TWIRL_")}
    environ |= {"TWIRL_DATA": str(tmp_path / "data"), **CREDENTIALS}

    def twirl(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cli", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environ | more, capture_output=True, text=True, timeout=120, check=False
        )

    feed = write_catalogue(tmp_path / "demo", products=3, seed=3, workers=1)
    done = twirl("import", str(feed), "--no-wait")
    assert done.returncode == 0, done.stderr
    url = s3.url("moved")
    done = twirl("images", TWIRL_IMAGES_URL=url)
    assert done.returncode == 1 and f"twirl images move {url}" in done.stderr
    done = twirl("images", "move", url)
    assert done.returncode == 0, done.stderr
    moved = len(list((tmp_path / "data" / "incoming").iterdir()))
    assert moved >= 3 and f"0 pictures and {moved} that wait were copied" in done.stdout
    assert len(s3.keys("moved/incoming/")) == moved and len(s3.keys("moved/packs/")) == 2
    done = twirl("images")
    assert done.returncode == 0 and url in done.stdout
    s3.stop()
    try:
        done = twirl("images", TWIRL_IMAGES_TIMEOUT_S="2")
        assert done.returncode == 1 and "does not answer" in done.stderr and "Fix:" in done.stderr
    finally:
        s3.start()
