"""Imports that are asked for: rehearsed, taken in, taken over after a kill, taken back; feeds by clock."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture
from sqlalchemy import func, select, update

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.importing import jobs as import_jobs
from catalog.importing.fates import count_fates, list_fates
from catalog.importing.feed_process import FeedLimits
from catalog.importing.jobs import ClaimLost, RequestRefused
from catalog.importing.mappings import remember
from catalog.importing.schedules import add_schedule
from catalog.importing.tables import FeedSchedule, ImportRequest, ImportRow
from catalog.importing.tidying import tidy_imports
from catalog.importing.undoing import undoable
from catalog.models import Image, ImportJob, Product, RowError, now
from catalog.products import ensure_merchant, hide_product
from indexer.importing import Imports
from tests.support.importing import imports
from tests.support.postgres import fresh, postgres

HEAD = "id,title,image_link,price\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as uri:
        yield uri


class Desk:
    """A merchant's line of imports, and one worker."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.engine = open_engine(url)
        upgrade(self.engine)
        self.ledger: Sessions = sessions(self.engine)
        self.worker: Imports = imports(self.ledger, folder)
        with self.ledger.begin() as session:
            self.shop = ensure_merchant(session, "demo", currency="EUR").id

    def keep(self, data: bytes | str) -> str:
        with self.worker.files.received() as path:
            path.write_bytes(data.encode() if isinstance(data, str) else data)
            return self.worker.files.keep(path)

    def ask(self, feed: bytes | str, step: str = "import", images: bytes = b"", **options: Any) -> int:
        key, beside = self.keep(feed), self.keep(images) if images else ""
        with self.ledger.begin() as session:
            return import_jobs.enqueue(
                session, self.shop, file=key, images=beside, filename="feed.csv", step=step, options=options
            )

    def request(self, request_id: int) -> ImportRequest:
        with self.ledger() as session:
            return session.get_one(ImportRequest, request_id)

    def job(self, request_id: int) -> ImportJob:
        with self.ledger() as session:
            return session.get_one(ImportJob, session.get_one(ImportRequest, request_id).job_id)

    def work(self) -> None:
        while self.worker.step():
            pass

    def titles(self) -> dict[str, str]:
        with self.ledger() as session:
            there = select(Product).where(Product.deleted_at.is_(None)).order_by(Product.sku)
            return {each.sku: each.title for each in session.scalars(there)}

    def close(self) -> None:
        self.worker.decoder.close()
        self.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path}/twirl.sqlite3"
    if request.param == "postgresql":
        url = fresh(request.getfixturevalue("server"), "importing")
    made = Desk(url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Desk]:
    """On SQLite only: what does not differ."""
    made = Desk(f"sqlite:///{tmp_path}/twirl.sqlite3", tmp_path)
    yield made
    made.close()


def archive(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for place, name in enumerate(names):
            picture = io.BytesIO()
            Picture.new("RGB", (64, 64), (place * 40, 90, 200)).save(picture, "JPEG")
            made.writestr(f"photos/{name}", picture.getvalue())
    return data.getvalue()


FEED = HEAD + "1,Dress,a.jpg,10 EUR\n2,Hat,none.jpg,9\n3,Coat,https://i.example/c.jpg,cheap\n4,Shoe,b.jpg,5\n"


def test_a_rehearsal_says_what_would_come_and_shows_the_first_rows(desk: Desk) -> None:
    asked = desk.ask(FEED, "rehearse", archive("a.jpg", "b.jpg"))
    desk.work()
    request = desk.request(asked)
    assert request.state == "rehearsed" and desk.titles() == {}
    would = request.rehearsal
    assert [would[name] for name in ("rows", "created", "updated", "unchanged", "refused")] == [4, 2, 0, 0, 2]
    assert would["codes"] == {"image-missing": 1, "price-invalid": 1}
    first = [(each["row"], each["sku"], each["outcome"], each["title"]) for each in would["first"]]
    assert first == [
        (2, "1", "created", "Dress"), (3, "2", "refused", "Hat"), (4, "3", "refused", "Coat"),
        (5, "4", "created", "Shoe"),
    ]  # fmt: skip
    assert [len(each["picture"]) for each in would["first"]] == [64, 0, 0, 64]
    assert all(desk.worker.blobs.has(each["picture"]) for each in would["first"] if each["picture"])
    with desk.ledger.begin() as session:
        import_jobs.again(session, session.get_one(ImportRequest, asked), "import")
    desk.work()
    assert desk.titles() == {"1": "Dress", "4": "Shoe"} and desk.request(asked).state == "done"
    assert desk.job(asked).refused == 2
    with desk.ledger() as session:
        job_id = desk.job(asked).id
        fates = [(each.row, each.sku, each.outcome) for each in list_fates(session, job_id)]
        assert fates == [(2, "1", "created"), (3, "2", "refused"), (4, "3", "refused"), (5, "4", "created")]
        refused = list_fates(session, job_id, "refused")
        assert [each.faults[0].code for each in refused] == ["image-missing", "price-invalid"]
        assert list_fates(session, job_id, after=refused[0].id, limit=1)[0].sku == "3"
        assert count_fates(session, job_id) == {"created": 2, "refused": 2}


def test_only_what_failed_is_read_again(one: Desk) -> None:
    first = one.ask(FEED, images=archive("a.jpg", "b.jpg"))
    one.work()
    again = one.ask(FEED, images=archive("a.jpg", "none.jpg"), only_failed_of=one.job(first).id)
    one.work()
    job = one.job(again)
    assert (job.rows, job.created, job.unchanged, job.refused) == (2, 1, 0, 1)
    assert one.titles() == {"1": "Dress", "2": "Hat", "4": "Shoe"}


def test_a_mapping_is_used_and_remembered(one: Desk) -> None:
    feed = "Artikelnummer;Bezeichnung;Foto;Foto 2;Preis;Notiz\n"
    feed += "A1;Kleid;https://i.example/a.jpg;https://i.example/b.jpg;10,00 EUR;x\n"
    columns = ["artikelnummer", "bezeichnung", "foto", "foto_2", "preis", "notiz"]
    mapping = dict(zip(columns, ("sku", "title", "image", "more_images", "price", "leave"), strict=True))
    one.ask(feed, mapping=mapping)
    one.work()
    with one.ledger.begin() as session:
        product = session.scalars(select(Product)).one()
        assert (product.sku, product.title, product.price_minor) == ("A1", "Kleid", 1000)
        assert [image.source[-5:] for image in product.images] == ["a.jpg", "b.jpg"]
        assert product.attributes == {}
        remember(session, one.shop, columns, {**mapping, "notiz": "colour"})
    asked = one.ask(feed)
    with one.ledger.begin() as session:
        request = session.get_one(ImportRequest, asked)
        request.survey = {"columns": [{"name": name} for name in columns]}
    one.work()
    assert one.job(asked).updated == 1
    with one.ledger() as session:
        assert session.scalars(select(Product.colour)).one() == "x"


@pytest.mark.parametrize("seed", [1])
def test_a_killed_worker_s_import_goes_on_where_it_was(desk: Desk, seed: int) -> None:
    rows, bad = 1600, 16
    lines = [
        f"{n},Dress {n},https://i.example/{n}.jpg,{'cheap' if n % (rows // bad) == 7 else n}\n"
        for n in range(rows)
    ]
    asked = desk.ask(HEAD + "".join(lines))
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.importing", desk.url, str(desk.folder)]
    killed = 0
    while killed < 2:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            begun = desk.request(asked).batches
            while desk.request(asked).batches < begun + 1 + seed and desk.request(asked).state != "done":
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        killed += 1
    assert desk.request(asked).state == "running" and 0 < desk.request(asked).batches < rows // 200
    desk.work()
    job = desk.job(asked)
    assert (job.state, job.rows, job.created, job.unchanged, job.refused) == (
        "done",
        rows,
        rows - bad,
        0,
        bad,
    )
    with desk.ledger() as session:
        assert session.scalar(select(func.count(ImportRow.id)).where(ImportRow.job_id == job.id)) == rows
        assert session.scalar(select(func.count(RowError.id)).where(RowError.job_id == job.id)) == bad
        assert session.scalar(select(func.count(ImportJob.id))) == 1
        found = undoable(session, desk.shop)
        assert found is not None and found.created == rows - bad


def test_who_was_silent_for_the_lease_writes_nothing_more(desk: Desk) -> None:
    desk.ask(FEED)
    first = import_jobs.claim(desk.ledger, "elsewhere.0:1")
    assert first is not None and import_jobs.claim(desk.ledger, "elsewhere.0:2") is None
    with desk.ledger.begin() as session:
        session.execute(update(ImportRequest).values(claimed_at=now() - timedelta(seconds=61)))
        assert import_jobs.due(session)
    second = import_jobs.claim(desk.ledger, "elsewhere.0:2")
    assert second is not None and second.id == first.id
    with pytest.raises(ClaimLost), desk.ledger.begin() as session:
        import_jobs.renew(session, first, batches=7)
    assert desk.request(first.id).batches == 0
    with desk.ledger.begin() as session:
        import_jobs.renew(session, second, batches=1)


def test_of_one_merchant_one_import_runs_at_a_time(desk: Desk) -> None:
    first, second = desk.ask(FEED), desk.ask(FEED)
    look = desk.ask(FEED, "rehearse")
    with desk.ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        theirs = import_jobs.enqueue(session, other, file="0" * 32)
    claimed: list[int] = []
    lock = threading.Lock()

    def take(name: str) -> None:
        found = import_jobs.claim(desk.ledger, name)
        with lock:
            claimed.extend([found.id] if found else [])

    threads = [threading.Thread(target=take, args=(f"elsewhere.0:{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(3):  # whoever was passed over for another's lock
        take("elsewhere.0:9")
    assert sorted(claimed) == sorted([first, look, theirs]) and second not in claimed


def test_a_feed_that_ends_its_worker_is_given_up(one: Desk) -> None:
    asked = one.ask(FEED)
    for n in range(import_jobs.MOST_ATTEMPTS):
        assert import_jobs.claim(one.ledger, f"elsewhere.0:{n}", is_gone=lambda _: True) is not None
    assert import_jobs.claim(one.ledger, "elsewhere.0:9", is_gone=lambda _: True) is None
    assert one.request(asked).state == "failed" and "3 times" in one.request(asked).message


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "xxxx">]><rss><item>&a;</item></rss>'
BULKY = b"<rss><channel><item>" + b"<a/>" * 1_900_000 + b"</item></channel></rss>"
HOSTILE = [
    ("deep", b"[" + b'{"a":' * 50_000, FeedLimits(), ""),
    ("entities", ENTITIES, FeedLimits(), "declares entities"),
    ("time", BULKY, FeedLimits(timeout_s=0.2), "too long"),
    ("cpu", BULKY, FeedLimits(cpu_seconds=0), "too long"),
    ("binary", b"PK\x03\x04" + bytes(100), FeedLimits(), "workbook"),
    ("nothing", b"", FeedLimits(), "empty"),
]


@pytest.mark.parametrize(("name", "feed", "limits", "words"), HOSTILE, ids=[each[0] for each in HOSTILE])
def test_a_hostile_feed_fails_its_import_and_nothing_else(
    one: Desk, name: str, feed: bytes, limits: FeedLimits, words: str
) -> None:
    one.worker.limits = limits
    asked = one.ask(feed)
    one.work()
    request = one.request(asked)
    assert request.state in ("failed", "done") and words in request.message, request.message
    assert one.titles() == {}
    one.worker.limits = FeedLimits()
    good = one.ask(HEAD + "1,Dress,https://i.example/a.jpg,1\n")
    one.work()
    assert one.request(good).state == "done" and one.titles() == {"1": "Dress"}


def test_an_archive_of_more_names_than_memory_fails_its_import(one: Desk) -> None:
    name = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 9) + bytes(16)  # one name in an archive's list
    names = b"".join(name + b"%09d" % n for n in range(500_000))
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(names), 0, 0)
    one.worker.limits = FeedLimits(memory_mb=256)
    asked = one.ask(FEED, images=names + end)
    one.work()
    assert one.request(asked).state == "failed" and "memory" in one.request(asked).message


def test_an_archive_that_is_none_and_a_file_that_is_gone_say_so(one: Desk) -> None:
    broken = one.ask(FEED, images=b"no archive")
    one.work()
    assert (
        one.request(broken).state == "failed" and "neither a folder nor a ZIP" in one.request(broken).message
    )
    gone = one.ask(FEED)
    one.worker.files.delete(one.request(gone).file)
    one.work()
    assert "Upload it again" in one.request(gone).message and one.request(gone).state == "failed"


def test_an_import_is_stopped_and_taken_back_by_request(one: Desk) -> None:
    kept = one.ask(HEAD + "1,Dress,https://i.example/a.jpg,1\n2,Hat,https://i.example/b.jpg,1\n")
    one.work()
    changed = one.ask(
        HEAD + "1,Frock,https://i.example/a.jpg,1\n3,Shoe,https://i.example/c.jpg,1\n", removal="guarded"
    )
    one.work()
    assert one.job(kept).created == 2 and one.titles() == {"1": "Frock", "3": "Shoe"}
    assert (one.job(changed).created, one.job(changed).updated, one.job(changed).removed) == (1, 1, 1)
    with one.ledger.begin() as session:
        hide_product(session, one.shop, "3")
        stopped = import_jobs.enqueue(session, one.shop, file="0" * 32)
        assert import_jobs.stop(session, session.get_one(ImportRequest, stopped))
        back = import_jobs.enqueue(
            session, one.shop, step="undo", options={"undo_of": one.job(changed).id}, filename="feed.csv"
        )
        with pytest.raises(RequestRefused):
            import_jobs.again(session, session.get_one(ImportRequest, back), "import")
    one.work()
    assert one.request(stopped).state == "cancelled"
    assert one.titles() == {"1": "Dress", "2": "Hat", "3": "Shoe"} and one.job(back).kind == "undo"
    assert (one.job(back).created, one.job(back).updated, one.job(back).refused) == (1, 1, 1)
    with one.ledger() as session:
        assert count_fates(session, one.job(back).id) == {"created": 1, "updated": 1, "kept": 1}


class Host:
    """Serves one feed, and counts what it was asked."""

    def __init__(self) -> None:
        self.body, self.status, self.etag = b"", 200, '"one"'
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers.get("If-None-Match", ""))
                same = self.headers.get("If-None-Match") == outer.etag
                self.send_response(304 if same and outer.status == 200 else outer.status)
                self.send_header("ETag", outer.etag)
                self.end_headers()
                if not same and outer.status == 200:
                    self.wfile.write(outer.body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/shop/feed.csv"


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.server.shutdown()


def due_again(desk: Desk) -> None:
    with desk.ledger.begin() as session:
        session.execute(update(FeedSchedule).values(next_at=now() - timedelta(seconds=1)))
    desk.work()


def outcomes(desk: Desk) -> list[str]:
    with desk.ledger() as session:
        return [each["code"] for each in session.scalars(select(FeedSchedule)).one().outcomes["last"]]


def test_a_feed_is_fetched_by_the_clock_and_a_failed_fetch_changes_nothing(desk: Desk, host: Host) -> None:
    host.body = (HEAD + "1,Dress,https://i.example/a.jpg,1\n2,Hat,https://i.example/b.jpg,1\n").encode()
    with desk.ledger.begin() as session:
        add_schedule(session, desk.shop, host.url, "day", "03:30", "guarded")
    desk.work()
    assert desk.titles() == {"1": "Dress", "2": "Hat"} and outcomes(desk) == ["imported"]
    with desk.ledger() as session:
        at = session.scalars(select(FeedSchedule.next_at)).one()
        assert (at.hour, at.minute) == (3, 30) and at > now()
    due_again(desk)
    assert host.asked == ["", '"one"'] and outcomes(desk)[0] == "unchanged"  # the host said so
    host.etag = '"two"'
    due_again(desk)
    assert outcomes(desk)[0] == "unchanged"  # the same bytes under another mark
    host.status, host.etag = 503, '"three"'
    due_again(desk)
    assert outcomes(desk)[0] == "feed-http-503" and len(desk.titles()) == 2
    with desk.ledger() as session:
        failed = session.scalars(select(FeedSchedule)).one()
        assert failed.failures == 1 and failed.next_at < now() + timedelta(seconds=301)
    host.status, host.body = 200, b"<html>Sorry</html>"
    due_again(desk)
    assert outcomes(desk)[0] == "feed-xml" and len(desk.titles()) == 2
    host.body, host.etag = (HEAD + "1,Frock,https://i.example/a.jpg,1\n").encode(), '"four"'
    due_again(desk)
    assert desk.titles() == {"1": "Frock"}
    assert outcomes(desk)[:4] == ["imported", "feed-xml", "feed-http-503", "unchanged"]
    host.body, host.etag = b"nr,was,wo\n1,Kleid,https://i.example/a.jpg\n", '"five"'
    due_again(desk)
    assert outcomes(desk)[0] == "columns-unclear" and desk.titles() == {"1": "Frock"}
    with desk.ledger() as session:
        waits = session.scalars(select(ImportRequest).order_by(ImportRequest.id.desc()).limit(1)).one()
        assert waits.state == "draft" and [each["name"] for each in waits.survey["columns"]] == [
            "nr",
            "was",
            "wo",
        ]


def test_a_feed_whose_pictures_are_checked_goes_in_though_it_is_as_it_was(one: Desk, host: Host) -> None:
    host.body = (HEAD + "1,Dress,https://i.example/a.jpg,1\n2,Hat,https://i.example/b.jpg,1\n").encode()
    with one.ledger.begin() as session:
        add_schedule(session, one.shop, host.url, "day", "03:30", "none", check_pictures=True)
    one.work()
    with one.ledger.begin() as session:
        first = session.scalars(select(Image).order_by(Image.id).limit(1)).one()
        first.state, first.sha256, first.fingerprint = "live", "a" * 64, "f"
    due_again(one)
    assert host.asked == ["", ""] and outcomes(one) == ["imported", "imported"]
    with one.ledger() as session:
        said = session.scalars(select(FeedSchedule)).one().outcomes["last"][0]
        checks = [image.check_at is not None for image in session.scalars(select(Image).order_by(Image.id))]
        last = session.scalars(select(ImportJob).order_by(ImportJob.id.desc()).limit(1)).one()
    assert "as it was" in said["message"] and checks == [True, False]  # of the other there are no bytes yet
    assert (last.unchanged, last.updated, last.created) == (2, 0, 0)
    with one.ledger() as session:
        assert count_fates(session, last.id) == {"unchanged": 2}


def test_a_feed_at_an_address_becomes_a_draft(one: Desk, host: Host) -> None:
    host.body = (HEAD + "1,Dress,https://i.example/a.jpg,1\n").encode()
    with one.ledger.begin() as session:
        asked = import_jobs.enqueue(session, one.shop, url=host.url, step="fetch")
        big = import_jobs.enqueue(session, one.shop, url=host.url + "?", step="fetch")
        private = import_jobs.enqueue(session, one.shop, url="file:///etc/passwd", step="fetch")
    one.worker.step()
    request = one.request(asked)
    assert (request.state, request.filename, request.survey["rows"]) == ("draft", "feed.csv", 1)
    assert [each["name"] for each in request.survey["columns"]] == ["id", "title", "image_link", "price"]
    assert json.dumps(request.survey["columns"][1]["examples"]) == '["Dress"]'
    host.body = b"x" * (2**20 + 1)
    one.work()
    assert one.request(big).state == "failed" and "larger than 1 MiB" in one.request(big).message
    assert one.request(private).state == "failed" and "plain http" in one.request(private).message


def test_old_files_go_and_what_is_needed_stays(one: Desk) -> None:
    asked = [one.ask(HEAD + f"{n},Dress,https://i.example/a.jpg,1\n") for n in range(12)]
    one.work()
    orphan = one.keep("nobody's")
    waiting = one.ask(FEED, "rehearse")
    old = time.time() - 7200
    for path in (one.folder / "uploads").iterdir():
        os.utime(path, (old, old))
    assert tidy_imports(one.ledger, one.worker.files) == 3
    left = set(one.worker.files)
    assert orphan not in left and one.request(waiting).file in left
    assert [bool(one.request(each).file) for each in asked] == [False] * 2 + [True] * 10
