"""What a shop's prices are in, in the console: asked where a feed does not say, told, held."""

from collections.abc import Iterator

import pytest

from bootstrap import Services
from tests.integration.test_console_imports import at, upload, work
from tests.support.console import bare_services, console_client


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("currency"))
    yield made
    made.close()


def test_a_feed_that_names_no_currency_is_asked_for_it(services: Services) -> None:
    client = console_client(services, "editor", shop="unsaid")
    feed = (
        "id,title,image_link,price\n1,Kleid,https://i.example/a.jpg,4900\n2,Hut,https://i.example/b.jpg,500\n"
    )
    asked = upload(client, feed)
    client.post(at(client, f"{asked}/rehearse"))
    work(services)
    page = client.get(at(client, asked)).text
    assert "Which currency are these prices in?" in page and "currency-missing" in page
    refused = client.post(at(client, f"{asked}/currency"), data={"currency": "nonsense"})
    assert "is no currency" in client.get(refused.headers["Location"]).text
    client.post(at(client, f"{asked}/currency"), data={"currency": "JPY"})
    work(services)
    page = client.get(at(client, asked)).text
    assert "Prices are in JPY" in page and "¥4,900" in page and "Which currency" not in page
    client.post(at(client, f"{asked}/run"))
    work(services)
    prices = f"/console/{client.shop}/team/prices"
    page = client.get(prices).text
    assert "Japanese Yen (JPY)" in page and "2 items with a price in JPY" in page
    other = client.post(prices, data={"currency": "EUR"})
    assert other.status_code == 422 and "2 items have their prices in JPY" in other.text
    viewer = console_client(services, "viewer", shop="unsaid")
    assert viewer.post(prices, data={"currency": "EUR"}).status_code == 403
