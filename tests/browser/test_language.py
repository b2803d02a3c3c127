"""The shop in German and from right to left, and a photo that is deleted at once."""

import re
from collections.abc import Iterator
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from bootstrap import Services
from catalog.models import Product
from tests.browser.conftest import Quiet
from tests.browser.test_everyone import RULES
from tests.browser.test_search import DROP, searched, sent
from tests.support import pseudo
from web import language
from web.app import create_app

pytestmark = pytest.mark.browser

# Pairs of boxes that share more than a hair: words, pictures and buttons that stand beside each other.
OVERLAPS = """() => {
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !e.closest(".unseen, [popover]:not(:popover-open), .card-actions, .skip");
  const boxes = [...document.querySelectorAll(
      ".masthead a, .bar-field input[type=search], .bar-photo label, .bar-go, .bar-reference img, "
      + ".prompts a, .toolbar h1, .toolbar h2, .count, .sorting, .filters-open, .wish-label, .wish-modes a, "
      + ".chips a, .trail a, .card h3, .card .price, .card-compare button, .facet summary, .crumbs a, "
      + ".piece-words > *")]
    .filter(seen).map((e) => [e, e.getBoundingClientRect()]).filter(([, b]) => b.width > 1 && b.height > 1);
  const found = [];
  for (const [i, [a, p]] of boxes.entries())
    for (const [b, q] of boxes.slice(i + 1)) {
      const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      const open = a.closest(".facet") && b.closest(".facet"); // the panel scrolls beneath its edge
      if (wide > 2 && high > 2 && !a.contains(b) && !b.contains(a) && !open)
        found.push(`${a.outerHTML.slice(0, 80)} over ${b.outerHTML.slice(0, 80)}`);
    }
  return found;
}"""


@pytest.fixture(scope="module")
def piece(shop: Services) -> Product:
    with shop.sessions() as session:
        found = session.scalars(select(Product).order_by(Product.id)).first()
        assert found is not None and found.images
        return found


@pytest.fixture(scope="module")
def mirrored(shop: Services) -> Iterator[str]:
    """The same shop in a language of longer words that is written from right to left."""
    app = create_app(shop)
    app.extensions.pop("babel")
    language.install(app, pseudo.catalogues())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_from_right_to_left_nothing_scrolls_sideways_or_overlaps(
    chromium: Browser, mirrored: str, piece: Product, width: int
) -> None:
    context = chromium.new_context(
        base_url=mirrored,
        locale=pseudo.LANGUAGE,
        viewport={"width": width, "height": 900},
        is_mobile=width < 500,
    )
    page = context.new_page()
    refined = f"/?like={piece.sku}&q=black+shrit+under+%2480+without+pockets&colour=black&via=q%3Dshirt"
    for path in ("/", refined, f"/p/{piece.sku}", f"/compare?sku={piece.sku}", "/?q=dress+under+%241"):
        page.goto(path)
        assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        assert page.evaluate(OVERLAPS) == [], path
    page.goto(refined)
    bar, go = page.locator(".bar-field").bounding_box(), page.locator(".bar-go").bounding_box()
    assert (
        bar and go and go["x"] + go["width"] / 2 < bar["x"] + bar["width"] / 2
    )  # the last stands at the left
    context.close()


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_overlaps_in_english_and_german(
    chromium: Browser, address: str, piece: Product, width: int
) -> None:
    for locale in ("en-US", "de-DE"):
        context = chromium.new_context(
            base_url=address, locale=locale, viewport={"width": width, "height": 900}, is_mobile=width < 500
        )
        page = context.new_page()
        for path in ("/", f"/?like={piece.sku}&q=in+black+under+%2480&via=q%3Dshirt", f"/p/{piece.sku}"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") == width, path
            assert page.evaluate(OVERLAPS) == [], (locale, path)
        context.close()


def test_german_is_spoken_by_pages_scripts_and_announcements(
    chromium: Browser, address: str, shop: Services, piece: Product
) -> None:
    context = chromium.new_context(base_url=address, locale="de-DE")
    page = context.new_page()
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zeigen Sie, was Ihnen gefällt.")
    page.get_by_role("link", name="Mehr zeigen").click()
    expect(page.locator("#status")).to_have_text("12 weitere, insgesamt 36")
    page.evaluate(DROP, sent(shop, piece))
    page.wait_for_url(re.compile("photo="))
    expect(page.locator("#status")).to_contain_text("Wie Ihr Foto")
    expect(page.locator(".price").first).to_have_text(re.compile(r"\d\s\$\s*$"))
    page.goto("/?q=black")
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_the_switch_keeps_the_search_and_is_remembered(page: Page) -> None:
    page.goto("/?q=black+shirt")
    page.get_by_role("navigation", name="Language").get_by_role("link", name="Deutsch").click()
    expect(page).to_have_url(re.compile(r"\?q=black\+shirt&lang=de$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("„black shirt“")
    page.locator("#words").fill("red dress")
    page.locator("#words").press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=red\+dress$"))
    searched(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("„red dress“")
    expect(page.locator(".tongues a")).to_have_attribute("href", "/?q=red+dress&lang=en")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_a_photo_is_deleted_at_once(
    chromium: Browser, address: str, shop: Services, piece: Product, scripts: bool
) -> None:
    context = chromium.new_context(base_url=address, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/")
    data = shop.blobs.read(str(piece.images[0].sha256), 1200)
    page.set_input_files("#photo-file", {"name": "p.webp", "mimeType": "image/webp", "buffer": data})
    if not scripts:
        page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url(re.compile("photo="))
    seen = page.url
    button = page.get_by_role("button", name="Delete it now")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".own-photo")).to_have_text("Your photo is deleted.")
    assert "photo=" not in page.url
    photo_id = re.search(r"photo=([\w-]+)", seen).group(1)  # type: ignore[union-attr]
    assert not shop.photos.has(photo_id)
    assert page.request.get(f"/photos/{photo_id}.webp").status == 404
    page.goto(seen)
    expect(page.get_by_role("heading", level=1)).to_have_text("This photo is no longer kept.")
    context.close()
