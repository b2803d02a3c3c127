"""What shoppers do, done by a browser: drop, paste, choose, type, filter, go on from a result."""

import io
import re
from base64 import b64encode
from itertools import groupby

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from tests.support.pictures import HOSTILE

pytestmark = pytest.mark.browser

DROP = """([data, type, name]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  }
}"""
PASTE = """([data, type, name]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type }));
  document.dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def pair(shop: Services) -> tuple[Product, Product]:
    """Two variants of one article that can be bought, in colours that have one name each."""
    with shop.sessions() as session:
        products = list(session.scalars(select(Product).order_by(Product.item_group_id, Product.id)))
        for _, group in groupby(products, key=lambda p: p.item_group_id):
            there = [p for p in group if p.availability == "in_stock"]  # what is sold out stands last
            variants = [p for p in there if p.images and "/" not in p.colour]
            if len(variants) > 1 and variants[0].colour != variants[1].colour:
                return variants[0], variants[1]
    raise AssertionError("no article has two plain colours")


def test_what_is_understood_can_be_demanded_and_put_away(page: Page) -> None:
    """By keyboard: from preferred to must to off, the address says so, and back restores each step."""
    page.goto("/?q=black one under $500")
    wish = page.locator(".wish", has_text="Colour: black")
    expect(wish.get_by_role("link", name="Prefer")).to_have_attribute("aria-current", "true")
    before = page.locator(".count").inner_text()
    wish.get_by_role("link", name="Must").focus()
    page.keyboard.press("Enter")
    expect(wish).to_have_class(re.compile("is-must"))
    expect(page).to_have_url(re.compile("wish=must%3Acolour%3Dblack"))
    expect(page.locator(".count")).not_to_have_text(before)
    assert page.locator(".card").count() < int(before.split()[0])
    wish.get_by_role("link", name="Off").click()
    expect(page.locator(".count")).to_have_text(before)
    page.go_back()
    expect(wish).to_have_class(re.compile("is-must"))


@pytest.fixture(scope="module")
def articles(shop: Services) -> dict[str, set[str]]:
    """The variants of each article."""
    found: dict[str, set[str]] = {}
    with shop.sessions() as session:
        for product in session.scalars(select(Product)):
            found.setdefault(product.item_group_id, set()).add(product.sku)
    return found


def sent(shop: Services, product: Product, name: str = "seen.webp") -> list[str]:
    data = shop.blobs.read(str(product.images[0].sha256), 1200)
    return [b64encode(data).decode(), "image/webp", name]


def first_card(page: Page) -> str:
    return str(page.locator(".card").first.get_attribute("data-sku"))


def searched(page: Page) -> None:
    """Wait until the search under way is answered."""
    expect(page.locator("body")).not_to_have_attribute("aria-busy", "true")


def test_drop_a_photo_type_words_filter_and_go_on_from_a_result(
    page: Page, shop: Services, pair: tuple[Product, Product], articles: dict[str, set[str]]
) -> None:
    seen, wanted = pair
    page.goto("/")
    page.evaluate(DROP, sent(shop, seen))
    expect(page).to_have_url(re.compile(r"\?photo="))
    expect(page.get_by_role("heading", level=1)).to_have_text("Like your photo")
    expect(page.locator(".thumb img")).to_be_visible()
    assert first_card(page) == seen.sku

    page.locator("#words").fill(f"but in {wanted.colour.lower()}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=but\+in"))
    searched(page)
    # The right product comes first; which of its colours is in front is the model's affair.
    assert first_card(page) in articles[wanted.item_group_id]
    expect(page.locator("#status")).to_contain_text("pieces")

    colours = page.get_by_role("group", name="Colour")
    colours.get_by_text(re.compile("more$")).click()
    colours.locator(f"input[value='{wanted.colour.casefold()}']").check()
    expect(page).to_have_url(re.compile("colour="))
    searched(page)
    chip = page.get_by_role("list", name="Chosen filters").get_by_role("link", name=wanted.colour)
    expect(chip).to_be_visible()
    assert first_card(page) == wanted.sku

    page.locator(".card").first.hover()
    page.locator(".card").first.get_by_role("link", name=re.compile("^Like this, but")).click()
    expect(page).to_have_url(re.compile(rf"/\?like={wanted.sku}&via=q"))
    searched(page)
    expect(page.locator("#words")).to_be_focused()
    expect(page.locator("#words")).to_have_value("")
    page.keyboard.type("with long sleeves")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("with long sleeves")

    page.go_back()
    expect(page).to_have_url(re.compile(rf"/\?like={wanted.sku}&via=q"))
    expect(page.locator("#words")).to_have_value("")


def test_paste_a_photo(page: Page, shop: Services, pair: tuple[Product, Product]) -> None:
    page.goto("/")
    page.evaluate(PASTE, sent(shop, pair[0]))
    expect(page).to_have_url(re.compile(r"\?photo="))
    searched(page)
    assert first_card(page) == pair[0].sku


def test_choose_a_photo_keep_the_words_and_take_the_photo_away(
    page: Page, shop: Services, pair: tuple[Product, Product]
) -> None:
    page.goto("/")
    page.locator("#words").fill(f"in {pair[1].colour.lower()}")
    data = shop.blobs.read(str(pair[0].images[0].sha256), 1200)
    page.set_input_files("#photo-file", {"name": "p.webp", "mimeType": "image/webp", "buffer": data})
    expect(page).to_have_url(re.compile(r"photo=.*q=in\+"), timeout=20_000)
    searched(page)
    page.get_by_role("link", name="Remove your photo").click()
    expect(page).to_have_url(re.compile(r"/\?q=in\+[a-z+]*$"))
    expect(page.locator(".thumb")).to_have_count(0)


def test_a_photo_that_cannot_be_used_says_why_and_how_to_mend_it(page: Page) -> None:
    page.goto("/?q=red")
    page.set_input_files(
        "#photo-file", {"name": "IMG_1.HEIC", "mimeType": "image/heic", "buffer": HOSTILE["IMG_0001.HEIC"][0]}
    )
    expect(page.get_by_role("alert")).to_contain_text("JPEG")
    expect(page.locator(".thumb")).to_have_count(0)
    expect(page.locator("#words")).to_have_value("red")
    searched(page)


def test_a_large_photo_is_made_small_before_it_is_sent(page: Page) -> None:
    page.goto("/")
    noise = page.evaluate(
        """async () => {
          const canvas = document.createElement("canvas");
          canvas.width = 2400; canvas.height = 1800;
          const context = canvas.getContext("2d");
          const pixels = context.createImageData(2400, 1800);
          for (let i = 0; i < pixels.data.length; i += 1)
            pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 255;
          context.putImageData(pixels, 0, 0);
          const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
          const carried = new DataTransfer();
          carried.items.add(new File([blob], "big.jpg", { type: "image/jpeg" }));
          const field = document.getElementById("photo-file");
          field.files = carried.files;
          return blob.size;
        }"""
    )
    assert noise > 2_000_000
    with page.expect_request("**/api/v1/photos") as request:
        page.evaluate(
            "document.getElementById('photo-file').dispatchEvent(new Event('change', {bubbles: true}))"
        )
    assert int(request.value.all_headers()["content-length"]) < noise / 2
    expect(page).to_have_url(re.compile(r"\?photo="))


def test_more_is_put_under_what_is_there(page: Page) -> None:
    page.goto("/")
    expect(page.locator(".card")).to_have_count(24)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".card")).to_have_count(36)
    expect(page.locator("#status")).to_contain_text("12 more shown, 36 in all")
    skus = page.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.sku)")
    assert len(set(skus)) == 36


def test_who_comes_back_finds_what_was_shown(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".card")).to_have_count(36)
    last = page.locator(".card").last
    sku = str(last.get_attribute("data-sku"))
    last.get_by_role("heading").get_by_role("link").click()
    expect(page).to_have_url(re.compile("/p/"))
    page.go_back()
    expect(page.locator(".card")).to_have_count(36)
    expect(page.locator(f".card[data-sku='{sku}'] .card-frame")).to_be_in_viewport()


def test_words_typed_while_a_search_is_under_way_stay(page: Page) -> None:
    page.goto("/")
    page.route("**/?q=*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    box = page.locator("#words")
    box.fill("black")
    box.press("Enter")
    expect(page.locator("body")).to_have_attribute("aria-busy", "true")
    box.press_sequentially(" dress")
    searched(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("“black”")
    expect(box).to_have_value("black dress")


def test_order_and_prices_act_at_once(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Sort by").select_option("price")
    expect(page).to_have_url(re.compile("sort=price"))
    searched(page)
    page.get_by_label("Highest price").fill("40")
    page.get_by_label("Highest price").press("Tab")
    expect(page).to_have_url(re.compile("price_max=40"))
    searched(page)
    shown = page.locator(".card .price").evaluate_all(
        "all => all.map(p => Number((p.querySelector('ins') ?? p).textContent.replace(/[^0-9.]/g, '')))"
    )
    assert shown == sorted(shown)
    assert max(shown) <= 40


def test_the_search_bar_tells_that_it_works(page: Page) -> None:
    page.goto("/")
    page.route("**/?q=*", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.locator("#words").fill("black")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#status")).to_have_text("Searching")
    searched(page)


def test_without_scripts_words_photo_filters_and_pages_work(
    chromium, address: str, shop: Services, pair: tuple[Product, Product]
) -> None:  # type: ignore[no-untyped-def]
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator("#words").fill("black")
    page.locator("#words").press("Enter")
    expect(page).to_have_url(f"{address}/?q=black")
    page.get_by_role("group", name="Availability").or_(page.get_by_text("Availability")).first.click()
    page.get_by_label(re.compile("^In stock")).check()
    page.get_by_role("button", name="Show results").click()
    expect(page).to_have_url(re.compile("availability=in_stock"))
    page.goto("/")
    page.get_by_role("link", name="Show more").click()
    expect(page).to_have_url(re.compile("cursor="))
    data = shop.blobs.read(str(pair[0].images[0].sha256), 1200)
    page.set_input_files("#photo-file", {"name": "p.webp", "mimeType": "image/webp", "buffer": data})
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?photo="))
    assert first_card(page) == pair[0].sku
    context.close()


def test_a_piece_of_a_photo_is_marked_by_mouse_and_by_keyboard(
    page: Page, shop: Services, pair: tuple[Product, Product]
) -> None:
    page.goto("/")
    page.evaluate(DROP, sent(shop, pair[0]))
    page.wait_for_url(re.compile("photo="))
    page.locator(".crop summary").click()
    stage = page.locator(".crop-stage")
    frame = stage.bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + frame["width"] * 0.25, frame["y"] + frame["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.75, frame["y"] + frame["height"] * 0.75, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile("crop=25"))
    numbers = page.locator('input[name="crop"]')
    marked = [round(float(numbers.nth(at).input_value())) for at in range(4)]
    assert all(abs(value - wanted) <= 1 for value, wanted in zip(marked, (25, 25, 50, 50), strict=True))
    expect(page.locator(".crop-box")).to_be_visible()
    numbers.nth(2).fill("40")  # by keyboard
    page.wait_for_url(re.compile("crop=40"))
    assert page.locator(".crop").evaluate("each => each.open")
    page.go_back()
    expect(numbers.nth(2)).not_to_have_value("40")
    page.locator(".crop-whole").click()
    page.wait_for_url(lambda url: "crop=" not in url)
    expect(page.locator(".crop-box")).to_be_hidden()


def test_one_of_several_pieces_in_a_photo_is_chosen(
    page: Page, shop: Services, pair: tuple[Product, Product]
) -> None:
    """Two of the shop's own pictures side by side: the boxes lead to the one that is meant."""
    page.goto("/")
    both = [Image.open(io.BytesIO(shop.blobs.read(str(each.images[0].sha256), 480))) for each in pair]
    photo = Image.new("RGB", (sum(each.width for each in both), max(each.height for each in both)), "white")
    for each, left in zip(both, (0, both[0].width), strict=True):
        photo.paste(each, (left, 0))
    file = io.BytesIO()
    photo.save(file, "PNG")
    page.set_input_files(
        "#photo-file", {"name": "two.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.wait_for_url(re.compile("photo="))
    choices = page.get_by_role("group", name="Several pieces in your photo").get_by_role("link")
    expect(choices).to_have_count(2)
    for at, meant in enumerate(pair):
        choices.nth(at).focus()
        page.keyboard.press("Enter")
        expect(choices.nth(at)).to_have_attribute("aria-current", "true")
        assert first_card(page) == meant.sku
    assert Axe().run(page).violations_count == 0


def test_where_nothing_matches_it_is_said_and_the_filter_can_be_dropped(page: Page) -> None:
    page.goto("/?colour=black")
    page.fill("#words", "coffee maker")
    page.keyboard.press("Enter")
    expect(page.locator(".count").first).to_contain_text("Nothing here is quite like that")
    expect(page.locator("#status")).to_contain_text("Nothing here is quite like that")
    expect(page.get_by_text("No piece here says “coffee”, “maker”.")).to_be_visible()
    assert page.locator(".card").count() > 0  # the nearest, all the same
    page.get_by_role("link", name="Look in the whole shop").click()
    expect(page).to_have_url(re.compile(r"\?q=coffee\+maker$"))
