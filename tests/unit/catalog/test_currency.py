"""A shop's one currency: settled by the first price that names one, then held."""

from pathlib import Path

import pytest

from catalog.currency import CurrencyRefused, currency_of
from catalog.database import Sessions
from catalog.feeds import ProductRecord, RowFault, currency_in, read_feed, survey_feed
from catalog.importing.imports import ImportSummary, import_feed
from catalog.importing.rehearsal import rehearse
from catalog.importing.undoing import undo, undoable
from catalog.items.editing import Edit, EditRefused, edit_item
from catalog.merchants import priced_in, set_currency
from catalog.models import Merchant, Product, RowError
from catalog.products import delete_product, ensure_merchant, find_product, save_product
from catalog.programs.documents import ProductRefused
from catalog.programs.edits import patch_product, put_product
from catalog.rulebooks import publish_rulebook
from catalog.storage.folders import FolderIncoming

HEAD = "id,title,image_link,price,sale_price"
GERMAN = [
    "1,Rock,https://i.example/1.jpg,,",
    "2,Hut,https://i.example/2.jpg,49,",
    "3,Hose,https://i.example/3.jpg,",
]
GERMAN[2] += '"19,99 EUR","12,50 €"'


@pytest.fixture
def new(ledger: Sessions) -> int:
    with ledger.begin() as session:
        return ensure_merchant(session, "laden").id


def feed(folder: Path, *rows: str, name: str = "feed.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def taken_in(ledger: Sessions, shop: int, path: Path) -> ImportSummary:
    (path.parent / "incoming").mkdir(exist_ok=True)
    return import_feed(ledger, shop, path, None, FolderIncoming(path.parent / "incoming"))


def held(ledger: Sessions, shop: int) -> str:
    with ledger() as session:
        return currency_of(session, shop)


def prices(ledger: Sessions, shop: int) -> dict[str, tuple[int | None, int | None, str]]:
    with ledger() as session:
        mine = session.query(Product).filter(Product.merchant_id == shop, Product.deleted_at.is_(None))
        return {each.sku: (each.price_minor, each.sale_price_minor, each.currency) for each in mine}


def faults(ledger: Sessions, job: int) -> list[tuple[int, str, str]]:
    with ledger() as session:
        found = session.query(RowError).filter(RowError.job_id == job).order_by(RowError.row)
        return [(each.row, each.column, each.code) for each in found]


def test_the_first_feed_settles_it_also_for_the_rows_before(
    ledger: Sessions, new: int, tmp_path: Path
) -> None:
    path = feed(tmp_path, *GERMAN)
    would = rehearse(ledger, new, path, None)
    assert (would.currency, would.created, would.refused) == ("EUR", 3, 0)
    assert held(ledger, new) == ""  # nothing was done
    assert taken_in(ledger, new, path).created == 3
    assert held(ledger, new) == "EUR"
    assert prices(ledger, new) == {
        "1": (None, None, "EUR"),
        "2": (4900, None, "EUR"),
        "3": (1999, 1250, "EUR"),
    }
    assert taken_in(ledger, new, path).unchanged == 3


def test_afterwards_another_currency_is_refused_row_by_row(
    ledger: Sessions, new: int, tmp_path: Path
) -> None:
    taken_in(ledger, new, feed(tmp_path, *GERMAN))
    more = feed(
        tmp_path, "4,A,https://i.example/4.jpg,15 USD,", "5,B,https://i.example/5.jpg,15,",
        "6,C,https://i.example/6.jpg,15 €,$9", name="more.csv",
    )  # fmt: skip
    would = rehearse(ledger, new, more, None)
    assert dict(would.codes) == {"currency-mismatch": 2} and would.currency == "EUR"
    assert "in USD" in would.faults[0].message and "in EUR" in would.faults[0].message
    summary = taken_in(ledger, new, more)
    assert (summary.created, summary.refused) == (1, 2)
    assert faults(ledger, summary.job_id) == [
        (2, "price", "currency-mismatch"), (4, "sale_price", "currency-mismatch"),
    ]  # fmt: skip
    assert prices(ledger, new)["5"] == (1500, None, "EUR")


def test_prices_that_nobody_says_the_currency_of_are_refused_until_somebody_does(
    ledger: Sessions, new: int, tmp_path: Path
) -> None:
    path = feed(tmp_path, "1,A,https://i.example/1.jpg,49,", "2,B,https://i.example/2.jpg,,")
    summary = taken_in(ledger, new, path)
    assert faults(ledger, summary.job_id) == [(2, "price", "currency-missing")]
    assert held(ledger, new) == "" and rehearse(ledger, new, path, None, currency="JPY").refused == 0
    with ledger.begin() as session:
        assert set_currency(session, new, " jpy ")
        assert not set_currency(session, new, "JPY")
    assert taken_in(ledger, new, path).created == 1
    assert prices(ledger, new)["1"] == (49, None, "JPY")


@pytest.mark.parametrize(
    ("cells", "currency"),
    [
        (("49", "39 kr"), "SEK"), (("$49", ""), "USD"), (("49.500 KWD", ""), "KWD"), (("cheap", "€5"), "EUR"),
        (("49", ""), ""), (("cheap", "12 apples"), ""),
    ],
)  # fmt: skip
def test_what_a_feed_says_of_its_currency(tmp_path: Path, cells: tuple[str, str], currency: str) -> None:
    path = feed(tmp_path, "0,A,a.jpg,7,", f"1,A,a.jpg,{cells[0]},{cells[1]}")
    assert currency_in(survey_feed(path)) == currency


def test_a_shopify_export_names_none(tmp_path: Path) -> None:
    path = Path(__file__).with_name("samples") / "shopify_old.csv"
    assert currency_in(survey_feed(path)) == ""
    items = list(read_feed(path))
    assert {item.code for item in items if isinstance(item, RowFault)} == {
        "currency-missing",
        "not-published",
    }
    kuwait = [item for item in read_feed(path, "KWD") if isinstance(item, ProductRecord)]
    assert (kuwait[0].price_minor, kuwait[0].currency) == (65000, "KWD")


def test_another_is_set_only_while_nothing_has_a_price(ledger: Sessions, new: int, tmp_path: Path) -> None:
    taken_in(ledger, new, feed(tmp_path, *GERMAN))
    assert refused(ledger, new, "USD") == "currency-in-use"
    assert refused(ledger, new, "EURO") == "currency-unknown"
    with ledger.begin() as session:
        for sku in ("2", "3"):
            assert delete_product(session, new, sku)
        publish_rulebook(session, new, {"rules": [{"what": {"price_max": 5000}}]})
    assert refused(ledger, new, "USD") == "currency-in-rules"
    with ledger.begin() as session:
        publish_rulebook(session, new, {"rules": []})
        assert undoable(session, new) is not None
        assert set_currency(session, new, "USD")
        assert undoable(session, new) is None  # it would bring euros back
    assert held(ledger, new) == "USD"


def refused(ledger: Sessions, shop: int, code: str) -> str:
    with pytest.raises(CurrencyRefused) as error, ledger.begin() as session:
        set_currency(session, shop, code)
    assert error.value.fix.endswith(".")
    return error.value.code


def test_taking_the_first_import_back_leaves_a_shop_that_can_have_another(
    ledger: Sessions, new: int, tmp_path: Path
) -> None:
    job = taken_in(ledger, new, feed(tmp_path, *GERMAN)).job_id
    undo(ledger, new, job, ImportSummary(job), even_edited=False)
    with ledger.begin() as session:
        assert set_currency(session, new, "USD") and priced_in(session, new) == {}


def test_a_document_settles_it_and_is_held_to_it(ledger: Sessions, new: int) -> None:
    with ledger.begin() as session:
        merchant = session.get_one(Merchant, new)
        document = {"title": "Hat", "images": ["https://i.example/1.jpg"]}
        assert codes(lambda: put_product(session, merchant, "1", {**document, "price": "49"})) == [
            ("price", "currency-missing")
        ]
        put_product(session, merchant, "1", {**document, "price": "49 SEK"})
        assert currency_of(session, new) == "SEK"
        assert codes(lambda: put_product(session, merchant, "2", {**document, "price": "49 USD"})) == [
            ("price", "currency-mismatch")
        ]
        assert codes(lambda: patch_product(session, merchant, "1", {"sale_price": "5 NOK"})) == [
            ("sale_price", "currency-mismatch")
        ]
        patched = patch_product(session, merchant, "1", {"price": "55"})
        assert (patched.product.price_minor, patched.product.currency) == (5500, "SEK")


def codes(work: object) -> list[tuple[str, str]]:
    with pytest.raises(ProductRefused) as error:
        work()  # type: ignore[operator]
    return [(fault.column, fault.code) for fault in error.value.faults]


def test_an_item_of_an_older_release_keeps_its_price_until_it_is_written_again(
    ledger: Sessions, new: int
) -> None:
    with ledger.begin() as session:
        save_product(session, new, record("1", "EUR"))
        save_product(session, new, record("2", "EUR"))
        old = find_product(session, new, "2")
        assert old is not None
        old.currency = "USD"
        old_id, merchant = old.id, session.get_one(Merchant, new)
        patch_product(session, merchant, "2", {"title": "Old hat"})
        edit_item(session, new, old_id, Edit(old.rev, {"title": "Older hat"}))
        assert (old.title, old.currency, old.price_minor) == ("Older hat", "USD", 4900)
        assert codes(lambda: patch_product(session, merchant, "2", {"price": "50 USD"})) == [
            ("price", "currency-mismatch")
        ]
        with pytest.raises(EditRefused, match="in EUR"):
            edit_item(session, new, old_id, Edit(old.rev, {"price": "50 USD"}))
        assert priced_in(session, new) == {"EUR": 1, "USD": 1}
        edit_item(session, new, old_id, Edit(old.rev, {"price": "50"}))
        assert (old.currency, old.price_minor) == ("EUR", 5000)


def test_no_way_in_has_another_currency(ledger: Sessions, new: int) -> None:
    with ledger.begin() as session:
        save_product(session, new, record("1", "EUR"))
    with pytest.raises(CurrencyRefused), ledger.begin() as session:
        save_product(session, new, record("2", "USD"))
    assert list(prices(ledger, new)) == ["1"]


def record(sku: str, currency: str) -> ProductRecord:
    return ProductRecord(sku, "Hat", (f"https://i.example/{sku}.jpg",), price_minor=4900, currency=currency)
