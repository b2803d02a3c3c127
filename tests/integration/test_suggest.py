"""Suggestions of a real shop: what it sells, and what was searched on several days."""

from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import delete

from bootstrap import Services
from catalog.models import now
from catalog.operations import QueryLog
from searcher.suggest import Suggester


def test_the_api_suggests_what_the_shop_sells(client: FlaskClient) -> None:
    body = client.get("/api/v1/suggest?q=shi").get_json()
    found = body["suggestions"]
    assert 1 <= len(found) <= 8 and all(each["text"] and each["kind"] for each in found)
    assert any("shirt" in each["text"].lower() for each in found)
    for each in found:
        assert client.post("/api/v1/search", json={"words": each["text"]}).get_json()["hits"]
    assert client.get("/api/v1/suggest").get_json() == {"suggestions": []}
    assert client.get("/api/v1/suggest?q=" + "a" * 5000).status_code == 200


def test_popular_is_what_was_found_on_several_days(shop: Services) -> None:
    def searched(words: str, days: int, total: int = 5, times: int = 1) -> list[QueryLog]:
        said = {"merchant_id": shop.merchant().id, "fingerprint": "f", "mode": "words", "words": words}
        at = [now() - timedelta(days=day) for day in range(days)] * times
        return [QueryLog(at=each, total=total, **said) for each in at]

    with shop.sessions.begin() as session:
        session.add_all(searched("Quilted jacket", 3))
        session.add_all(searched("quilts of aunt mary", 1, times=9))  # one person on one day
        session.add_all(searched("quilted hat", 4, total=0))  # found nothing
    try:
        found = Suggester(shop.sessions, shop.searcher.stock).suggest(shop.merchant().id, "quil")
        assert [(each.kind, each.text) for each in found if each.kind == "popular"] == [
            ("popular", "quilted jacket")
        ]
    finally:
        with shop.sessions.begin() as session:
            session.execute(delete(QueryLog))
