"""The console's doors: who comes in, and to what."""

import re

import pytest
from flask import Flask

from accounts.members import join
from accounts.users import create_user
from bootstrap import Services
from catalog.products import ensure_merchant
from tests.support.console import console_app, console_client
from web.console.identity import hash_password

PASSWORD = "correct horse battery staple"  # noqa: S105 - of these tests


@pytest.fixture(scope="module")
def console(shop: Services) -> Flask:
    return console_app(shop)


@pytest.fixture(scope="module")
def owner(shop: Services, console: Flask) -> str:
    with console.app_context():
        hashed = hash_password(PASSWORD)
    with shop.sessions.begin() as session:
        user = create_user(session, "Owner@Shop.example", hashed)
        join(session, user.id, ensure_merchant(session, "demo").id, "owner")
    return user.email


def token_of(page: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]  # type: ignore[index]


def test_who_knows_the_password_comes_in_and_goes_out_again(console: Flask, owner: str) -> None:
    browser = console.test_client()
    assert browser.get("/console/demo/").headers["Location"] == "/console/login?next=/console/demo/"
    page = browser.get("/console/login").text
    said = {"email": f" {owner.upper()} ", "password": PASSWORD, "csrf_token": token_of(page)}
    entered = browser.post("/console/login", data=said)
    assert entered.status_code == 303, entered.text
    home = browser.get("/console/", follow_redirects=True)
    assert home.status_code == 200 and "Log out" in home.text
    left = browser.post("/console/logout", data={"csrf_token": token_of(home.text)})
    assert left.status_code == 303 and browser.get("/console/demo/").status_code == 303


def test_a_wrong_password_and_an_unknown_address_read_alike(console: Flask, owner: str) -> None:
    answers = []
    for email in (owner, "nobody@shop.example"):
        browser = console.test_client()
        token = token_of(browser.get("/console/login").text)
        said = {"email": email, "password": "wrong wrong wrong", "csrf_token": token}
        refused = browser.post("/console/login", data=said)
        assert refused.status_code == 401
        answers.append(refused.text.replace(email, "").replace(token, ""))
    strip = [re.sub(r'value="[^"]*"', "", each) for each in answers]
    assert strip[0] == strip[1]


def test_a_form_without_its_token_changes_nothing(shop: Services, console: Flask, owner: str) -> None:
    browser = console.test_client()
    refused = browser.post("/console/login", data={"email": owner, "password": PASSWORD})
    assert refused.status_code == 400 and "no longer good" in refused.text
    client = console_client(shop, "viewer")
    assert client.post("/console/logout", headers={"X-CSRFToken": ""}).status_code == 400
    assert client.get("/console/demo/").status_code == 200
