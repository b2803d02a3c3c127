"""The parts of a backup: its folder and manifest, the tables, the bytes."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from catalog.database import Sessions, open_engine, upgrade
from catalog.keeping.backup_folder import (
    BackupFolder,
    BackupRefused,
    Manifest,
    Part,
    PartWriter,
    written_lines,
)
from catalog.keeping.byte_vault import Vault, listed
from catalog.keeping.table_dump import dump_hashes, dump_tables, in_use, last_ids, load_tables, snapshot
from catalog.models import Base, Image, Product
from catalog.operations import QueryLog
from catalog.products import delete_product, purge_product, save_product
from catalog.records import ProductRecord
from catalog.storage.blobs import SIZES
from catalog.storage.folders import FolderBlobs, FolderIncoming

TABLES = Base.metadata.sorted_tables


def manifest(**said: object) -> Manifest:
    plain: dict[str, object] = {
        "made_at": "2026-11-24T00:00:00+00:00", "twirl": "0", "revision": "0002", "database": "sqlite",
        "tables": {}, "sequences": {},
    }  # fmt: skip
    return Manifest(**{**plain, **said})  # type: ignore[arg-type]


def part(root: Path, path: str, data: bytes) -> Part:
    writer = PartWriter(root, path)
    writer.write(data)
    return writer.finish()


def test_a_backup_is_there_when_it_is_whole_and_not_before(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    with pytest.raises(BackupRefused, match="no whole backup"):
        folder.open()
    with pytest.raises(RuntimeError), folder.begun() as beside:
        part(beside, "tables/a", b"1")
        raise RuntimeError
    assert folder.names() == [] and list((tmp_path / "backups").iterdir()) == []
    for data in (b"first", b"second"):
        with folder.begun() as beside:
            made = folder.finish(beside, manifest(tables={"a": part(beside, "tables/a", data)}))
    assert len(folder.names()) == 2 and folder.open().name == made.name
    folder.open().check()
    assert folder.open().path(folder.open().manifest.tables["a"]).read_bytes() == b"second"
    assert folder.open(folder.names()[0]).path(made.manifest.tables["a"]).read_bytes() == b"first"
    with pytest.raises(BackupRefused, match="There are: "):
        folder.open("2020")


def test_what_a_killed_backup_left_is_cleared_away_and_never_taken_for_one(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    left = tmp_path / "backups" / ".new-2026-11-24T00-00-00Z"
    left.mkdir(parents=True)
    (left / "manifest.json").write_text("{}")
    assert folder.names() == []
    with folder.begun():
        assert not left.exists()


def test_one_backup_at_a_time(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    with folder.begun(), pytest.raises(BackupRefused, match="under way"), BackupFolder(tmp_path).begun():
        pass


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "manifest", "manifest gone"])
def test_a_damaged_backup_is_refused(tmp_path: Path, harm: str) -> None:
    folder = BackupFolder(tmp_path)
    with folder.begun() as beside:
        made = folder.finish(beside, manifest(tables={"a": part(beside, "tables/a", b"abcdef")}))
    path = made.folder / ("manifest.json" if harm.startswith("manifest") else "tables/a")
    if harm.endswith("gone"):
        path.unlink()
    elif harm == "cut":
        os.truncate(path, 3)
    else:
        path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(BackupRefused, match=r"damaged|no whole backup"):
        folder.open().check()


def test_a_backup_of_a_later_twirl_is_refused(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    with folder.begun() as beside:
        folder.finish(beside, manifest(format=99, twirl="9.9"))
    with pytest.raises(BackupRefused, match=r"9\.9") as refused:
        folder.open()
    assert refused.value.code == "backup-too-new"


def fill(ledger: Sessions, shop: int) -> None:
    sources = ("https://a/1.jpg", f"incoming:{'a' * 64}")
    awkward = ProductRecord("d1", 'Ä"\n\\ \u2028 dress', sources, attributes={"x": ["1", {"y": None}]})
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    query = QueryLog(at=at, merchant_id=shop, fingerprint="f", mode="words", filters={"a": 1}, top=["d1"])
    with ledger.begin() as session:
        save_product(session, shop, awkward)
        save_product(session, shop, ProductRecord("last", "t", ("https://a/2.jpg",)))
        session.add(query)
    with ledger.begin() as session:
        session.scalars(select(Image).where(Image.position == 0).limit(1)).one().sha256 = "b" * 64
        delete_product(session, shop, "last")
    with ledger.begin() as session:  # the highest ids are gone
        dead = session.scalars(select(Product).where(Product.sku == "last")).one()
        assert purge_product(session, dead.id, dead.rev)


def everything(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    whole = {table.name: select(table).order_by(*table.primary_key.columns) for table in TABLES}
    with engine.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(rows)] for name, rows in whole.items()}


def test_tables_go_out_and_come_back_as_they_were(
    database: Engine, ledger: Sessions, shop: int, tmp_path: Path
) -> None:
    fill(ledger, shop)
    folder = BackupFolder(tmp_path / "kept")
    with folder.begun() as beside, snapshot(database) as connection:
        tables, last = dump_tables(connection, beside), last_ids(connection)
        blobs, incoming = dump_hashes(connection, beside)
        backup = folder.finish(
            beside, manifest(tables=tables, sequences=last, blobs=blobs, incoming=incoming)
        )
    assert list(listed(backup, backup.manifest.blobs)) == ["b" * 64]
    assert list(listed(backup, backup.manifest.incoming)) == ["a" * 64]
    target = open_engine(f"sqlite:///{tmp_path}/target.sqlite3")
    assert in_use(target) == {}
    upgrade(target)
    assert in_use(target) == {}
    counts = load_tables(target, backup)
    assert counts["product"] == 1 and counts["image"] == 2
    assert in_use(target) == {"merchant": 1, "product": 1, "image": 2, "query_log": 1}
    assert everything(target) == everything(database)
    with target.begin() as connection:
        again = "INSERT INTO product SELECT NULL, merchant_id, 'new', {} FROM product"
        columns = ", ".join(
            c.name for c in Product.__table__.columns if c.name not in ("id", "merchant_id", "sku")
        )
        connection.execute(text(again.format(columns)))
        ids = connection.execute(text("SELECT id FROM product ORDER BY id")).scalars().all()
    assert ids == [1, 3]  # 2 was another product's
    target.dispose()


def test_a_load_that_fails_leaves_empty_tables(
    database: Engine, ledger: Sessions, shop: int, tmp_path: Path
) -> None:
    fill(ledger, shop)
    folder = BackupFolder(tmp_path / "kept")
    with folder.begun() as beside, snapshot(database) as connection:
        tables = dump_tables(connection, beside)
        with written_lines(beside, "tables/short.gz") as (writer, lines):
            lines.write(json.dumps([c.name for c in Image.__table__.columns]).encode() + b"\n")
            writer.records = 2
        short = {**tables, "image": writer.finish()}
        backup = folder.finish(beside, manifest(tables=short))
    target = open_engine(f"sqlite:///{tmp_path}/target.sqlite3")
    upgrade(target)
    with pytest.raises(BackupRefused, match=r"short\.gz has 0 rows"):
        load_tables(target, backup)
    assert in_use(target) == {}
    target.dispose()


def test_a_snapshot_does_not_see_what_comes_after_its_beginning(
    database: Engine, ledger: Sessions, shop: int
) -> None:
    with snapshot(database) as connection:
        with ledger.begin() as session:
            save_product(session, shop, ProductRecord("late", "t", ("https://a/1",)))
        assert connection.execute(text("SELECT count(*) FROM product")).scalar() == 0


RENDITIONS = {size: bytes([size % 251]) * size for size in SIZES}


def hashes(count: int) -> list[str]:
    return [f"{number:02x}" + f"{number:062x}" for number in range(count)]


def vault_with(tmp_path: Path, count: int) -> tuple[Vault, FolderBlobs]:
    source = FolderBlobs(tmp_path / "source")
    source.root.mkdir()
    for sha256 in hashes(count):
        source.put(sha256, RENDITIONS)
    return Vault(tmp_path / "vault"), source


def test_pictures_are_copied_once_and_come_back(tmp_path: Path) -> None:
    vault, source = vault_with(tmp_path, 5)
    gone = "f" * 64
    assert vault.take_blobs([*hashes(3), gone], source) == (3, 1)
    assert vault.take_blobs(hashes(5), source) == (2, 0)
    target = FolderBlobs(tmp_path / "target")
    target.root.mkdir()
    target.put(hashes(5)[0], RENDITIONS)
    assert vault.give_blobs([*hashes(5), gone], target) == 4
    assert {sha256: target.read(sha256, 480) for sha256 in target} == dict.fromkeys(
        hashes(5), RENDITIONS[480]
    )


def test_raw_bytes_are_copied_once_and_come_back(tmp_path: Path) -> None:
    source, target = FolderIncoming(tmp_path / "a"), FolderIncoming(tmp_path / "b")
    kept = [source.put(data) for data in (b"one", b"two")]
    vault = Vault(tmp_path / "vault")
    assert vault.take_incoming([*kept, "f" * 64], source) == (2, 1)
    assert vault.take_incoming(kept, source) == (0, 0)
    assert vault.give_incoming([*kept, "f" * 64], target) == 2
    assert [target.read(sha256) for sha256 in kept] == [b"one", b"two"]


def test_a_picture_that_a_power_cut_emptied_is_copied_anew_and_a_broken_one_is_refused(
    tmp_path: Path,
) -> None:
    vault, source = vault_with(tmp_path, 2)
    vault.take_blobs(hashes(2), source)
    first, second = sorted(vault.blobs.glob("*/*"))
    first.write_bytes(b"")
    assert vault.take_blobs(hashes(2), source) == (1, 0)
    assert vault.check(hashes(2), []) == 0
    second.write_bytes(second.read_bytes().replace(bytes([RENDITIONS[480][0]]) * 4, b"abcd", 1))
    with pytest.raises(BackupRefused, match="not as it was written"):
        vault.check(hashes(2), [])
    target = FolderBlobs(tmp_path / "target")
    with pytest.raises(BackupRefused, match="rm "):
        vault.give_blobs(hashes(2), target)


def test_bytes_that_no_backup_names_go(tmp_path: Path) -> None:
    vault, source = vault_with(tmp_path, 40)
    vault.take_blobs(hashes(40), source)
    incoming = FolderIncoming(tmp_path / "raw")
    raw = [incoming.put(bytes([number])) for number in range(3)]
    vault.take_incoming(raw, incoming)
    (vault.blobs / "00" / f".new-{hashes(1)[0]}.zip").write_bytes(b"half")
    folder = BackupFolder(tmp_path / "vault")
    for named in (hashes(40)[5:9], hashes(40)[7:20:3]):
        with folder.begun() as beside:
            lists = []
            for path, some in (("blobs.txt.gz", named), ("incoming.txt.gz", raw[:1])):
                with written_lines(beside, path) as (writer, lines):
                    lines.writelines(sha256.encode() + b"\n" for sha256 in some)
                lists.append(writer.finish())
            folder.finish(beside, manifest(blobs=lists[0], incoming=lists[1]))
    kept = {*hashes(40)[5:9], *hashes(40)[7:20:3]}
    assert vault.forget_all_but(folder.open(name) for name in folder.names()) == 40 - len(kept) + 2
    assert {path.stem for path in vault.blobs.glob("*/*")} == kept
    assert [path.name for path in vault.incoming.iterdir()] == raw[:1]
