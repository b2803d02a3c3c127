"""Two workers and two merchants who change their minds, at once, on both databases: SQL and indexes agree."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from benchmarks.indexing_shop import PlainEncoder, Shop, picture
from catalog.models import BULK, EDIT
from catalog.products import delete_product, ensure_merchant, hide_product, save_products
from catalog.records import ProductRecord
from catalog.site import mark_ready, read_site, register, switch
from indexer import sweeper
from indexer.runner import Rounds, run_forever
from tests.support.fill_worker import LIVE, NEXT, packs
from tests.support.postgres import postgres

ROUNDS = 120
SKUS = 14


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        url = stack.enter_context(postgres()) if request.param == "postgresql" else ""
        made = Shop(tmp_path, PlainEncoder(LIVE), database_url=url)
        made.packs = packs()  # type: ignore[assignment]
        made.start_engine()
        stack.callback(made.close)
        yield made


def change_mind(shop: Shop, merchant: int, seed: int) -> None:
    """Random saves, edits, hides and deletes, in batches as imports write them."""
    rng = random.Random(seed)
    for _ in range(ROUNDS):
        skus = sorted(rng.sample(range(SKUS), rng.randint(1, 5)))
        what = rng.choice(("save", "save", "save", "hide", "show", "delete"))
        while True:
            try:
                _one(shop, merchant, [f"S{number}" for number in skus], what, rng)
                break
            except OperationalError:  # the database took another's side: who writes tries again
                time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.04))


def _one(shop: Shop, merchant: int, skus: list[str], what: str, rng: random.Random) -> None:
    with shop.sessions.begin() as session:
        if what == "save":
            records = [_record(shop, sku, rng) for sku in skus]
            save_products(session, merchant, records, rng.choice((EDIT, BULK)))
            return
        for sku in skus[:1]:
            if what == "delete":
                delete_product(session, merchant, sku)
            else:
                hide_product(session, merchant, sku, what == "hide")


def _record(shop: Shop, sku: str, rng: random.Random) -> ProductRecord:
    pictures = [picture(rng.randrange(8), side=64) for _ in range(rng.randint(1, 3))]
    sources = dict.fromkeys(f"incoming:{shop.incoming.put(each)}" for each in pictures)
    return ProductRecord(sku=sku, title="T", images=tuple(sources), brand=f"Brand {rng.randrange(4)}")


def test_sql_and_both_indexes_agree_after_everybody_changed_everything(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        other = ensure_merchant(session, "other").id
        index = register(session, NEXT, "next", 32)
        mark_ready(session, index.id)
    stop = threading.Event()
    broken: list[BaseException] = []

    def outliving(work: object, *given: object) -> None:
        try:
            work(*given)  # type: ignore[operator]
        except BaseException as error:
            broken.append(error)

    rounds = Rounds(lease=60, claims=0.5)
    workers = [shop.pipeline(f"worker:{number}", batch=6) for number in range(2)]
    indexers = [
        threading.Thread(target=outliving, args=(lambda each: run_forever(each, stop, rounds=rounds), each))
        for each in workers
    ]
    merchants = [
        threading.Thread(target=outliving, args=(change_mind, shop, merchant, merchant))
        for merchant in (shop.merchant, other)
    ]
    for thread in (*indexers, *merchants):
        thread.start()
    for _ in range(4):  # meanwhile the live index changes
        time.sleep(0.6)
        with shop.sessions.begin() as session:
            site = read_site(shop.sessions)
            switch(session, next(ref.id for ref in site.maintained if not ref.live))
    for thread in merchants:
        thread.join(120)
    until = time.monotonic() + 60
    while sweeper.unfinished(shop.sessions) and time.monotonic() < until and not broken:
        time.sleep(0.05)
    stop.set()
    for thread in indexers:
        thread.join(60)
    assert not broken, broken
    assert not any(thread.is_alive() for thread in (*merchants, *indexers))
    assert sweeper.unfinished(shop.sessions) == 0
    sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0)
    assert shop.differences() == []
    one, two = (dict(shop.store.scroll(ref.collection)) for ref in read_site(shop.sessions).maintained)
    assert one.keys() == two.keys() and {key: said["rev"] for key, said in one.items()} == {
        key: said["rev"] for key, said in two.items()
    }
