"""One story in a real Chromium: a shop is opened, stocked from a bad feed, mended, searched, ruled, read.

Everything runs: the indexer with the shipped pack, the engine, the worker of imports, the storefront beside.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Picture
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from bootstrap import Services
from catalog.insight.rollup import roll
from catalog.models import Image
from indexer.runner import run_forever
from settings import Settings
from tests.browser.conftest import Quiet
from tests.support.console import PASSWORD, served_console
from vectors.edge import start_engine
from web.app import create_app

pytestmark = pytest.mark.browser
SHOP = "loom"
HEAD = "id,title,image_link,price,category,color"
ROWS = (
    "d-1,Red linen dress,red.jpg,49.00 EUR,Women > Dresses,Red",
    "d-2,Blue linen dress,blue.jpg,59.00 EUR,Women > Dresses,Blue",
    "s-1,Green wool skirt,lost.jpg,39.00 EUR,Women > Skirts,Green",
    "c-1,Black wool coat,black.jpg,dear,Women > Coats,Black",
)
COLOURS = {"red": (190, 30, 40), "blue": (30, 50, 180), "green": (30, 120, 60), "black": (20, 20, 20)}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """An empty installation at work, where anybody may open a shop."""
    given = Settings()
    made = Services(
        replace(
            given,
            storage=replace(given.storage, data=tmp_path_factory.mktemp("story")),
            console=replace(given.console, signup="open"),
            web=replace(given.web, shop=SHOP),
        )
    )
    made.prepare()
    engine = start_engine(made.data / "index", made.engine_socket)
    engine.wait_ready()
    over = threading.Event()
    imports = made.imports(over)

    def take_in() -> None:
        while not over.is_set():
            if not imports.step():
                over.wait(0.1)

    workers = [
        threading.Thread(target=take_in),
        threading.Thread(target=run_forever, args=(made.pipeline(), over), kwargs={"bell": made.wake_file}),
    ]
    for worker in workers:
        worker.start()
    yield made
    over.set()
    for worker in workers:
        worker.join(30)
    made.close()
    engine.stop()


@pytest.fixture(scope="module")
def console(services: Services) -> Iterator[str]:
    with served_console(services) as address:
        yield address


@pytest.fixture(scope="module")
def storefront(services: Services) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(services), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


def wait_for(holds: Callable[[], bool], patience_s: float = 120) -> None:
    until = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def all_live(services: Services, pictures: int) -> bool:
    with services.sessions() as session:
        return list(session.scalars(select(Image.state))) == ["live"] * pictures


def open_the_shop(page: Page) -> None:
    page.goto("/console/signup")
    page.get_by_label("Name of the shop").fill("Loom")
    page.get_by_label("E-mail address").fill("inge@loom.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Open the shop").click()
    expect(page).to_have_url(re.compile("/console/login$"))  # nobody learns whether the address was known
    page.get_by_label("E-mail address").fill("inge@loom.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/console/login$"))


def import_with_errors(page: Page, folder: Path) -> str:
    """Upload and run a feed of four rows, two of them bad; the file of errors."""
    page.goto(f"/console/{SHOP}/imports/")
    page.get_by_label("Feed", exact=True).set_input_files(folder / "feed.csv")
    pictures = [folder / f"{name}.jpg" for name in ("red", "blue", "black")]
    page.get_by_label("Pictures that it names by file").set_input_files(pictures)
    page.get_by_role("button", name="Upload and look").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.locator('[data-count="refused"]')).to_have_text("2")
    page.get_by_role("button", name="Run the import").click()
    expect(page.get_by_role("heading", name="Mend what was refused")).to_be_visible()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Errors as CSV").click()
    return loading.value.path().read_text(encoding="utf-8-sig")


def mend(page: Page, folder: Path, errors: str) -> None:
    """Only the refused rows go in, with the picture that was lost."""
    mended = folder / "mended.csv"
    mended.write_text(errors.replace("lost.jpg", "green.jpg").replace(",dear,", ",120.00 EUR,"))
    page.get_by_label("The mended file").set_input_files(mended)
    page.locator('input[type="file"][multiple]').set_input_files([folder / "green.jpg"])
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name="Try it").click()
    expect(page.locator('[data-count="rows"]')).to_have_text("2")
    expect(page.locator('[data-count="created"]')).to_have_text("2")
    page.get_by_role("button", name="Run the import").click()
    expect(page.get_by_role("link", name="What came of every row")).to_be_visible()


def show_first(page: Page, sku: str, words: str) -> None:
    """A rule from its form to all shoppers."""
    page.goto(f"/console/{SHOP}/rules/")
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("Name, for your list").fill("Winter is near")
    page.get_by_label("Find items by SKU or title").fill(sku)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("checkbox", name=re.compile(sku)).check()
    page.get_by_label("Searches with these words").fill(words)
    page.get_by_role("button", name="Put it into the draft").last.click()
    page.get_by_role("link", name="Publish…").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("Version")


def found(page: Page, words: str) -> list[str]:
    page.goto(f"/?q={words}")
    cards = page.locator("li.card")
    return [str(cards.nth(n).get_attribute("data-sku")) for n in range(cards.count())]


def test_from_the_open_door_to_what_shoppers_asked(
    services: Services, console: str, storefront: str, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "feed.csv").write_text("\n".join((HEAD, *ROWS)))
    for name, colour in COLOURS.items():
        Picture.new("RGB", (480, 600), colour).save(tmp_path / f"{name}.jpg", "JPEG")
    desk, street = (chromium.new_context(base_url=address) for address in (console, storefront))
    for each in (desk, street):
        each.set_default_timeout(60_000)
    merchant, shopper = desk.new_page(), street.new_page()

    open_the_shop(merchant)
    errors = import_with_errors(merchant, tmp_path)
    assert "image-missing" in errors and "price-invalid" in errors
    mend(merchant, tmp_path, errors)
    wait_for(lambda: all_live(services, 4))

    merchant.goto(f"/console/{SHOP}/items/test")
    merchant.get_by_label("Words").fill("blue dress")
    merchant.get_by_role("button", name="Search", exact=True).click()
    expect(merchant.get_by_role("row").nth(1)).to_contain_text("d-2")

    assert found(shopper, "dress")[0].startswith("d-")
    show_first(merchant, "c-1", "dress")
    wait_for(lambda: found(shopper, "dress")[0] == "c-1")

    found(shopper, "kimono")
    services.events.close()
    assert services.events.dropped == 0 and roll(services.sessions) == 1
    merchant.goto(f"/console/{SHOP}/insight/words")
    expect(merchant.get_by_role("row", name=re.compile("^kimono")).first).to_be_visible()
    merchant.get_by_role("link", name="What is missing").click()
    expect(merchant.get_by_text("kimono").first).to_be_visible()
    for each in (desk, street):
        each.close()
