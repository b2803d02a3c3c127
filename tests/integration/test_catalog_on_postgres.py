import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pgserver
import pytest
from sqlalchemy import func, select

from catalog.currency import CurrencyRefused, currency_of
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.importing.imports import import_feed
from catalog.models import Image, Product, RowError, now
from catalog.products import (
    delete_product,
    ensure_merchant,
    find_product,
    get_products,
    purge_product,
    save_product,
    tombstones,
)
from catalog.records import ProductRecord
from catalog.storage.folders import FolderIncoming

DRESS = ProductRecord("d1", "Dress", ("https://a/1.jpg", "https://a/2.jpg"), attributes={"fit": "slim"})


@pytest.fixture(scope="module")
def ledger() -> Iterator[Sessions]:
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder)
        engine = open_engine(server.get_uri())
        upgrade(engine)
        yield sessions(engine)
        engine.dispose()
        server.cleanup()


def shop(ledger: Sessions, slug: str) -> int:
    with ledger.begin() as session:
        return ensure_merchant(session, slug, currency="USD").id


def test_a_products_life(ledger: Sessions) -> None:
    mine = shop(ledger, "life")
    for record, outcome in ((DRESS, "created"), (DRESS, "unchanged"), (replace(DRESS, size="M"), "updated")):
        with ledger.begin() as session:
            assert save_product(session, mine, record) == outcome
    with ledger() as session:
        product = find_product(session, mine, "d1")
        assert product is not None and (product.rev, product.attributes) == (2, {"fit": "slim"})
        assert product.created_at <= now() and product.created_at.utcoffset() is not None
        assert len(get_products(session, [product.id])[product.id].images) == 2
    with ledger.begin() as session:
        assert delete_product(session, mine, "d1")
        (dead,) = [each for each in tombstones(session) if each.merchant_id == mine]
        assert purge_product(session, dead.id, dead.rev)
        assert find_product(session, mine, "d1") is None


def test_a_feed_with_all_that_databases_dislike(ledger: Sessions, tmp_path: Path) -> None:
    mine = shop(ledger, "feed")
    feed = tmp_path / "feed.jsonl"
    feed.write_text(
        '{"id": "1\\u0000", "title": "a\\ud800b", "image": "http://a/1", "x": ["\\u0000", {"\\udc00k": 1}]}\n'
        '{"id": "2", "title": "\\u0000", "image_link": "\\ud800", "y": "\\u0000\\udfff"}\n'
        '{"id": "3", "title": "t", "image_link": "https://a/1", "price": 9999999999.99}\n'
    )
    summary = import_feed(ledger, mine, feed, None, FolderIncoming(tmp_path / "incoming"))
    assert (summary.created, summary.refused) == (2, 1)
    with ledger() as session:
        product = find_product(session, mine, "3")
        assert product is not None and product.price_minor == 999_999_999_999
        assert session.scalar(select(func.count()).where(RowError.job_id == summary.job_id)) == 2


def test_of_two_first_prices_at_the_same_time_one_settles_the_currency(ledger: Sessions) -> None:
    for turn in range(8):
        with ledger.begin() as session:
            mine = ensure_merchant(session, f"first-{turn}").id
        together, refused = threading.Barrier(2), list[str]()

        def write(
            currency: str, mine: int = mine, at: threading.Barrier = together, refused: list[str] = refused
        ) -> None:
            record = replace(DRESS, sku=currency, price_minor=4900, currency=currency)
            try:
                with ledger.begin() as session:
                    at.wait(10)
                    save_product(session, mine, record)
            except CurrencyRefused:
                refused.append(currency)

        writers = [threading.Thread(target=write, args=(currency,)) for currency in ("EUR", "USD")]
        for each in writers:
            each.start()
        for each in writers:
            each.join(20)
        with ledger() as session:
            held = currency_of(session, mine)
            skus = session.scalars(select(Product.sku).where(Product.merchant_id == mine)).all()
        assert skus == [held] and refused == [{"EUR": "USD", "USD": "EUR"}[held]]


def test_writers_and_an_indexer_at_the_same_time(ledger: Sessions) -> None:
    """Imports of one shop take turns; a claim never outlives the change of its product."""
    mine = shop(ledger, "busy")
    failed: list[Exception] = []
    done = threading.Event()

    def write(name: int) -> None:
        try:
            for turn in range(20):
                with ledger.begin() as session:
                    for sku in ("a", "b", "c"):
                        save_product(session, mine, replace(DRESS, sku=sku, title=f"{name} {turn}"))
        except Exception as error:
            failed.append(error)

    def claim() -> None:
        try:
            while not done.is_set():
                with ledger.begin() as session:
                    queued = select(Image).where(Image.state == "queued").limit(4)
                    for image in session.scalars(queued.with_for_update(skip_locked=True)):
                        image.state, image.claimed_by, image.claimed_at = "fetching", "w", now()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    indexer = threading.Thread(target=claim)
    indexer.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    indexer.join()
    assert failed == []
    with ledger() as session:
        products = session.scalars(select(Product).where(Product.merchant_id == mine)).all()
        assert [product.rev for product in products] == [80, 80, 80]
        states = {(i.state, i.claimed_by) for product in products for i in product.every_image}
        assert states <= {("queued", None), ("fetching", "w")}
    with ledger.begin() as session:
        save_product(session, mine, replace(DRESS, sku="a", title="last"))
    with ledger() as session:
        product = find_product(session, mine, "a")
        assert product is not None
        assert {(i.state, i.claimed_by) for i in product.images} == {("queued", None)}
