"""Other ways into a search, and ways to steer it: a link, a camera, the balance, a lower price."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from indexer.photo_links import PhotoLinks
from tests.browser.test_search import first_card, searched

pytestmark = pytest.mark.browser

PASTE = """(text) => {
  const carried = new DataTransfer();
  carried.setData("text/plain", text);
  document.dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}"""
DRAG = """(link) => {
  const carried = new DataTransfer();
  carried.setData("text/uri-list", link);
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def dear(shop: Services) -> Product:
    """A product with a picture that some others cost less than."""
    with shop.sessions() as session:
        products = session.scalars(select(Product).where(Product.price_minor.is_not(None)))
        return sorted((p for p in products if p.images), key=lambda p: (p.price_minor, p.sku))[-1]


@pytest.fixture(scope="module")
def picture(shop: Services, dear: Product) -> Iterator[str]:
    """Its picture on another site; that site is on this machine, which is allowed here alone."""
    data = shop.blobs.read(str(dear.images[0].sha256), 1200)

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/piece.webp"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(data if found else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Thread(target=server.serve_forever, daemon=True).start()
    guarded = shop.photo_links
    shop.photo_links = PhotoLinks(shop.incoming, allow_private=True)
    yield f"http://127.0.0.1:{server.server_port}/piece.webp"
    shop.photo_links = guarded
    server.shutdown()


@pytest.mark.parametrize("way", [PASTE, DRAG], ids=["pasted", "dragged"])
def test_a_link_to_a_picture_is_a_photo(page: Page, picture: str, dear: Product, way: str) -> None:
    page.goto("/")
    page.locator("#words").fill("with long sleeves")
    page.evaluate(way, picture)
    page.wait_for_url(re.compile(r"photo=.*q=with"))
    searched(page)
    page.locator("#words").fill("")
    page.locator("#words").press("Enter")
    page.wait_for_url(lambda url: "q=" not in url)
    searched(page)
    assert first_card(page) == dear.sku


def test_a_link_may_be_typed_with_and_without_scripts(
    page: Page, chromium: Browser, address: str, picture: str, dear: Product
) -> None:
    page.goto("/")
    page.locator("#words").fill(picture)
    page.locator("#words").press("Enter")
    page.wait_for_url(re.compile("photo="))
    expect(page.locator("#words")).to_have_value("")
    plain = chromium.new_context(base_url=address, java_script_enabled=False).new_page()
    plain.goto("/")
    plain.locator("#words").fill(picture)
    plain.locator("#words").press("Enter")
    expect(plain).to_have_url(re.compile(r"\?photo="))
    assert first_card(plain) == dear.sku
    plain.context.close()


def test_a_link_that_leads_to_no_picture_says_so(page: Page, picture: str) -> None:
    page.goto("/?q=red")
    page.evaluate(PASTE, f"{picture}.html")
    expect(page.get_by_role("alert")).to_contain_text("404")
    expect(page.get_by_role("alert")).to_contain_text("drop it here")
    searched(page)


def test_a_phone_has_a_camera_of_its_own(
    chromium: Browser, address: str, shop: Services, dear: Product
) -> None:
    context = chromium.new_context(
        base_url=address, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto("/")
    camera = page.locator("#photo-camera")
    expect(camera).to_have_attribute("capture", "environment")
    expect(page.get_by_label("Take a photo")).to_be_visible()
    data = shop.blobs.read(str(dear.images[0].sha256), 1200)
    page.set_input_files("#photo-camera", {"name": "p.webp", "mimeType": "image/webp", "buffer": data})
    page.wait_for_url(re.compile(r"\?photo="))
    searched(page)
    assert first_card(page) == dear.sku
    context.close()


def test_photo_and_words_are_weighed_by_keyboard(page: Page, dear: Product) -> None:
    page.goto(f"/?like={dear.sku}&q=in+red")
    slider = page.get_by_role("slider", name="Photo or words")
    expect(slider).to_have_value("50")
    slider.focus()
    slider.press("End")
    page.wait_for_url(re.compile("balance=100"))
    searched(page)
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "100% words")
    slider.press("Home")
    page.wait_for_url(re.compile("balance=0"))
    expect(slider).to_have_attribute("aria-valuetext", "100% photo")
    page.go_back()
    expect(slider).to_have_value("100")


def test_cheaper_than_this(page: Page, dear: Product) -> None:
    page.goto(f"/?like={dear.sku}")
    page.get_by_role("link", name="cheaper", exact=True).click()
    page.wait_for_url(re.compile("q=cheaper"))
    searched(page)
    expect(page.locator(".wish-label")).to_contain_text("Up to")
    assert first_card(page) != dear.sku


def test_words_are_suggested_and_a_chosen_one_is_searched(page: Page) -> None:
    page.goto("/")
    words = page.get_by_role("combobox", name="What are you looking for?")
    words.press_sequentially("shi")
    offered = page.locator("#suggestions option")
    expect(offered.first).to_have_attribute("value", re.compile("shi", re.IGNORECASE))
    chosen = offered.first.get_attribute("value")
    words.evaluate("""(field, text) => {
      field.value = text;
      field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertReplacementText" }));
    }""", chosen)  # fmt: skip
    page.wait_for_url(re.compile("q="))
    searched(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(chosen))
