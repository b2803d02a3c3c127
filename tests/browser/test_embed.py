"""The search in a page of another origin, under that page's own strict policy."""

import io
import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, Response
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, ViewportSize, expect
from werkzeug.serving import make_server

from bootstrap import Services
from catalog.programs.search_keys import create_key
from tests.browser.conftest import Quiet
from tests.browser.test_everyone import RULES

pytestmark = pytest.mark.browser


def host(served: Callable[[], str], policy: str) -> Flask:
    """A shop's own page, which says `served` and allows what the policy says."""
    app = Flask(__name__)

    @app.get("/")
    def page() -> Response:
        return Response(
            served(), headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        )

    return app


@pytest.fixture(scope="module")
def site(shop: Services, address: str) -> Iterator[str]:
    """A page of another origin that has the script with a key of its own."""
    said: dict[str, str] = {}
    policy = f"default-src 'none'; script-src {address}; connect-src {address}; img-src {address} blob:"
    server = make_server(
        "127.0.0.1", 0, host(lambda: said["page"], policy), threaded=True, request_handler=Quiet
    )
    origin = f"http://127.0.0.1:{server.server_port}"
    with shop.sessions.begin() as session:
        key = create_key(session, shop.merchant().id, [origin]).key
    said["page"] = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
      <meta name="viewport" content="width=device-width"></head><body><main><h1>Our shop</h1><h2>Find it</h2>
      <script src="{address}/embed.js" data-key="{key}" async></script></main></body></html>"""
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield origin
    server.shutdown()
    thread.join(5)


def photo() -> bytes:
    """A red shape on white."""
    picture = Image.new("RGB", (200, 250), "white")
    picture.paste((180, 30, 40), (50, 50, 150, 220))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def ask(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"found|quite like"))


def test_words_are_searched_by_keyboard_and_a_chip_is_left_out(page: Page, site: str) -> None:
    page.goto(site)
    ask(page, "red shirt")
    offers = page.get_by_role("list", name="Results").get_by_role("listitem")
    assert 0 < offers.count() <= 12
    link = offers.first.get_by_role("link")
    assert str(link.get_attribute("href")).startswith("http")
    image = offers.first.locator("img")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0
    chip = page.get_by_role("list", name="Understood").get_by_role("button").first
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Understood").get_by_role("button").first).to_have_attribute(
        "aria-pressed", "false"
    )


def test_a_photo_and_then_words_and_then_a_result_lead_the_search(page: Page, site: str) -> None:
    page.goto(site)
    given: FilePayload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    page.get_by_label("Search by photo").set_input_files(given)
    expect(page.get_by_text("Starting from")).to_be_visible()
    with page.expect_response("**/api/v1/search") as answer:
        ask(page, "but in blue")
    assert answer.value.json()["mode"] == "photo+words"
    again = page.get_by_role("button", name=re.compile("^More like this")).first
    with page.expect_response("**/api/v1/search") as answer, page.expect_response("**/photos/*") as gone:
        again.click()
    assert gone.value.request.method == "DELETE"
    assert gone.value.status == 204
    assert answer.value.json()["mode"] == "photo"
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Starting from")).to_be_hidden()


def test_more_is_shown_in_place(page: Page, site: str) -> None:
    page.goto(site)
    ask(page, "")
    offers = page.get_by_role("list", name="Results").get_by_role("listitem")
    expect(offers).to_have_count(12)
    page.get_by_role("button", name="Show more").click()
    expect(offers).not_to_have_count(12)
    expect(offers.nth(12).get_by_role("link")).to_be_focused()


def test_a_page_that_the_key_is_not_for_is_told_so(chromium: Browser, address: str, site: str) -> None:
    page = chromium.new_page()
    page.goto(site.replace("127.0.0.1", "localhost"))  # the same page, of another origin
    page.get_by_role("searchbox").fill("shirt")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile("did not answer"))
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    chromium: Browser, site: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    viewport: ViewportSize = {"width": width, "height": 900}
    page = chromium.new_page(viewport=viewport, color_scheme=scheme, bypass_csp=True)  # for axe's own script
    page.goto(site)
    ask(page, "red shirt")
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_it_takes_its_looks_from_variables(page: Page, site: str) -> None:
    page.goto(site)
    go = page.get_by_role("button", name="Search", exact=True)
    page.evaluate("document.body.style.setProperty('--twirl-accent', 'rgb(10, 80, 30)')")
    expect(go).to_have_css("background-color", "rgb(10, 80, 30)")


def test_what_is_chosen_there_is_counted(page: Page, site: str) -> None:
    """The click goes to the shop's own page at once; what it tells arrives all the same."""
    page.goto(site)
    ask(page, "red shirt")
    offers = page.get_by_role("list", name="Results").get_by_role("listitem")
    link = offers.nth(1).get_by_role("link")
    link.evaluate("(a) => a.setAttribute('href', '#')")
    with page.expect_response(
        lambda answer: "/api/v1/events" in answer.url and answer.request.method == "POST"
    ) as told:
        link.click()
    assert told.value.status == 204
    assert '"kind":"open"' in str(told.value.request.post_data)
    with page.expect_response(
        lambda answer: "/api/v1/events" in answer.url and answer.request.method == "POST"
    ) as told:
        offers.nth(2).get_by_role("button", name="More like this").click()
    assert told.value.status == 204 and '"kind":"similar"' in str(told.value.request.post_data)
