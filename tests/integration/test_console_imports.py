"""The pages of imports over HTTP: the whole path, whose imports they are, what they refuse."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture
from sqlalchemy import select

from bootstrap import Services
from catalog.importing import jobs as import_jobs
from catalog.importing.imports import begin_job
from catalog.importing.mappings import recall
from catalog.importing.tables import FeedSchedule, ImportRequest
from catalog.models import Product, now
from catalog.products import ensure_merchant, hide_product
from tests.support.console import ConsoleClient, bare_services, console_client
from web.console.imports.merging import MergeRefused, merge

FEED = "SKU;Name;Foto;Preis\n1;Dress;a.jpg;10,00 EUR\n2;Hat;none.jpg;9 EUR\n3;Coat;https://i.example/c.jpg;cheap\n"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("imports"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def editor(services: Services) -> ConsoleClient:
    return console_client(services, "editor")


def jpeg() -> bytes:
    data = io.BytesIO()
    Picture.new("RGB", (64, 64), (200, 30, 30)).save(data, "JPEG")
    return data.getvalue()


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("a.jpg", jpeg())
    return data.getvalue()


def work(services: Services) -> None:
    imports = services.imports()
    while imports.step():
        pass


def at(client: ConsoleClient, path: str) -> str:
    return f"/console/{client.shop}/imports/{path}"


def upload(
    client: ConsoleClient, feed: str, name: str = "feed.csv", to: str = "upload", **more: object
) -> str:
    data = {"feed": (io.BytesIO(feed.encode()), name), **more}
    answer = client.post(at(client, to), data=data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"]).rsplit("/", 1)[-1]


def test_from_the_upload_to_every_row_and_back(services: Services, editor: ConsoleClient) -> None:
    asked = upload(editor, FEED, pictures=(io.BytesIO(archive()), "photos.zip"))
    page = editor.get(at(editor, asked)).text
    assert "a guess by its name" in page and '<option value="image" selected>' in page
    columns = {"column-0": "sku", "column-1": "title", "column-2": "image", "column-3": "price"}
    assert (
        editor.post(at(editor, f"{asked}/rehearse"), data={**columns, "column-2": "leave"}).status_code == 303
    )
    assert "No column is taken for: image_link" in editor.get(at(editor, asked)).text
    rehearse = {**columns, "removal": "guarded", "check": "pictures"}
    editor.post(at(editor, f"{asked}/rehearse"), data=rehearse)
    assert "waits for its turn" in editor.get(at(editor, asked)).text
    far = editor.get(at(editor, f"{asked}/progress.json")).get_json()
    assert (far["state"], far["over"]) == ("waiting", False)
    work(services)
    page = editor.get(at(editor, asked)).text
    assert '<dd data-count="created">1</dd>' in page and '<dd data-count="refused">2</dd>' in page
    assert "The hosts of its pictures will be asked" in page
    assert "price-invalid" in page and "from i.example" not in page and "€" in page
    thumb = page.partition(f"/imports/{asked}/pictures/")[2].partition('"')[0]
    shown = editor.get(at(editor, f"{asked}/pictures/{thumb}"))
    assert shown.status_code == 200 and shown.mimetype == "image/webp"
    assert editor.get(at(editor, f"{asked}/pictures/{'0' * 64}.webp")).status_code == 404
    with services.sessions() as session:
        assert session.scalars(select(Product)).all() == []
        assert recall(session, services.merchant().id, ["sku", "name", "foto", "preis"]) == {
            "sku": "sku", "name": "title", "foto": "image", "preis": "price"
        }  # fmt: skip
    editor.post(at(editor, f"{asked}/run"))
    work(services)
    page = editor.get(at(editor, asked)).text
    assert '<dd data-count="created">1</dd>' in page and "Mend what was refused" in page
    assert "0 are still to be asked for, 0 could not be" in page
    errors = editor.get(at(editor, f"{asked}/errors.csv"))
    assert (
        errors.mimetype == "text/csv" and "filename=feed-errors.csv" in errors.headers["Content-Disposition"]
    )
    lines = errors.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "SKU,Name,Foto,Preis,twirl_row,twirl_column,twirl_code,twirl_message"
    assert lines[1].startswith("2,Hat,none.jpg,9 EUR,3,foto,image-missing")
    assert lines[2].startswith("3,Coat,https://i.example/c.jpg,cheap,4,preis,price-invalid")
    mended = "\n".join(lines).replace("none.jpg", "a.jpg").replace("cheap", "30 EUR")
    fixed = upload(editor, mended, "feed-errors.csv", f"{asked}/mended")
    assert "This is a file of errors" in editor.get(at(editor, fixed)).text
    editor.post(at(editor, f"{fixed}/rehearse"), data=columns)
    work(services)
    editor.post(at(editor, f"{fixed}/run"))
    work(services)
    assert titles(services) == {"1": "Dress", "2": "Hat", "3": "Coat"}
    job = request_of(services, fixed).job_id
    rows = editor.get(at(editor, f"runs/{job}?outcome=created")).text
    assert "Hat" not in rows and rows.count('<td data-name="What came of it">new') == 2
    with services.sessions.begin() as session:
        hide_product(session, services.merchant().id, "3")
    page = editor.get(at(editor, "undo")).text
    assert (
        "1 of them was edited since" in page
        and "2 products that it made go, 0 that it changed are as before" in page
        and "Coat" in page
    )
    assert editor.post(at(editor, "undo"), data={"job": job}).headers["Location"].endswith("/undo")
    back = editor.post(at(editor, "undo"), data={"job": job, "edited": "leave"})
    work(services)
    assert titles(services) == {"1": "Dress", "3": "Coat"}
    assert '<dd data-count="refused">1</dd>' in editor.get(back.headers["Location"]).text
    assert "taken back" in editor.get(at(editor, "")).text


def titles(services: Services) -> dict[str, str]:
    with services.sessions() as session:
        there = select(Product).where(Product.deleted_at.is_(None))
        return {each.sku: each.title for each in session.scalars(there)}


def request_of(services: Services, asked: str) -> ImportRequest:
    with services.sessions() as session:
        return session.get_one(ImportRequest, int(asked))


@pytest.mark.parametrize("loose", [True, False])
def test_a_new_picture_joins_those_that_came_before(
    services: Services, editor: ConsoleClient, loose: bool
) -> None:
    asked = upload(editor, FEED, pictures=(io.BytesIO(packed(A="old", b="kept")), "photos.zip"))
    new = [(io.BytesIO(b"new"), "a"), (io.BytesIO(b"more"), "c")]
    more = new if loose else [(io.BytesIO(packed(a="new", c="more")), "more.zip")]
    mended = upload(editor, FEED, "errors.csv", f"{asked}/mended", pictures=more)
    assert pictures_of(services, mended) == {"a": b"new", "b": b"kept", "c": b"more"}
    assert pictures_of(services, asked) == {"A": b"old", "b": b"kept"}  # they are still that import's
    again = upload(editor, FEED, "errors.csv", f"{mended}/mended")
    assert request_of(services, again).images == request_of(services, mended).images
    services.feed_files.delete(request_of(services, mended).images)
    alone = upload(editor, FEED, "errors.csv", f"{mended}/mended", pictures=[(io.BytesIO(b"new"), "a")])
    assert pictures_of(services, alone) == {"a": b"new"}


def test_pictures_that_cannot_join_are_refused_with_words(tmp_path: Path) -> None:
    before, new, both = (tmp_path / name for name in ("before", "new", "both"))
    before.write_bytes(packed(a="old"))
    new.write_bytes(packed(b="picture").replace(b"picture", b"pictURE"))
    with pytest.raises(MergeRefused, match="b cannot be unpacked"):
        merge(before, new, both, 1)
    new.write_bytes(packed(b="x" * 600_000, c="x" * 600_000))
    with pytest.raises(MergeRefused, match="larger than 1 MiB together"):
        merge(before, new, both, 1)
    new.write_bytes(b"PK\5\6" + b"\xff" * 18)
    with pytest.raises(MergeRefused, match="cannot be read"):
        merge(before, new, both, 1)


def packed(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return data.getvalue()


def pictures_of(services: Services, asked: str) -> dict[str, bytes]:
    key = request_of(services, asked).images
    with services.feed_files.opened(key) as path, zipfile.ZipFile(path) as kept:
        assert len(kept.namelist()) == len(set(kept.namelist()))
        return {name: kept.read(name) for name in kept.namelist()}


def test_loose_pictures_are_kept_as_one_archive(services: Services, editor: ConsoleClient) -> None:
    pictures = [(io.BytesIO(jpeg()), "x.jpg"), (io.BytesIO(jpeg()), "y.jpg")]
    asked = upload(editor, "id,title,image_link\nL1,A,x.jpg\nL2,B,y.jpg\n", pictures=pictures)
    with (
        services.feed_files.opened(request_of(services, asked).images) as path,
        zipfile.ZipFile(path) as found,
    ):
        assert found.namelist() == ["x.jpg", "y.jpg"] and found.read("y.jpg") == jpeg()


@pytest.mark.parametrize(
    ("feed", "pictures", "words"),
    [
        ("", None, "The feed is empty"),
        ("PK\x03\x04 workbook", None, "not text"),
        ("\x00\x01\x02binary", None, "not text"),
        ("id,title,image_link\n", None, "The feed has no products"),
        ("id,title,image_link\n1,A,a.jpg\n", [(b"no", "a.zip")], "is no ZIP archive"),
        ("id,title,image_link\n1,A,a.jpg\n", [(b"no", "a.zip"), (b"no", "b.jpg")], "one ZIP archive, or"),
    ],
)
def test_files_that_cannot_be_taken_are_refused_with_words(
    editor: ConsoleClient, feed: str, pictures: list[tuple[bytes, str]] | None, words: str
) -> None:
    more: dict[str, Any] = (
        {"pictures": [(io.BytesIO(data), name) for data, name in pictures]} if pictures else {}
    )
    assert upload(editor, feed, **more) == ""
    assert words in editor.get(at(editor, "")).text


def test_a_feed_over_the_limit_is_refused(services: Services, tmp_path: object) -> None:
    small = replace(services.settings, indexing=replace(services.settings.indexing, feed_max_mb=1))
    services.settings, before = small, services.settings
    try:
        client = console_client(services, "editor")
        assert upload(client, "id,title,image_link\n" + "x" * 2**20) == ""
        assert "larger than 1 MiB" in client.get(at(client, "")).text
    finally:
        services.settings = before


def test_of_another_shop_nothing_is_seen_or_done(services: Services, editor: ConsoleClient) -> None:
    asked = upload(editor, "id,title,image_link\n1,Dress,https://i.example/a.jpg\n")
    editor.post(at(editor, f"{asked}/rehearse"), data={})
    work(services)
    editor.post(at(editor, f"{asked}/run"))
    work(services)
    other = console_client(services, "owner", shop="other-shop")
    job = request_of(services, asked).job_id
    for path in (asked, f"{asked}/errors.csv", f"{asked}/progress.json", f"{asked}/columns", f"runs/{job}"):
        assert other.get(at(other, path)).status_code == 404, path
    for path in ("rehearse", "run", "stop", "again"):
        assert other.post(at(other, f"{asked}/{path}")).status_code == 404, path
    assert "feed.csv" not in other.get(at(other, "")).text
    assert other.get(at(other, "undo")).headers["Location"].endswith("/imports/")
    other.post(at(other, "undo"), data={"job": job})
    work(services)
    assert "1" in titles(services)


def test_what_was_never_run_can_be_deleted(services: Services) -> None:
    client = console_client(services, "editor", shop="deleting")
    feed = "id,title,image_link\n1,Dress,https://i.example/a.jpg\n"
    drafted, tried, done = (upload(client, feed) for _ in range(3))
    for asked in (tried, done):
        client.post(at(client, f"{asked}/rehearse"), data={})
    work(services)
    client.post(at(client, f"{done}/run"))
    work(services)
    for left, asked in ((2, drafted), (1, tried)):
        listed = client.get(at(client, "")).text
        assert listed.count("Delete it") == left and f'action="{at(client, f"{asked}/delete")}"' in listed
        assert "Delete it" in client.get(at(client, asked)).text
        assert client.post(at(client, f"{asked}/delete")).headers["Location"].endswith("/imports/")
        assert client.get(at(client, asked)).status_code == 404
    assert "Delete it" not in client.get(at(client, done)).text + client.get(at(client, "")).text
    client.post(at(client, f"{done}/delete"))
    assert "Only an import that was never run" in client.get(at(client, done)).text
    owner = console_client(services, "owner", shop="deleting")
    assert owner.get("/console/deleting/team/history.csv").text.count("import.deleted,feed.csv") == 2


def test_imports_are_listed_in_the_order_in_which_they_ran(services: Services) -> None:
    client = console_client(services, "editor", shop="ordered")
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "ordered").id
        asked = import_jobs.enqueue(session, shop, filename="console-early.csv")
        command = begin_job(session, shop, "command.csv")
        late = import_jobs.enqueue(session, shop, filename="console-late.csv")
        session.flush()
        command.started_at = now() + timedelta(minutes=2)
        request = session.get_one(ImportRequest, asked)
        job = begin_job(session, shop, "console-early.csv")
        request.job_id, job.started_at = job.id, now() + timedelta(minutes=3)
        session.get_one(ImportRequest, late).created_at = now() + timedelta(minutes=1)
    page = client.get(at(client, "")).text
    names = re.findall(r'<a class="line"[^>]*>([^<]+)</a>', page)
    assert names == ["console-early.csv", "command.csv", "console-late.csv"]


def test_viewers_look_and_change_nothing(services: Services, editor: ConsoleClient) -> None:
    viewer = console_client(services, "viewer")
    asked = upload(editor, "id,title,image_link\n1,Dress,https://i.example/a.jpg\n")
    page = viewer.get(at(viewer, asked))
    assert page.status_code == 200 and "Try it" not in page.text
    data = {"feed": (io.BytesIO(b"id\n"), "feed.csv")}
    answer = viewer.post(at(viewer, "upload"), data=data, content_type="multipart/form-data")
    assert answer.status_code == 403
    for path in (f"{asked}/rehearse", f"{asked}/run", f"{asked}/stop", "fetch", "undo", "schedules"):
        assert viewer.post(at(viewer, path)).status_code == 403, path


def test_a_feed_by_the_clock_is_added_paused_and_deleted(services: Services, editor: ConsoleClient) -> None:
    wrong = editor.post(
        at(editor, "schedules"), data={"url": "file:///etc/passwd", "every": "day", "at": "03:00"}
    )
    assert wrong.status_code == 303 and "no address of a feed" in editor.get(at(editor, "schedules")).text
    said = {"url": "https://shop.example/feed.xml", "every": "hour", "at": "25:99", "removal": "guarded"}
    editor.post(at(editor, "schedules"), data=said)
    assert "no time of day" in editor.get(at(editor, "schedules")).text
    editor.post(at(editor, "schedules"), data={**said, "at": "00:20", "check": "pictures"})
    page = editor.get(at(editor, "schedules")).text
    assert "Every hour, at minute 20" in page and "is removed, unless the feed looks broken" in page
    assert "are asked each time whether these are others" in page
    with services.sessions() as session:
        schedule = session.scalars(select(FeedSchedule)).one()
    other = console_client(services, "owner", shop="other-shop")
    assert other.post(at(other, f"schedules/{schedule.id}"), data={"do": "delete"}).status_code == 404
    editor.post(at(editor, f"schedules/{schedule.id}"), data={"do": "pause"})
    assert "<b>paused</b>" in editor.get(at(editor, "schedules")).text
    editor.post(at(editor, f"schedules/{schedule.id}"), data={"do": "delete"})
    with services.sessions() as session:
        assert session.scalars(select(FeedSchedule)).all() == []
