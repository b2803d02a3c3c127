"""The command `twirl undo-import`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from accounts import audit
from bootstrap import Services
from catalog.importing import jobs as import_jobs
from catalog.importing.imports import import_feed
from catalog.importing.removing import Removal
from catalog.importing.tables import ImportRequest
from catalog.models import Product
from catalog.products import hide_product
from cli import Commands
from commands.taking_back import undo_import
from tests.support.console import bare_services

NONE = Removal.NONE
HEAD = "id,title,image_link,price\n"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = bare_services(tmp_path)
    yield made
    made.close()


def import_rows(
    services: Services, name: str, titles: dict[str, str], removal: Removal = Removal.NONE
) -> None:
    lines = [f"{sku},{title},https://i.example/{sku}.jpg,1 EUR\n" for sku, title in titles.items()]
    feed = services.data / name
    feed.write_text(HEAD + "".join(lines))
    shop = services.merchant()
    import_feed(services.sessions, shop.id, feed, None, services.incoming, removal=removal)


def twirl(services: Services, *words: str, status: int = 0) -> str:
    group = Commands(commands=[undo_import])
    done = CliRunner().invoke(group, ["undo-import", *words], obj=services)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


def titles(services: Services) -> dict[str, str]:
    with services.sessions() as session:
        there = select(Product).where(Product.deleted_at.is_(None)).order_by(Product.sku)
        return {each.sku: each.title for each in session.scalars(there)}


def history(services: Services) -> list[tuple[str, str, str]]:
    with services.sessions() as session:
        entries = audit.every(session, services.merchant().id)
        return [(each.email, each.action, each.subject) for each in entries]


@pytest.fixture
def twice(services: Services) -> dict[str, str]:
    """Two imports, the second of which makes, changes and removes one product each; the shop in between."""
    import_rows(services, "first.csv", {"1": "Dress", "2": "Hat", "3": "Coat"})
    before = titles(services)
    import_rows(services, "second.csv", {"1": "Gown", "2": "Hat", "4": "Shoe"}, Removal.EVEN_MOST)
    return before


def test_it_says_what_it_will_do_and_does_it(services: Services, twice: dict[str, str]) -> None:
    after = titles(services)
    said = twirl(services, "--dry-run")
    assert re.match(r"Import \d+, second\.csv, of \d{4}-\d\d-\d\d \d\d:\d\d UTC: 1 product that", said)
    assert (
        "1 product that it made goes, 1 that it changed is as before, 1 that it removed comes back." in said
    )
    assert titles(services) == after and after != twice and not history(services)
    assert "1 gone, 1 as before, 1 came back" in twirl(services, "--no-wait")
    assert titles(services) == twice and history(services) == [("", "import.taken-back", "second.csv")]
    refused = twirl(services, "--no-wait", status=1)  # what was before the first one is not kept
    assert "no import that could be taken back" in refused and "Fix:" in refused
    assert titles(services) == twice and len(history(services)) == 1


@pytest.mark.parametrize(
    ("choice", "title", "said"), [("leave", "Gown", "1 left as they were edited"), ("overwrite", "Dress", "")]
)
def test_what_was_edited_since_is_named_and_asked_about(
    services: Services, twice: dict[str, str], choice: str, title: str, said: str
) -> None:
    with services.sessions.begin() as session:
        hide_product(session, services.merchant().id, "1")
    refused = twirl(services, "--no-wait", status=1)
    assert "1  Gown" in refused and "--edited leave" in refused and "4" in titles(services)
    assert said in twirl(services, "--no-wait", "--edited", choice)
    assert titles(services) == {**twice, "1": title}


def test_another_import_than_was_looked_at_is_refused(services: Services, twice: dict[str, str]) -> None:
    last = re.search(r"Import (\d+)", twirl(services, "--dry-run"))
    assert last is not None
    import_rows(services, "third.csv", {"5": "Scarf"})
    refused = twirl(services, "--import", last[1], "--no-wait", status=1)
    assert "not the last one" in refused and "third.csv" in refused and "Fix:" in refused
    assert "5" in titles(services)


def test_it_does_not_come_in_the_way_of_an_import(services: Services, twice: dict[str, str]) -> None:
    with services.sessions.begin() as session:
        asked = import_jobs.enqueue(session, services.merchant().id, file="0" * 32, filename="waiting.csv")
    refused = twirl(services, "--no-wait", status=1)
    assert "waiting.csv" in refused and "Fix:" in refused
    with services.sessions.begin() as session:
        import_jobs.stop(session, session.get_one(ImportRequest, asked))
    assert "1 came back" in twirl(services, "--no-wait")


def test_a_shop_s_undoing_leaves_the_other_shops_alone(services: Services, twice: dict[str, str]) -> None:
    services.merchant("other")
    after = titles(services)
    assert "no import that could be taken back" in twirl(services, "--merchant", "other", status=1)
    assert "There is no shop 'othr'" in twirl(services, "--merchant", "othr", status=1)
    assert titles(services) == after
