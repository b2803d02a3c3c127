"""The operators' page in a real Chromium: seen, read by assistive software, used, without scripts too."""

import re
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from bootstrap import Services
from catalog.models import Image
from settings import Settings
from tests.browser.conftest import Quiet
from tests.support.ledger import eventful
from web import health
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TOKEN = "a-token-of-24-characters"  # noqa: S105 - of these tests


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """An installation to which much has happened; its engine is away."""
    given = Settings()
    storage = replace(given.storage, data=tmp_path_factory.mktemp("ops"))
    made = Services(replace(given, storage=storage))
    made.prepare()
    eventful(made.sessions)
    yield made
    made.close()


@pytest.fixture(scope="module")
def ops(services: Services) -> Iterator[str]:
    needs = [need for need in health.needs(services) if need.name in ("database", "schema", "engine")]
    app = create_ops_app(services, Meters(), Probes(needs, fresh_s=0.2), services.data, TOKEN)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


def entered(chromium: Browser, address: str, width: int = 1280, **more: bool) -> Page:
    context = chromium.new_context(base_url=address, viewport={"width": width, "height": 900}, **more)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto("/ops")
    expect(page).to_have_url(re.compile("/ops/login$"))
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/ops$"))
    return page


@pytest.fixture(scope="module")
def page(chromium: Browser, ops: str) -> Iterator[Page]:
    page = entered(chromium, ops)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
    yield page
    assert not wrong, wrong
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(chromium: Browser, ops: str, width: int) -> None:
    page = entered(chromium, ops, width)
    page.get_by_role("link", name="Compare").first.click()
    compared = page.url
    for path in ("/ops", compared, "/ops/explain?q=shirt", "/ops/none-such"):
        page.goto(path)
        for closed in page.locator("details.sure > summary").all():
            closed.click()
        found = Axe().run(page, options={"runOnly": RULES})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    page.get_by_role("link", name="Back to the overview").click()
    page.get_by_role("button", name="Log out").click()
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_at_320_nothing_needs_sideways_scrolling_and_targets_are_large(chromium: Browser, ops: str) -> None:
    page = entered(chromium, ops, 320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    tiny = page.evaluate(
        """() => [...document.querySelectorAll('a, button, summary, label:has(input)')]
            .filter((e) => e.checkVisibility() && !e.classList.contains('skip'))
            .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)
            .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
    )
    assert tiny == []
    page.context.close()


def test_what_needs_an_operator_comes_first(page: Page) -> None:
    page.goto("/ops")
    verdict = page.get_by_role("region", name="What needs you")
    expect(verdict).to_contain_text("TwirlEngineDown")
    expect(verdict).to_contain_text("Nobody takes from the queue index.")
    expect(
        page.get_by_role("table", name="Queues").get_by_role("row", name=re.compile("^embed"))
    ).to_contain_text("14 min")
    expect(page.get_by_role("img", name=re.compile("^embed, the last hour"))).to_be_visible()
    expect(page.get_by_role("progressbar", name="Filling of twirl-next")).to_have_js_property("value", 400)
    expect(
        page.get_by_role("table", name="Workers").get_by_role("row", name=re.compile("node:13"))
    ).to_contain_text("silent")


def test_a_failure_is_tried_again_and_the_page_says_so(page: Page, services: Services) -> None:
    page.goto("/ops")
    item = page.locator(".failures > li", has=page.get_by_role("heading", name="image-truncated"))
    item.get_by_role("button", name="Try this one").first.click()
    expect(page.get_by_text("Tried again: 1 of the pictures that failed.")).to_be_visible()
    item.get_by_role("button", name="Try again").click()
    with services.sessions() as session:
        failed = session.scalar(select(func.count()).where(Image.error_code == "image-truncated"))
    assert failed == 0


def test_a_switch_is_asked_about_and_can_be_taken_back(page: Page) -> None:
    page.goto("/ops")
    rows = page.get_by_role("table", name="Models and their indexes")
    old = rows.get_by_role("row", name=re.compile("^twirl-old"))
    old.get_by_text("Back…").click()
    old.get_by_role("button", name="Go back to it").click()
    expect(page.get_by_text("The live model is twirl-old now.")).to_be_visible()
    expect(old).to_contain_text("live")
    small = rows.get_by_role("row", name=re.compile("^twirl-live"))
    small.get_by_text("Back…").click()
    small.get_by_role("button", name="Go back to it").click()
    expect(small).to_contain_text("live")


def test_a_refusal_names_its_fix(page: Page) -> None:
    page.goto("/ops")
    row = page.get_by_role("row", name=re.compile("^twirl-next"))
    row.get_by_text("Drop…").click()
    row.get_by_role("button", name="Delete it").click()  # the engine is away
    expect(page.get_by_role("heading", level=1)).to_contain_text("out of use, but still takes room")
    expect(page.get_by_text("Drop it again once the vector engine answers.")).to_be_visible()


def test_the_page_keeps_itself_new_unless_told_not_to(page: Page, services: Services) -> None:
    page.goto("/ops")
    live = page.locator("dt", has_text="Live").locator("xpath=following-sibling::dd")
    before = live.inner_text()
    with services.sessions.begin() as session:
        image = session.scalars(select(Image).where(Image.state == "live")).first()
        assert image is not None
        image.state = "hidden"
    expect(live).not_to_have_text(before, timeout=30_000)
    page.get_by_label("Refresh every 5 s").uncheck()
    page.reload()
    expect(page.get_by_label("Refresh every 5 s")).not_to_be_checked()
    page.get_by_label("Refresh every 5 s").check()


def test_it_works_without_scripts(chromium: Browser, ops: str) -> None:
    page = entered(chromium, ops, java_script_enabled=False)
    expect(page.get_by_label("Refresh every 5 s")).to_be_hidden()
    page.get_by_role("link", name="Refresh", exact=True).click()
    page.locator(".failures").get_by_role("button").first.click()
    expect(page.get_by_text("Tried again:")).to_be_visible()
    page.context.close()
