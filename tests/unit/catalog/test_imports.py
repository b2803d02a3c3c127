import json
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import encoded, photo
from sqlalchemy import func, select, update

from catalog.database import Sessions
from catalog.feeds import FeedRefused
from catalog.importing.imports import FEW, ImportSummary, import_feed
from catalog.importing.preparing import BATCH
from catalog.models import BULK, EDIT, Image, ImportJob, Product, RowError, now
from catalog.products import delete_product, find_product, get_products
from catalog.storage.folders import FolderIncoming

HEAD = "id,title,image_link,additional_image_link,price\n"


@dataclass
class Shop:
    """A merchant with a feed and a folder of images."""

    ledger: Sessions
    id: int
    folder: Path
    incoming: FolderIncoming

    def load(self, feed: str | bytes, images: Path | None = None, **options: object) -> ImportSummary:
        path = self.folder / "feed.csv"
        path.write_bytes(feed.encode() if isinstance(feed, str) else feed)
        place = images or self.folder / "images"
        return import_feed(self.ledger, self.id, path, place, self.incoming, **options)  # type: ignore[arg-type]

    def faults(self, summary: ImportSummary) -> list[tuple[int, str, str]]:
        with self.ledger() as session:
            kept = (
                select(RowError).where(RowError.job_id == summary.job_id).order_by(RowError.row, RowError.id)
            )
            return [(error.row, error.column, error.code) for error in session.scalars(kept)]

    def product(self, sku: str) -> Product:
        with self.ledger() as session:
            found = find_product(session, self.id, sku)
            assert found is not None
            return get_products(session, [found.id])[found.id]


@pytest.fixture
def store(ledger: Sessions, shop: int, tmp_path: Path) -> Shop:
    images = tmp_path / "images"
    (images / "deep").mkdir(parents=True)
    for n in range(6):
        (images / f"{n}.jpg").write_bytes(encoded(photo((64, 64), seed=n), "JPEG"))
    (images / "deep" / "Red Dress.JPG").write_bytes(encoded(photo((64, 64), seed=9), "JPEG"))
    return Shop(ledger, shop, tmp_path, FolderIncoming(tmp_path / "incoming"))


def counts(summary: ImportSummary) -> tuple[int, int, int, int, int]:
    return summary.rows, summary.created, summary.updated, summary.unchanged, summary.refused


def test_good_rows_go_in_and_bad_rows_say_why(store: Shop) -> None:
    feed = (
        HEAD
        + '1,Dress,0.jpg,"1.jpg,2.jpg",15.00 USD\n2,Hat,none.jpg,,9\n3,,3.jpg,,free\n4,Coat,https://a.b/c.jpg,4.jpg,\n'
    )
    summary = store.load(feed)
    assert counts(summary) == (4, 2, 0, 0, 2)
    assert store.faults(summary) == [
        (3, "image_link", "image-missing"), (4, "price", "price-invalid"), (4, "title", "required"),
    ] or store.faults(summary) == [
        (3, "image_link", "image-missing"), (4, "title", "required"), (4, "price", "price-invalid"),
    ]  # fmt: skip
    dress, coat = store.product("1"), store.product("4")
    assert (dress.price_minor, dress.currency, len(dress.images)) == (1500, "USD", 3)
    assert coat.images[0].source == "https://a.b/c.jpg" and coat.images[1].source.startswith("incoming:")
    for image in [*dress.images, coat.images[1]]:
        name = f"{[0, 1, 2, None, 4][image.position if image.product_id == dress.id else 4]}.jpg"
        waiting = store.incoming.read(image.source.removeprefix("incoming:"))
        assert waiting == (store.folder / "images" / name).read_bytes()
    assert len(list(store.incoming)) == 4
    with store.ledger() as session:
        job = session.get_one(ImportJob, summary.job_id)
        assert (job.state, job.rows, job.created, job.refused, job.filename) == ("done", 4, 2, 2, "feed.csv")
        assert job.finished_at is not None and job.finished_at >= job.started_at


def test_a_second_import_writes_nothing(store: Shop) -> None:
    feed = HEAD + "".join(f"{n},Dress {n},{n}.jpg,,1\n" for n in range(6))
    touched: list[int] = []
    store.load(feed, on_commit=touched.extend)
    assert len(touched) == 6
    for sha256 in list(store.incoming):
        store.incoming.delete(sha256)  # as the indexer does
    touched.clear()
    assert counts(store.load(feed, on_commit=touched.extend)) == (6, 0, 0, 6, 0)
    assert touched == [] and list(store.incoming) == []
    with store.ledger() as session:
        assert session.scalar(select(func.max(Product.rev))) == 1


def test_a_failed_picture_is_tried_again_with_the_bytes_that_come_anew(store: Shop) -> None:
    feed = HEAD + "1,Dress,0.jpg,1.jpg,\n2,Hat,2.jpg,,\n"
    store.load(feed)
    kept = sorted(store.incoming)
    with store.ledger.begin() as session:
        for image in session.scalars(select(Image)):
            image.state = "live" if image.position else "failed"
            image.error_code, image.attempts = ("", 0) if image.position else ("image-missing", 1)
    for sha256 in kept:
        store.incoming.delete(sha256)
    assert counts(store.load(feed)) == (2, 0, 0, 2, 0)
    assert sorted(store.incoming) == kept
    main, second = store.product("1").images
    assert (main.state, main.error_code, main.attempts, second.state) == ("queued", "", 0, "live")
    assert store.product("1").rev == 1


def test_new_bytes_under_an_old_name_are_a_change(store: Shop) -> None:
    feed = HEAD + "1,Dress,1.jpg,2.jpg,1\n2,Hat,2.jpg,,1\n"
    store.load(feed)
    (store.folder / "images" / "1.jpg").write_bytes(encoded(photo((64, 64), seed=77), "JPEG"))
    assert counts(store.load(feed)) == (2, 0, 1, 1, 0)
    assert store.product("1").rev == 2 and store.product("2").rev == 1


def test_a_deleted_product_comes_back_with_its_feed(store: Shop) -> None:
    feed = HEAD + "1,Dress,1.jpg,,1\n"
    store.load(feed)
    with store.ledger.begin() as session:
        delete_product(session, store.id, "1")
    assert counts(store.load(feed)) == (1, 1, 0, 0, 0)
    assert store.product("1").rev == 3 and store.product("1").images[0].state == "queued"


def test_names_are_found_as_merchants_write_them(store: Shop) -> None:
    names = [
        "deep/Red Dress.JPG",
        "deep\\red dress.jpg",
        "./deep/RED DRESS.jpg",
        "red dress.jpg",
        "/images/1.jpg",
        "x/y/1.jpg",
    ]
    summary = store.load(HEAD + "".join(f"{n},Dress,{name},,1\n" for n, name in enumerate(names)))
    assert store.faults(summary) == []


def test_names_that_no_file_can_have(store: Shop) -> None:
    names = ["x" * 1900, "a/" * 900 + "b.jpg", "deep", ".", "/", "\\", "a\tb.jpg", "1.jpg/2.jpg"]
    lines = [json.dumps({"id": n, "title": "t", "image": name}) for n, name in enumerate(names)]
    summary = store.load("\n".join(lines))
    assert {code for _, _, code in store.faults(summary)} <= {"image-missing"}
    assert summary.refused + summary.created == len(names) and summary.created <= 1


def test_two_files_of_one_name_need_their_folder(store: Shop) -> None:
    for folder in ("left", "right"):
        (store.folder / "images" / folder).mkdir()
        (store.folder / "images" / folder / "a.jpg").write_bytes(encoded(photo((64, 64)), "JPEG"))
    names = ["a.jpg", "left/a.jpg", "photos/right/a.jpg", "middle/a.jpg"]
    summary = store.load(HEAD + "".join(f"{n},a,{name},,1\n" for n, name in enumerate(names)))
    assert store.faults(summary) == [(2, "image_link", "image-missing"), (5, "image_link", "image-missing")]


SECRETS = [
    "../secret.jpg",
    "deep/../../secret.jpg",
    "/etc/passwd",
    "..\\secret.jpg",
    "link.jpg",
    "....//secret.jpg",
]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_no_name_leads_out_of_the_images(store: Shop, kind: str) -> None:
    (store.folder / "secret.jpg").write_bytes(encoded(photo(), "JPEG"))
    place = store.folder / "images"
    if kind == "zip":
        place = store.folder / "images.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.write(store.folder / "secret.jpg", "../secret.jpg")
            archive.writestr("ok.jpg", encoded(photo(), "JPEG"))
    else:
        (place / "link.jpg").symlink_to(store.folder / "secret.jpg")
        (place / "deep" / "up").symlink_to(store.folder)
    summary = store.load(HEAD + "".join(f"{n},Dress,{name},,1\n" for n, name in enumerate(SECRETS)), place)
    assert [code for _, _, code in store.faults(summary)] == ["image-missing"] * len(SECRETS)
    assert list(store.incoming) == []


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_images_come_in_a_zip_archive(store: Shop) -> None:
    files = {f"shop/photos/{n}.jpg": encoded(photo((64, 64), seed=n), "JPEG") for n in range(4)}
    place = zipped(store.folder / "i.zip", files)
    summary = store.load(
        HEAD + "1,a,0.jpg,,1\n2,b,photos/1.jpg,,1\n3,c,shop/photos/2.jpg,,1\n4,d,9.jpg,,1\n", place
    )
    assert counts(summary) == (4, 3, 0, 0, 1)


def test_archives_that_would_harm(store: Shop) -> None:
    place = zipped(
        store.folder / "i.zip",
        {"bomb.jpg": b"\xff\xd8\xff" + b"\0" * 200 * 2**20, "ok.jpg": encoded(photo(), "JPEG")},
    )
    raw = bytearray(place.read_bytes())
    where = (
        raw.rindex(encoded(photo(), "JPEG")[30:40])
        if encoded(photo(), "JPEG")[30:40] in raw
        else raw.index(b"ok.jpg") + 60
    )
    broken = store.folder / "broken.zip"
    raw[where] ^= 0xFF
    broken.write_bytes(raw)
    summary = store.load(HEAD + "1,a,bomb.jpg,,1\n2,b,ok.jpg,,1\n", place)
    assert store.faults(summary) == [(2, "image_link", "image-too-large")]
    summary = store.load(HEAD + "3,b,ok.jpg,,1\n", broken)
    assert store.faults(summary) == [(2, "image_link", "image-zip-damaged")]


def test_an_archive_with_a_password_says_so(store: Shop) -> None:
    place = zipped(store.folder / "i.zip", {"1.jpg": encoded(photo(), "JPEG")})
    raw = bytearray(place.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    place.write_bytes(raw)
    summary = store.load(HEAD + "1,a,1.jpg,,1\n", place)
    assert store.faults(summary) == [(2, "image_link", "image-zip-damaged")]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"hello"])
def test_what_is_neither_folder_nor_archive(store: Shop, data: bytes) -> None:
    place = store.folder / "images.bin"
    place.write_bytes(data)
    with pytest.raises(FeedRefused) as refused:
        store.load(HEAD + "1,a,1.jpg,,1\n", place)
    assert refused.value.code == "images-unreadable"
    with store.ledger() as session:
        job = session.scalars(select(ImportJob)).one()
        assert job.state == "failed" and "ZIP" in job.message


def test_a_feed_that_cannot_be_read_is_a_failed_job(store: Shop) -> None:
    with pytest.raises(FeedRefused):
        store.load(b"")
    with store.ledger() as session:
        job = session.scalars(select(ImportJob)).one()
        assert job.state == "failed" and job.message.startswith("The feed is empty.")


def test_a_row_goes_in_without_an_additional_image_that_is_not_there(store: Shop) -> None:
    (store.folder / "images" / "drawing.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    feed = HEAD + '1,Dress,0.jpg,"none.jpg,1.jpg,drawing.png",\n2,Hat,none.jpg,1.jpg,\n'
    summary = store.load(feed)
    assert counts(summary) == (2, 1, 0, 0, 1)
    assert store.faults(summary) == [
        (2, "additional_image_link", "image-missing"), (2, "additional_image_link", "image-format"),
        (3, "image_link", "image-missing"),
    ]  # fmt: skip
    assert [image.position for image in store.product("1").images] == [0, 1]
    again = store.load(feed)
    assert counts(again) == (2, 0, 0, 1, 1) and len(store.faults(again)) == 3
    (store.folder / "images" / "none.jpg").write_bytes(encoded(photo((64, 64), seed=31), "JPEG"))
    assert counts(store.load(feed)) == (2, 1, 1, 0, 0)
    assert len(store.product("1").images) == 3


def test_a_few_changes_go_before_bulk_work_and_a_large_import_does_not(store: Shop) -> None:
    def priorities() -> dict[int, int]:
        with store.ledger() as session:
            rows = session.execute(select(Image.priority, func.count()).group_by(Image.priority))
            return dict(rows.tuples().all())

    rows = [f"{n},Dress {n},https://a/{n}.jpg,," for n in range(FEW + 1)]
    store.load(HEAD + "\n".join(rows[:FEW]))
    assert priorities() == {EDIT: FEW}
    with store.ledger.begin() as session:
        session.execute(update(Image).values(state="live", priority=0))
    store.load(HEAD + "\n".join(f"{row}1" for row in rows))  # all of them have a price now
    assert priorities() == {BULK: FEW + 1}
    with store.ledger.begin() as session:
        session.execute(update(Image).values(state="live"))
    store.load(HEAD + "\n".join([f"{row}1" for row in rows[:-3]] + [f"{row}2" for row in rows[-3:]]))
    with store.ledger() as session:  # a daily feed of everything, in which three prices are new
        waiting = select(Image.priority).where(Image.state == "queued")
        assert list(session.scalars(waiting)) == [EDIT] * 3


def test_an_import_that_is_running_says_so_with_each_batch(store: Shop) -> None:
    heard: list[object] = []

    def look(_ids: object) -> None:
        with store.ledger.begin() as session:
            job = session.scalars(select(ImportJob)).one()
            heard.append((job.state, job.heartbeat_at))
            job.state, job.message, job.finished_at = "failed", "A sweeper took it for dead.", now()

    store.load(HEAD + "".join(f"{n},Dress,https://a/{n}.jpg,,1\n" for n in range(2 * BATCH)), on_commit=look)
    (first, second) = heard
    assert first[0] == second[0] == "running" and first[1] < second[1]  # type: ignore[index]
    with store.ledger() as session:
        job = session.scalars(select(ImportJob)).one()
        assert (job.state, job.message) == ("done", "")


def test_files_that_are_no_pictures_are_row_faults(store: Shop) -> None:
    images = store.folder / "images"
    (images / "empty.jpg").touch()
    (images / "drawing.png").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (images / "iphone.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 100)
    (images / "large.jpg").write_bytes(encoded(photo(), "JPEG") + b"\0" * 2**24)
    names = ["empty.jpg", "drawing.png", "iphone.heic", "large.jpg"]
    summary = store.load(HEAD + "".join(f"{n},a,1.jpg,{name},1\n" for n, name in enumerate(names)))
    assert store.faults(summary) == [
        (2, "additional_image_link", "image-empty"), (3, "additional_image_link", "image-format"),
        (4, "additional_image_link", "image-format"), (5, "additional_image_link", "image-too-large"),
    ]  # fmt: skip
    with store.ledger() as session:
        heic = session.scalars(select(RowError).where(RowError.row == 4)).one()
        assert "HEIC" in heic.message and "Save it as JPEG" in heic.message and heic.raw["id"] == "2"


def test_progress_and_commits_come_in_batches(store: Shop) -> None:
    rows = 2 * BATCH + 10
    feed = HEAD + "".join(f"{n},Dress {n},https://a/{n}.jpg,,1\n" for n in range(rows))
    seen: list[tuple[int, int | None]] = []
    touched: list[int] = []
    summary = store.load(
        feed,
        progress=lambda done, total: seen.append((done, total)),
        on_commit=lambda ids: touched.append(len(ids)),
    )
    assert seen == [(0, rows), (BATCH, rows), (2 * BATCH, rows), (rows, rows), (rows, rows)]
    assert touched == [BATCH, BATCH, 10] and summary.created == rows


def test_an_import_that_is_cut_off_goes_on_when_run_again(store: Shop) -> None:
    feed = HEAD + "".join(f"{n},Dress {n},{n % 6}.jpg,,1\n" for n in range(3 * BATCH))

    def stop(done: int, _total: int | None) -> None:
        if done >= BATCH:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.load(feed, progress=stop)
    with store.ledger() as session:
        job = session.scalars(select(ImportJob)).one()
        assert (job.state, job.rows, job.created) == (
            "failed",
            BATCH,
            BATCH,
        ) and "Run it again" in job.message
    assert counts(store.load(feed)) == (3 * BATCH, 2 * BATCH, 0, BATCH, 0)


def test_every_bad_row_of_many_is_kept(store: Shop) -> None:
    """5,000 rows, 500 of them bad in 12 ways: 4,500 go in, 500 are listed with row, column and code."""
    ways: list[Callable[[int], str]] = [
        lambda n: f",no id,https://a/{n}.jpg,,1", lambda n: f"{n},,https://a/{n}.jpg,,1",
        lambda n: f"{n},no image,,,1",
        lambda n: f"{n},t,https://a/{n}.jpg,,free", lambda n: f"{n},t,https://a/{n}.jpg,,-1",
        lambda n: f"{n},t,https://a/{n}.jpg,,1.234 EUR", lambda n: f"{n},t,https://a/{n}.jpg,,1 XYZ",
        lambda n: f"{n},t,gone{n}.jpg,,1", lambda n: f"{n},t,ftp://a/{n}.jpg,,1",
        lambda n: f"{n},t,1.jpg,,1,more",
        lambda n: f'{n},"open,1.jpg,,1', lambda n: f"{'i' * 101}{n},t,1.jpg,,1",
    ]  # fmt: skip
    rng = random.Random(4)
    bad = sorted(rng.sample(range(5000), 500))
    rows = [f'{n},"Dress {n}",https://a/{n}.jpg,,{n}.00 USD' for n in range(5000)]
    for at, n in enumerate(bad):
        rows[n] = ways[at % len(ways)](n)
    summary = store.load(HEAD + "\n".join(rows))
    assert counts(summary) == (5000, 4500, 0, 0, 500)
    faults = store.faults(summary)
    assert [row for row, _, _ in faults] == [n + 2 for n in bad]
    assert {code for _, _, code in faults} == {
        "required", "price-invalid", "price-ambiguous", "currency-unknown", "image-missing", "quote-open",
        "image-link-invalid", "too-many-cells", "too-long",
    }  # fmt: skip


def test_hostile_feeds_and_archives_never_break_the_import(store: Shop) -> None:
    rng = random.Random(11)
    good = (HEAD + "".join(f"g{n},Dress,{n}.jpg,,1\n" for n in range(6))).encode()
    archive = zipped(
        store.folder / "i.zip", {f"{n}.jpg": encoded(photo((64, 64), seed=n), "JPEG") for n in range(6)}
    )
    raw = archive.read_bytes()
    for turn in range(60):
        feed, place = bytearray(good), bytearray(raw)
        for target in (feed, place):
            for _ in range(rng.choice((0, 1, 8))):
                target[rng.randrange(len(target))] = rng.randrange(256)
        (store.folder / "hurt.zip").write_bytes(place[: rng.choice((len(place), rng.randrange(len(place))))])
        try:
            summary = store.load(bytes(feed), store.folder / "hurt.zip")
            assert summary.rows == summary.created + summary.updated + summary.unchanged + summary.refused, (
                turn
            )
        except FeedRefused as refused:
            assert refused.fix


def test_an_archive_that_names_one_file_ever_again(store: Shop) -> None:
    """Overlapping members: many names over the same compressed bytes."""
    data = b"\xff\xd8\xff" + b"\0" * 2**20
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(data) + deflate.flush()
    place = store.folder / "overlap.zip"
    sizes = (zlib.crc32(data), len(packed), len(data))
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, *sizes, 5, 0) + b"0.jpg"
    central = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, *sizes, len(name), *[0] * 6) + name
        for name in (f"{n}.jpg".encode() for n in range(2000))
    )
    start = len(local) + len(packed)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2000, 2000, len(central), start, 0)
    place.write_bytes(local + packed + central + end)
    summary = store.load(HEAD + "".join(f"{n},t,{n}.jpg,,1\n" for n in range(20)), place)
    assert summary.rows == 20 and len(list(store.incoming)) <= 1


def test_rows_name_their_bytes_only_when_they_are_durable(store: Shop, tmp_path: Path) -> None:
    """No image row may ever name bytes that are not there, wherever an import stops."""
    feed = HEAD + "".join(f"{n},Dress,{n % 6}.jpg,,1\n" for n in range(50))
    path = tmp_path / "feed.csv"
    path.write_text(feed)
    pid = os.fork()
    if pid == 0:
        import_feed(
            store.ledger,
            store.id,
            path,
            tmp_path / "images",
            store.incoming,
            on_commit=lambda _ids: os._exit(9),
        )
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    with store.ledger() as session:
        named = {source.removeprefix("incoming:") for source in session.scalars(select(Image.source))}
    assert named and named <= set(store.incoming)


def test_the_shops_currency_holds_where_a_price_names_none(store: Shop) -> None:
    from catalog.models import Merchant

    with store.ledger.begin() as session:
        session.get_one(Merchant, store.id).currency = "CAD"
    summary = store.load(HEAD + "1,a,1.jpg,,15\n2,b,1.jpg,,$15\n3,c,1.jpg,,15 EUR\n")
    assert [store.product(sku).currency for sku in "12"] == ["CAD", "CAD"]
    assert store.faults(summary) == [(4, "price", "currency-mismatch")]


def test_json_lines_are_imported_too(store: Shop) -> None:
    lines = [
        {"id": n, "title": "t", "image_link": f"{n}.jpg", "additional_image_link": ["5.jpg"], "fit": "slim"}
        for n in range(4)
    ]
    assert counts(store.load("\n".join(map(json.dumps, lines)))) == (4, 4, 0, 0, 0)
    assert store.product("2").attributes == {"fit": "slim"} and len(store.product("2").images) == 2
