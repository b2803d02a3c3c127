"""A merchant's import in a real Chromium: errors, mapping, dry run, run, mended file, and back again."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image as Picture
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from bootstrap import Services
from catalog.importing.schedules import add_schedule
from catalog.models import Product
from tests.support.console import bare_services, cookie_of, served_console

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FEED = "Artikelnr,Name,Foto,Preis\n1,Dress,a.jpg,10.00 EUR\n2,Hat,none.jpg,9.00 EUR\n3,=Coat,b.jpg,cheap\n"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("imports"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(services: Services) -> Iterator[str]:
    """The console, and a worker that takes imports in."""
    over = threading.Event()
    imports = services.imports(over)

    def work() -> None:
        while not over.is_set():
            if not imports.step():
                over.wait(0.1)

    worker = threading.Thread(target=work)
    worker.start()
    with served_console(services) as address:
        yield address
    over.set()
    worker.join(20)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "feed.csv").write_text(FEED)
    for name in ("a.jpg", "b.jpg"):
        Picture.new("RGB", (96, 120), (190, 40, 60)).save(folder / name, "JPEG")
    return folder


def open_page(services: Services, console: str, chromium: Browser, **options: object) -> Page:
    context: BrowserContext = chromium.new_context(base_url=console, **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    context.add_cookies([cookie_of(services, console, "editor")])  # type: ignore[list-item]
    return context.new_page()


def seen_by_all(page: Page) -> None:
    """axe finds nothing, and nothing is wider than a small screen."""
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 700})
    wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(each => each.getBoundingClientRect().right > 320)"
        ".map(each => each.outerHTML.slice(0, 80))"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, (page.url, wide)
    page.set_viewport_size(size or {"width": 1280, "height": 900})


def titles(services: Services) -> dict[str, str]:
    with services.sessions() as session:
        return {
            each.sku: each.title
            for each in session.scalars(select(Product).where(Product.deleted_at.is_(None)))
        }


def count(page: Page, name: str) -> str:
    return page.locator(f'[data-count="{name}"]').inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_feed_with_errors_to_a_mended_one_and_back(
    services: Services, console: str, chromium: Browser, files: Path, tmp_path: Path, scripts: bool
) -> None:
    page = open_page(services, console, chromium, java_script_enabled=scripts)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    shop = services.settings.web.shop
    page.goto(f"/console/{shop}/imports/")
    check = seen_by_all if scripts else lambda _page: None
    check(page)
    page.get_by_label("Feed", exact=True).set_input_files(files / "feed.csv")
    page.get_by_label("Pictures that it names by file").set_input_files([files / "a.jpg", files / "b.jpg"])
    page.get_by_role("button", name="Upload and look").click()

    expect(page.get_by_label("Artikelnr means")).to_have_value("sku")
    expect(page.get_by_label("Foto means")).to_have_value("image")
    if scripts:
        page.get_by_label("Preis means").select_option("price")
    check(page)
    page.get_by_label("are removed, unless the feed looks broken").check()
    page.get_by_role("button", name="Try it").click()

    expect(page.get_by_role("button", name="Run the import")).to_be_visible()
    assert (count(page, "created"), count(page, "refused")) == ("1", "2")
    expect(page.get_by_role("img", name="Dress")).to_be_visible()
    assert (
        page.get_by_role("img", name="Dress").evaluate("each => each.naturalWidth > 0") if scripts else True
    )
    check(page)
    page.get_by_role("button", name="Run the import").click()

    expect(page.get_by_role("heading", name="Mend what was refused")).to_be_visible()
    assert titles(services) == {"1": "Dress"}
    check(page)
    page.reload()
    expect(page.locator('[data-said="pictures"]')).to_have_text("0 of 1")
    with page.expect_download() as loading:
        page.get_by_role("link", name="Errors as CSV").click()
    errors = loading.value.path().read_text(encoding="utf-8-sig")
    assert (
        "'=Coat" in errors
        and "price-invalid" in errors
        and loading.value.suggested_filename == "feed-errors.csv"
    )
    page.get_by_role("link", name="What came of every row").click()
    expect(page.get_by_role("row", name=re.compile("none.jpg"))).to_be_visible()
    check(page)
    page.go_back()

    mended = tmp_path / "mended.csv"
    mended.write_text(errors.replace("none.jpg", "b.jpg").replace("cheap", "30.00 EUR"), encoding="utf-8-sig")
    page.get_by_label("The mended file").set_input_files(mended)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("button", name="Run the import")).to_be_visible()
    assert (count(page, "rows"), count(page, "created"), count(page, "refused")) == ("2", "2", "0")
    page.get_by_role("button", name="Run the import").click()
    expect(page.get_by_role("link", name="What came of every row")).to_be_visible()
    assert titles(services) == {"1": "Dress", "2": "Hat", "3": "=Coat"}

    page.get_by_role("link", name="Imports", exact=True).first.click()
    page.get_by_role("link", name="Take the last import back").click()
    check(page)
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("heading", name=re.compile("^Taken back"))).to_be_visible()
    expect(page.locator('[data-count="removed"]')).to_have_text("2")
    assert titles(services) == {"1": "Dress"}
    assert wrong == []
    clear(services)
    page.context.close()


def clear(services: Services) -> None:
    with services.sessions.begin() as session:
        for product in session.scalars(select(Product)):
            session.delete(product)


def test_feeds_by_the_clock(services: Services, console: str, chromium: Browser) -> None:
    with services.sessions.begin() as session:
        add_schedule(session, services.merchant().id, "http://127.0.0.1/feed.xml", "day", "04:30", "guarded")
    page = open_page(services, console, chromium, color_scheme="dark")
    page.goto(f"/console/{services.settings.web.shop}/imports/schedules")
    expect(page.get_by_text("Every day at 04:30 UTC")).to_be_visible()
    for _ in range(50):
        if page.get_by_text("not on the public internet").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    expect(page.get_by_text("not on the public internet")).to_be_visible()
    seen_by_all(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There are none yet.")).to_be_visible()
    page.context.close()
