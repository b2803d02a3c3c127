"""A rule from the form to the shop and back; insight after real searches and clicks: in a real Chromium."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete

from bootstrap import Services
from catalog.insight.rollup import forget, roll
from catalog.insight.tables import RulebookDraft
from catalog.operations import Rulebook
from catalog.rulebooks import publish_rulebook
from searcher.insight.events import Events
from tests.browser.test_console import faults
from tests.support.console import cookie_of, served_console

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def console(shop: Services) -> Iterator[str]:
    with served_console(shop) as address:
        yield address
    with shop.sessions.begin() as session:
        session.execute(delete(RulebookDraft))
        publish_rulebook(session, shop.merchant().id, {})
        session.execute(delete(Rulebook))


@pytest.fixture(params=[True, False], ids=["with scripts", "without"])
def merchant(
    request: pytest.FixtureRequest, chromium: Browser, shop: Services, console: str
) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=console, java_script_enabled=request.param)
    context.set_default_timeout(15_000)
    context.add_cookies([cookie_of(shop, console)])  # type: ignore[list-item]
    yield context
    context.close()


def first(page: Page, words: str) -> str:
    """The first piece that a search shows."""
    page.goto(f"/?q={words}")
    return str(page.locator("li.card").first.get_attribute("data-sku"))


def wait_for_version(shop: Services, version: int) -> None:
    deadline = time.monotonic() + 15
    while shop.searcher.rulebook(shop.merchant().id).version != version:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_rule_is_made_previewed_published_seen_and_undone(
    merchant: BrowserContext, page: Page, shop: Services
) -> None:
    before = first(page, "dress")
    wanted = str(page.locator("li.card").nth(4).get_attribute("data-sku"))
    console = merchant.new_page()
    console.goto("/console/demo/rules/")
    console.get_by_role("link", name="Add a rule").click()
    console.get_by_label("Name, for your list").fill("Party season")
    console.get_by_label("Find items by SKU or title").fill(wanted)
    console.get_by_role("button", name="Find", exact=True).click()
    console.get_by_role("checkbox", name=re.compile(wanted)).check()
    console.get_by_label("Searches with these words").fill("dress")
    console.get_by_role("button", name="Put it into the draft").last.click()
    expect(console.get_by_role("heading", name="Your draft")).to_be_visible()
    expect(console.get_by_role("row", name=re.compile("Party season"))).to_contain_text("Show first")
    assert first(page, "dress") == before, "shoppers do not see a draft"

    console.get_by_role("link", name="Preview").first.click()
    console.get_by_label("Words").fill("dress")
    console.get_by_role("button", name="Search").click()
    expect(console.get_by_text("Places that change are marked.")).to_be_visible()
    draft = console.get_by_role("region", name="With the draft").get_by_role("listitem")
    expect(draft.first).to_have_attribute("data-sku", wanted)
    expect(draft.first).to_contain_text("comes up from 5")
    console.get_by_role("link", name="Publish…").click()
    expect(console.get_by_text("Party season: Show first")).to_be_visible()
    console.get_by_label("Why, for the list of versions").fill("For the parties")
    console.get_by_role("button", name="Publish").click()
    said = console.get_by_role("status").inner_text()
    version = int(re.findall(r"Version (\d+)", said)[0])
    wait_for_version(shop, version)
    assert first(page, "dress") == wanted

    console.get_by_role("link", name="Versions").click()
    expect(console.get_by_role("row", name=re.compile("For the parties")).first).to_contain_text("in force")
    console.get_by_role("button", name="Undo").click()
    expect(console.get_by_role("status")).to_contain_text("is in force")
    wait_for_version(shop, version + 1)
    assert first(page, "dress") == before


@pytest.fixture
def counted(shop: Services) -> Iterator[Events]:
    """Events of this test alone."""
    usual = shop.events
    usual.on = False
    time.sleep(1.5)  # what other tests have asked is written by then
    forget(shop.sessions, 0)
    made = shop.events = Events(shop.sessions, shop.searcher.stock.shelf)
    yield made
    made.close()
    forget(shop.sessions, 0)
    shop.events, usual.on = usual, True


def test_insight_shows_what_was_searched_and_chosen(
    chromium: Browser, page: Page, shop: Services, console: str, counted: Events
) -> None:
    page.goto("/")
    page.locator("#words").fill("black dress kimono")
    page.locator("#words").press("Enter")
    expect(page.locator(".toolbar h1")).to_contain_text("kimono")
    page.locator("li.card").nth(2).locator(".card-compare button").click()
    expect(page.locator(".tray-said")).to_contain_text("1 to compare")
    page.locator("li.card").nth(1).get_by_role("link").filter(has_text=re.compile(r"\w")).last.click()
    expect(page.locator(".piece h1")).to_be_visible()
    expect(page).not_to_have_url(re.compile("from="))  # the address is plain again
    counted.close()
    assert counted.dropped == 0 and roll(shop.sessions) == 1
    context = chromium.new_context(base_url=console)
    context.set_default_timeout(15_000)
    context.add_cookies([cookie_of(shop, console)])  # type: ignore[list-item]
    merchant = context.new_page()
    merchant.goto("/console/demo/insight/")
    sums = merchant.locator(".sums > div")
    expect(sums.filter(has_text="Searches")).to_contain_text("1")
    expect(sums.filter(has_text="Led to a click")).to_contain_text("100 %")
    expect(sums.filter(has_text="compare")).to_contain_text("1")
    merchant.get_by_text("Places as a table").click()
    expect(merchant.get_by_role("row", name="2 1 1 100.0")).to_be_visible()
    merchant.get_by_role("link", name="Words").click()
    expect(merchant.get_by_role("row", name=re.compile("black dress kimono")).first).to_contain_text("100 %")
    merchant.get_by_role("link", name="What is missing").click()
    expect(merchant.get_by_role("row", name=re.compile("kimono"))).to_be_visible()
    with merchant.expect_download() as download:
        merchant.get_by_role("link", name=re.compile("Export as CSV.*unknown words")).click()
    assert "kimono" in download.value.path().read_text("utf-8-sig")
    context.close()


ADDRESSES = (
    "rules/", "rules/new", "rules/preview?q=dress", "rules/publish", "rules/versions",
    "insight/", "insight/words", "insight/photos", "insight/gaps",
)  # fmt: skip


@pytest.mark.parametrize(("scheme", "addresses"), [("light", ADDRESSES), ("dark", ADDRESSES[::5])])
def test_axe_finds_nothing(
    chromium: Browser, shop: Services, console: str, scheme: str, addresses: tuple[str, ...]
) -> None:
    seen = {"base_url": console, "color_scheme": scheme, "bypass_csp": True}  # for axe's own script
    context = chromium.new_context(**seen)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.add_cookies([cookie_of(shop, console)])  # type: ignore[list-item]
    page = context.new_page()
    page.goto("/console/demo/rules/new?words=dress")
    page.get_by_label("Name, for your list").fill("Seen by axe")
    page.locator("summary", has_text="Colour").first.click()
    page.locator("[name=what_colour]").first.check()
    page.get_by_role("button", name="Put it into the draft").last.click()
    wrong = []
    for address in addresses:
        wrong += faults(page, f"/console/demo/{address}")
    assert wrong == [], "\n".join(wrong)
    context.close()
