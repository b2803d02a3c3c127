"""Backup, wipe, restore of a real shop: the doctor finds nothing, the same searches give the same hits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from bootstrap import Services
from catalog.database import upgrade
from catalog.importing import jobs as import_jobs
from catalog.importing.tables import ImportRequest
from catalog.keeping.backup_folder import BackupFolder, BackupRefused
from catalog.models import Image, Product, now
from catalog.operations import Site, Worker
from catalog.products import delete_product, find_product, save_product
from catalog.records import ProductRecord
from catalog.site import read_site
from indexer.census import Census
from indexer.patience import patiently
from launcher.backup import Chosen, make_backup
from launcher.embedded import running
from launcher.indexing import begin_rebuild, examine, mend
from launcher.preflight import StartRefused
from launcher.restore import Wanted, check_backup, restore
from searcher.query import SearchQuery
from settings import Settings
from tests.support.postgres import fresh, postgres
from tests.support.qdrant_process import Endpoint, running_endpoint
from tests.support.shop import index, small_shop

WORDS = ("red dress", "striped shirt", "blue", "coat with buttons", "a small bag", "no such thing")
Hits = list[list[tuple[str, int, float]]]
said: list[str] = []


def services_at(folder: Path, database_url: str = "", qdrant: Endpoint | None = None) -> Services:
    given = Settings()
    storage = replace(given.storage, data=folder, database_url=database_url)
    vectors = replace(given.vectors, vectors_timeout_s=10.0)
    if qdrant is not None:
        vectors = replace(vectors, qdrant_url=qdrant.url, qdrant_grpc_port=qdrant.grpc_port)
    return Services(replace(given, storage=storage, vectors=vectors))


@contextmanager
def opened(folder: Path, database_url: str = "", qdrant: Endpoint | None = None) -> Iterator[Services]:
    """An installation with its engine running."""
    folder.mkdir(exist_ok=True)
    services = services_at(folder, database_url, qdrant)
    with running(services, () if qdrant else ("engine",), said.append):
        for name in services.store.collections():
            patiently(services.store.count, name)
        yield services
    services.close()


def restored(
    root: Path, folder: Path, database_url: str = "", qdrant: Endpoint | None = None, **wanted: object
) -> list[str]:
    folder.mkdir(exist_ok=True)
    services = services_at(folder, database_url, qdrant)
    lines: list[str] = []
    try:
        restore(services, root, Wanted(**wanted), lines.append)  # type: ignore[arg-type]
    finally:
        services.close()
    return lines


def hits(services: Services) -> Hits:
    """What some searches find, by words and by an item, with scores to 5 decimals."""
    shop = services.merchant().id
    with services.sessions() as session:
        skus = session.scalars(select(Product.sku).order_by(Product.id).limit(3)).all()
    queries = [SearchQuery(shop, words=words) for words in WORDS]
    queries += [SearchQuery(shop, reference=sku) for sku in skus]
    queries += [SearchQuery(shop, reference=sku, words="in red") for sku in skus]
    found = (services.searcher.search(query) for query in queries)
    return [
        [(hit.product.sku, hit.image.position, round(hit.score, 5)) for hit in each.hits] for each in found
    ]


def shared(found: Hits, before: Hits) -> float:
    """How much of the first ten is the same: what is embedded anew is a rendition, not the source."""
    pairs = [[{hit[0] for hit in one[:10]} for one in both] for both in zip(found, before, strict=True)]
    return sum(len(new & old) for new, old in pairs) / sum(len(old) for _, old in pairs)


def pictures(services: Services) -> dict[str, bytes]:
    return {sha256: services.blobs.read(sha256, 480) for sha256 in services.blobs}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A shop of its own: what other tests leave queued in the common one would be counted here."""
    with small_shop(tmp_path_factory.mktemp("shop")) as services:
        yield services


@pytest.fixture(scope="module")
def kept(shop: Services, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("backups")
    made = make_backup(shop, root, Chosen(), said.append)
    assert made.manifest.gone == 0 and len(made.manifest.vectors) == len(made.manifest.packs) == 1
    return root


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


def test_a_backup_restored_is_the_same_shop(shop: Services, kept: Path, tmp_path: Path) -> None:
    lines = restored(kept, tmp_path / "new")
    assert any("pictures copied" in line for line in lines)
    with opened(tmp_path / "new") as services:
        assert list(examine(services)) == []
        assert hits(services) == hits(shop)
        assert pictures(services) == pictures(shop)
        assert read_site(services.sessions).live is not None
        assert services.pack_folders.kept.joinpath(services.fingerprint, "pack.json").is_file()


def test_from_a_laptop_to_servers_and_home_again(
    shop: Services, kept: Path, tmp_path: Path, server: str
) -> None:
    """SQLite and Qdrant Edge become PostgreSQL and Qdrant; the shop goes on there, and comes home."""
    url = fresh(server, "moved")
    with running_endpoint(tmp_path / "qdrant") as endpoint:
        restored(kept, tmp_path / "servers", url, endpoint)
        with opened(tmp_path / "servers", url, endpoint) as services:
            assert list(examine(services)) == []
            assert hits(services) == hits(shop)
            with services.sessions.begin() as session:
                last = session.scalar(select(func.max(Product.id)))
                mine = services.merchant().id
                there = session.scalars(select(Image.source).where(Image.position == 0).limit(1)).one()
                new_one = ProductRecord("brand-new", "Moved dress", (there,))
                assert save_product(session, mine, new_one) == "created"
            with services.sessions() as session:
                new = find_product(session, mine, "brand-new")
                assert new is not None and last is not None and new.id > last  # the sequences go on
            index(services)
            assert list(examine(services)) == []
            on_servers = hits(services)
            make_backup(services, tmp_path / "second", Chosen(), said.append)
    restored(tmp_path / "second", tmp_path / "home")
    with opened(tmp_path / "home") as services:
        assert list(examine(services)) == []
        assert hits(services) == on_servers
        with services.sessions() as session:
            assert find_product(session, services.merchant().id, "brand-new") is not None


def test_without_vectors_everything_is_embedded_again(shop: Services, kept: Path, tmp_path: Path) -> None:
    restored(kept, tmp_path / "new", vectors=False)
    with opened(tmp_path / "new") as services:
        to_embed = select(func.count()).where(Image.queue == "embed", Image.state == "queued")
        live = read_site(shop.sessions).live
        with services.sessions() as session:
            assert live is not None
            assert session.scalar(to_embed) == len(Census(shop.store, live.collection)) > 0
        index(services)
        assert list(examine(services)) == []
        assert shared(hits(services), hits(shop)) > 0.8


def test_what_changes_while_a_backup_is_made_is_told_when_it_is_restored(kept: Path, tmp_path: Path) -> None:
    """The vectors are read after SQL's moment: points that have moved on since are not believed."""
    restored(kept, tmp_path / "busy")
    with opened(tmp_path / "busy") as services:
        mine = services.merchant().id
        with services.sessions() as session:
            first, second, third = session.scalars(select(Product).order_by(Product.id).limit(3)).all()
            sources = {p.sku: tuple(image.source for image in p.images) for p in (first, second, third)}

        def meanwhile(line: str) -> None:
            if "rows of" not in line:
                return
            with services.sessions.begin() as session:
                record = ProductRecord(first.sku, "Changed", sources[first.sku])
                save_product(session, mine, record)
                save_product(session, mine, ProductRecord("late", "Late", sources[second.sku]))
                delete_product(session, mine, third.sku)
            index(services)

        make_backup(services, tmp_path / "while", Chosen(), meanwhile)
    restored(tmp_path / "while", tmp_path / "after")
    with opened(tmp_path / "after") as services:
        with services.sessions() as session:
            assert find_product(session, mine, "late") is None
            assert find_product(session, mine, third.sku) is not None
            queued = set(session.scalars(select(Product.sku).join(Image).where(Image.state == "queued")))
        assert queued == {first.sku, third.sku}
        index(services)
        assert list(examine(services)) == []


def test_a_database_in_use_is_replaced_only_when_asked(kept: Path, tmp_path: Path) -> None:
    restored(kept, tmp_path / "new")
    with pytest.raises(BackupRefused, match="--force") as refused:
        restored(kept, tmp_path / "new")
    assert refused.value.code == "restore-target-in-use"
    with opened(tmp_path / "new") as services:
        with services.sessions.begin() as session:
            save_product(session, services.merchant().id, ProductRecord("x", "t", ("https://a/b",)))
        with pytest.raises(StartRefused, match="using the data folder"):
            restored(kept, tmp_path / "new", force=True)
        with services.sessions() as session:
            assert session.scalar(select(Site.generation))
    restored(kept, tmp_path / "new", force=True)
    with opened(tmp_path / "new") as services:
        with services.sessions() as session:
            assert find_product(session, services.merchant().id, "x") is None
        assert list(examine(services)) == []


def test_nothing_is_replaced_while_workers_work(kept: Path, tmp_path: Path, server: str) -> None:
    url = fresh(server, "working")
    services = services_at(tmp_path / "new", url)
    upgrade(services.database)
    with services.sessions.begin() as session:
        session.add(Worker(name="h:1", host="h", pid=1, seen_at=now()))
    services.close()
    with pytest.raises(BackupRefused, match="h:1"):
        restored(kept, tmp_path / "new", url, force=True)


def test_a_place_with_another_installations_pictures_is_left_alone(
    kept: Path, tmp_path: Path, server: str
) -> None:
    other = services_at(tmp_path / "other")
    other.data.mkdir()
    other.prepare()
    other.close()
    url = fresh(server, "elsewhere")
    with pytest.raises(BackupRefused, match="another installation"):
        restored(kept, tmp_path / "other", url)


def test_a_damaged_backup_changes_nothing(shop: Services, tmp_path: Path) -> None:
    make_backup(shop, tmp_path / "kept", Chosen(), said.append)
    assert check_backup(tmp_path / "kept")[1] == 0
    (table,) = (tmp_path / "kept").glob("backups/*/tables/product.jsonl.gz")
    table.write_bytes(table.read_bytes()[:-9])
    with pytest.raises(BackupRefused, match=r"product\.jsonl\.gz"):
        restored(tmp_path / "kept", tmp_path / "new")
    assert not (tmp_path / "new" / "twirl.sqlite3").exists()


def test_pictures_are_copied_once_and_old_backups_are_forgotten(shop: Services, tmp_path: Path) -> None:
    root, lines = tmp_path / "kept", list[str]()
    names = [make_backup(shop, root, Chosen(keep=2), lines.append).name for _ in range(3)]
    assert BackupFolder(root).names() == names[1:]
    copied = [line.split()[0] for line in lines if "pictures copied" in line]
    assert int(copied[0]) == len(pictures(shop)) and copied[1:] == ["0", "0"]
    assert check_backup(root)[1] == 0


def test_a_backup_without_pictures_needs_them_where_they_were(shop: Services, tmp_path: Path) -> None:
    made = make_backup(shop, tmp_path / "kept", Chosen(images=False), said.append)
    assert made.manifest.blobs is None and not (tmp_path / "kept" / "blobs").exists()
    with pytest.raises(BackupRefused, match="lies in the data folder"):
        make_backup(shop, shop.data / "kept", Chosen(), said.append)


def test_a_restore_that_was_cut_off_is_run_again(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cut in ("load_tables", "adopt", "refill"):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(f"launcher.restore.{cut}", interrupt)
            restored(kept, tmp_path / "new", force=True)
    restored(kept, tmp_path / "new", force=True)
    with opened(tmp_path / "new") as services:
        assert list(examine(services)) == []
        make_backup(services, tmp_path / "bare", Chosen(images=False), said.append)
    (tmp_path / "new" / "twirl.sqlite3").unlink()  # the pictures are still where they were
    lines = restored(tmp_path / "bare", tmp_path / "new")
    assert any("where they were" in line for line in lines)
    with opened(tmp_path / "new") as services:
        assert list(examine(services)) == []


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_rebuild_writes_every_index_anew_and_the_shop_goes_on(kept: Path, tmp_path: Path) -> None:
    restored(kept, tmp_path / "new")
    with opened(tmp_path / "new") as services:
        before = hits(services)
        for drop in (False, True):
            queued = begin_rebuild(services, drop)
            assert queued > 0
            if not drop:
                assert hits(services) == before  # the old vectors answer until they are written over
            index(services)
            assert list(examine(services)) == []
            assert shared(hits(services), before) > 0.8
        services.store.drop(read_site(services.sessions).live.collection)  # type: ignore[union-attr]
        with services.sessions.begin() as session:
            session.execute(update(Image).where(Image.id == 1).values(merchant_id=Image.merchant_id))
        assert [each.kind for each in examine(services)] == ["missing-collection"]
        assert [each.kind for each in mend(services, False)] == ["missing-collection"]
        index(services)
        services.pipeline().ensure()
        assert [each.kind for each in examine(services)] in ([], ["wrong-alias"])


def test_imports_whose_uploaded_files_no_backup_has_are_ended(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = services_at(tmp_path / "old")
    with running(old, ("engine",), said.append):
        old.prepare()
        shop = old.merchant().id
        with old.feed_files.received() as file:
            file.write_bytes(b"id,title,image_link\n1,Dress,https://i.example/1.jpg\n")
            key = old.feed_files.keep(file)
        states = ("waiting", "running", "rehearsed", "draft", "done")
        with old.sessions.begin() as session:
            for state in states:
                request = session.get_one(ImportRequest, import_jobs.enqueue(session, shop, file=key))
                request.state = state
            import_jobs.enqueue(session, shop, step="fetch", url="https://shop.example/feed.csv")
        make_backup(old, tmp_path / "backups", Chosen(), said.append)
    old.close()
    lines = restored(tmp_path / "backups", tmp_path / "new")
    assert "4 imports waited for uploaded files, which no backup has: upload them again" in lines
    new = services_at(tmp_path / "new")
    with new.sessions() as session:
        requests = session.scalars(select(ImportRequest).order_by(ImportRequest.id)).all()
    assert [each.state for each in requests] == ["failed"] * 4 + ["done", "waiting"]
    assert {each.file for each in requests} == {""}
    assert all("Upload the file again" in each.message for each in requests[:4])
    assert all(each.message.endswith("[feed-file-not-restored]") for each in requests[:4])
    new.close()
    assert not any(
        "uploaded files" in line for line in restored(tmp_path / "backups", tmp_path / "old", force=True)
    )  # where they are, they go on
