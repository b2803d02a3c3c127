import multiprocessing
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.models import Image, Merchant, Product
from catalog.products import ensure_merchant, find_product, save_product
from catalog.records import ProductRecord


def test_sqlite_is_opened_for_several_processes(database: Engine) -> None:
    with database.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 10000, "foreign_keys": 1, "synchronous": 1}


def test_read_then_write_never_loses_against_another_writer(ledger: Sessions, shop: int) -> None:
    """Each thread reads the row and writes it: without the lock at the start, SQLite refuses most of them."""
    record = ProductRecord(sku="x", title="t", images=("https://a/b",))

    def many(name: int) -> None:
        try:
            for turn in range(25):
                with ledger.begin() as session:
                    save_product(session, shop, ProductRecord("x", f"{name} {turn}", record.images))
        except Exception as error:
            failed.append(error)

    failed: list[Exception] = []
    threads = [threading.Thread(target=many, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with ledger() as session:
        product = find_product(session, shop, "x")
        assert product is not None and product.rev == 100


def _write_many(url: str, shop: int, name: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    for turn in range(20):
        with sessions(engine).begin() as session:
            save_product(session, shop, ProductRecord(f"{name}{turn}", "t", ("https://a/b",)))
            row = session.get_one(Merchant, shop)
            row.name = str(int(row.name) + 1)


def test_processes_write_at_the_same_time(database: Engine, ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        session.get_one(Merchant, shop).name = "0"
    spawn = multiprocessing.get_context("spawn")
    url = str(database.url)
    writers = [spawn.Process(target=_write_many, args=(url, shop, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with ledger() as session:
        assert session.get_one(Merchant, shop).name == "60"
        assert len(session.scalars(select(Product.id)).all()) == 60


def test_processes_migrate_at_the_same_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite3"
    engines = [open_engine(url) for _ in range(4)]
    failed: list[Exception] = []

    def migrate(engine: Engine) -> None:
        try:
            upgrade(engine)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=migrate, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_an_error_rolls_the_whole_transaction_back(ledger: Sessions) -> None:
    with pytest.raises(RuntimeError), ledger.begin() as session:
        ensure_merchant(session, "gone")
        raise RuntimeError
    with ledger() as session:
        assert session.scalars(select(Merchant)).all() == []


def test_instants_are_aware_and_utc(ledger: Sessions) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with ledger.begin() as session:
        session.add(Merchant(slug="a", name="", created_at=noon))
    with ledger() as session:
        assert session.scalars(select(Merchant)).one().created_at == datetime(2026, 6, 1, 10, tzinfo=UTC)
    with pytest.raises(StatementError, match="naive"), ledger.begin() as session:
        session.add(Merchant(slug="b", name="", created_at=datetime(2026, 6, 1)))


def test_the_ledger_refuses_states_that_are_none(ledger: Sessions, shop: int) -> None:
    with ledger.begin() as session:
        save_product(session, shop, ProductRecord("x", "t", ("https://a/b",)))
    for bad in ({"state": "lost"}, {"position": 11}):
        with pytest.raises(IntegrityError), ledger.begin() as session:
            image = session.scalars(select(Image)).one()
            for name, value in bad.items():
                setattr(image, name, value)


CLAIM = "ix_image_state_queue_priority_merchant_id_next_attempt_at_id"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT id FROM image WHERE state = 'queued' AND queue = 'embed' AND priority = 0 "
         "AND merchant_id = 1 AND next_attempt_at IS NULL ORDER BY id LIMIT 9", CLAIM),
        ("SELECT id FROM image WHERE state IN ('fetching', 'embedding') AND claimed_at < '2'",
         CLAIM),
        ("SELECT id FROM image WHERE sha256 = 'a'", "ix_image_sha256"),
        ("SELECT id FROM product WHERE merchant_id = 1 AND sku = 'a'", "sqlite_autoindex_product_1"),
        ("SELECT id FROM product WHERE merchant_id = 1 AND item_group_id = 'a'",
         "ix_product_merchant_id_item_group_id"),
        ("SELECT id FROM product WHERE merchant_id = 1 ORDER BY created_at DESC, id DESC LIMIT 9",
         "ix_product_merchant_id_created_at_id"),
        ("SELECT id FROM product WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT 9",
         "ix_product_deleted_at"),
        ("SELECT id FROM image WHERE product_id IN (1, 2) ORDER BY position", "sqlite_autoindex_image_1"),
    ],
)  # fmt: skip
def test_the_queries_of_the_house_go_by_an_index(database: Engine, query: str, index: str) -> None:
    with database.connect() as connection:
        plan = " ".join(row[3] for row in connection.execute(text("EXPLAIN QUERY PLAN " + query)))
    assert index in plan and "SCAN" not in plan.replace(f"SCAN image USING INDEX {index}", ""), plan
