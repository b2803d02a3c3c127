"""What every answer carries, without any service behind it."""

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from web import assets
from web.app import bare_app
from web.headers import SECURITY
from web.openapi import document
from web.server import options
from web.worker import Worker

ROOT = Path(__file__).parents[3]


@pytest.fixture
def app() -> Flask:
    return bare_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    "path", ["/assets/x/shop.js", "/nowhere", "/api/v1/nowhere", "/api/v1/openapi.json", "/healthz"]
)
def test_every_answer_carries_the_security_headers_and_a_request_id(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    for name, value in SECURITY.items():
        assert answer.headers[name] == value, (path, name)
    assert len(answer.headers["X-Request-ID"]) == 16


def test_the_policy_allows_nothing_inline(client: FlaskClient) -> None:
    policy = client.get("/nowhere").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_request_id_is_taken_over_only_when_it_is_harmless(client: FlaskClient) -> None:
    assert client.get("/", headers={"X-Request-ID": "abc-12345"}).headers["X-Request-ID"] == "abc-12345"
    assert client.get("/", headers={"X-Request-ID": "a b{}"}).headers["X-Request-ID"] != "a b{}"


def test_assets_are_kept_for_ever_under_their_digest_only(app: Flask, client: FlaskClient) -> None:
    digest = app.config["ASSETS_DIGEST"]
    assert "immutable" in client.get(f"/assets/{digest}/shop.js").headers["Cache-Control"]
    assert "immutable" not in client.get("/assets/0000/shop.js").headers["Cache-Control"]
    assert client.get(f"/assets/{digest}/../app.py").status_code == 404
    assert client.get(f"/assets/{digest}/%2e%2e/app.py").status_code == 404


def test_the_digest_changes_with_any_byte_and_any_name(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    first = assets.digest(tmp_path)
    (tmp_path / "a.css").write_text("b")
    second = assets.digest(tmp_path)
    (tmp_path / "a.css").rename(tmp_path / "b.css")
    assert len({first, second, assets.digest(tmp_path)}) == 3


def test_no_page_or_script_names_another_host_or_holds_code_inline() -> None:
    for path in (ROOT / "web" / "templates").glob("*.html"):
        text = path.read_text()
        assert "style=" not in text, path
        assert " onclick" not in text, path
        assert "https://" not in text, path
    for path in (ROOT / "web" / "static").glob("*.[cj]s*"):
        assert "https://" not in path.read_text(), path


def test_programs_get_problems_and_people_get_pages(client: FlaskClient) -> None:
    problem = client.get("/api/v1/nowhere")
    assert problem.status_code == 404
    assert problem.content_type == "application/problem+json"
    body = problem.get_json()
    assert body["type"] == "urn:twirl:problem:not-found"
    assert body["fix"]
    assert body["request_id"] == problem.headers["X-Request-ID"]
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert page.mimetype == "text/html"


def test_a_fault_of_ours_tells_nothing_but_its_request_number(client: FlaskClient) -> None:
    answer = client.get("/")  # there is no service to ask
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text
    assert "KeyError" not in answer.text
    assert "Traceback" not in answer.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Origin": "https://evil.test"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, False),
        ({"Origin": "http://localhost"}, False),
        ({}, False),
    ],
)
def test_other_sites_cannot_post(client: FlaskClient, headers: dict[str, str], refused: bool) -> None:
    answer = client.post("/search", data={"q": "red"}, headers=headers)
    assert (answer.status_code == 403) is refused
    if not refused:
        assert answer.status_code == 303
        assert answer.headers["Location"] == "/?q=red"


def test_the_committed_description_of_the_api_is_the_one_served(client: FlaskClient) -> None:
    committed = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert committed == document(), "run: python -m web.openapi > docs/openapi.json"
    assert client.get("/api/v1/openapi.json").get_json() == committed
    assert committed["openapi"] == "3.1.0"


def test_every_error_of_the_api_is_described_as_a_problem() -> None:
    described = document()
    for path, methods in described["paths"].items():
        for method in {"get", "post"} & methods.keys():
            assert methods[method]["summary"], (path, method)
            assert set(methods[method]["responses"]) & {"200", "201", "202", "204"}, (path, method)
    for name, answer in described["components"]["responses"].items():
        assert list(answer["content"]) == ["application/problem+json"], name


def test_the_server_makes_the_application_in_its_one_worker() -> None:
    chosen = options([("127.0.0.1", 8000), ("::1", 8001)], 4)
    assert (chosen["workers"], chosen["worker_class"], chosen["threads"]) == (1, Worker, 4)
    assert chosen["preload_app"] is False
    assert chosen["bind"] == ["127.0.0.1:8000", "[::1]:8001"]


def test_the_api_page_names_every_field_and_every_path() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    described = document()
    for path in described["paths"]:
        assert path.split("{")[0].rstrip("/") in page, path
    for name in [*described["components"]["schemas"]["Search"]["properties"], "photo"]:
        assert f"`{name}`" in page, name
    for name in described["components"]["schemas"]["Filters"]["properties"]:
        assert f"`{name}`" in page, name
