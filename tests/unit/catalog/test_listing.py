import pytest
from sqlalchemy import update

from catalog.database import Sessions
from catalog.listing import (
    count_failures,
    count_states,
    failed_images,
    find_items,
    images_in_state,
    list_imports,
)
from catalog.models import Image, ImportJob, Product
from catalog.products import delete_product, ensure_merchant, save_product
from catalog.records import ProductRecord


@pytest.fixture
def stocked(ledger: Sessions, shop: int) -> Sessions:
    with ledger.begin() as session:
        other = ensure_merchant(session, "other").id
        for merchant in (shop, other):
            for sku, title in (
                ("AB-1", "Linen Dress"),
                ("ab-2", "Silk"),
                ("x_%", "ABC"),
                ("z", "Ämter 9%"),
            ):
                save_product(session, merchant, ProductRecord(sku, title, ("https://a/1", "https://a/2")))
        save_product(session, shop, ProductRecord("ab-gone", "t", ("https://a/1",)))
        delete_product(session, shop, "ab-gone")
    return ledger


@pytest.mark.parametrize(
    ("begins", "found"),
    [
        ("ab", ["AB-1", "ab-2", "x_%"]), ("AB-", ["AB-1", "ab-2"]), ("linen d", ["AB-1"]), ("x_%", ["x_%"]),
        ("%", []), ("_", []), ("", ["AB-1", "ab-2", "x_%", "z"]), ("zz", []), ("dress", []),
    ],
)  # fmt: skip
def test_items_by_how_they_begin(stocked: Sessions, shop: int, begins: str, found: list[str]) -> None:
    with stocked() as session:
        assert [product.sku for product in find_items(session, shop, begins)] == found
        assert len(find_items(session, shop, begins, limit=1)) == len(found[:1])


def test_pictures_by_state_and_by_error_page_by_page(stocked: Sessions, shop: int) -> None:
    with stocked.begin() as session:
        first = update(Image).where(Image.merchant_id == shop, Image.position == 0)
        session.execute(first.values(state="failed", error_code="image-broken"))
        session.execute(first.where(Image.product.has(Product.sku == "z")).values(error_code="fetch-404"))
    with stocked() as session:
        assert count_states(session, shop) == {"failed": 5, "queued": 4}
        assert count_failures(session, shop) == {"image-broken": 4, "fetch-404": 1}
        page = images_in_state(session, shop, "failed", limit=3)
        rest = images_in_state(session, shop, "failed", after=page[-1].id)
        assert len(page) == 3 and len(rest) == 2 and page[-1].id < rest[0].id
        assert [image.product.sku for image in failed_images(session, shop, "fetch-404")] == ["z"]
        assert failed_images(session, shop, "fetch-404", after=10**9) == []


def test_imports_newest_first(stocked: Sessions, shop: int) -> None:
    for name in ("one", "two"):
        with stocked.begin() as session:
            session.add(ImportJob(merchant_id=shop, filename=name))
    with stocked() as session:
        assert [job.filename for job in list_imports(session, shop)] == ["two", "one"]
