"""Pages of other sites search with a key bound to their origin, and with nothing else."""

import io

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from accounts import audit
from bootstrap import Services
from catalog.programs.api_keys import find_key
from catalog.programs.search_keys import KeyRefused, create_key, origin_of, revoke_key, search_keys
from commands.keys import keys
from web.app import create_app
from web.embed.guard import EXTENSION, Guard
from web.embed.keys import Keys

SITE, OTHER = "https://shop.example", "https://other.example"
FOREIGN = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def key(shop: Services) -> str:
    with shop.sessions.begin() as session:
        return create_key(session, shop.merchant().id, [f"{SITE}/search?x=1"], "the site").key


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def ask(client: FlaskClient, key: str = "", **headers: str) -> TestResponse:
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    return client.post("/api/v1/search", json={"words": "shirt", "limit": 2}, headers={**shown, **headers})


def test_a_page_of_the_origin_searches_with_the_key(client: FlaskClient, key: str) -> None:
    found = ask(client, key, **FOREIGN)
    assert found.status_code == 200 and found.headers["Access-Control-Allow-Origin"] == SITE
    assert "Origin" in found.headers["Vary"] and "Access-Control-Allow-Credentials" not in found.headers


def test_without_a_key_a_foreign_page_may_not_post(client: FlaskClient, key: str) -> None:
    assert ask(client, **FOREIGN).status_code == 403
    assert ask(client, **{**FOREIGN, "Origin": OTHER}).status_code == 403


def test_a_page_of_another_origin_may_not_use_the_key(client: FlaskClient, key: str) -> None:
    refused = ask(client, key, **{**FOREIGN, "Origin": OTHER})
    assert refused.status_code == 403 and refused.get_json()["code"] == "origin-not-bound"
    assert "Access-Control-Allow-Origin" not in refused.headers
    for near in ("https://shop.example.evil", "http://shop.example", "https://shop.example:8443", "null"):
        assert ask(client, key, **{**FOREIGN, "Origin": near}).status_code == 403


@pytest.mark.parametrize("shown", ["twirl_search_none", "", "x" * 5000])
def test_a_key_that_is_none_is_refused_and_the_page_can_read_why(
    client: FlaskClient, key: str, shown: str
) -> None:
    refused = ask(client, Authorization=f"Bearer {shown}", **FOREIGN)
    assert refused.status_code == 401 and refused.get_json()["code"] == "key-unknown"
    assert refused.headers["Access-Control-Allow-Origin"] == SITE
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_browsers_may_ask_first(client: FlaskClient, key: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    may = client.options("/api/v1/search", headers={"Origin": SITE, **asked})
    assert may.status_code < 300 and may.headers["Access-Control-Allow-Origin"] == SITE
    assert "authorization" in may.headers["Access-Control-Allow-Headers"]
    assert "POST" in may.headers["Access-Control-Allow-Methods"]
    may_not = client.options("/api/v1/search", headers={"Origin": OTHER, **asked})
    assert not [name for name, _ in may_not.headers if name.startswith("Access-Control")]


def test_a_photo_is_kept_for_a_page_with_a_key(client: FlaskClient, key: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 80), (180, 30, 40)).save(file, "JPEG")
    headers = {**FOREIGN, "Authorization": f"Bearer {key}"}
    sent = {"photo": (io.BytesIO(file.getvalue()), "photo.jpg")}
    assert client.post("/api/v1/photos", data=sent, headers=headers).status_code == 201
    sent = {"photo": (io.BytesIO(file.getvalue()), "photo.jpg")}
    assert client.post("/api/v1/photos", data=sent, headers=FOREIGN).status_code == 403


def test_a_key_opens_nothing_but_the_api(client: FlaskClient, key: str) -> None:
    headers = {**FOREIGN, "Authorization": f"Bearer {key}"}
    assert client.post("/compare", data={"add": "x"}, headers=headers).status_code == 403
    assert "Access-Control-Allow-Origin" not in client.get("/", headers=headers).headers


def test_our_own_pages_and_programs_need_none(client: FlaskClient) -> None:
    assert ask(client).status_code == 200
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert ask(client, **own).status_code == 200


def test_a_visitor_who_asks_too_often_waits(shop: Services, key: str) -> None:
    app = create_app(shop)
    app.extensions[EXTENSION] = Guard(Keys(shop.sessions), per_minute=3)
    client = app.test_client()
    codes = [ask(client, key, **FOREIGN).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    refused = ask(client, key, **FOREIGN)
    assert int(refused.headers["Retry-After"]) > 0 and refused.headers["Access-Control-Allow-Origin"] == SITE
    other = client.post(
        "/api/v1/search", json={}, headers={**FOREIGN, "Authorization": f"Bearer {key}"},
        environ_base={"REMOTE_ADDR": "203.0.113.9"},
    )  # fmt: skip
    assert other.status_code == 200 and ask(client).status_code == 200
    # Through a proxy of our own network each visitor counts alone, whatever they claim to be.
    forged = [
        ask(client, key, **FOREIGN, **{"X-Forwarded-For": f"192.0.2.{n}, 198.51.100.7"}).status_code
        for n in range(4)
    ]
    assert forged == [200, 200, 200, 429]


def test_a_key_is_noted_as_used_and_revoked_for_good(shop: Services) -> None:
    merchant = shop.merchant().id
    with shop.sessions.begin() as session:
        made = create_key(session, merchant, ["shop.example", SITE, "http://localhost:3000"])
    assert made.origins == (SITE, "http://localhost:3000") and made.used_at is None
    app = create_app(shop)
    app.extensions[EXTENSION] = Guard(Keys(shop.sessions, fresh_s=0))
    client = app.test_client()
    assert ask(client, made.key, **FOREIGN).status_code == 200
    with shop.sessions.begin() as session:
        assert next(each for each in search_keys(session, merchant) if each.id == made.id).used_at is not None
        revoke_key(session, merchant, made.key[:20])
    assert ask(client, made.key, **FOREIGN).status_code == 401
    with shop.sessions.begin() as session:
        with pytest.raises(KeyRefused):
            revoke_key(session, merchant, made.key)
        with pytest.raises(KeyRefused):
            revoke_key(session, merchant, "")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example:443/a?b#c", "https://shop.example"),
        ("http://localhost:80", "http://localhost"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_origins_are_written_as_browsers_do(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize(
    "address",
    ["", "*", "https://*.shop.example", "ftp://x.example", "https://", "https://a:99999", "https://u@x"],
)
def test_what_is_no_site_is_refused(address: str) -> None:
    with pytest.raises(KeyRefused):
        origin_of(address)


def test_the_script_is_small_and_asked_for_again_only_when_changed(client: FlaskClient) -> None:
    script = client.get("/embed.js")
    assert script.status_code == 200 and script.mimetype == "text/javascript" and len(script.data) < 15_000
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = client.get("/embed.js", headers={"If-None-Match": script.headers["ETag"]})
    assert again.status_code == 304 and not again.data


def history(shop: Services) -> list[tuple[str, str]]:
    """What the operator did, the latest first."""
    with shop.sessions() as session:
        entries = audit.every(session, shop.merchant().id)
        return [(each.action, each.subject) for each in entries if not each.email]


def test_the_command_makes_lists_and_revokes_keys(shop: Services) -> None:
    def twirl(*words: str) -> str:
        done = CliRunner().invoke(keys, words, obj=shop, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    said = twirl("create", "--origin", "https://cli.example", "--name", "by hand")
    made = said.partition('data-key="')[2].partition('"')[0]
    assert f"{made}  used never  https://cli.example  by hand" in twirl()
    twirl("revoke", made)
    assert made not in twirl() and f"{made}  revoked 20" in twirl("--revoked")
    noted = [("search-key.revoked", f"{made[:20]}…"), ("search-key.made", f"{made[:20]}…")]
    assert history(shop)[:2] == noted
    with pytest.raises(KeyRefused, match="no address of a site"):
        twirl("create", "--origin", "*")


def test_the_command_issues_rotates_and_revokes_secret_keys(shop: Services) -> None:
    def twirl(*words: str) -> str:
        done = CliRunner().invoke(keys, words, obj=shop, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    said = twirl("issue", "--scope", "catalogue:read", "--scope", "search", "--name", "the ERP")
    secret = said.strip().splitlines()[-1]
    assert f"{secret[:21]}…  used never  catalogue:read search  the ERP" in twirl() and secret not in twirl()
    rotated = twirl("rotate", secret[:21], "--overlap-hours", "2")
    successor = rotated.strip().splitlines()[-1]
    with shop.sessions() as session:
        assert find_key(session, secret) and find_key(session, successor)
    assert f"{secret[:21]}…  used never  until 20" in twirl()
    assert "Revoked" in twirl("revoke", successor) and f"{successor[:21]}…  revoked 20" in twirl("--revoked")
    with shop.sessions() as session:
        assert find_key(session, secret) and not find_key(session, successor)
    first, second = secret[:21], successor[:21]
    assert history(shop)[:3] == [
        ("secret-key.revoked", second), ("secret-key.rotated", first), ("secret-key.made", first)
    ]  # fmt: skip
    refused = CliRunner().invoke(keys, ["issue", "--scope", "everything"], obj=shop)
    assert refused.exit_code == 2 and "catalogue:write" in refused.output
    assert CliRunner().invoke(keys, ["issue"], obj=shop).exit_code == 2
