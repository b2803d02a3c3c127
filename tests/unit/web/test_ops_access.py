"""Who may see the operators' pages, and who may change something there."""

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from werkzeug.test import Client

from bootstrap import Services
from settings import Settings, Storage
from web.app import create_app
from web.listeners import Listeners
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes

TOKEN = "a-token-of-24-characters"  # noqa: S105 - of these tests
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
Make = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = Services(Settings(storage=Storage(data=tmp_path_factory.mktemp("shop"))))
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def ops(services: Services) -> Make:
    def make(token: str) -> FlaskClient:
        return create_ops_app(services, Meters(), Probes([]), services.data, token).test_client()

    return make


def test_without_a_token_this_machine_asks_by_its_own_name(ops: Make) -> None:
    client = ops("")
    for host in ("127.0.0.1:8001", "localhost:8001", "[::1]:8001"):
        assert client.get("/ops", base_url=f"http://{host}").status_code == 200, host
    refused = client.get("/ops", base_url="http://twirl.example:8001")  # a name that was made to point here
    assert refused.status_code == 403
    assert "TWIRL_OPS_TOKEN" in refused.text
    far = client.get("/metrics", base_url="http://127.0.0.1:8001", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert far.status_code == 403
    assert far.get_json()["code"] == "not-from-here"


def test_with_a_token_programs_bring_it_along(ops: Make) -> None:
    client = ops(TOKEN)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics").headers["WWW-Authenticate"].startswith("Bearer")
    wrong = client.get("/metrics", headers={"Authorization": "Bearer nearly-the-right-token"})
    assert wrong.status_code == 401
    right = client.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base={"REMOTE_ADDR": "10.0.0.9"}
    )
    assert right.status_code == 200
    assert 'twirl_ops_refused_total{reason="token-missing"} 2.0' in right.text
    assert 'twirl_ops_refused_total{reason="token-wrong"} 1.0' in right.text


def test_health_needs_no_token(ops: Make) -> None:
    client = ops(TOKEN)
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200  # nothing is asked for here


def test_a_browser_logs_in_once_and_out_again(ops: Make) -> None:
    client = ops(TOKEN)
    assert client.get("/ops").headers["Location"] == "/ops/login"
    assert "TWIRL_OPS_TOKEN" in client.get("/ops/login").text
    wrong = client.post("/ops/login", data={"token": "no"}, headers=FROM_OUR_PAGE)
    assert wrong.status_code == 401 and "not the token" in wrong.text
    assert client.get("/ops").status_code == 303
    entered = client.post("/ops/login", data={"token": f" {TOKEN} "}, headers=FROM_OUR_PAGE)
    assert entered.status_code == 303
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
    assert client.get("/ops").status_code == 200
    assert client.post("/ops/logout", headers=FROM_OUR_PAGE).status_code == 303
    assert client.get("/ops").status_code == 303


def test_another_tokens_session_is_none(ops: Make) -> None:
    client = ops(TOKEN)
    client.set_cookie("twirl_ops", TimestampSigner(b"guess", salt="twirl.ops").sign(b"operator").decode())
    assert client.get("/ops").status_code == 303
    other = ops(TOKEN + "x")
    entered = client.post("/ops/login", data={"token": TOKEN}, headers=FROM_OUR_PAGE)
    cookie = entered.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
    assert client.get("/ops").status_code == 200
    other.set_cookie("twirl_ops", cookie)
    assert other.get("/ops").status_code == 303


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": "http://127.0.0.1:8001"}, False),
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Origin": "null"}, True),
        ({"Cookie": "twirl_ops"}, True),
    ],
)
def test_changes_come_from_our_own_page_or_from_a_program(
    ops: Make, headers: dict[str, str], refused: bool
) -> None:
    client = ops("")
    if cookie := headers.pop("Cookie", ""):
        client.set_cookie(cookie, "x", domain="127.0.0.1")
    answer = client.post(
        "/ops/retry", data={"code": "none-such"}, headers=headers, base_url="http://127.0.0.1:8001"
    )
    assert (answer.status_code == 403) is refused
    if not refused:
        assert answer.status_code == 303


def test_a_listener_is_known_by_its_socket_alone(services: Services) -> None:
    meters, probes = Meters(), Probes([])
    shop = create_app(services, meters, probes)
    both = Listeners(shop, create_ops_app(services, meters, probes, services.data), 8001)
    client = Client(both)
    local = {"REMOTE_ADDR": "127.0.0.1"}
    own = client.get("/metrics", base_url="http://127.0.0.1:8001", environ_overrides=local)
    assert own.status_code == 200
    # The test client puts the address into the environment, as a socket would: the Host header alone cannot.
    for path in ("/metrics", "/ops", "/ops/login"):
        lied = client.get(
            path,
            base_url="http://127.0.0.1:8000",
            headers={"Host": "127.0.0.1:8001"},
            environ_overrides=local,
        )
        assert lied.status_code == 404, path
