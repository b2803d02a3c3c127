"""Pieces side by side: laid aside from their cards, by keyboard, without scripts, four at most."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


def offers(page: Page) -> list[str]:
    """The skus of the cards."""
    return [str(card.get_attribute("data-sku")) for card in page.locator(".card").all()]


def test_pieces_are_laid_aside_and_compared(page: Page) -> None:
    page.goto("/?q=shirt")
    first, second, *_ = offers(page)
    tray = page.locator("#tray")
    expect(tray).to_be_hidden()
    compare = page.locator('button[name="add"]')
    compare.nth(0).focus()
    page.keyboard.press("Enter")
    expect(compare.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#status")).to_have_text("1 to compare")
    compare.nth(1).click()
    expect(tray.locator("li")).to_have_count(2)
    page.fill("#words", "shirt in black")  # the tray stays over other searches
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("black"))
    expect(tray.locator("li")).to_have_count(2)
    tray.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile(rf"/compare\?sku={first}&sku={second}"))
    table = page.get_by_role("table")
    expect(table.locator('th[scope="col"]')).to_have_count(2)
    expect(table.get_by_role("row", name=re.compile("^Price"))).to_contain_text("$")
    page.get_by_role("link", name=re.compile("^Leave it out")).first.click()
    expect(page).to_have_url(re.compile(rf"/compare\?sku={second}$"))


def test_pressed_again_it_is_taken_off_and_a_fifth_finds_no_room(page: Page) -> None:
    page.goto("/")
    compare, tray = page.locator('button[name="add"]'), page.locator("#tray")
    for at in range(4):
        compare.nth(at).click()
        expect(tray.locator("li")).to_have_count(at + 1)
    compare.nth(4).click()
    expect(tray).to_contain_text("Four at most")
    expect(compare.nth(4)).to_have_attribute("aria-pressed", "false")
    compare.nth(0).click()
    expect(compare.nth(0)).to_have_attribute("aria-pressed", "false")
    expect(tray.locator("li")).to_have_count(3)
    tray.get_by_role("button", name=re.compile("^Take off")).first.click()
    expect(tray.locator("li")).to_have_count(2)
    tray.get_by_role("button", name="Clear").click()
    expect(tray).to_be_hidden()


def test_it_works_without_scripts(chromium: Browser, address: str) -> None:
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?q=shirt")
    page.locator('button[name="add"]').nth(1).click()
    expect(page).to_have_url(re.compile(r"\?q=shirt"))  # back where it was pressed
    expect(page.locator('button[name="add"]').nth(1)).to_have_attribute("aria-pressed", "true")
    page.locator("#tray").get_by_role("link", name="Compare").click()
    expect(page.get_by_role("table")).to_be_visible()
    context.close()
