"""The doctor over two maintained indexes in their own engine: each kind of difference, found and mended."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from sqlalchemy import update

from benchmarks.indexing_shop import PlainEncoder, PlainPacks, Shop, picture
from catalog import site
from catalog.identity import collection_name, point_id
from catalog.models import Image, Product
from catalog.operations import VectorIndex
from catalog.products import ensure_merchant
from catalog.site import read_site
from indexer import mapping
from indexer.census import Census, digest
from indexer.doctor import Difference, diagnose
from indexer.mending import repair
from vectors.protocol import Point

ITEMS = "ABCDE"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose images are in two ready indexes."""
    first, second = PlainEncoder(secrets.token_hex(8)), PlainEncoder(secrets.token_hex(8), dimension=32)
    shop = Shop(tmp_path_factory.mktemp("shop"), first)
    shop.packs = PlainPacks(first, second)
    with shop.sessions.begin() as session:
        index = site.register(session, second.fingerprint, "second", 32)
        site.mark_ready(session, index.id)
    shop.start_engine()
    for sku in ITEMS:
        shop.put(sku, picture(ord(sku)), colour="Red")
    shop.pipeline()
    yield shop
    shop.close()


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    """The same, well: whatever a test has broken is mended before the next."""
    drain(running)
    assert seen(running) == []
    yield running
    for _ in repair(*parts(running), age_s=0, alone=True, drop_unknown=True):
        pass
    drain(running)


def drain(shop: Shop) -> None:
    while shop.pipelines[0].step():
        pass


def parts(shop: Shop) -> tuple[object, ...]:
    return shop.sessions, shop.blobs, shop.incoming, shop.store


def seen(shop: Shop) -> list[Difference]:
    return list(diagnose(*parts(shop), alone=True))  # type: ignore[arg-type]


def both(shop: Shop) -> list[str]:
    return [index.collection for index in read_site(shop.sessions).maintained]


def point(shop: Shop, sku: str = "A") -> str:
    return point_id(shop.merchant, sku, 0)


def change(shop: Shop, **values: object) -> None:
    with shop.sessions.begin() as session:
        session.execute(update(Image).where(Image.product_id == 1).values(values))


def rewrite(shop: Shop, collection: str, **said: object) -> None:
    """Change what one index says of item A."""
    whole = next(each for each in shop.store.points(collection) if each.id == point(shop))
    shop.store.delete(collection, [whole.id])
    shop.store.upsert(collection, [Point(whole.id, whole.vector, {**whole.payload, **said}, whole.lexical)])  # type: ignore[dict-item]


def write_foreign(shop: Shop) -> None:
    first, _ = both(shop)
    payload = {"merchant": 1, "product": 999, "group": "1/x", "position": 0, "front": 1, "rev": 1}
    vector = np.full(64, 0.125, np.float32)
    shop.store.upsert(first, [Point(point_id(1, "nobody", 0), vector, payload)])


def foreign_merchant(shop: Shop) -> None:
    with shop.sessions.begin() as session:
        other = ensure_merchant(session, "other").id
    change(shop, merchant_id=other)


def hide_image(shop: Shop) -> None:
    change(shop, state="hidden", fingerprint="", indexed_rev=0)


CASES: list[tuple[Callable[[Shop], object], dict[str, int]]] = [
    (lambda s: s.store.delete(both(s)[1], [point(s), point(s, "B")]), {"missing-point": 2}),
    (lambda s: [s.store.delete(name, [point(s)]) for name in both(s)], {"missing-point": 2}),
    (lambda s: rewrite(s, both(s)[1], rev=0), {"wrong-rev": 1}),
    (lambda s: rewrite(s, both(s)[0], rev=99), {"wrong-rev": 1}),
    (lambda s: change(s, indexed_rev=77), {"wrong-rev": 2}),
    (lambda s: rewrite(s, both(s)[0], colour=["blue"]), {"wrong-payload": 1}),
    (write_foreign, {"extra-point": 1}),
    (lambda s: change(s, fingerprint=""), {"no-fingerprint": 1}),
    (lambda s: change(s, state="fetching", claimed_by="w", claimed_at=None), {"stuck-claim": 1}),
    (foreign_merchant, {"wrong-merchant": 1}),
    (hide_image, {"not-indexed": 1, "extra-point": 2}),
    (lambda s: s.store.drop(both(s)[1]), {"missing-collection": 1}),
    (lambda s: s.store.point_alias(mapping.ALIAS, both(s)[1]), {"wrong-alias": 1}),
    (lambda s: s.store.create(mapping.collection("f" * 16, 8)), {"unknown-collection": 1}),
    (lambda s: s.blobs.put("e" * 64, dict.fromkeys((160, 480, 1200), b"x")), {"orphan-blob": 1}),
    (lambda s: s.incoming.put(b"nobody waits"), {"orphan-incoming": 1}),
]


NAMES = ["-".join(kinds) for _, kinds in CASES]


@pytest.mark.parametrize(("harm", "kinds"), CASES, ids=NAMES)
def test_a_difference_is_found_and_mended(
    shop: Shop, harm: Callable[[Shop], object], kinds: dict[str, int]
) -> None:
    embedded = shop.encoder.embedded
    harm(shop)
    found = seen(shop)
    assert Counter(each.kind for each in found) == kinds
    assert all(each.fix and each.detail.endswith(".") for each in found)
    mended = repair(*parts(shop), age_s=0, alone=True, drop_unknown=True)  # type: ignore[arg-type]
    assert Counter(each.kind for each in mended) == kinds
    drain(shop)
    assert seen(shop) == []
    if set(kinds) <= {"wrong-payload", "wrong-alias", "unknown-collection", "orphan-blob", "wrong-merchant"}:
        assert shop.encoder.embedded == embedded  # the vectors were there


def test_a_collection_that_may_be_anothers_is_dropped_only_when_told_to(shop: Shop) -> None:
    shop.store.create(mapping.collection("f" * 16, 8))
    assert [each.kind for each in repair(*parts(shop), age_s=0, alone=True)] == ["unknown-collection"]  # type: ignore[arg-type]
    assert collection_name("f" * 16) in shop.store.collections()
    assert list(diagnose(*parts(shop))) == []  # type: ignore[arg-type]


def test_an_index_that_is_being_filled_is_left_to_its_fill(shop: Shop) -> None:
    second = both(shop)[1]
    with shop.sessions.begin() as session:
        session.execute(update(VectorIndex).where(VectorIndex.pack == "second").values(state="filling"))
    try:
        shop.store.delete(second, [point(shop)])
        assert seen(shop) == []
    finally:
        with shop.sessions.begin() as session:
            session.execute(update(VectorIndex).where(VectorIndex.pack == "second").values(state="ready"))


def test_lost_bytes_are_fetched_anew_or_said_to_be_lost(shop: Shop) -> None:
    with shop.sessions() as session:
        image = session.get_one(Image, 5)
    assert image.sha256 is not None
    shop.blobs.delete(image.sha256)
    assert [each.kind for each in seen(shop)] == ["missing-blob"]
    for _ in repair(*parts(shop), age_s=0, alone=True):  # type: ignore[arg-type]
        pass
    drain(shop)
    with shop.sessions() as session:
        image = session.get_one(Image, 5)
    assert image.state == "failed" and image.error_message
    shop.put("E", picture(ord("E")), colour="Blue")  # its owner sends it again
    drain(shop)
    assert seen(shop) == []


def test_a_census_knows_each_point_once(shop: Shop) -> None:
    census = Census(shop.store, both(shop)[0])
    assert len(census) == len(ITEMS) and list(census.duplicates()) == []
    asked = [point(shop), point_id(9, "nobody", 3)]
    found = census.find(asked)
    with shop.sessions() as session:
        product = session.get_one(Product, 1)
    assert set(found) == {point(shop)} and found[point(shop)].sound
    assert found[point(shop)].said == digest(mapping.payload(product, 0))
    unowned = {key for key, _rev in census.unowned()}
    assert unowned == {point(shop, sku) for sku in ITEMS[1:]}
