import pytest
from sqlalchemy import update

from catalog.changes import note_change, revision
from catalog.database import Sessions
from catalog.models import Merchant
from catalog.products import delete_product, ensure_merchant, hide_product, save_product
from catalog.records import ProductRecord

SHIRT = ProductRecord(sku="s", title="Shirt", images=("https://a/b",))


def number(ledger: Sessions, shop: int) -> int:
    with ledger() as session:
        return revision(session, shop)


def test_every_change_of_a_product_raises_its_merchants_number_once(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
    assert number(ledger, shop) == 0
    steps = (
        lambda session: save_product(session, shop, SHIRT),
        lambda session: hide_product(session, shop, "s"),
        lambda session: hide_product(session, shop, "s", hidden=False),
        lambda session: delete_product(session, shop, "s"),
    )
    for count, step in enumerate(steps, start=1):
        with ledger.begin() as session:
            step(session)
        assert number(ledger, shop) == count
    assert number(ledger, other) == 0


def test_what_changes_nothing_raises_nothing(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        save_product(session, shop, SHIRT)
    with ledger.begin() as session:
        assert save_product(session, shop, SHIRT) == "unchanged"
        assert not hide_product(session, shop, "none")
    with ledger.begin() as session:
        note_change(session, [12345])  # a merchant that is gone
    assert number(ledger, shop) == 1


def test_a_transaction_that_fails_raises_nothing_then_or_later(ledger: Sessions, shop: int) -> None:
    with ledger() as session:
        with pytest.raises(RuntimeError), session.begin():
            save_product(session, shop, SHIRT)
            raise RuntimeError
        with session.begin():
            session.execute(update(Merchant).values(name="same session"))
    assert number(ledger, shop) == 0
