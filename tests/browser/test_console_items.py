"""A merchant's items in a real Chromium, while a real indexer works beside: with scripts and without."""

import io
import threading
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image as Pictures
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select, update

from bootstrap import Services
from catalog.items.tables import ItemHint, ItemLook
from catalog.models import Image, Product
from indexer.runner import run_forever
from searcher.query import SearchQuery
from tests.support.console import cookie_of, served_console
from tests.support.shop import small_shop

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("items"), products=8) as made:
        stop = threading.Event()
        indexer = threading.Thread(
            target=run_forever, args=(made.pipeline(), stop), kwargs={"bell": made.wake_file}
        )
        indexer.start()
        yield made
        stop.set()
        indexer.join(30)


@pytest.fixture(scope="module")
def console(services: Services) -> Iterator[str]:
    with served_console(services) as address:
        yield address


def entered(
    chromium: Browser, services: Services, console: str, role: str = "editor", **options: object
) -> BrowserContext:
    context = chromium.new_context(base_url=console, **options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.add_cookies([cookie_of(services, console, role)])
    return context


def first_item(services: Services) -> Product:
    with services.sessions() as session:
        return session.scalars(select(Product).order_by(Product.id).limit(1)).one()


def settled(services: Services, product_id: int) -> None:
    """Wait until the indexer is done with an item."""
    for _ in range(200):
        with services.sessions() as session:
            states = set(session.scalars(select(Image.state).where(Image.product_id == product_id)))
        if states == {"live"}:
            return
        time.sleep(0.1)
    raise AssertionError(states)


def place_in_search(services: Services, words: str, sku: str, patience_s: float = 0.0) -> float | None:
    """Seconds until a shopper finds it first; None where that takes longer than the patience."""
    began = time.monotonic()
    while True:
        query = SearchQuery(services.merchant().id, words=words, collapse=False)
        if [hit.product.sku for hit in services.searcher.search(query).hits[:1]] == [sku]:
            return time.monotonic() - began
        if time.monotonic() - began > patience_s:
            return None
        time.sleep(0.05)


@pytest.mark.parametrize("scripts", [True, False])
def test_failed_tried_again_edited_found_hidden_and_still_tested(
    services: Services, console: str, chromium: Browser, scripts: bool
) -> None:
    item, title = first_item(services), f"Quillon overshirt {scripts}"
    settled(services, item.id)
    with services.sessions.begin() as session:
        failed = update(Image).where(Image.product_id == item.id, Image.position == 0)
        session.execute(failed.values(state="failed", error_code="fetch-http", error_message="404. Mend it."))
    context = entered(chromium, services, console, java_script_enabled=scripts)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)

    page.goto("/console/demo/")
    page.get_by_role("link", name="failed").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name=item.sku).click()
    expect(page.get_by_text("404. Mend it.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    for _ in range(40):
        if page.get_by_text("404. Mend it.").count() == 0 and page.locator("p .state.live").count():
            break
        time.sleep(0.25)
        page.reload()

    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    took = place_in_search(services, title, item.sku, patience_s=2)
    assert took is not None, "an edit is searchable within two seconds"

    page.get_by_role("button", name="Hide it").click()
    expect(page.get_by_role("button", name="Show it again")).to_be_visible()
    until = time.monotonic() + 5
    while place_in_search(services, title, item.sku) is not None and time.monotonic() < until:
        time.sleep(0.1)
    page.get_by_role("link", name="Test search").click()
    page.get_by_label("Words").fill(title)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("not published: hidden")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    page.get_by_role("button", name="Show it again").click()
    expect(page.get_by_role("button", name="Hide it")).to_be_visible()
    context.close()
    assert not wrong, wrong


def test_a_picture_is_added_and_many_items_are_changed(
    services: Services, console: str, chromium: Browser
) -> None:
    context = entered(chromium, services, console)
    page = context.new_page()
    item = first_item(services)
    page.goto(f"/console/demo/items/{item.id}")
    before = page.locator(".pictures > li").count()
    out = io.BytesIO()
    Pictures.new("RGB", (200, 260), (20, 90, 60)).save(out, "PNG")
    page.get_by_label("One more picture").set_input_files(
        [{"name": "more.png", "mimeType": "image/png", "buffer": out.getvalue()}]
    )
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".pictures > li")).to_have_count(before + 1)
    page.goto("/console/demo/items/")
    page.get_by_label("all that match").check()
    page.get_by_label("do", exact=True).select_option("availability")
    page.get_by_label("availability", exact=True).nth(-1).select_option("preorder")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("all of the shop")).to_be_visible()
    page.get_by_role("button", name="Set availability").click()
    expect(page.get_by_role("status")).to_contain_text("changed.")
    context.close()


def pages(services: Services) -> list[str]:
    """Every page of the area, with something on it."""
    item = first_item(services)
    with services.sessions.begin() as session:
        for code, value in (("missing-colour", "Red"), ("blurred", "")):
            if not session.query(ItemHint).filter_by(product_id=item.id, code=code).first():
                hint = ItemHint(merchant_id=item.merchant_id, product_id=item.id, code=code, value=value)
                session.add(hint)
        ids = session.scalars(select(Product.id).order_by(Product.id).limit(2)).all()
        for each in ids:
            look = session.get(ItemLook, each) or ItemLook(
                product_id=each, merchant_id=item.merchant_id, rev=0, sha256="", fingerprint=""
            )
            look.alike = ids[0]
            session.add(look)
    items = "/console/demo/items"
    return [
        f"{items}/", f"{items}/?state=failed", f"{items}/{item.id}", f"{items}/test?q=dress",
        f"{items}/deleted",
        f"{items}/mend?code=missing-colour", f"{items}/mend?code=blurred", f"{items}/alike",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_everybody_can_use_every_page(
    services: Services, console: str, chromium: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = entered(
        chromium, services, console, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    for path in pages(services):
        _check(page, path, width)
    page.goto("/console/demo/items/")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Go on").click()
    _check(page, "", width)
    context.close()


def _check(page: Page, path: str, width: int) -> None:
    if path:
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, path
