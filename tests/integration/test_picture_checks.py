"""Pictures at unchanged addresses, asked for again: over real SQLite, a real host, decoder and engine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

from benchmarks.indexing_shop import PlainEncoder, Shop, picture
from catalog import picture_checks
from catalog.clock import instant
from catalog.identity import point_id
from catalog.importing.imports import import_feed
from catalog.models import Image, Merchant, Product
from indexer.checking import LEASE_S, Checked
from tests.support.picture_host import PictureHost, picture_host
from tests.support.postgres import fresh, postgres


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    keeper = Shop(tmp_path_factory.mktemp("engine"))
    keeper.start_engine()
    yield keeper
    keeper.close()


@pytest.fixture(scope="module")
def postgres_uri() -> Iterator[str]:
    with postgres() as uri:
        yield uri


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path, engine: Shop) -> Iterator[Shop]:
    url = ""
    if getattr(request, "param", "") == "postgresql":
        url = fresh(request.getfixturevalue("postgres_uri"), "checks")
    made = Shop(tmp_path, PlainEncoder(), engine.socket, engine.decoder, database_url=url)
    yield made
    points = [point for point, _ in made.store.scroll(made.collection)]  # the next one has this collection
    made.store.delete(made.collection, points)
    made.close()


both = pytest.mark.parametrize("shop", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with picture_host() as made:
        yield made


def drain(shop: Shop) -> None:
    pipeline = shop.pipelines[0] if shop.pipelines else shop.pipeline()
    while pipeline.step():
        pass


def feed(shop: Shop, *rows: tuple[str, str]) -> Path:
    path = shop.root / "feed.csv"
    lines = [f"{sku},Garment {sku},{address},9 USD,in stock" for sku, address in rows]
    path.write_text("\n".join(["id,title,image_link,price,availability", *lines]))
    return path


def take_in(shop: Shop, path: Path, check: bool = False) -> tuple[int, int, int]:
    """(created, updated, unchanged) of an import, with everything that comes of it done."""
    done = import_feed(
        shop.sessions, shop.merchant, path, path.parent, shop.incoming, check_pictures=check
    )  # fmt: skip
    drain(shop)
    return done.created, done.updated, done.unchanged


def image_of(shop: Shop, sku: str = "A") -> Image:
    with shop.sessions() as session:
        return session.scalars(select(Image).join(Image.product).where(Product.sku == sku)).one()


def embedded_of(shop: Shop) -> int:
    """How many pictures the encoder has embedded."""
    assert isinstance(shop.encoder, PlainEncoder)
    return shop.encoder.embedded


def vector(shop: Shop, sku: str = "A") -> np.ndarray:
    point = point_id(shop.merchant, sku, 0)
    return np.asarray(shop.store.vectors(shop.collection, [point])[point])


def later(shop: Shop) -> None:
    """Let what was put off be due."""
    with shop.sessions.begin() as session:
        past = instant(session) - timedelta(seconds=1)
        session.execute(update(Image).where(Image.check_at.is_not(None)).values(check_at=past))


def test_without_the_option_no_host_is_asked_again(shop: Shop, host: PictureHost) -> None:
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    assert take_in(shop, path) == (1, 0, 0)
    assert take_in(shop, path) == (0, 0, 1)
    assert host.statuses() == [200] and image_of(shop).etag


@pytest.mark.parametrize("tags", [True, False], ids=["etag", "last-modified"])
def test_a_picture_that_is_the_same_costs_a_304(shop: Shop, host: PictureHost, tags: bool) -> None:
    host.tags = tags
    host.modified["/a.jpg"] = "Sat, 28 Nov 2026 10:00:00 GMT"
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    before, embedded = image_of(shop), embedded_of(shop)
    assert take_in(shop, path, check=True) == (0, 0, 1)
    after = image_of(shop)
    assert host.statuses() == [200, 304] and embedded_of(shop) == embedded
    assert (after.state, after.check_at, after.check_code, after.sha256) == ("live", None, "", before.sha256)
    assert after.fetched_at and before.fetched_at and after.fetched_at > before.fetched_at
    assert take_in(shop, path, check=True) == (0, 0, 1) and host.statuses() == [200, 304, 304]


def test_the_same_bytes_from_a_host_that_knows_no_304_are_not_embedded(shop: Shop, host: PictureHost) -> None:
    host.tags = False
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    embedded = embedded_of(shop)
    take_in(shop, path, check=True)
    assert host.statuses() == [200, 200] and embedded_of(shop) == embedded
    assert image_of(shop).state == "live" and image_of(shop).check_at is None


@both
def test_other_bytes_take_the_old_ones_place_and_the_item_is_found_meanwhile(
    shop: Shop, host: PictureHost
) -> None:
    address = host.put("/a.jpg", picture(1))
    path = feed(shop, ("A-S", address), ("A-M", address), ("B", host.put("/b.jpg", picture(5))))
    take_in(shop, path)
    old, embedded, asked = vector(shop, "A-S"), embedded_of(shop), len(host.asked)
    host.put("/a.jpg", picture(2))
    done = import_feed(shop.sessions, shop.merchant, path, path.parent, shop.incoming, check_pictures=True)
    assert (done.unchanged, done.updated) == (3, 0)
    assert image_of(shop, "A-S").state == "live"  # it waits to be asked about, and nothing else
    pipeline = shop.pipelines[0]
    assert pipeline.due("images") and not pipeline.claims.due("images")
    pipeline.images(32)
    assert pipeline.due("embed") and not pipeline.due("images")
    waiting = image_of(shop, "A-S")
    assert (waiting.state, waiting.queue, waiting.check_at) == ("queued", "embed", None)
    assert np.array_equal(vector(shop, "A-S"), old)  # found by its old picture, until the new one is in
    drain(shop)
    assert sorted(host.statuses()[asked:]) == [200, 304]  # two sizes share a photo
    assert embedded_of(shop) == embedded + 1
    assert float(np.dot(vector(shop, "A-S"), old)) < 0.9
    assert np.array_equal(vector(shop, "A-S"), vector(shop, "A-M"))
    assert image_of(shop, "A-S").state == "live" and image_of(shop, "A-S").etag != waiting.sha256
    assert [each.kind for each in shop.differences()] == ["orphan-blob"]


@pytest.mark.parametrize(
    ("answer", "code", "again"),
    [((404, {}), "image-http-404", False), ((503, {"Retry-After": "900"}), "image-http-503", True)],
)
def test_where_asking_fails_the_old_picture_stays(
    shop: Shop, host: PictureHost, answer: tuple[int, dict[str, str]], code: str, again: bool
) -> None:
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    host.refusing["/a.jpg"] = answer
    take_in(shop, path, check=True)
    image = image_of(shop)
    assert (image.state, image.check_code) == ("live", code) and image.check_message.endswith(".")
    assert (image.check_at is not None) == again and shop.differences() == []
    if image.check_at is not None:
        with shop.sessions() as session:
            assert image.check_at > instant(session) + timedelta(seconds=890)
    with shop.sessions() as session:
        assert picture_checks.count_checks(session, shop.merchant) == (0, 1)
    host.refusing.clear()
    shop.pipelines[0].checks.fetcher._busy.clear()  # a minute later
    take_in(shop, path, check=True)
    later(shop)
    drain(shop)
    assert (image_of(shop).check_code, image_of(shop).check_at) == ("", None)


def test_what_is_no_picture_any_more_leaves_the_old_one(shop: Shop, host: PictureHost) -> None:
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    host.put("/a.jpg", b"<html>Sold out</html>")
    take_in(shop, path, check=True)
    image = image_of(shop)
    assert (image.state, image.check_code, image.check_at) == ("live", "image-format", None)
    assert shop.differences() == []


def test_a_worker_that_dies_while_asking_is_followed_by_another(shop: Shop, host: PictureHost) -> None:
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    import_feed(shop.sessions, shop.merchant, path, path.parent, shop.incoming, check_pictures=True)
    checks = shop.pipelines[0].checks
    (group,) = checks._claim(32)  # and dies
    assert not checks.due() and checks.step().claimed == 0
    with shop.sessions.begin() as session:
        gone = group.held[0].until - timedelta(seconds=LEASE_S)
        session.execute(update(Image).values(check_at=gone))
    assert checks.step().claimed == 1 and image_of(shop).check_at is None
    checks._settle(group, group.validators, Checked())  # the first one was only slow
    assert image_of(shop).check_attempts == 0


@both
def test_what_changes_while_it_is_asked_about_wins(shop: Shop, host: PictureHost) -> None:
    path = feed(shop, ("A", host.put("/a.jpg", picture(1))))
    take_in(shop, path)
    import_feed(shop.sessions, shop.merchant, path, path.parent, shop.incoming, check_pictures=True)
    checks = shop.pipelines[0].checks
    (group,) = checks._claim(32)
    host.put("/a.jpg", picture(2))
    outcome = checks._outcome(group)
    shop.put("A", host.put("/new.jpg", picture(3)))
    checks._settle(group, outcome, Checked())
    assert image_of(shop).source.endswith("/new.jpg") and image_of(shop).sha256 is None
    drain(shop)
    assert image_of(shop).state == "live" and image_of(shop).check_at is None


@both
def test_every_merchant_has_its_turn(shop: Shop, host: PictureHost) -> None:
    path = feed(shop, *((f"A{n}", host.put(f"/{n}.jpg", picture(n))) for n in range(4)))
    take_in(shop, path)
    with shop.sessions.begin() as session:
        other = Merchant(slug="other", name="Other")
        session.add(other)
        session.flush()
        product = Product(merchant_id=other.id, sku="Z", item_group_id="Z", title="Z")
        session.add(product)
        session.flush()
        known = session.scalars(select(Image).limit(1)).one()
        session.add(
            Image(
                product_id=product.id, merchant_id=other.id, position=0, source=known.source,
                sha256=known.sha256, state="live", etag=known.etag,
            )
        )  # fmt: skip
        session.flush()
        assert picture_checks.ask(session, shop.merchant, [f"A{n}" for n in range(4)]) == 4
        assert picture_checks.ask(session, shop.merchant, ["A1", "Z"]) == 0  # it waits already; not ours
        assert picture_checks.ask(session, other.id, ["Z"]) == 1
    checks = shop.pipelines[0].checks
    served = [{group.merchant_id for group in checks._claim(2)} for _ in range(3)]
    assert served == [{shop.merchant}, {other.id}, {shop.merchant}]


def test_a_busy_host_is_asked_when_it_said_and_no_try_is_lost(shop: Shop, host: PictureHost) -> None:
    host.put("/a.jpg", picture(1))
    host.refusing["/a.jpg"] = (429, {"Retry-After": "1800"})
    shop.put("A", host.url + "/a.jpg")
    drain(shop)
    shop.put("B", host.put("/b.jpg", picture(2)))
    drain(shop)
    busy, waiting = image_of(shop, "A"), image_of(shop, "B")
    with shop.sessions() as session:
        at = instant(session)
    assert busy.next_attempt_at and waiting.next_attempt_at
    assert (busy.state, busy.error_code, busy.attempts) == ("queued", "image-http-429", 1)
    assert at + timedelta(seconds=1790) < busy.next_attempt_at <= at + timedelta(seconds=1800)
    assert (waiting.state, waiting.error_code, waiting.attempts) == ("queued", "image-host-busy", 0)
    assert at < waiting.next_attempt_at <= at + timedelta(seconds=60)
    assert host.statuses("/b.jpg") == []
