"""The console's doors: who comes in, by what, and for how long."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from passlib.totp import TOTP
from sqlalchemy import select, update

from accounts import invitations, sessions
from accounts.members import join, shops_of
from accounts.models import AuditEntry, LoginAttempt, LoginSession, User
from accounts.users import create_user, find_user
from bootstrap import Services
from catalog.database import AWAY
from catalog.models import now
from catalog.products import ensure_merchant
from tests.support.codes import code_now
from tests.support.console import (
    KEY,
    PASSWORD,
    bare_services,
    console_app,
    console_client,
    fill_in,
    log_in,
    token_of,
)
from web.console.app import create_console_app
from web.console.identity import hash_password
from web.console.sessions import HOST, PLAIN

OTHER = "cobalt marmot ninety lanterns"
WEAK = "password1234"
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("console"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(services: Services) -> Flask:
    return console_app(services)


@pytest.fixture(scope="module")
def hashed(console: Flask) -> str:
    with console.app_context():
        return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def nobody_has_tried(services: Services) -> None:
    with services.sessions.begin() as session:
        session.execute(update(LoginAttempt).values(count=0))


def person(services: Services, name: str, hashed: str, role: str = "owner", shop: str = "demo") -> str:
    with services.sessions.begin() as session:
        user = create_user(session, f"{name}@doors.example", hashed)
        join(session, user.id, ensure_merchant(session, shop).id, role)
    return user.email


def cookie(browser: FlaskClient, name: str = PLAIN, path: str = "/console") -> str:
    found = browser.get_cookie(name, path=path)
    return found.value if found else ""


def test_who_knows_the_password_comes_in_and_goes_out_again(
    services: Services, console: Flask, hashed: str
) -> None:
    email, browser = person(services, "inout", hashed), console.test_client()
    assert browser.get("/console/demo/team/").headers["Location"] == "/console/login?next=/console/demo/team/"
    before = cookie(browser)
    entered = log_in(browser, f" {email.upper()} ", next="/console/demo/team/")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/console/demo/team/")
    token = cookie(browser)
    assert token.startswith("s.") and token != before
    page = browser.get("/console/demo/team/")
    assert page.status_code == 200 and email in page.text and page.headers["Cache-Control"] == "no-store"
    left = browser.post("/console/logout", data={"csrf_token": token_of(page.text)})
    assert left.status_code == 303 and browser.get("/console/demo/team/").status_code == 303
    browser.set_cookie(PLAIN, token, path="/console")  # what somebody has kept opens nothing
    assert browser.get("/console/demo/team/").status_code == 303
    with services.sessions() as session:
        deeds = session.scalars(select(AuditEntry.action).where(AuditEntry.email == email)).all()
    assert deeds == ["login", "logout"]


def test_a_wrong_password_and_an_unknown_address_read_alike_and_take_as_long(
    services: Services, console: Flask, hashed: str
) -> None:
    email, pages, took = person(services, "alike", hashed), [], []
    with services.sessions.begin() as session:
        disabled = create_user(session, "disabled@doors.example", hashed)
        disabled.active = False
        create_user(session, "unset@doors.example")
    for who in (email, "nobody@doors.example", "disabled@doors.example", "unset@doors.example"):
        browser, times = console.test_client(), []
        for _ in range(3):
            page = browser.get("/console/login")
            began = time.process_time()
            said = {"email": who, "password": OTHER, "csrf_token": token_of(page.text)}
            refused = browser.post("/console/login", data=said)
            times.append(time.process_time() - began)
            assert refused.status_code == 401
        took.append(min(times))
        pages.append(re.sub(r'content="[^"]*"|value="[^"]*"', "", refused.text))
    assert len(set(pages)) == 1
    assert max(took) < 3 * min(took), took  # one hash each: without it, an answer takes a tenth
    with_its_own = log_in(console.test_client(), "disabled@doors.example")
    assert with_its_own.status_code == 401


def test_a_form_without_its_token_changes_nothing(services: Services, console: Flask, hashed: str) -> None:
    email, browser = person(services, "forged", hashed), console.test_client()
    refused = browser.post("/console/login", data={"email": email, "password": PASSWORD})
    assert refused.status_code == 400 and "no longer good" in refused.text
    client = console_client(services, "viewer")
    assert client.post("/console/logout", headers={"X-CSRFToken": ""}).status_code == 400
    other = console_client(services, "viewer")
    assert client.post("/console/logout", headers={"X-CSRFToken": other.form_token()}).status_code == 400
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/console/logout", headers=foreign).status_code == 403
    assert client.get("/console/demo/team/").status_code == 200


def test_guessing_is_slowed_down_and_a_stranger_locks_nobody_out(
    services: Services, console: Flask, hashed: str
) -> None:
    email = person(services, "guessed", hashed)
    thief = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}}
    browser = console.test_client()

    def guess(password: str, who: str = email, **how: object) -> tuple[int, str | None]:
        page = browser.get("/console/login", headers=HTTPS)
        said = {"email": who, "password": password, "csrf_token": token_of(page.text)}
        answer = browser.post("/console/login", data=said, base_url="https://localhost", **how)  # type: ignore[arg-type]
        return answer.status_code, answer.headers.get("Retry-After")

    browser.get("/console/login", base_url="https://localhost")
    tries = []
    for n in range(12):
        page = browser.get("/console/login", base_url="https://localhost")
        said = {"email": email, "password": f"guess {n}", "csrf_token": token_of(page.text)}
        tries.append(browser.post("/console/login", data=said, base_url="https://localhost", **thief))
    assert [each.status_code for each in tries] == [401] * 10 + [429] * 2
    assert 800 < int(tries[-1].headers["Retry-After"]) <= 900 and "Wait 15 minutes" in tries[-1].text
    said["password"] = PASSWORD  # not even with the right one
    assert browser.post("/console/login", data=said, base_url="https://localhost", **thief).status_code == 429
    assert log_in(console.test_client(), email).status_code == 303  # from elsewhere the owner comes in
    unknown = [log_in(console.test_client(), "nobody@doors.example", "x").status_code for _ in range(11)]
    assert unknown == [401] * 10 + [429]


def test_a_visitor_behind_a_proxy_is_counted_by_its_own_address(
    services: Services, console: Flask, hashed: str
) -> None:
    email = person(services, "proxied", hashed)

    def guess(named: str) -> int:
        browser = console.test_client()
        headers = {"X-Forwarded-For": named}
        said = {"email": email, "password": "x", "csrf_token": token_of(browser.get("/console/login").text)}
        return browser.post("/console/login", data=said, headers=headers).status_code

    assert [guess(f"192.0.2.{n}, 198.51.100.7") for n in range(11)] == [401] * 10 + [429]
    assert guess("198.51.100.8") == 401


def test_the_second_factor_is_set_up_asked_for_and_good_once(
    services: Services, console: Flask, hashed: str
) -> None:
    email, browser = person(services, "factor", hashed), console.test_client()
    log_in(browser, email)
    page = browser.get("/console/account/second-factor/")
    assert "<svg" in page.text and "data:" not in page.text
    key = re.search(r'id="key">([^<]+)<', page.text)[1]  # type: ignore[index]
    app = TOTP(key=key.replace("-", "").replace(" ", ""))
    wrong = fill_in(browser, "/console/account/second-factor/", code="000000")
    assert wrong.status_code == 422
    elsewhere = console.test_client()
    log_in(elsewhere, email)
    for off in (-30, 30):  # a code of the half minute before, or after, is none (ASVS 6.5.5)
        code = code_now(app) and app.generate(time.time() + off).token
        assert fill_in(browser, "/console/account/second-factor/", code=code).status_code == 422
    used = code_now(app)
    turned = fill_in(browser, "/console/account/second-factor/", code=used)
    assert turned.headers["Location"] == "/console/account/second-factor/codes"
    with services.sessions() as session:
        wait = [str(each.data) for each in session.scalars(select(LoginSession))]
    shown, again = (browser.get(turned.headers["Location"]) for _ in range(2))
    assert again.status_code == 303 and again.headers["Location"] == "/console/account/"
    assert shown.headers["Cache-Control"] == "no-store"
    assert elsewhere.get("/console/account/").status_code == 303  # every other login is over
    recovery = re.findall(r"<code>([a-z0-9-]{29})</code>", shown.text)
    assert len(recovery) == 10
    assert any("sealed" in each for each in wait) and not any(
        code in each for each in wait for code in recovery
    )
    assert "10 recovery codes left" in browser.get("/console/account/").text
    with services.sessions() as session:
        kept = find_user(session, email)
        assert kept is not None and key.replace("-", "") not in kept.totp_secret

    def enter(code: str) -> int:
        browser = console.test_client()
        half = log_in(browser, email)
        assert half.headers["Location"].startswith("/console/login/code")
        assert browser.get("/console/demo/team/").status_code == 303  # half-way in is not in
        answer = fill_in(browser, "/console/login/code", code=code)
        assert (browser.get("/console/demo/team/").status_code == 200) == (answer.status_code == 303)
        return answer.status_code

    assert enter(used) == 401  # it has proved the set-up
    with services.sessions.begin() as session:  # as half a minute later
        session.execute(update(User).where(User.email == email).values(totp_counter=User.totp_counter - 1))
    off = [code_now(app) and app.generate(time.time() + seconds).token for seconds in (-30, 30)]
    assert [enter(code) for code in off] == [401, 401]
    now = code_now(app)
    assert [enter(now), enter(now)] == [303, 401]
    assert [enter(recovery[0]), enter(recovery[0])] == [303, 401]
    assert [enter("123456") for _ in range(10)][-1] == 429


def test_fields_for_passwords_are_such_and_let_managers_help(services: Services, console: Flask) -> None:
    client = console_client(services, "owner", recent=True)
    with services.sessions.begin() as session:
        token = invitations.invite(session, services.merchant().id, "field@doors.example", "viewer")
    for page in ("/console/login", f"/console/join?token={token}", "/console/account/", "/console/confirm"):
        shown = (console.test_client() if page == "/console/login" else client).get(page).text
        fields = re.findall(r'<input[^>]*name="(?:password|again)"[^>]*>', shown)
        assert fields and all('type="password"' in each and 'maxlength="128"' in each for each in fields), (
            page
        )
        assert all(re.search('autocomplete="(current|new)-password"', each) for each in fields), page
        assert 'autocomplete="username"' in shown and "onpaste" not in shown, page


def test_a_password_is_compared_whole_and_kept_as_argon2id(services: Services, console: Flask) -> None:
    long = "Tulip granite seven harbour! " * 4 + "0123456789ab"  # as long as one may be
    assert len(long) == 128
    with console.app_context():
        kept = hash_password(long)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    email = person(services, "whole", kept)
    for wrong in (long[:-1], long + "x", long.lower(), long[:-1] + "c", f" {long}"):
        assert log_in(console.test_client(), email, wrong).status_code == 401, wrong
    assert log_in(console.test_client(), email, long).status_code == 303


def test_half_way_in_ends_with_the_password_and_with_time(
    services: Services, console: Flask, hashed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    email = person(services, "halfway", hashed)
    with services.sessions.begin() as session:
        session.execute(update(User).where(User.email == email).values(totp_secret="x"))  # noqa: S106 - no secret
    browser = console.test_client()
    log_in(browser, email)
    assert browser.get("/console/login/code").status_code == 200
    monkeypatch.setattr("web.console.login.HALF_WAY_S", -1)
    assert browser.get("/console/login/code").status_code == 303
    monkeypatch.undo()
    with services.sessions.begin() as session:
        session.execute(update(User).where(User.email == email).values(fs_uniquifier="another"))
    assert browser.get("/console/login/code").status_code == 303


def test_a_changed_password_ends_every_other_login(services: Services, console: Flask, hashed: str) -> None:
    email = person(services, "changes", hashed)
    here, there = console.test_client(), console.test_client()
    for each in (here, there):
        log_in(each, email)
    old = cookie(here)
    guessed = {"current": WEAK, "password": OTHER, "again": OTHER}
    assert fill_in(here, "/console/account/", "/console/account/password", **guessed).status_code == 401
    page = "/console/account/"
    refused = fill_in(here, page, f"{page}password", current=PASSWORD, password=WEAK, again=WEAK)
    assert refused.status_code == 422 and "guessed soon" in refused.text
    differ = fill_in(here, page, f"{page}password", current=PASSWORD, password=OTHER, again=PASSWORD)
    assert differ.status_code == 422 and "differ" in differ.text
    assert (
        fill_in(here, page, f"{page}password", current=PASSWORD, password=OTHER, again=OTHER).status_code
        == 303
    )
    assert cookie(here) != old and here.get(page).status_code == 200 and there.get(page).status_code == 303
    assert log_in(console.test_client(), email).status_code == 401
    assert log_in(console.test_client(), email, OTHER).status_code == 303


def test_sensitive_changes_ask_for_the_password_once_more(
    services: Services, console: Flask, hashed: str
) -> None:
    email, browser = person(services, "again", hashed), console.test_client()
    log_in(browser, email)
    with services.sessions.begin() as session:
        row = session.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
        assert row is not None
        row.data = {**row.data, "fs_paa": time.time() - 3600}
    asked = fill_in(
        browser, "/console/demo/team/", "/console/demo/team/invite", email="x@y.example", role="owner"
    )
    assert (
        asked.status_code == 303 and asked.headers["Location"] == "/console/confirm?next=/console/demo/team/"
    )
    with services.sessions() as session:
        waiting = invitations.waiting(session, ensure_merchant(session, "demo").id)
        assert "x@y.example" not in [each.email for each in waiting]
    old = cookie(browser)
    wrong = fill_in(browser, "/console/confirm?next=/console/demo/team/", password=OTHER)
    assert wrong.status_code == 401
    good = fill_in(browser, "/console/confirm", password=PASSWORD, next="/console/demo/team/")
    assert good.headers["Location"] == "/console/demo/team/" and cookie(browser) != old
    made = fill_in(
        browser, "/console/demo/team/", "/console/demo/team/invite", email="x@y.example", role="owner"
    )
    assert made.status_code == 303 and "/console/join?token=" in browser.get("/console/demo/team/").text


def test_logins_are_listed_and_ended_one_by_one_and_all(
    services: Services, console: Flask, hashed: str
) -> None:
    email = person(services, "many", hashed)
    browsers = [console.test_client() for _ in range(4)]
    for each in browsers:
        log_in(each, email)
    page = browsers[0].get("/console/account/").text
    ends = re.findall(r"/console/account/sessions/(\d+)/end", page)
    assert len(ends) == 3 and "this one" in page
    stranger = console_client(services, "owner")
    stranger.post(f"/console/account/sessions/{ends[0]}/end")
    alive = [each.get("/console/account/").status_code for each in browsers]
    assert alive == [200] * 4
    fill_in(browsers[0], "/console/account/", f"/console/account/sessions/{ends[0]}/end")
    assert sorted(each.get("/console/account/").status_code for each in browsers) == [200] * 3 + [303]
    fill_in(browsers[0], "/console/account/", "/console/account/sessions/end")
    assert [each.get("/console/account/").status_code for each in browsers] == [200, 303, 303, 303]


def test_a_login_ends_without_use_and_in_any_case(services: Services) -> None:
    for column, seconds in (("seen_at", services.settings.console.console_idle_s), ("expires_at", 0)):
        client = console_client(services, "viewer")
        assert client.get("/console/demo/team/").status_code == 200
        with services.sessions.begin() as session:
            ended = {column: now() - sessions.timedelta(seconds=seconds + 1)}  # type: ignore[attr-defined]
            session.execute(update(LoginSession).where(LoginSession.user_id == client.user.id).values(ended))
        assert client.get("/console/demo/team/").status_code == 303


def test_cookies_are_bound_to_the_host_and_to_https(services: Services, console: Flask, hashed: str) -> None:
    email = person(services, "cookies", hashed)
    plain = log_in(console.test_client(), email).headers["Set-Cookie"]
    assert plain.startswith(f"{PLAIN}=s.") and "Path=/console" in plain and "Secure" not in plain
    browser = console.test_client()
    page = browser.get("/console/login", base_url="https://shop.example", headers=HTTPS)
    said = {"email": email, "password": PASSWORD, "csrf_token": token_of(page.text)}
    entered = browser.post("/console/login", data=said, base_url="https://shop.example")
    header = entered.headers["Set-Cookie"]
    assert header.startswith(f"{HOST}=s.") and "Domain" not in header
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in header.split(";")}
    assert "max-age" in entered.headers["Strict-Transport-Security"]


def test_without_encryption_it_is_for_this_machine_alone(console: Flask) -> None:
    browser = console.test_client()
    refused = browser.get("/console/login", base_url="http://shop.example")
    assert refused.status_code == 403 and "https" in refused.text
    local = [f"http://{name}" for name in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000")]
    assert [browser.get("/console/login", base_url=each).status_code for each in local] == [200] * 3
    behind = {"environ_base": {"REMOTE_ADDR": "172.18.0.1"}, "headers": HTTPS}
    assert browser.get("/console/login", base_url="http://shop.example", **behind).status_code == 200
    claims = {"environ_base": {"REMOTE_ADDR": "1.2.3.4"}, "headers": HTTPS}
    assert browser.get("/console/login", base_url="http://shop.example", **claims).status_code == 403


@pytest.mark.parametrize(
    "way", ["https://evil.example/", "//evil.example", "/console//evil.example", "/\\evil", "/ops"]
)
def test_the_login_leads_nowhere_else(services: Services, console: Flask, hashed: str, way: str) -> None:
    email = f"leads{abs(hash(way))}"
    entered = log_in(console.test_client(), person(services, email, hashed), next=way)
    assert entered.headers["Location"] == "/console/"


def test_an_invitation_makes_an_account_or_joins_the_one_there_is(
    services: Services, console: Flask, hashed: str
) -> None:
    owner = console_client(services, "owner", shop="inviting")
    linked = owner.post(
        "/console/inviting/team/invite", data={"email": "new@doors.example", "role": "editor"}
    )
    assert linked.status_code == 303  # it asks for the password: this session gave none
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "inviting").id
        fresh = invitations.invite(session, shop, "new@doors.example", "editor", owner.user.email)
    browser = console.test_client()
    assert "new@doors.example" in browser.get(f"/console/join?token={fresh}").text
    weak = fill_in(browser, f"/console/join?token={fresh}", token=fresh, password=WEAK, again=WEAK)
    assert weak.status_code == 422
    made = fill_in(
        browser, f"/console/join?token={fresh}", token=fresh, name="New", password=PASSWORD, again=PASSWORD
    )
    assert made.status_code == 303 and browser.get("/console/inviting/team/").status_code == 200
    assert console.test_client().get(f"/console/join?token={fresh}").status_code == 409
    elsewhere = person(services, "elsewhere", hashed, shop="elsewhere")
    with services.sessions.begin() as session:
        token = invitations.invite(session, shop, elsewhere, "viewer", owner.user.email)
    browser = console.test_client()
    assert "Log in to join" in browser.get(f"/console/join?token={token}").text
    other = console_client(services, "viewer")
    refused = other.post("/console/join/here", data={"token": token})
    assert refused.status_code == 409 and "Log out" in refused.text
    log_in(browser, elsewhere)
    joined = fill_in(browser, f"/console/join?token={token}", "/console/join/here", token=token)
    assert joined.status_code == 303
    assert (
        browser.get("/console/inviting/team/").status_code
        == browser.get("/console/elsewhere/team/").status_code
        == 200
    )
    with services.sessions() as session:
        user = find_user(session, elsewhere)
        assert user is not None and len(shops_of(session, user.id)) == 2


def test_a_reset_sets_a_password_once_and_ends_every_login(
    services: Services, console: Flask, hashed: str
) -> None:
    email, browser = person(services, "forgot", hashed), console.test_client()
    log_in(browser, email)
    with services.sessions.begin() as session:
        user = find_user(session, email)
        assert user is not None
        token = invitations.reset(session, user)
    stranger = console.test_client()
    page = f"/console/reset?token={token}"
    done = fill_in(stranger, page, token=token, password=OTHER, again=OTHER)
    assert done.headers["Location"] == "/console/login" and "is set" in stranger.get("/console/login").text
    assert browser.get("/console/account/").status_code == 303
    assert stranger.get(page).status_code == 409
    assert log_in(console.test_client(), email, OTHER).status_code == 303


def test_signing_up_is_closed_unless_it_is_open_and_tells_no_address(console: Flask, tmp_path: Path) -> None:
    assert console.test_client().get("/console/signup").status_code == 404
    services = bare_services(tmp_path, signup="open")
    app = create_console_app(services, "key")
    said = {"shop": "Rose & Söhne", "email": "rose@doors.example", "password": PASSWORD, "again": PASSWORD}
    answers = []
    for shop in ("Rose & Söhne", "Another"):
        browser = app.test_client()
        done = fill_in(browser, "/console/signup", **{**said, "shop": shop})
        answers.append(
            (done.status_code, done.headers["Location"], browser.get("/console/login").status_code)
        )
    assert answers[0] == answers[1]
    browser = app.test_client()
    log_in(browser, "rose@doors.example")
    assert browser.get("/console/").headers["Location"] == "/console/rose-sohne/"
    with services.sessions() as session:
        user = find_user(session, "rose@doors.example")
        assert user is not None and [role for _, role in shops_of(session, user.id)] == ["owner"]
    tries = [fill_in(app.test_client(), "/console/signup", **said).status_code for _ in range(10)]
    assert tries[-1] == 429
    services.close()


def test_a_required_second_factor_comes_before_everything(tmp_path: Path) -> None:
    services = bare_services(tmp_path, second_factor="required")
    client = console_client(services, "owner", app=create_console_app(services, "a key for tests"))
    sent = client.get("/console/demo/team/")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console/account/second-factor/")
    services.close()


def test_any_web_process_with_the_key_goes_on_with_a_login(
    services: Services, console: Flask, hashed: str
) -> None:
    email, here = person(services, "processes", hashed), console.test_client()
    with services.sessions.begin() as session:
        session.execute(update(User).where(User.email == email).values(totp_secret="x"))  # noqa: S106
    log_in(here, email)
    other = create_console_app(services, KEY).test_client()  # as a second process makes it
    other.set_cookie(PLAIN, cookie(here), path="/console")
    assert other.get("/console/login/code").status_code == 200  # the first has seen the password
    stranger = create_console_app(services, "another key").test_client()
    stranger.set_cookie(PLAIN, cookie(here), path="/console")
    assert stranger.get("/console/login/code").status_code == 303
    client = console_client(services, "viewer")
    other.set_cookie(PLAIN, client.get_cookie(PLAIN, path="/console").value, path="/console")  # type: ignore[union-attr]
    page = other.get("/console/demo/team/")
    left = other.post("/console/logout", data={"csrf_token": token_of(page.text)})
    assert (page.status_code, left.status_code) == (200, 303)
    assert client.get("/console/demo/team/").status_code == 303  # ended there, it is ended here


def test_without_a_key_the_console_is_closed_and_says_how_it_is_opened(services: Services) -> None:
    closed = create_console_app(services, "").test_client().get("/console/login")
    assert closed.status_code == 503 and "TWIRL_CONSOLE_KEY" in closed.text


def test_while_the_database_is_away_it_says_so(
    services: Services, console: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = console_client(services, "viewer")

    def gone(*_: object) -> None:
        raise AWAY[0]("SELECT", {}, Exception("gone"))

    monkeypatch.setattr("web.console.sessions.ledger.find", gone)
    away = client.get("/console/demo/team/")
    assert away.status_code == 503 and away.headers["Retry-After"] == "5" and "Set-Cookie" not in away.headers
