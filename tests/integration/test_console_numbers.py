"""Numbers in the console's addresses that no row can have: nothing is there, and nothing breaks."""

from collections.abc import Iterator

import pytest

from bootstrap import Services
from catalog.importing.imports import begin_job
from tests.support.console import ConsoleClient, bare_services, console_app, console_client
from web.console.numbers import LARGEST, number

BEYOND = ("2147483648", "9223372036854775808", "9" * 30, "9" * 5000)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = bare_services(tmp_path_factory.mktemp("numbers"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(services: Services) -> ConsoleClient:
    return console_client(services, "owner", recent=True)


def test_every_address_with_a_number_leads_nowhere_beyond_the_largest(
    services: Services, owner: ConsoleClient
) -> None:
    rules = [
        rule
        for rule in console_app(services).url_map.iter_rules()
        if "<int:" in rule.rule and rule.endpoint.split(".")[0] != "pictures"
    ]
    assert len(rules) > 15
    for rule in rules:
        parts = rule.rule.replace("<shop>", owner.shop).replace("<sha256>", "0" * 64)
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        head, _, rest = parts.partition("<int:")
        for digits in (*BEYOND, str(LARGEST)):
            address = f"{head}{digits}{rest.partition('>')[2]}"
            answer = owner.open(address, method=method)
            nothing = (404, 405)  # a router that has seen the address under another method says 405
            expected = range(200, 500) if digits == str(LARGEST) else nothing
            assert answer.status_code in expected, (method, address[:80])


@pytest.mark.parametrize("digits", [*BEYOND, "-1", "x", "²"])
def test_numbers_of_queries_and_forms_beyond_the_largest_break_nothing(
    services: Services, owner: ConsoleClient, digits: str
) -> None:
    with services.sessions.begin() as session:
        run = begin_job(session, services.merchant().id, "feed.csv").id
    home = f"/console/{owner.shop}"
    for address, status in (
        (f"imports/runs/{run}?after={digits}", 200),
        (f"team/history?before={digits}", 404),
        (f"items/?below={digits}", 200),
        (f"items/mend?below={digits}", 200),
        (f"items/alike?after={digits}", 200),
        (f"rules/rules.json?version={digits}", 404),
    ):
        assert owner.get(f"{home}/{address}").status_code == status, address[:80]
    assert owner.post(f"{home}/imports/undo", data={"job": digits}).status_code == 303
    chosen = {"act": "hide", "id": digits, "rev": digits}
    assert owner.post(f"{home}/items/acts/run", data=chosen).status_code == 303


@pytest.mark.parametrize("path", ["items/search", "items/99999999999999999999", "no/such/page"])
def test_an_address_without_a_page_leads_back_to_the_shops(owner: ConsoleClient, path: str) -> None:
    page = owner.get(f"/console/{owner.shop}/{path}")
    assert page.status_code == 404 and "Start from the list of your shops." in page.text
    assert "first page" not in page.text


def test_a_number_is_read_up_to_the_largest() -> None:
    assert (number("0"), number(str(LARGEST)), number(str(LARGEST + 1))) == (0, LARGEST, None)
