"""Pictures of the merchant console over the demo shop, with what a shop in use has in it.

An owner has set a password, rules are published, shoppers have searched and opened what they found, and a
feed with three faults, without categories or colours, has been imported and looked through.
`python -m benchmarks.screenshots` takes them.
"""

import csv
import json
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Page

from benchmarks.shop import Shop

OWNER, PASSWORD = "ana@shop.example", "tulip granite seven harbour"
ASKED = ("red dress", "striped shirt", "linen trousers", "winter coat", "swimsuit", "red dress with pockets")
FAULTS = (("", "Wool coat", "89.00 USD"), ("AU-21", "", "49.00 USD"), ("AU-22", "Knit top", "cheap"))
GOOD = 20
LOOKED_S = 600.0
RULES = {
    "synonyms": [["sweaters", "pullovers", "jumpers"]],
    "rules": [
        {"name": "Sale", "do": "boost", "what": {"category": ["Women > Dresses"], "price_max": 6000},
         "when": {"words": "dress"}},
        {"name": "Winter is over", "do": "bury", "what": {"category": ["Women > Outerwear > Coats"]}},
    ],
}  # fmt: skip


def use(running: Shop) -> None:
    """Publish rules, let shoppers search and choose, and import a feed of which three rows are refused."""
    (running.data / "rules.json").write_text(json.dumps(RULES))
    running.twirl("rules", "publish", str(running.data / "rules.json"))
    for number, words in enumerate(ASKED):
        for turn in range(12 - 2 * number):
            hits = running.search(words=words)["hits"]
            if hits and turn % 2:
                chosen = hits[turn % len(hits)]
                said = {"origin": chosen["origin"], "sku": chosen["sku"], "kind": "open"}
                running.http.post(f"{running.url}/api/v1/events", json=said, timeout=30)
    folder = running.data / "demo"
    drawn = [json.loads(line)["image_link"] for line in (folder / "feed.jsonl").read_text().splitlines()]
    pictures = drawn[:: len(drawn) // GOOD][:GOOD]
    feed = folder / "autumn.csv"
    with feed.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "title", "image_link", "price"])
        rows.writerows(
            [f"AU-{n}", f"New in autumn {n}", each, "59.00 USD"] for n, each in enumerate(pictures)
        )
        rows.writerows([sku, title, pictures[0], price] for sku, title, price in FAULTS)
    running.import_feed(feed, folder)


def enter(page: Page, running: Shop) -> None:
    """Make an owner's account by its one-time link and log in. Raises RuntimeError where none is printed."""
    printed = running.twirl("accounts", "create", OWNER)
    link = re.search(r"https?://\S+", printed.stdout)
    if link is None:
        raise RuntimeError(printed.stdout + printed.stderr)
    address = urlsplit(link[0])
    page.goto(f"{address.path}?{address.query}")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_load_state("networkidle")
    page.goto("/console/login")
    if page.get_by_label("E-mail address").count():
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state("networkidle")


def pages(page: Page, running: Shop) -> Iterator[tuple[str, str]]:
    """(name, address) of each area's page; `page` is logged in."""
    base = f"/console/{running.environ['TWIRL_SHOP']}"
    yield "console-items", f"{base}/items/"
    yield "console-item", _first(page, f"{base}/items/", r"/items/\d+$")
    yield "console-mend", _filled(page, f"{base}/items/mend")
    yield "console-import", _first(page, f"{base}/imports/", r"/imports/runs/\d+$")
    yield "console-test", f"{base}/items/test?q=red+dress"
    yield "console-rules", f"{base}/rules/"
    yield "console-insight", f"{base}/insight/"
    yield "console-team", f"{base}/team/"


def _filled(page: Page, address: str) -> str:
    """A page once something stands on it: items are looked through while nothing else is to be done."""
    until = time.monotonic() + LOOKED_S
    while time.monotonic() < until:
        page.goto(address)
        if "Nothing was found" not in page.inner_text("main"):
            break
        time.sleep(5)
    return address


def _first(page: Page, listed: str, pattern: str) -> str:
    """The first link of a page that looks so."""
    page.goto(listed)
    links = page.eval_on_selector_all("main a", "all => all.map((each) => each.getAttribute('href'))")
    return next(str(each) for each in links if re.search(pattern, str(each).partition("?")[0]))
