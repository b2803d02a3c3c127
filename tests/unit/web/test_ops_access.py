"""Who may see the operators' pages, and who may change something there."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from passlib.totp import TOTP
from sqlalchemy import delete, text
from werkzeug.test import Client

from accounts.models import LoginAttempt
from accounts.throttle import OPERATOR
from bootstrap import Services
from settings import Settings, Storage
from tests.support.codes import code_now
from web.app import create_app
from web.listeners import Listeners
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes

TOKEN = "a-token-of-24-characters"  # noqa: S105 - of these tests
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
Make = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = Services(Settings(storage=Storage(data=tmp_path_factory.mktemp("shop"))))
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def ops(services: Services) -> Make:
    def make(token: str, second_factor: str = "") -> FlaskClient:
        """A browser of a web process of its own; nobody has guessed before."""
        app = create_ops_app(services, Meters(), Probes([]), services.data, token, second_factor)
        return app.test_client()

    with services.sessions.begin() as session:
        session.execute(delete(LoginAttempt))
    return make


def enter(client: FlaskClient, token: str = TOKEN, who: str = "127.0.0.1", **fields: str) -> int:
    """Log in by the page; the status that it answers with, 303 where it opens."""
    form = {"token": token, **fields}
    answer = client.post("/ops/login", data=form, headers=FROM_OUR_PAGE, environ_base={"REMOTE_ADDR": who})
    return answer.status_code


def ask(client: FlaskClient, token: str = TOKEN, path: str = "/metrics", who: str = "127.0.0.1") -> int:
    """Ask as a program does; the status."""
    bearer = {"Authorization": f"Bearer {token}"}
    return client.get(path, headers=bearer, environ_base={"REMOTE_ADDR": who}).status_code


def test_guessing_is_over_after_ten_wrong_tokens_of_one_visitor(ops: Make) -> None:
    client = ops(TOKEN)
    assert [enter(client, f"guess-{n}") for n in range(OPERATOR.most)] == [401] * OPERATOR.most
    refused = client.post("/ops/login", data={"token": TOKEN}, headers=FROM_OUR_PAGE)
    assert refused.status_code == 429 and 800 <= int(refused.headers["Retry-After"]) <= OPERATOR.window_s
    assert "Wait 15 minutes" in refused.text
    assert ask(client) == 429  # the right one, by another way
    lied = {"X-Forwarded-For": "203.0.113.9"}  # from the peer's own mouth
    assert client.post("/ops/login", data={"token": TOKEN}, headers=FROM_OUR_PAGE | lied).status_code == 429
    assert client.get("/healthz").status_code == 200
    assert ask(client, who="198.51.100.8") == 200  # a stranger locks out himself
    assert 'reason="too-often"} 3.0' in client.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base={"REMOTE_ADDR": "198.51.100.8"}
    ).text  # fmt: skip


def test_programs_guesses_count_too_and_right_ones_never(ops: Make) -> None:
    client = ops(TOKEN)
    assert [ask(client) for _ in range(2 * OPERATOR.most)] == [200] * (2 * OPERATOR.most)
    assert [ask(client, "no") for _ in range(OPERATOR.most + 1)] == [401] * OPERATOR.most + [429]


def test_a_login_takes_back_what_was_mistyped(ops: Make) -> None:
    client = ops(TOKEN)
    for _ in range(2):
        assert [enter(client, "slip") for _ in range(OPERATOR.most - 1)][-1] == 401
        assert enter(client) == 303


def test_another_process_and_the_next_one_know_of_guesses(ops: Make) -> None:
    assert [ask(ops(TOKEN), "no") for _ in range(OPERATOR.most + 1)] == [401] * OPERATOR.most + [429]
    late = ops(TOKEN)
    assert ask(late, "one more") == 429 == ask(late)  # now it knows, and looks at nothing


def test_many_guesses_at_once_are_counted_one_by_one(ops: Make) -> None:
    client = ops(TOKEN)
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda n: ask(client.application.test_client(), f"no-{n}"), range(40)))
    assert sorted(said) == [401] * OPERATOR.most + [429] * (40 - OPERATOR.most)


def test_without_its_table_operators_come_in_and_guesses_are_still_counted(
    ops: Make, services: Services
) -> None:
    client = ops(TOKEN, KEY)
    with services.sessions.begin() as session:
        session.execute(text("ALTER TABLE login_attempt RENAME TO gone"))
    try:
        assert [ask(client, "no") for _ in range(OPERATOR.most + 1)] == [401] * OPERATOR.most + [429]
        code = code_now(TOTP(key=KEY))
        assert [enter(client, code=code, who=f"198.51.100.{n}") for n in (1, 2)] == [303, 401]
    finally:
        with services.sessions.begin() as session:
            session.execute(text("ALTER TABLE gone RENAME TO login_attempt"))


def test_a_second_factor_is_asked_for_and_its_code_is_good_once(ops: Make) -> None:
    client, app = ops(TOKEN, KEY), TOTP(key=KEY)
    assert "six digits of your app" in client.get("/ops/login").text
    code = code_now(app)
    off = [app.generate(time.time() + seconds).token for seconds in (-30, 30)]
    assert [enter(client), enter(client, code="000000"), enter(client, code="x")] == [401] * 3
    assert [enter(client, code=each) for each in off] == [401, 401]  # a code lives half a minute
    assert enter(client, "not the token", code=code) == 401  # and uses up no code
    assert enter(client, code=f"{code[:3]} {code[3:]}") == 303 and client.get("/ops").status_code == 200
    assert enter(client, code=code) == 401
    assert enter(ops(TOKEN, KEY), code=code) == 401  # nor in another process


def test_with_a_second_factor_the_token_alone_reads_metrics_and_no_more(ops: Make) -> None:
    client, bearer = ops(TOKEN, KEY), {"Authorization": f"Bearer {TOKEN}"}
    assert ask(client) == 200
    for path in ("/ops", "/ops/explain.json", "/metrics/"):
        assert ask(client, path=path) == 403, path
    changed = client.post("/ops/retry", data={"code": "none-such"}, headers=bearer)
    assert changed.status_code == 403 and "/ops/login" in changed.text
    assert enter(client, code=code_now(TOTP(key=KEY))) == 303
    changed = client.post("/ops/retry", data={"code": "none-such"}, headers=FROM_OUR_PAGE)
    assert changed.status_code == 303


def test_another_second_factor_ends_every_session(ops: Make) -> None:
    client = ops(TOKEN)
    assert enter(client) == 303
    cookie = client.get_cookie("twirl_ops")
    other = ops(TOKEN, KEY)
    assert cookie is not None
    other.set_cookie("twirl_ops", cookie.value)
    assert other.get("/ops").status_code == 303


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
