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
    content = {
        "rules": [
            {"name": "The last <first>", "do": "pin", "what": {"sku": [last.sku]}, "from": "2026-01-01"}
        ]
    }
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(content))
    published = run(shop, "publish", str(file), "--note", "for the test")
    assert published.exit_code == 0 and "Version 1 is in force: 1 rules" in published.output
    assert json.loads(run(shop, "show").output) == content
    previewed = run(shop, "preview", str(file), "--words", "shirt", "--limit", "5")
    assert previewed.exit_code == 0 and "The last" in previewed.output
    page = until(client, "The last &lt;first&gt; (pin)", address="https://shop.example/?q=shirt")
    assert last.sku in page.split("<tbody")[1].split("</tr>")[0]
    listed = run(shop, "list").output.splitlines()
    assert listed[0].startswith("Version 1: 1 rules")
    assert listed[1].split() == ["pin", "The", "last", "<first>,", "from", "2026-01-01", "00:00"]
    overtaken = run(shop, "publish", str(file), "--after", "0")
    assert overtaken.exit_code == 1 and "published meanwhile" in overtaken.output
    refused = run(shop, "publish", "-", given='{"rules": [{"do": "sing"}, {"do": "pin", "what": {}}]}')
    assert refused.exit_code == 1 and "rules[0].do: 'sing'" in refused.output and "1 more" in refused.output
    assert run(shop, "publish", "-", given="{").exit_code == 1
    undone = run(shop, "undo")
    assert "Version 2 is in force: as version 0 was." in undone.output
    history = run(shop, "history").output.splitlines()
    assert "in force" in history[0] and "Back to version 0" in history[0] and "for the test" in history[1]
    assert until(client, "No rule acts here", q="shirt")
    assert run(shop, "show", "--version", "9").exit_code == 1


def test_programs_are_told_the_same_and_what_a_draft_would_change(
    shop: Services, client: FlaskClient
) -> None:
    until(client, "No rule acts here", q="black shirt")
    told = client.get("/ops/explain.json", query_string={"q": "black shirt"})
    assert told.status_code == 200 and told.json is not None and told.json["mode"] == "words"
    first, last = told.json["hits"][0], told.json["hits"][-1]
    assert (first["now"], first["without_rules"], first["rules"]) == (1, 1, [])
    assert "meaning" in first["parts"] and {each["key"] for each in told.json["understood"]}
    boost = {"name": "more", "do": "boost", "what": {"sku": [last["sku"]]}, "strength": 2}
    draft = client.post("/ops/explain.json", query_string={"q": "black shirt"}, json={"rules": [boost]})
    assert draft.json is not None and draft.json["rules"] == [{"name": "more", "do": "boost"}]
    lifted = next(each for each in draft.json["hits"] if each["sku"] == last["sku"])
    assert lifted["now"] < lifted["without_rules"] == last["now"] and lifted["rules"] == ["more"]
    assert lifted["parts"]["boost"] == pytest.approx(lifted["score"] - last["score"], abs=1e-9)
    for each in (*told.json["hits"], *draft.json["hits"]):
        assert sum(each["parts"].values()) == pytest.approx(each["score"], abs=1e-9)


def test_the_likeness_of_a_picture_and_its_boost_make_the_score(shop: Services, client: FlaskClient) -> None:
    like, lifted = (hit.product.sku for hit in shop.searcher.search(_query(shop)).hits[:2])
    boost = {"rules": [{"do": "boost", "what": {"sku": [lifted]}}]}
    found = client.post("/ops/explain.json", query_string={"address": f"/?like={like}"}, json=boost).json
    assert found is not None and found["mode"] == "photo"
    assert sum(bool(each["rules"]) for each in found["hits"]) == 1 < len(found["hits"])
    for each in found["hits"]:
        assert list(each["parts"]) == ["likeness", *(["boost"] if each["rules"] else [])]
        assert sum(each["parts"].values()) == pytest.approx(each["score"], abs=1e-9)


def test_what_is_wrong_with_a_draft_is_told_at_its_place(client: FlaskClient) -> None:
    refused = client.post("/ops/explain.json", json={"rules": [{"do": "sing"}, {"do": "pin"}]})
    assert refused.status_code == 422 and refused.json is not None and refused.json["code"] == "rules-refused"
    assert [each["field"] for each in refused.json["errors"]] == ["rules[0].do", "rules[1].what"]
    refused = client.post("/ops/explain.json", data="{", content_type="application/json")
    assert refused.status_code == 400 and refused.content_type == "application/problem+json"
    assert client.get("/ops/explain.json?address=?like=none-such").status_code in (404, 422)


def test_strangers_are_told_nothing(shop: Services) -> None:
    probes = Probes(health.needs(shop), fresh_s=0)
    guarded = create_ops_app(shop, Meters(), probes, shop.data, "a-token-of-24-characters").test_client()
    for answer in (guarded.get("/ops/explain.json?q=a"), guarded.post("/ops/explain.json", json={})):
        assert answer.status_code == 401 and answer.content_type == "application/problem+json"
    token = {"Authorization": "Bearer a-token-of-24-characters"}
    assert guarded.get("/ops/explain.json?q=a", headers=token).status_code == 200


@pytest.mark.parametrize("address", ["?price_min=x", "?like=none-such", "?photo=gone&q=red", "%%", "?crop=1"])
def test_what_cannot_be_asked_is_said(client: FlaskClient, address: str) -> None:
    answer = client.get("/ops/explain", query_string={"address": address})
    assert answer.status_code == 200


def _query(shop: Services) -> SearchQuery:
    return SearchQuery(shop.merchant().id, "shirt", limit=5)
