"""The command `twirl accounts`, and the link that a first start prints."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bootstrap import Services
from cli import Commands
from commands.accounts import accounts
from launcher import console as terminal
from tests.support.console import PASSWORD, bare_services, console_app, console_client, fill_in, log_in


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("accounts"))
    yield made
    made.close()


def twirl(services: Services, *words: str, status: int = 0) -> str:
    group = Commands(commands=[accounts])
    done = CliRunner().invoke(group, ["accounts", *words], obj=services)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


def page_of(said: str) -> str:
    return re.search(r"http://127\.0\.0\.1:8000(/console/\S+)", said)[1]  # type: ignore[index]


def token_in(page: str) -> str:
    return page.partition("token=")[2]


def test_the_first_start_prints_a_link_and_no_password(services: Services) -> None:
    app = console_app(services)
    old, new = page_of(terminal.notice(services)), page_of(terminal.notice(services))
    assert app.test_client().get(old).status_code == 409  # the latest one is good
    browser = app.test_client()
    said = {"token": token_in(new), "email": "first@cli.example", "password": PASSWORD, "again": PASSWORD}
    assert fill_in(browser, new, **said).status_code == 303
    assert browser.get("/console/demo/team/").status_code == 200
    assert terminal.notice(services).endswith("/console/") and app.test_client().get(new).status_code == 409


def test_the_link_of_a_first_start_makes_the_shop_too(tmp_path: Path) -> None:
    services = bare_services(tmp_path, merchant=False)
    assert "/console/join?token=" in terminal.notice(services)
    services.close()


def test_an_account_is_made_listed_disabled_and_reset(services: Services) -> None:
    app = console_app(services)
    made = page_of(twirl(services, "create", "Clara@cli.example", "--role", "editor"))
    assert "clara@cli.example  demo (editor)  logged in never  no password yet" in twirl(services)
    browser = app.test_client()
    said = {"token": token_in(made), "password": PASSWORD, "again": PASSWORD}
    assert fill_in(browser, made, **said).status_code == 303
    assert log_in(browser, "clara@cli.example").status_code == 303
    assert "1 logins have ended" in twirl(services, "disable", "clara@cli.example")
    assert browser.get("/console/demo/team/").status_code == 303
    assert log_in(app.test_client(), "clara@cli.example").status_code == 401
    twirl(services, "enable", "clara@cli.example")
    assert log_in(app.test_client(), "clara@cli.example").status_code == 303
    link = page_of(twirl(services, "reset", "clara@cli.example", "--second-factor"))
    assert app.test_client().get(link).status_code == 200


def test_an_invitation_from_the_terminal(services: Services) -> None:
    link = page_of(twirl(services, "invite", "dora@cli.example", "--role", "viewer", "--merchant", "demo"))
    browser = console_app(services).test_client()
    said = {"token": token_in(link), "password": PASSWORD, "again": PASSWORD}
    assert fill_in(browser, link, **said).status_code == 303
    refused = browser.get("/console/demo/team/keys")
    assert refused.status_code == 403 and "this needs an owner" in refused.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("reset", "nobody@cli.example"), "has no account"),
        (("create", "no address"), "no e-mail address"),
        (("create", "a@cli.example", "--merchant", "nowhere"), "no shop 'nowhere'"),
        (("invite", "a@cli.example", "--role", "king"), "king"),
    ],
)
def test_what_cannot_be_done_names_its_fix(services: Services, words: tuple[str, ...], said: str) -> None:
    refused = twirl(services, *words, status=2 if "king" in words else 1)
    assert said in refused


def test_what_the_operator_did_is_in_the_history(services: Services) -> None:
    twirl(services, "invite", "erik@cli.example", "--role", "viewer")
    page = console_client(services, "owner").get("/console/demo/team/history").text
    assert "the operator" in page and "erik@cli.example" in page
