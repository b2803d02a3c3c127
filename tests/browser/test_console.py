"""The console's own pages in a real Chromium: the way in with a second factor, seen by everybody."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from passlib.totp import TOTP
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from accounts import invitations
from accounts.members import join
from accounts.models import User
from accounts.users import create_user
from bootstrap import Services
from catalog.products import ensure_merchant
from catalog.programs.search_keys import create_key
from tests.support.codes import code_now
from tests.support.console import PASSWORD, bare_services, cookie_of, served_console

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("console"), signup="open")
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(services: Services) -> Iterator[str]:
    with served_console(services) as address:
        yield address


def link_for(services: Services, email: str) -> str:
    with services.sessions.begin() as session:
        token = invitations.invite(session, services.merchant().id, email, "owner", "owner@shop.example")
    return f"/console/join?token={token}"


def log_in(page: Page, email: str) -> None:
    page.goto("/console/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/console/login$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_invitation_to_the_recovery_code(
    services: Services, console: str, chromium: Browser, scripts: bool
) -> None:
    email = f"invited-{scripts}@browser.example".lower()
    context = chromium.new_context(base_url=console, java_script_enabled=scripts)
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)

    page.goto(link_for(services, email))
    page.get_by_label("Your name").fill("Inge")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = TOTP(key=page.locator("#key").inner_text().replace("-", ""))
    page.get_by_label("The six digits").fill(code_now(app))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()

    log_out(page)
    log_in(page, email)
    with services.sessions.begin() as session:  # as half a minute later
        session.execute(update(User).where(User.email == email).values(totp_counter=None))
    page.get_by_label("The six digits").fill(code_now(app))
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Team")).to_be_visible()
    log_out(page)
    log_in(page, email)
    page.get_by_label("The six digits").fill(codes[3])
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Account", exact=True).click()
    expect(page.get_by_text("9 recovery codes left")).to_be_visible()
    assert not wrong, wrong
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    services: Services, console: str, chromium: Browser, scheme: str
) -> None:
    seen = {"base_url": console, "color_scheme": scheme, "bypass_csp": True}  # for axe's own script
    context = chromium.new_context(**seen)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    link, wrong = link_for(services, f"axe-{scheme}@browser.example"), []
    with services.sessions.begin() as session:
        user = create_user(session, f"seen-{scheme}@browser.example", "no hash")
        join(session, user.id, ensure_merchant(session, "demo").id, "editor")
        reset = f"/console/reset?token={invitations.reset(session, user)}"
        create_key(session, services.merchant().id, ["https://a.example"], "our site")
    for address in (
        "/console/login",
        "/console/signup",
        "/console/forgotten",
        link,
        reset,
        "/console/join?token=x",
    ):
        wrong += faults(page, address)
    context.add_cookies([cookie_of(services, console)])  # type: ignore[list-item]
    for address in (
        "/console/account/", "/console/account/second-factor/", "/console/confirm", "/console/demo/team/",
        "/console/demo/team/keys", "/console/demo/team/prices", "/console/demo/team/history",
        "/console/nowhere/",
    ):  # fmt: skip
        wrong += faults(page, address)
    assert wrong == []
    context.close()


def faults(page: Page, address: str) -> list[str]:
    """What axe finds on a page, wide and narrow; and whether it scrolls sideways at 320 px."""
    found = []
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        assert page.url.endswith(address), (address, page.url)  # not sent elsewhere
        page.evaluate("document.querySelectorAll('details:not(.switch)').forEach(each => each.open = true)")
        result = Axe().run(page, options={"runOnly": RULES})
        for each in result.response["violations"]:
            found.append(f"{address} {width}: {each['id']} {each['nodes'][0]['html'][:120]}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{address}: {wide} px wide at {width}"] if wide > width else []
    return found


def test_keys_and_invitations_are_shown_once(services: Services, console: str, chromium: Browser) -> None:
    context = chromium.new_context(base_url=console)
    context.set_default_timeout(15_000)
    context.add_cookies([cookie_of(services, console)])  # type: ignore[list-item]
    page = context.new_page()
    page.goto("/console/demo/team/keys")
    page.get_by_label("search the shop as a shopper does").check()
    page.get_by_role("button", name="Make a secret key").click()
    expect(page.get_by_text("Copy it now")).to_be_visible()
    secret = page.locator(".notice code").inner_text()
    page.reload()
    expect(page.get_by_text("Copy it now")).to_have_count(0)
    assert secret not in page.content() and secret[:21] in page.content()
    expect(page.get_by_text("Rotate", exact=True)).to_have_count(1)  # loading it again made no second key
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail address").fill("guest@browser.example")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_text("works once")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("member.invited")).to_be_visible()
    context.close()
