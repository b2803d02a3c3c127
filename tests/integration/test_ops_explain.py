"""`/ops/explain` and `twirl rules` over a real shop."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from bootstrap import Services
from cli import main
from searcher.query import SearchQuery
from tests.support.shop import small_shop
from web import health
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("rules"), products=12) as services:
        yield services


@pytest.fixture(scope="module")
def client(shop: Services) -> FlaskClient:
    return create_ops_app(shop, Meters(), Probes(health.needs(shop), fresh_s=0), shop.data).test_client()


def run(shop: Services, *arguments: str, given: str | None = None) -> Result:
    environment = {
        "TWIRL_DATA": str(shop.data), "TWIRL_MIN_FREE_DISK_MB": "0", "TWIRL_MIN_FREE_MEMORY_MB": "0",
        "TWIRL_SHOP": shop.settings.web.shop,
    }  # fmt: skip
    return CliRunner().invoke(main, ["rules", *arguments], env=environment, input=given)


def until(client: FlaskClient, said: str, **asked: str) -> str:
    """The page, once it says so: rules are in force within seconds."""
    deadline = time.monotonic() + 15
    while said not in (page := client.get("/ops/explain", query_string=asked).text):
        assert time.monotonic() < deadline, page
        time.sleep(0.1)
    return page


def test_rules_are_published_shown_and_taken_back(
    shop: Services, client: FlaskClient, tmp_path: Path
) -> None:
    asked = client.get("/ops/explain", query_string={"q": "shirt"}).text
    assert "No rules were published yet" in asked and "No rule acts here" in asked
    last = shop.searcher.search(_query(shop)).hits[-1].product
    content = {"rules": [{"name": "The last <first>", "do": "pin", "what": {"sku": [last.sku]}}]}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(content))
    published = run(shop, "publish", str(file), "--note", "for the test")
    assert published.exit_code == 0 and "Version 1 is in force: 1 rules" in published.output
    assert json.loads(run(shop, "show").output) == content
    previewed = run(shop, "preview", str(file), "--words", "shirt", "--limit", "5")
    assert previewed.exit_code == 0 and "The last" in previewed.output
    page = until(client, "The last &lt;first&gt; (pin)", address="https://shop.example/?q=shirt")
    assert last.sku in page.split("<tbody")[1].split("</tr>")[0]
    refused = run(shop, "publish", "-", given='{"rules": [{"do": "sing"}, {"do": "pin", "what": {}}]}')
    assert refused.exit_code == 1 and "rules[0].do: 'sing'" in refused.output and "1 more" in refused.output
    assert run(shop, "publish", "-", given="{").exit_code == 1
    undone = run(shop, "undo")
    assert "Version 2 is in force: as version 0 was." in undone.output
    history = run(shop, "history").output.splitlines()
    assert "in force" in history[0] and "Back to version 0" in history[0] and "for the test" in history[1]
    assert until(client, "No rule acts here", q="shirt")
    assert run(shop, "show", "--version", "9").exit_code == 1


@pytest.mark.parametrize("address", ["?price_min=x", "?like=none-such", "?photo=gone&q=red", "%%", "?crop=1"])
def test_what_cannot_be_asked_is_said(client: FlaskClient, address: str) -> None:
    answer = client.get("/ops/explain", query_string={"address": address})
    assert answer.status_code == 200


def _query(shop: Services) -> SearchQuery:
    return SearchQuery(shop.merchant().id, "shirt", limit=5)
