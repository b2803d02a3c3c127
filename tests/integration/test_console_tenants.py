"""Every address of the console: whom it is for is said, and a member of another shop finds nothing there."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from accounts import audit, invitations
from accounts.members import members
from accounts.models import Invitation, LoginSession, User
from bootstrap import Services
from catalog.importing.tables import FeedSchedule, ImportRequest
from catalog.models import Base, ImportJob, Product, now
from catalog.products import ensure_merchant
from catalog.programs.api_keys import issue_key, secret_keys
from catalog.programs.search_keys import create_key, search_keys
from catalog.programs.webhooks import create_webhook, find_webhook, webhooks
from tests.support.console import ConsoleClient, bare_services, console_app, console_client
from web.console.access import EVERYBODY, LOGGED_IN, SHARED, admits
from web.console.app import create_console_app

# What everybody may call: each of them is a door, and each is tried in test_console.py.
PUBLIC = {
    "login.form", "login.enter", "login.second", "login.enter_second", "joining.form", "joining.join",
    "joining.reset_form", "joining.reset", "joining.forgotten", "joining.signup_form", "joining.signup",
}  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("tenants"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(services: Services) -> Flask:
    return console_app(services)


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] not in SHARED]


def address(rule: Rule, shop: str, number: int = 1) -> str:
    """The rule's address in that shop, every other part filled in."""
    path = rule.rule.replace("<shop>", shop)
    path = re.sub(r"<int:[^>]+>", str(number), path)
    path = re.sub(r"<any\((\w+)[^>]*>", r"\1", path)
    return re.sub(r"<[^>]+>", f"x{number}", path)


def test_every_view_says_whom_it_is_for(console: Flask) -> None:
    wrong = []
    for rule in rules(console):
        who = admits(console.view_functions[rule.endpoint])
        if "<shop>" in rule.rule:
            fine = who in ("viewer", "editor", "owner")
        else:
            fine = who == LOGGED_IN or (who == EVERYBODY and rule.endpoint in PUBLIC)
        wrong += [] if fine else [f"{rule.endpoint} {rule.rule}: {who}"]
    assert wrong == [], "mark these with @needs(role) or @signed_in (web/console/access.py)"
    assert len(rules(console)) > 30


def test_a_view_that_says_nothing_is_for_nobody(services: Services) -> None:
    app = create_console_app(services, "a key for tests")
    app.add_url_rule("/console/<shop>/forgotten-mark", "forgotten", lambda: "seen")
    assert console_client(services, "owner", app=app).get("/console/demo/forgotten-mark").status_code == 500


def test_who_changes_something_is_no_viewer(console: Flask) -> None:
    """A viewer looks. What a viewer may post is named here."""
    may = {"team.go", "items.asked", "rules.try_photo"}  # leaving; photos to search with, kept a day
    wrong = [
        rule.endpoint
        for rule in rules(console)
        if "<shop>" in rule.rule
        and {"POST", "PUT", "PATCH", "DELETE"} & (rule.methods or set())
        and admits(console.view_functions[rule.endpoint]) == "viewer"
    ]
    assert set(wrong) <= may, "these change something: @needs('editor')"


@pytest.mark.parametrize("who", ["nobody", "another shop's owner"])
def test_every_address_of_a_shop_is_closed_to_others(services: Services, console: Flask, who: str) -> None:
    stranger = console.test_client() if who == "nobody" else console_client(services, "owner", shop="another")
    wrong = []
    for rule in rules(console):
        if "<shop>" not in rule.rule:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = stranger.open(address(rule, "demo"), method=method)
            expected = (404,) if who != "nobody" else ((303, 401) if method == "GET" else (400, 303, 401))
            if answer.status_code not in expected or "demo" in answer.text.replace(address(rule, "demo"), ""):
                wrong.append(f"{method} {rule.rule}: {answer.status_code}")
    assert wrong == []


def test_a_shop_that_is_not_there_reads_like_one_that_is_anothers(services: Services) -> None:
    stranger = console_client(services, "owner", shop="another")
    pages = [stranger.get(f"/console/{slug}/team/") for slug in ("demo", "there-is-none")]
    assert [each.status_code for each in pages] == [404, 404]
    shown = [re.sub(r'content="[^"]*"|value="[^"]*"', "", each.text) for each in pages]
    assert shown[0] == shown[1]


def test_a_real_id_of_another_shop_is_no_id_here(services: Services) -> None:
    """Each thing of the team's area, asked for and changed from a shop that it does not belong to."""
    mine, theirs = (recent_owner(services, slug) for slug in ("mine", "theirs"))
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "theirs").id
        invitations.invite(session, shop, "guest@theirs.example", "viewer")
        create_key(session, shop, ["https://theirs.example"], "their key")
        issue_key(session, shop, ["search"], "their program")
        hook = create_webhook(session, shop, "https://theirs.example/told", name="their hook").uid
        audit.write(session, shop, theirs.user.id, theirs.user.email, "their.deed", "their subject")
    before = everything(services, "theirs")
    with services.sessions() as session:
        ids = {
            "invitations/{}/take-back": invitations.waiting(session, shop)[0].id,
            "members/{}/role": theirs.user.id,
            "members/{}/remove": theirs.user.id,
            "keys/search/{}/revoke": search_keys(session, shop)[0].id,
            "keys/secret/{}/rotate": secret_keys(session, shop)[0].id,
            "keys/secret/{}/revoke": secret_keys(session, shop)[0].id,
        }
    for path, number in {**ids, "hooks/{}/address": hook}.items():
        said = {"role": "viewer", "url": "https://mine.example/told"}
        answer = mine.post(f"/console/mine/team/{path.format(number)}", data=said)
        assert answer.status_code == 404 and "theirs" not in answer.text, path
    assert everything(services, "theirs") == before
    for page in ("", "keys", "hooks", "history", "history.csv", "history?before=1000000"):
        shown = mine.get(f"/console/mine/team/{page}")
        assert shown.status_code == 200 and "their" not in shown.text, page


def everything(services: Services, slug: str) -> str:
    with services.sessions() as session:
        shop = ensure_merchant(session, slug).id
        invited = [(each.id, each.expires_at) for each in invitations.waiting(session, shop)]
        keys = search_keys(session, shop), secret_keys(session, shop)
        hooks = [(each.uid, each.url) for each in webhooks(session, shop)]
        return repr((members(session, shop), invited, keys, hooks))


def recent_owner(services: Services, slug: str) -> ConsoleClient:
    return console_client(services, "owner", shop=slug, recent=True)


# What stands in an address of an area: a number that is one thing's, of all shops. Other parts are words, or
# numbers that each shop has of its own.
THINGS = {
    "item_id": Product, "request_id": ImportRequest, "job_id": ImportJob, "schedule_id": FeedSchedule,
    "user_id": User, "invitation_id": Invitation,
}  # fmt: skip
ELSEWHERE = {"key_id": "test_a_real_id_of_another_shop_is_no_id_here", "version": "each shop counts its own"}


def test_no_area_shows_or_changes_a_thing_of_another_shop(services: Services, console: Flask) -> None:
    """Every address with a number in it, with a real one of another shop, and with forms that name it."""
    owner = recent_owner(services, "walking")
    ids = full_shop(services, "veiled")
    before, wrong = rows_of(services, "veiled"), []
    numbered = [rule for rule in rules(console) if "<shop>" in rule.rule and "<int:" in rule.rule]
    assert {name for rule in numbered for name in rule.arguments - {"shop"}} <= {
        *THINGS, *ELSEWHERE, "sha256",
    }, "name what this number counts in THINGS"  # fmt: skip
    for rule in numbered:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = rule.rule.replace("<shop>", "walking").replace("<sha256>", "0" * 64)
            for name, number in {**ids, "key_id": 10**6, "version": 10**6}.items():
                path = path.replace(f"<int:{name}>", str(number))
            answer = owner.open(path, method=method, data={"role": "viewer", "title": "taken"})
            if answer.status_code != 404 or "veiled" in answer.text:
                wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []
    item = str(ids["item_id"])
    for act in ("delete", "hide"):
        done = owner.post("/console/walking/items/acts/run", data={"id": item, "act": act})
        assert done.status_code == 303
    assert rows_of(services, "veiled") == before
    theirs = console_client(services, "editor", shop="veiled")  # and where it belongs it does something
    assert theirs.post("/console/veiled/items/acts/run", data={"id": item, "act": "hide"}).status_code == 303
    assert rows_of(services, "veiled") != before


def full_shop(services: Services, slug: str) -> dict[str, int]:
    """A shop with one of everything; {what stands in an address: its number}."""
    console_client(services, "owner", shop=slug)
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, slug)
        rows = {
            "item_id": Product(
                merchant_id=shop.id, sku="veiled-1", item_group_id="veiled-1", title="veiled coat"
            ),
            "request_id": ImportRequest(merchant_id=shop.id, filename="veiled.csv", state="done"),
            "job_id": ImportJob(merchant_id=shop.id, filename="veiled.csv", state="done"),
            "schedule_id": FeedSchedule(
                merchant_id=shop.id, url="https://veiled.example/feed", next_at=now()
            ),
        }
        session.add_all(rows.values())
        invitations.invite(session, shop.id, "veiled@guest.example", "viewer")
        session.flush()
        member = members(session, shop.id)[0].user_id
        invited = invitations.waiting(session, shop.id)[0].id
        return {name: row.id for name, row in rows.items()} | {"user_id": member, "invitation_id": invited}


def rows_of(services: Services, slug: str) -> str:
    """Every row of every table that carries this shop, but for what says when something was seen."""
    with services.sessions() as session:
        shop = ensure_merchant(session, slug).id
        said = []
        for table in Base.metadata.sorted_tables:
            if "merchant_id" in table.c:
                rows = session.execute(select(table).where(table.c.merchant_id == shop))
                said.append((table.name, sorted(map(repr, rows))))
        return repr(said)


def test_owners_run_the_team(services: Services) -> None:
    owner = recent_owner(services, "running")
    made = owner.post("/console/running/team/invite", data={"email": "Guest@x.example", "role": "viewer"})
    assert made.headers["Location"] == "/console/running/team/"
    assert "/console/join?token=" in owner.get("/console/running/team/").text
    listed = owner.get("/console/running/team/").text
    assert "guest@x.example" in listed and "token=" not in listed
    with services.sessions() as session:
        shop = ensure_merchant(session, "running").id
        waiting = invitations.waiting(session, shop)[0].id
    assert owner.post(f"/console/running/team/invitations/{waiting}/take-back").status_code == 303
    roles = owner.get("/console/running/team/").text
    assert "sees everything but keys, webhooks and history" in roles
    editor = console_client(services, "editor", shop="running")
    raised = owner.post(f"/console/running/team/members/{editor.user.id}/role", data={"role": "owner"})
    assert raised.status_code == 303 and editor.get("/console/running/team/keys").status_code == 200
    assert owner.post(f"/console/running/team/members/{editor.user.id}/remove").status_code == 303
    assert editor.get("/console/running/team/").status_code == 404  # at once
    own = owner.post(f"/console/running/team/members/{owner.user.id}/role", data={"role": "viewer"})
    assert own.status_code == 303 and "at least one owner" in owner.get("/console/running/team/").text
    bad = owner.post("/console/running/team/invite", data={"email": "no address", "role": "viewer"})
    assert bad.status_code == 422 and "no e-mail address" in bad.text
    lines = owner.get("/console/running/team/history.csv").text.splitlines()
    deeds = [line.split(",")[2] for line in lines[1:]]
    assert deeds == ["member.removed", "member.role", "invitation.taken-back", "member.invited"]


def test_owners_make_and_revoke_keys(services: Services) -> None:
    owner = recent_owner(services, "keyed")
    path = "/console/keyed/team/keys"
    made = owner.post(f"{path}/search", data={"origins": "https://a.example, b.example", "name": "our site"})
    assert made.status_code == 303
    page = owner.get(path).text
    assert "https://a.example, https://b.example" in page and "embed.js" in page
    assert owner.post(f"{path}/search", data={"origins": "ftp://x"}).status_code == 422
    made = owner.post(f"{path}/secret", data={"scope": ["search", "webhooks"], "name": "till", "days": "90"})
    assert made.status_code == 303 and made.headers["Location"] == path
    with services.sessions() as session:
        held = session.scalars(select(LoginSession.data).where(LoginSession.user_id == owner.user.id)).one()
    assert "twirl_secret_" not in repr(held) and held["shown_once"]["sealed"]  # the database cannot read it
    assert "twirl_secret_" not in owner.get("/console/keyed/team/").text  # it is for the page of keys
    shown = re.search(r"<code>(twirl_secret_[^<]{40,})</code>", owner.get(path).text)
    again = owner.get(path).text  # as when the page is loaded again
    assert shown and shown[1] not in again and again.count("Revoke it") == 2
    assert owner.post(f"{path}/secret", data={"name": "x", "days": ""}).status_code == 422
    with services.sessions() as session:
        shop = ensure_merchant(session, "keyed").id
        program, search = secret_keys(session, shop)[0], search_keys(session, shop)[0]
    assert owner.post(f"{path}/secret/{program.id}/rotate").status_code == 303
    late = re.search(r"<code>(twirl_secret_[^<]{40,})</code>", owner.get(path).text)
    assert late and late[1] != shown[1]
    assert owner.post(f"{path}/secret/{program.id}/revoke").status_code == 303
    assert owner.post(f"{path}/search/{search.id}/revoke").status_code == 303
    with services.sessions() as session:
        assert len(secret_keys(session, shop)) == 1 and not search_keys(session, shop)
    history = owner.get("/console/keyed/team/history").text
    assert "secret key rotated" in history and "secret-key.rotated" in history and shown[1] not in history


def test_owners_change_where_a_webhook_is_told(services: Services) -> None:
    owner = recent_owner(services, "hooked")
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "hooked").id
        made = create_webhook(session, shop, "https://old.example/told", ["import.done"], "stock")
        uid, secret = made.uid, made.secret
    page = owner.get("/console/hooked/team/hooks").text
    assert "https://old.example/told" in page and secret not in page
    path = f"/console/hooked/team/hooks/{uid}/address"
    for wrong, said in (
        ("http://new.example/told", "Only https"), ("new.example", "no address"),
        ("https://127.0.0.1/x", "not one of the public internet"), ("https://new.example:8443/", "only 443"),
    ):  # fmt: skip
        refused = owner.post(path, data={"url": wrong})
        assert refused.status_code == 422 and said in refused.text
    assert owner.post(path, data={"url": " https://new.example/told "}).status_code == 303
    with services.sessions() as session:
        moved = find_webhook(session, shop, uid)
        assert moved.url == "https://new.example/told"
        assert (moved.secret, moved.events) == (secret, ["import.done"])
    history = owner.get("/console/hooked/team/history.csv").text
    assert "webhook.moved" in history and "https://old.example/told" in history and secret not in history
    editor = console_client(services, "editor", shop="hooked")
    assert editor.post(path, data={"url": "https://other.example"}).status_code == 403
    assert editor.get("/console/hooked/team/hooks").status_code == 403
    late = console_client(services, "owner", shop="hooked")
    asked = late.post(path, data={"url": "https://other.example"})
    assert asked.status_code == 303 and "other.example" not in owner.get("/console/hooked/team/hooks").text


def test_history_is_safe_to_open_in_a_spreadsheet(services: Services) -> None:
    owner = recent_owner(services, "sheets")
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "sheets").id
        audit.write(session, shop, None, "", "item.hidden", "=HYPERLINK(1)", {"note": 'a "quoted", word'})
    answer = owner.get("/console/sheets/team/history.csv")
    assert answer.mimetype == "text/csv" and "sheets-history.csv" in answer.headers["Content-Disposition"]
    assert ",'=HYPERLINK(1)," in answer.text


def test_history_comes_in_pages(services: Services) -> None:
    owner = recent_owner(services, "pages")
    with services.sessions.begin() as session:
        shop = ensure_merchant(session, "pages").id
        for n in range(audit.PAGE + 3):
            audit.write(session, shop, owner.user.id, owner.user.email, "item.hidden", f"sku-{n:03}")
    first = owner.get("/console/pages/team/history").text
    assert "sku-052" in first and "sku-002" not in first
    older = re.search(r'href="(/console/pages/team/history\?before=\d+)"', first)
    rest = owner.get(older[1]).text  # type: ignore[index]
    assert "sku-002" in rest and "sku-003" not in rest and "Older" not in rest
    assert owner.get("/console/pages/team/history?before=x").status_code == 404
