"""Since when an image waits, kept by the table itself whoever updates it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.models import Image, Merchant, Product

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sessions]:
    engine = open_engine(f"sqlite:///{tmp_path}/twirl.sqlite3")
    upgrade(engine)
    made = sessions(engine)
    with made.begin() as session:
        shop = Merchant(slug="demo")
        product = Product(merchant=shop, sku="a", item_group_id="a")
        session.add(product)
        session.flush()
        image = Image(product_id=product.id, merchant_id=shop.id, position=0, source="x", queued_at=LONG_AGO)
        session.add(image)
    yield made
    engine.dispose()


def change(ledger: Sessions, **values: object) -> None:
    with ledger.begin() as session:
        session.execute(update(Image).values(**values))


def waits_since(ledger: Sessions) -> datetime:
    with ledger() as session:
        return session.scalars(select(Image.queued_at)).one()


def test_a_row_that_waits_keeps_its_place_in_time(ledger: Sessions) -> None:
    change(ledger, attempts=1)
    assert waits_since(ledger) == LONG_AGO
    change(ledger, state="fetching", claimed_by="w")  # the claim: it still has waited since then
    assert waits_since(ledger) == LONG_AGO


@pytest.mark.parametrize("before", ["fetching", "embedding", "live", "failed", "hidden"])
def test_a_row_that_is_queued_again_begins_to_wait_anew(ledger: Sessions, before: str) -> None:
    change(ledger, state=before)
    change(ledger, state="queued")
    assert timedelta(seconds=-2) < datetime.now(UTC) - waits_since(ledger) < timedelta(seconds=60)


def test_the_same_through_a_loaded_row(ledger: Sessions) -> None:
    change(ledger, state="live")
    with ledger.begin() as session:
        image = session.scalars(select(Image)).one()
        image.state = "queued"
    assert datetime.now(UTC) - waits_since(ledger) < timedelta(seconds=60)
    assert image.state == "queued"  # what was written stays readable outside its session
