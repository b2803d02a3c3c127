"""Keyboard, small windows, reduced motion, and axe-core on every page."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def sku(shop: Services) -> str:
    with shop.sessions() as session:
        return str(session.scalars(select(Product.sku).order_by(Product.id)).first())


@pytest.fixture
def small(chromium: Browser, address: str) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=address, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    yield page
    context.close()


def pages(sku: str) -> list[str]:
    return [
        "/",
        "/?q=black+shrit+without+stripes+under+%2480",
        "/?q=dress+under+%241",
        f"/?like={sku}&q=but+in+red&colour=black&price_max=90&via=q%3Dshirt",
        "/?colour=none-such",
        f"/p/{sku}",
        f"/compare?sku={sku}",
        "/compare",
        "/p/none-of-ours",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (1280, "dark")])
def test_axe_finds_nothing(
    chromium: Browser, address: str, sku: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    viewport: ViewportSize = {"width": width, "height": 900}
    context = chromium.new_context(base_url=address, viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    for path in pages(sku):
        page.goto(path)
        found = Axe().run(page, options={"runOnly": RULES})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    context.close()


def test_the_open_drawer_passes_axe_too(small: Page) -> None:
    small.goto("/")
    small.get_by_role("button", name="Filters").click()
    expect(small.get_by_role("button", name="Close the filters")).to_be_visible()
    # What fades in is paler on its way: its contrast counts when it is there.
    small.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    found = Axe().run(small, options={"runOnly": RULES[:-1]})
    assert found.violations_count == 0, found.generate_report()


def test_no_page_needs_sideways_scrolling_at_320(small: Page, sku: str) -> None:
    for path in pages(sku):
        small.goto(path)
        assert small.evaluate("document.documentElement.scrollWidth") == 320, path


def test_targets_are_large_enough(small: Page, sku: str) -> None:
    """24 px each way, or inline in a sentence (WCAG 2.5.8)."""
    for path in pages(sku):
        small.goto(path)
        tiny = small.evaluate(
            """() => [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]
                .filter((e) => e.checkVisibility() && !e.closest('[popover]:not(:popover-open)')
                  && !e.classList.contains('skip') && e.tabIndex >= 0)
                .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
                .filter(([, box]) => box.width < 24 || box.height < 24)
                .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
        )
        assert tiny == [], (path, tiny)


def test_a_drawer_opens_filters_and_closes_by_keyboard(small: Page) -> None:
    small.goto("/")
    opener = small.get_by_role("button", name="Filters")
    opener.focus()
    small.keyboard.press("Enter")
    drawer = small.locator("#filters")
    expect(drawer).to_be_visible()
    box = small.get_by_role("group", name="Colour").get_by_role("checkbox").first
    box.focus()
    small.keyboard.press("Space")
    expect(small).to_have_url(re.compile("colour="))
    expect(drawer).to_be_visible()
    small.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_a_search_by_keyboard_from_start_to_end(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "words":
            break
    page.keyboard.type("black")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=black"))
    expect(page.locator("body")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#words")).to_be_focused()
    reach(page, "^Like this, but")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("like="))
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type("with long sleeves")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=with"))
    expect(page.locator("body")).not_to_have_attribute("aria-busy", "true")
    focus = "h3 a"
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("focus => document.activeElement.matches(focus)", focus):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/p/"))


def reach(page: Page, name: str) -> None:
    """Press Tab until a link of that name has the focus; each stop on the way must be visible."""
    for _ in range(150):
        page.keyboard.press("Tab")
        said, ring = page.evaluate(
            """() => { const e = document.activeElement; const near = e.nextElementSibling ?? e;
              return [e.textContent.trim(),
                [e, near].some((x) => getComputedStyle(x).outlineStyle !== 'none')]; }"""
        )
        assert ring, said
        if re.search(name, said):
            return
    raise AssertionError(f"Tab never reaches {name}")


def test_reduced_motion_is_heeded(chromium: Browser, address: str) -> None:
    context = chromium.new_context(base_url=address, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/")
    seconds = page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.card img')).transitionDuration)"
    )
    assert seconds <= 0.001
    context.close()


def test_nothing_moves_while_pages_load_and_pictures_keep_their_room(page: Page, sku: str) -> None:
    for path in pages(sku):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.mouse.wheel(0, 3000)
        shift = page.evaluate(
            """() => new Promise((done) => { let sum = 0;
              new PerformanceObserver((list) => {
                for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; })
                .observe({ type: 'layout-shift', buffered: true });
              setTimeout(() => done(sum), 200); })"""
        )
        assert shift < 0.05, path
        pictures = page.evaluate(
            "() => [...document.images].map((i) => [i.getAttribute('width'), i.getAttribute('height')])"
        )
        assert all(width and height for width, height in pictures), path


def test_pictures_far_below_wait_until_they_are_near(page: Page, sku: str) -> None:
    for path in ("/", "/?q=shirt", f"/p/{sku}"):
        page.goto(path)
        eager = page.evaluate(
            """() => [...document.querySelectorAll('main img')]
                .filter((i) => i.loading !== 'lazy' && i.getBoundingClientRect().top > 2 * innerHeight)
                .map((i) => i.src)"""
        )
        assert eager == [], path


def test_each_page_is_light(chromium: Browser, address: str, sku: str) -> None:
    for path in pages(sku):
        context = chromium.new_context(base_url=address)  # nothing is kept from the page before
        page, sizes = context.new_page(), []

        def weigh(answer, sizes=sizes) -> None:  # type: ignore[no-untyped-def]
            if "/images/" not in answer.url:
                sizes.append(len(answer.body()))

        page.on("response", weigh)
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert 20_000 < sum(sizes) < 250_000, (path, sum(sizes))
        context.close()


def test_by_night_the_page_is_dark_and_its_pictures_are_not(chromium: Browser, address: str) -> None:
    context = chromium.new_context(base_url=address, color_scheme="dark")
    page = context.new_page()
    page.goto("/?q=shirt")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", ground)[:3]) < 60
    assert page.locator(".card img").first.evaluate("each => getComputedStyle(each).mixBlendMode") == "normal"
    context.close()
