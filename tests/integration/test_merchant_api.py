"""Imports, webhooks and what is done once over the API, on both databases; races for a key and a version."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from twirl_client import verify
from werkzeug.test import TestResponse

from accounts import audit
from bootstrap import Services
from catalog.importing import jobs as import_jobs
from catalog.importing.tables import ImportRequest
from catalog.models import Product, now
from catalog.programs.api_keys import find_key
from catalog.programs.idempotency import forget_answers
from catalog.programs.tables import KeptAnswer, Webhook, WebhookDelivery
from catalog.programs.webhooks import create_webhook
from indexer.webhooks import Messenger
from settings import Settings
from tests.support.keyed import Program, keyed
from tests.support.postgres import fresh, postgres
from tests.support.receiver import receiver
from web.app import create_app

LINES = b'{"sku": "L-1", "title": "Shirt", "images": ["https://shop.example/1.jpg"]}\n{"sku": "L-2"}\n'
JSONL = "application/jsonl"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A shop without an engine: nothing here searches."""
    given = Settings()
    folder = tmp_path_factory.mktemp("merchant")
    with ExitStack() as stack:
        url = "" if request.param == "sqlite" else fresh(stack.enter_context(postgres()), "merchant_api")
        storage = replace(given.storage, data=folder, database_url=url)
        limits = replace(given.limits, db_answer_s=20.0)
        made = Services(replace(given, storage=storage, limits=limits))
        made.prepare()
        yield made
        made.close()


@pytest.fixture(scope="module")
def app(services: Services) -> Flask:
    return create_app(services)


@pytest.fixture
def program(services: Services, app: Flask) -> Program:
    return Program(app.test_client(), keyed(services, f"shop-{secrets.token_hex(4)}")[1])


def at_once(
    app: Flask, program: Program, act: Callable[[Program], TestResponse], many: int = 16
) -> list[TestResponse]:
    """The same request by many, each with a connection of its own."""
    key = program.headers["Authorization"].removeprefix("Bearer ")

    def one(_: int) -> TestResponse:
        return act(Program(app.test_client(), key))

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(one, range(many)))


def shop_id(program: Program, services: Services) -> int:
    with services.sessions() as session:
        found = find_key(session, program.headers["Authorization"].removeprefix("Bearer "))
        assert found
        return found.merchant_id


def count(services: Services, what: Any, *where: Any) -> int:
    with services.sessions() as session:
        return int(session.scalar(select(func.count()).select_from(what).where(*where)) or 0)


def test_fifty_posts_with_one_key_make_one_import(services: Services, app: Flask, program: Program) -> None:
    shop, files = shop_id(program, services), len(list(services.feed_files))
    headers = {"Idempotency-Key": "nightly-7"}
    answers = at_once(
        app, program, lambda each: each.post("imports", data=LINES, content_type=JSONL, headers=headers), 50
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {"true": 49, None: 1}
    assert count(services, ImportRequest, ImportRequest.merchant_id == shop) == 1
    assert len(list(services.feed_files)) == files + 1
    with services.sessions() as session:
        (noted,) = audit.every(session, shop)
    assert (noted.action, noted.subject) == ("import.begun", "import.jsonl")
    assert noted.email.startswith("twirl_secret_") and noted.details["request"] == answers[0].get_json()["id"]
    again = program.post(
        "imports", data=LINES, content_type=JSONL, headers={"Idempotency-Key": '"nightly-7"'}
    )
    assert again.text == answers[0].text and again.headers["Location"] == answers[0].headers["Location"]


def test_a_key_is_for_one_request_of_one_shop(services: Services, app: Flask, program: Program) -> None:
    def post(who: Program, body: bytes = LINES, path: str = "imports") -> TestResponse:
        return who.post(path, data=body, content_type=JSONL, headers={"Idempotency-Key": "k"})

    first = post(program)
    for other in (post(program, LINES + b"\n"), post(program, path="imports?missing=remove")):
        assert other.status_code == 422 and other.get_json()["code"] == "idempotency-key-reused"
    neighbour = Program(app.test_client(), keyed(services, "neighbour")[1])
    assert post(neighbour).get_json()["id"] != first.get_json()["id"]
    without = [program.post("imports", data=LINES, content_type=JSONL).get_json()["id"] for _ in range(2)]
    assert len({first.get_json()["id"], *without}) == 3
    refused = program.post("imports", data=b"", content_type=JSONL, headers={"Idempotency-Key": "e"})
    assert refused.status_code == 422  # nothing was done: mended, it may come under the same key
    assert (
        program.post("imports", data=LINES, content_type=JSONL, headers={"Idempotency-Key": "e"}).status_code
        == 202
    )


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\tb"])
def test_an_idempotency_key_that_cannot_be(program: Program, key: str) -> None:
    asked = program.post("imports", data=LINES, content_type=JSONL, headers={"Idempotency-Key": key})
    assert asked.status_code == 422 and asked.get_json()["errors"][0]["field"] == "Idempotency-Key"


def test_after_a_day_a_key_is_new(services: Services, program: Program) -> None:
    headers = {"Idempotency-Key": "daily"}
    first = program.post("imports", data=LINES, content_type=JSONL, headers=headers).get_json()["id"]
    with services.sessions.begin() as session:
        for row in session.scalars(select(KeptAnswer).where(KeptAnswer.key == "daily")):
            row.created_at = now() - timedelta(hours=24, seconds=1)
    second = program.post("imports", data=LINES + b"\n", content_type=JSONL, headers=headers)
    assert second.status_code == 202 and second.get_json()["id"] != first
    with services.sessions.begin() as session:
        for row in session.scalars(select(KeptAnswer).where(KeptAnswer.key == "daily")):
            row.created_at = now() - timedelta(hours=24, seconds=1)
    with services.sessions.begin() as session:
        assert forget_answers(session) == 1
    assert count(services, KeptAnswer, KeptAnswer.key == "daily") == 0


def test_what_fails_in_the_middle_is_not_half_done(
    services: Services, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, shop = len(list(services.feed_files)), shop_id(program, services)
    enqueue = import_jobs.enqueue

    def broken(*args: Any, **kwargs: Any) -> int:
        enqueue(*args, **kwargs)
        raise RuntimeError("the process is killed here")

    monkeypatch.setattr(import_jobs, "enqueue", broken)
    headers = {"Idempotency-Key": "killed"}
    assert program.post("imports", data=LINES, content_type=JSONL, headers=headers).status_code == 500
    monkeypatch.setattr(import_jobs, "enqueue", enqueue)
    assert count(services, ImportRequest, ImportRequest.merchant_id == shop) == 0
    assert len(list(services.feed_files)) == files
    assert program.post("imports", data=LINES, content_type=JSONL, headers=headers).status_code == 202


def test_of_many_that_begin_from_one_version_one_goes_through(
    services: Services, app: Flask, program: Program
) -> None:
    shirt = {"title": "Shirt", "images": ["https://shop.example/1.jpg"]}
    made = at_once(
        app, program, lambda each: each.put("products/R-1", json=shirt, headers={"If-None-Match": "*"})
    )
    assert Counter(answer.status_code for answer in made) == {201: 1, 412: 15}
    tag = program.get("products/R-1").headers["ETag"]
    numbers = iter(range(1000))
    changed = at_once(
        app,
        program,
        lambda each: each.patch("products/R-1", json={"size": str(next(numbers))}, headers={"If-Match": tag}),
    )
    assert Counter(answer.status_code for answer in changed) == {200: 1, 412: 15}
    said = next(answer.get_json() for answer in changed if answer.status_code == 200)
    now_there = program.get("products/R-1").get_json()
    assert (said["size"], said["rev"]) == (now_there["size"], now_there["rev"]) and now_there["rev"] == 2
    tag = program.get("products/R-1").headers["ETag"]
    gone = at_once(app, program, lambda each: each.delete("products/R-1", headers={"If-Match": tag}))
    assert Counter(answer.status_code for answer in gone) == {204: 1, 412: 15}


def test_many_that_name_no_version_all_go_through(services: Services, app: Flask, program: Program) -> None:
    shirt = {"title": "Shirt", "images": ["https://shop.example/1.jpg"]}
    numbers = iter(range(1000))
    made = at_once(
        app, program, lambda each: each.put("products/R-2", json={**shirt, "size": str(next(numbers))})
    )
    assert Counter(answer.status_code for answer in made) == {200: 15, 201: 1}
    assert count(services, Product, Product.merchant_id == shop_id(program, services)) == 1
    assert program.get("products/R-2").get_json()["rev"] == 16


def test_an_import_is_a_resource(program: Program) -> None:
    made = program.post("imports", data=LINES, content_type="application/x-ndjson")
    said = made.get_json()
    assert made.headers["Location"] == f"/api/v1/imports/{said['id']}" and said["state"] == "waiting"
    assert said["kind"] == "import"
    assert said["counts"] == {
        "rows": 0, "created": 0, "updated": 0, "unchanged": 0, "refused": 0, "removed": 0
    }  # fmt: skip
    assert program.get(f"imports/{said['id']}").get_json() == said
    others = [program.post("imports", data=LINES, content_type=JSONL).get_json()["id"] for _ in range(4)]
    seen, query = [], "imports?limit=2"
    while query:
        page = program.get(query).get_json()
        seen += [each["id"] for each in page["imports"]]
        query = f"imports?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == [*reversed(others), said["id"]]
    assert program.get(f"imports/{said['id']}/results").get_json() == {"results": [], "next_cursor": None}


def test_every_row_has_its_result_and_the_webhook_is_told(services: Services, program: Program) -> None:
    lines = [
        {"sku": "B-1", "title": "Shirt", "images": ["https://shop.example/1.jpg"], "price": "49 EUR"},
        {"sku": "B-2", "title": "", "images": [], "price": "cheap"},
        {
            "sku": "B-3",
            "title": "Dress",
            "images": ["https://shop.example/3.jpg"],
            "attributes": {"fit": "slim"},
        },
    ]
    body = "\n".join([*map(json.dumps, lines), "{not json"]).encode()
    program.put("products/B-1", json={"title": "Old", "images": ["https://shop.example/1.jpg"]})
    program.put("products/B-9", json={"title": "Unlisted", "images": ["https://shop.example/9.jpg"]})
    with receiver() as told:
        with services.sessions.begin() as session:
            hook = create_webhook(session, shop_id(program, services), told.url, allow_private=True)
        made = program.post("imports?missing=remove", data=body, content_type=JSONL).get_json()
        imports = services.imports()
        while imports.step():
            pass
        done = program.get(f"imports/{made['id']}").get_json()
        messenger = Messenger(services.sessions, allow_private=True)
        while messenger.step():
            pass
        event = verify(hook.secret, *told.came[-1])
    assert (done["state"], done["counts"]) == (
        "done", {"rows": 4, "created": 1, "updated": 1, "unchanged": 0, "refused": 2, "removed": 0}
    )  # fmt: skip
    assert "cannot be read which product" in done["message"]  # so nothing was removed
    rows, query = [], f"imports/{made['id']}/results?limit=3"
    while query:
        page = program.get(query).get_json()
        rows += page["results"]
        more = page["next_cursor"]
        query = f"imports/{made['id']}/results?limit=3&cursor={more}" if more else ""
    assert [(row["row"], row["sku"], row["status"], row["outcome"]) for row in rows] == [
        (1, "B-1", 200, "updated"), (2, "B-2", 422, "refused"), (3, "B-3", 201, "created"),
        (4, "", 422, "refused"),
    ]  # fmt: skip
    assert {(e["field"], e["code"]) for e in rows[1]["errors"]} == {
        ("title", "required"), ("images", "required"), ("price", "price-invalid")
    }  # fmt: skip
    refused = program.get(f"imports/{made['id']}/results?outcome=refused").get_json()["results"]
    assert [row["row"] for row in refused] == [2, 4]
    assert (event.type, event.data["import_id"], event.data["refused"]) == ("import.done", made["id"], 2)
    assert program.get("products/B-3").get_json()["attributes"] == {"fit": "slim"}
    assert program.get("products/B-1").get_json()["price"] == "49.00 EUR"


@pytest.mark.parametrize(
    ("path", "data", "kind", "status"),
    [
        ("imports", LINES, "text/csv", 415),
        ("imports", LINES, "application/json", 415),
        ("imports?missing=all", LINES, JSONL, 422),
        ("imports", b"", JSONL, 422),
    ],
)
def test_an_import_that_cannot_be(program: Program, path: str, data: bytes, kind: str, status: int) -> None:
    assert program.post(path, data=data, content_type=kind).status_code == status


def test_a_body_that_is_too_long_is_refused_before_it_is_read(program: Program) -> None:
    asked = program.post(
        "imports", data=b"x", content_type=JSONL, environ_overrides={"CONTENT_LENGTH": str(300 * 2**20)}
    )
    assert asked.status_code == 413 and "256 MiB" in asked.get_json()["detail"]


@pytest.mark.parametrize("path", ["imports/1000000", f"imports/{2**31}", f"imports/{2**70}", "imports/0"])
def test_an_import_that_is_not_there(program: Program, path: str) -> None:
    for answer in (program.get(path), program.get(f"{path}/results")):
        assert answer.status_code == 404 and answer.get_json()["code"] == "not-found"


def test_webhooks_are_made_changed_tried_and_deleted(services: Services, program: Program) -> None:
    asked = {"url": "https://shop.example/told", "events": ["import.failed"], "name": " the  ERP "}
    made = program.post("webhooks", json=asked, headers={"Idempotency-Key": "w"})
    said = made.get_json()
    secret = said.pop("secret")
    assert made.status_code == 201 and secret.startswith("whsec_")
    assert (said["events"], said["name"], said["enabled"]) == (["import.failed"], "the ERP", True)
    assert (
        program.post("webhooks", json=asked, headers={"Idempotency-Key": "w"}).get_json()["secret"] == secret
    )
    assert program.get("webhooks").get_json() == {"webhooks": [said]}
    path = f"webhooks/{said['id']}"
    assert made.headers["Location"] == f"/api/v1/{path}" and program.get(path).get_json() == said
    rests = program.patch(path, json={"enabled": False, "events": ["import.done"]}).get_json()
    assert (rests["enabled"], rests["events"]) == (False, ["import.done"]) and rests["disabled_because"]
    assert program.patch(path, json={"enabled": True}).get_json()["disabled_because"] == ""
    for number in range(3):
        sent = program.post(f"{path}/test", headers={"Idempotency-Key": str(number)})
        again = program.post(f"{path}/test", headers={"Idempotency-Key": str(number)})
        assert sent.status_code == 202 and sent.get_json() == again.get_json()
    page = program.get(f"{path}/deliveries?limit=2").get_json()
    rest = program.get(f"{path}/deliveries?limit=2&cursor={page['next_cursor']}").get_json()
    told = page["deliveries"] + rest["deliveries"]
    assert len({each["message_id"] for each in told}) == 3 and rest["next_cursor"] is None
    assert {(each["event"], each["state"], each["attempts"]) for each in told} == {
        ("webhook.test", "waiting", 0)
    }
    assert program.delete(path).status_code == 204 and program.get(path).status_code == 404
    shop = shop_id(program, services)
    assert count(services, WebhookDelivery, WebhookDelivery.merchant_id == shop) == 0
    assert program.get("webhooks").get_json() == {"webhooks": []}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "url"),
        ({"url": "http://shop.example"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://shop.example:8443/x"}, "url"),
        ({"url": 5}, "url"),
        ({"url": "https://shop.example", "events": ["all"]}, "events"),
        ({"url": "https://shop.example", "events": "import.done"}, "events"),
        ({"url": "https://shop.example", "secret": "mine"}, "secret"),
    ],
)
def test_a_webhook_that_cannot_be(program: Program, said: dict[str, Any], field: str) -> None:
    asked = program.post("webhooks", json=said)
    assert asked.status_code == 422 and asked.get_json()["errors"][0]["field"] == field
    assert program.get("webhooks").get_json() == {"webhooks": []}


def test_many_webhooks_under_one_key_are_one(services: Services, app: Flask, program: Program) -> None:
    asked = {"url": "https://shop.example/told"}
    made = at_once(
        app, program, lambda each: each.post("webhooks", json=asked, headers={"Idempotency-Key": "1"})
    )
    assert {answer.status_code for answer in made} == {201} and len({answer.text for answer in made}) == 1
    assert count(services, Webhook, Webhook.merchant_id == shop_id(program, services)) == 1


def test_a_key_that_asks_too_often_waits_and_no_other(services: Services, program: Program) -> None:
    chosen = replace(services.settings.limits, rate_secret_key=5)
    limited = create_app(_With(services, limits=chosen))
    key = program.headers["Authorization"].removeprefix("Bearer ")
    busy = Program(limited.test_client(), key)
    codes = [busy.get("products").status_code for _ in range(8)]
    assert codes == [200] * 5 + [429] * 3
    refused = busy.get("products")
    assert (
        1 <= int(refused.headers["Retry-After"]) <= 60 and refused.get_json()["code"] == "too-many-requests"
    )
    assert Program(limited.test_client(), keyed(services, "calm")[1]).get("products").status_code == 200


class _With:
    """The same services with other settings."""

    def __init__(self, services: Services, **changed: Any) -> None:
        self._services = services
        self.settings = replace(services.settings, **changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services, name)


def test_keys_and_answers_tell_nothing_of_other_shops(services: Services, app: Flask, tmp_path: Path) -> None:
    """Reads, writes, deletes, pictures and imports of another shop are as if they had never been."""
    shops = [Program(app.test_client(), keyed(services, f"tenant-{n}")[1]) for n in range(3)]
    owned = []
    for n, each in enumerate(shops):
        shirt = {"title": f"Secret {n}", "images": [f"https://shop.example/{n}.jpg"]}
        assert each.put(f"products/own-{n}", json=shirt).status_code == 201
        hook = each.post("webhooks", json={"url": f"https://shop.example/{n}"}).get_json()["id"]
        job = each.post("imports", data=LINES, content_type=JSONL).get_json()["id"]
        owned.append((f"own-{n}", hook, job))
    for n, each in enumerate(shops):
        sku, hook, job = owned[(n + 1) % 3]
        for foreign, absent in (
            (f"products/{sku}", "products/own-9"),
            (f"products/{sku}?view=shop", "products/own-9?view=shop"),
            (f"products/{sku}/look", "products/own-9/look"),
            (f"webhooks/{hook}", "webhooks/wh_0000000000000000"),
            (f"webhooks/{hook}/deliveries", "webhooks/wh_0000000000000000/deliveries"),
            (f"imports/{job}", "imports/999999"),
            (f"imports/{job}/results", "imports/999999/results"),
            (f"images/{'0' * 64}/160", f"images/{'1' * 64}/160"),
        ):
            assert_same(each.get(foreign), each.get(absent))
        for foreign, absent in ((f"products/{sku}", "products/own-9"), (f"webhooks/{hook}", "webhooks/wh_0")):
            assert_same(each.delete(foreign), each.delete(absent))
            change = {"title": "taken"} if foreign.startswith("products") else {"enabled": False}
            assert_same(each.patch(foreign, json=change), each.patch(absent, json=change))
        assert_same(each.post(f"webhooks/{hook}/test"), each.post("webhooks/wh_0/test"))
        assert_same(
            each.put(f"products/{sku}", json={}, headers={"If-Match": "*"}),
            each.put("products/own-9", json={}, headers={"If-Match": "*"}),
        )
        assert [p["sku"] for p in each.get("products").get_json()["products"]] == [f"own-{n}"]
        assert [i["id"] for i in each.get("imports").get_json()["imports"]] == [owned[n][2]]
        assert [h["id"] for h in each.get("webhooks").get_json()["webhooks"]] == [owned[n][1]]
    for n, each in enumerate(shops):  # and all is still there
        assert each.get(f"products/own-{n}").get_json()["title"] == f"Secret {n}"
        assert each.get(f"webhooks/{owned[n][1]}").get_json()["enabled"]


def assert_same(foreign: TestResponse, absent: TestResponse) -> None:
    """Two answers that tell nothing apart: the same status, headers and words, but the request's number."""

    def told(answer: TestResponse) -> Any:
        body = answer.get_json()
        body.pop("request_id")
        return (
            answer.status_code,
            body,
            {k: v for k, v in answer.headers if k not in ("X-Request-ID", "Date")},
        )

    assert told(foreign) == told(absent)
    assert foreign.status_code in (404, 412) and "own-" not in json.dumps(told(foreign))
