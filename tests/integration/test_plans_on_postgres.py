"""The queries of search page, console and sweeper on 240,000 images: what PostgreSQL reads for each.

The statements are those that the functions send, caught on their way and explained with their parameters.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text, update

from benchmarks.migrate_million import FILL
from catalog.changes import revision
from catalog.database import Sessions, open_engine, sessions, upgrade
from catalog.items.counting import count_items
from catalog.items.hints import alike_page, count_hints
from catalog.items.listing import ItemFilter, items_page, values_of
from catalog.listing import (
    count_failures,
    count_states,
    failed_images,
    find_items,
    images_in_state,
    list_imports,
)
from catalog.models import Image
from catalog.products import content_hashes, find_product, get_products, tombstones
from catalog.storage.folders import FolderBlobs, FolderIncoming
from indexer.sweeper import orphan_incoming
from searcher.hydrate import Hydrator
from searcher.ranked import Ranked
from searcher.stock import Stock
from tests.support.postgres import postgres

IMAGES = 240_000
STATES = "ix_image_merchant_id_state_product_id_position"
MERCHANTS = 40
SHOP = 7  # 3,000 products, 6,000 images
PAGES = IMAGES // 20  # of 8 KiB: less than the image table has


@dataclass(frozen=True)
class Plan:
    """What PostgreSQL did for one statement."""

    sql: str
    indexes: frozenset[str]
    scanned: frozenset[str]  # tables that were read from end to end
    pages: int


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with postgres() as uri:
        made = open_engine(uri)
        upgrade(made, "0001")
        with made.begin() as connection:
            for statement in FILL:
                sizes = {"merchants": MERCHANTS, "products": IMAGES // 2, "images": IMAGES}
                connection.execute(text(statement), sizes)
        upgrade(made)
        with made.begin() as connection:
            connection.execute(text(
                "UPDATE image SET state = 'failed', error_code = 'code-' || id % 9 WHERE id % 300 = 0"
            ))  # fmt: skip
            connection.execute(text(
                "UPDATE image SET state = 'queued', sha256 = NULL, source = 'incoming:' || md5(id::text) "
                "WHERE id % 70 = 0"
            ))  # fmt: skip
            connection.execute(text("UPDATE product SET deleted_at = now() WHERE id % 5000 = 0"))
            connection.execute(text(
                "INSERT INTO import_job (merchant_id, filename, state, rows, created, updated, unchanged, "
                "refused, started_at, message) SELECT n % 40 + 1, 'f', 'done', 0, 0, 0, 0, 0, "
                "now() - n * interval '1 minute', '' FROM generate_series(1, 20000) n"
            ))  # fmt: skip
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        yield made
        made.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Sessions:
    return sessions(engine)


def explained(engine: Engine, work: Callable[[], Any]) -> list[Plan]:
    """The plans of every SELECT that the work sends."""
    sent: list[tuple[str, Any]] = []

    def catch(_c: Any, _k: Any, sql: str, parameters: Any, *_: Any) -> None:
        sent.append((sql, parameters))

    event.listen(engine, "before_cursor_execute", catch)
    work()
    event.remove(engine, "before_cursor_execute", catch)
    assert sent
    with engine.connect() as connection:
        return [_plan(connection, sql, parameters) for sql, parameters in sent if "SELECT" in sql]


def _plan(connection: Any, sql: str, parameters: Any) -> Plan:
    said = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters).scalar()
    top = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
    nodes = list(_nodes(top))
    return Plan(
        sql,
        frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        top["Shared Hit Blocks"] + top["Shared Read Blocks"],
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def in_session(ledger: Sessions, work: Callable[[Any], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with ledger() as session:
            return work(session)

    return run


@pytest.mark.parametrize(
    ("work", "index", "pages"),
    [
        (lambda s: find_product(s, SHOP, "SKU-46"), "uq_product_merchant_id_sku", 12),
        (lambda s: content_hashes(s, SHOP, [f"SKU-{n}" for n in range(6, 8000, 40)]), "", 6000),
        (lambda s: get_products(s, range(6, 2006, 40)), "pk_product", 600),
        (lambda s: tombstones(s), "ix_product_deleted_at", 900),
        (lambda s: revision(s, SHOP), "", 3),
        (lambda s: find_items(s, SHOP, "sku-46"), "ix_product_sku_prefix", 600),
        (lambda s: find_items(s, SHOP, "Linen dress number 111"), "ix_product_title_prefix", 600),
        (lambda s: find_items(s, SHOP, "no such thing"), "ix_product_title_prefix", 30),
        (lambda s: count_states(s, SHOP), "ix_image_merchant_id_state_id", 200),
        (lambda s: images_in_state(s, SHOP, "live"), "ix_image_merchant_id_state_id", 600),
        (lambda s: images_in_state(s, SHOP, "live", after=200_000), "ix_image_merchant_id_state_id", 600),
        (lambda s: images_in_state(s, SHOP, "queued"), "ix_image_merchant_id_state_id", 600),
        (lambda s: count_failures(s, SHOP), "ix_image_failed", 60),
        (lambda s: failed_images(s, SHOP, "code-3"), "ix_image_failed", 300),
        (lambda s: list_imports(s, SHOP), "ix_import_job_merchant_id_started_at", 120),
        (lambda s: items_page(s, SHOP, ItemFilter()), "ix_product_merchant_id_id_title", 900),
        (lambda s: items_page(s, SHOP, ItemFilter(), below=60_000), "ix_product_merchant_id_id_title", 900),
        (lambda s: items_page(s, SHOP, ItemFilter(state="live")), STATES, 1500),
        (lambda s: items_page(s, SHOP, ItemFilter(state="failed")), STATES, 1500),
        (lambda s: items_page(s, SHOP, ItemFilter(code="code-3")), "ix_image_failed", 1500),
        (lambda s: items_page(s, SHOP, ItemFilter(state="hidden")), "ix_product_hidden", 60),
        (lambda s: items_page(s, SHOP, ItemFilter(brand="Brand 6")), "ix_product_merchant_id_brand_id", 1200),
        (lambda s: items_page(s, SHOP, ItemFilter(category="Women")), "", 1500),
        (lambda s: items_page(s, SHOP, ItemFilter(state="live", brand="Brand 6")), "", 4000),
        (lambda s: items_page(s, SHOP, ItemFilter(words="sku-46")), "ix_product_sku_prefix", 900),
        (lambda s: items_page(s, SHOP, ItemFilter(words="linen dress")), "", 2500),
        (
            lambda s: items_page(s, SHOP, ItemFilter(words="no such thing")),
            "ix_product_merchant_id_id_title",
            90,
        ),
        (
            lambda s: items_page(s, SHOP, ItemFilter(words="number 111")),
            "ix_product_merchant_id_id_title",
            900,
        ),
        (lambda s: count_items(s, SHOP), STATES, 900),
        (lambda s: values_of(s, SHOP, "brand"), "ix_product_merchant_id_brand_id", 300),
        (lambda s: count_hints(s, SHOP), "", 5),
        (lambda s: alike_page(s, SHOP), "", 5),
    ],
)
def test_a_query_goes_by_its_index(
    engine: Engine, ledger: Sessions, work: Callable[[Any], Any], index: str, pages: int
) -> None:
    plans = explained(engine, in_session(ledger, work))
    used = frozenset().union(*(plan.indexes for plan in plans))
    scanned = frozenset().union(*(plan.scanned for plan in plans))
    assert not scanned & {"product", "image", "import_job"}, plans
    assert not index or index in used, used
    assert sum(plan.pages for plan in plans) <= pages, plans


def test_a_page_of_results_is_read_by_its_ids(engine: Engine, ledger: Sessions) -> None:
    hydrator = Hydrator(ledger)
    groups: Sequence[Ranked] = [
        Ranked(group=f"{SHOP}/G{number}", score=1.0, product_id=0, point=None)
        for number in range(2, 4000, 80)
    ]
    plans = explained(engine, lambda: hydrator.hits(SHOP, groups, True))
    assert not frozenset().union(*(plan.scanned for plan in plans)) & {"product", "image"}
    assert sum(plan.pages for plan in plans) < 1500, plans


def test_bytes_that_nobody_needs_are_found_by_their_hashes(
    engine: Engine, ledger: Sessions, tmp_path: Path
) -> None:
    incoming = FolderIncoming(tmp_path / "incoming")
    with ledger() as session:
        waiting = session.scalars(select(Image.source).where(Image.sha256.is_(None)).limit(1)).one()
    orphan = incoming.put(b"nobody waits for this")
    (incoming.root / ("0" * 64)).write_bytes(b"")
    with ledger.begin() as session:
        session.execute(update(Image).where(Image.source == waiting).values(source=f"incoming:{'0' * 64}"))
    found: list[str] = []
    work = lambda: found.extend(orphan_incoming(ledger, FolderBlobs(tmp_path), incoming))  # noqa: E731
    plans = explained(engine, work)
    assert found == [orphan]
    assert not frozenset().union(*(plan.scanned for plan in plans)) & {"image"}, plans
    assert sum(plan.pages for plan in plans) < 100, plans


def test_looking_whether_a_shelf_is_still_right_reads_three_pages(engine: Engine, ledger: Sessions) -> None:
    stock = Stock(ledger, look_every_s=0)
    assert len(stock.shelf(SHOP)) > 2900
    plans = explained(engine, lambda: stock.shelf(SHOP))
    assert len(plans) == 1 and plans[0].pages <= 3, plans


def test_a_shelf_is_read_without_other_merchants_rows(engine: Engine, ledger: Sessions) -> None:
    plans = explained(engine, lambda: Stock(ledger).shelf(SHOP))
    assert "product" not in frozenset().union(*(plan.scanned for plan in plans)), plans
