"""A seeded, short part of `make fuzz`: the whole takes minutes, and writes with a key besides."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from flask import Flask

from bootstrap import Services
from catalog.programs.api_keys import SCOPES, issue_key
from searcher.query import SearchQuery
from tests.fuzz import addresses, feeds, requests, uploads
from tests.fuzz.judging import Verdict
from tests.fuzz.known import known
from tests.fuzz.words import hostile_words
from tests.support.shop import small_shop
from web.app import create_app

SEED = 5
ROOT = Path(__file__).resolve().parents[2]
SKUS = ["no-such-sku", "a/b", "TW-1"]


def well(verdict: Verdict) -> bool:
    """Nothing came out as a fault of ours; how fast is for the long run on a quiet machine."""
    assert verdict.wrong == [], str(verdict)
    return True


def test_requests_by_the_document_right_and_wrong(app: Flask) -> None:
    verdict = requests.api(app, 120, SEED, {"sku": SKUS}, {})
    assert well(verdict) and {200, 422, 404} <= set(verdict.statuses)


@pytest.mark.slow
def test_every_operation_of_the_document_is_reached_by_a_program(tmp_path: Path) -> None:
    """Of docs/openapi.json as it is shipped: an endpoint that no request gets into is not tried."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    with small_shop(tmp_path / "shop", products=12) as services:
        app = create_app(services)
        with services.sessions.begin() as session:
            key = issue_key(session, services.merchant().id, SCOPES).secret
        headers = {"Authorization": f"Bearer {key}"}
        found = services.searcher.search(SearchQuery(services.merchant().id, limit=12))
        things = known(app, [hit.product.sku for hit in found.hits], headers)
        verdict = requests.api(app, 500, SEED, things, headers)
    assert well(verdict) and all(things.values())
    assert requests.unreached(verdict, document) == [], verdict.by_kind
    # And one that nobody asks for is told of, as is one that is always turned away.
    document["paths"]["/api/v1/new"] = {"get": {}, "parameters": []}
    verdict.by_kind["GET /api/v1/facets"] = Counter({401: 9, 404: 2})
    assert requests.unreached(verdict, document) == ["GET /api/v1/facets", "GET /api/v1/new"]


def test_requests_to_the_pages_with_hostile_words(app: Flask) -> None:
    verdict = requests.pages(app, 80, SEED, SKUS)
    assert well(verdict) and 200 in verdict.statuses


def test_malformed_uploads(app: Flask) -> None:
    rng = random.Random(SEED)
    verdict = Verdict("uploads")
    files = rng.sample(list(uploads.malformed(400, rng)), 50)
    uploads.send(app, files, verdict, rng)
    assert well(verdict) and set(verdict.statuses) & {413, 415, 422}


def test_changed_feeds(shop: Services, tmp_path: Path) -> None:
    verdict = feeds.feeds(shop, tmp_path, 40, SEED)
    assert well(verdict) and set(verdict.statuses) == {200, 422}


def test_a_line_without_end_takes_no_memory(shop: Services, tmp_path: Path) -> None:
    assert well(feeds.take_endless(shop, tmp_path, 32))


def test_no_hostile_address_is_dialled(tmp_path: Path) -> None:
    wrong, dialled = addresses.refusals(tmp_path)
    assert wrong == [] and dialled.addresses == [] and len(addresses.HOSTILE) >= 60


def test_a_name_that_is_another_each_time_leads_nowhere_inside(tmp_path: Path) -> None:
    asked, dialled = addresses.rebinding(tmp_path, 60)
    assert asked >= 60 and dialled.inner == [] and dialled.addresses  # the watch sees what is dialled


def test_the_watch_sees_what_is_dialled_inside(tmp_path: Path) -> None:
    fetcher = addresses.Fetcher(addresses.FolderIncoming(tmp_path), allow_private=True)
    with addresses.watched() as dialled, pytest.raises(addresses.FetchFailed):
        fetcher.fetch("http://127.0.0.1:9/x.jpg")
    assert dialled.inner == ["127.0.0.1"]


def test_a_seed_gives_the_same_words_again() -> None:
    first, again = random.Random(SEED), random.Random(SEED)
    assert [hostile_words(first) for _ in range(50)] == [hostile_words(again) for _ in range(50)]
