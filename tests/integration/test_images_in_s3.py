"""The whole way of an image with its bytes in S3: import, index, search, show, delete; and outages."""

import json
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from sqlalchemy import select

from benchmarks.indexing_shop import Pixels, PlainEncoder, Shop, picture
from catalog.keeping.export import export_catalogue
from catalog.models import Image, Product
from catalog.products import delete_product, ensure_merchant
from catalog.site import read_site
from catalog.storage.blobs import SIZES, StorageUnavailable
from catalog.storage.place import Images, open_objects
from indexer import sweeper
from searcher.query import SearchQuery
from settings import Settings, Storage
from tests.support.s3 import OPTIONS, S3Server, running_s3


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    keeper = Shop(tmp_path_factory.mktemp("engine"))
    keeper.start_engine()
    yield keeper
    keeper.close()


@pytest.fixture
def place(s3: S3Server) -> Images:
    opened = open_objects(s3.url(secrets.token_hex(4)), OPTIONS, timeout_s=10)
    opened.own("the tests")
    return opened


class Watched(PlainEncoder):
    """An encoder that lets something happen, once, while a batch is embedded."""

    meanwhile: Callable[[], object] | None = None

    def encode_images(self, pixels: Sequence[Pixels]) -> NDArray:  # type: ignore[type-arg]
        """B pictures -> (B, D)."""
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening()
        return super().encode_images(pixels)


@pytest.fixture
def shop(tmp_path: Path, engine: Shop, place: Images) -> Iterator[Shop]:
    made = Shop(tmp_path, Watched(secrets.token_hex(8)), engine.socket, engine.decoder, place)
    yield made
    for ref in read_site(made.sessions).maintained:
        made.store.drop(ref.collection)
    made.close()


def drain(shop: Shop, patience_s: float = 0.0) -> None:
    """Work until nothing waits, through outages for as long as patience lasts, as a worker does."""
    pipeline = shop.pipelines[0] if shop.pipelines else shop.pipeline(batch=8, keep_pixels=False)
    until = time.monotonic() + patience_s
    while True:
        try:
            if not pipeline.step():
                return
        except StorageUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def images(shop: Shop) -> list[Image]:
    with shop.sessions() as session:
        return list(session.scalars(select(Image).order_by(Image.id)))


def test_the_whole_way_of_an_image(shop: Shop, tmp_path: Path) -> None:
    for number in range(12):
        shop.put(f"S{number}", picture(number), title=f"Garment {number}")
    assert len(list(shop.incoming)) == 12
    drain(shop)
    rows = images(shop)
    assert {row.state for row in rows} == {"live"} and list(shop.incoming) == []
    assert sorted(shop.blobs) == sorted(str(row.sha256) for row in rows) and shop.differences() == []
    found = shop.searcher().search(SearchQuery(merchant_id=shop.merchant, reference="S3"))
    assert len(found.hits) > 5
    assert export_catalogue(shop.sessions, shop.blobs, shop.merchant, tmp_path / "out.jsonl") == 12
    line = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert Path(line["image_link"]).read_bytes() == shop.blobs.read(Path(line["image_link"]).stem, 480)
    with shop.sessions.begin() as session:
        for number in range(4):
            delete_product(session, shop.merchant, f"S{number}")
    drain(shop)
    sweeper.purge(shop.sessions, shop.store, read_site(shop.sessions), grace_s=0)
    shop.incoming.put(b"nobody wants this")
    assert sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming) == 0  # too young to be sure
    assert sweeper.collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0) == 5
    assert len(list(shop.blobs)) == 8 and list(shop.incoming) == [] and shop.differences() == []


@pytest.mark.parametrize("stage", ["before", "while embedding", "between the stages"])
def test_an_outage_costs_nothing_but_time(shop: Shop, s3: S3Server, stage: str) -> None:
    for number in range(6):
        shop.put(f"S{number}", picture(number))
    pipeline = shop.pipeline(batch=4, keep_pixels=False)
    assert isinstance(shop.encoder, Watched)
    try:
        if stage == "before":
            s3.stop()
        elif stage == "while embedding":
            shop.encoder.meanwhile = s3.stop
        else:
            pipeline.images(4)
            s3.stop()
        with pytest.raises(StorageUnavailable):
            for _ in range(3):
                pipeline.step()
        waiting = [row for row in images(shop) if row.state != "live"]
        assert waiting and {row.state for row in waiting} == {"queued"}
        assert {(row.attempts, row.error_code) for row in waiting} == {(0, "")}
    finally:
        s3.start()
    drain(shop, patience_s=30)
    assert {row.state for row in images(shop)} == {"live"} and shop.differences() == []


def test_a_storage_that_comes_and_goes_loses_nothing(shop: Shop, s3: S3Server) -> None:
    """It is away for moments at random, for as long as images are indexed."""
    for number in range(24):
        shop.put(f"S{number}", picture(100 + number))
    done, rng, outages = threading.Event(), random.Random(3), 0

    def come_and_go() -> None:
        nonlocal outages
        while not done.is_set() and outages < 5:
            time.sleep(rng.uniform(0.05, 0.3))
            s3.stop()
            outages += 1
            time.sleep(rng.uniform(0.05, 0.3))
            s3.start()

    trouble = threading.Thread(target=come_and_go)
    trouble.start()
    try:
        drain(shop, patience_s=60)
    finally:
        done.set()
        trouble.join()
    assert outages >= 1 and [row for row in images(shop) if row.state != "live"] == []
    assert list(shop.incoming) == [] and shop.differences() == []


# --- a web process ---


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator[FlaskClient]:
    from bootstrap import Services
    from web.app import create_app

    chosen = Storage(
        data=tmp_path_factory.mktemp("web"), images_url=s3.url("web"),
        images_options=json.dumps(OPTIONS), images_timeout_s=2,
    )  # fmt: skip
    patient = Services(Settings(storage=replace(chosen, images_timeout_s=60)))  # the pack is large
    patient.prepare()
    patient.close()
    services = Services(Settings(storage=chosen))
    services.prepare()
    services.blobs.put("ab" * 32, {size: b"webp %d " % size + bytes(size) for size in SIZES})
    with services.sessions.begin() as session:  # a picture answers for the shop that shows it
        shop = ensure_merchant(session, services.settings.web.shop).id
        product = Product(merchant_id=shop, sku="shown", item_group_id="shown")
        session.add(product)
        for position, sha in enumerate(("ab" * 32, "cd" * 32)):
            row = Image(position=position, source="https://shop.example/x", sha256=sha, merchant_id=shop)
            product.every_image.append(row)
    yield create_app(services).test_client()
    services.close()


def test_pictures_are_served_as_from_a_folder(client: FlaskClient) -> None:
    for size in SIZES:
        answer = client.get(f"/images/{'ab' * 32}/{size}.webp")
        assert answer.status_code == 200 and answer.mimetype == "image/webp"
        assert answer.data == b"webp %d " % size + bytes(size)
        assert answer.content_length == len(answer.data)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    etag = answer.headers["ETag"]
    again = client.get(f"/images/{'ab' * 32}/1200.webp", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    part = client.get(f"/images/{'ab' * 32}/1200.webp", headers={"Range": "bytes=5-8"})
    assert (part.status_code, part.data) == (206, b"1200")
    for missing in ("cd" * 32, "zz"):
        assert client.get(f"/images/{missing}/480.webp").status_code == 404


def test_an_outage_of_the_pictures_is_said_and_known_ones_still_show(
    client: FlaskClient, s3: S3Server
) -> None:
    assert client.get(f"/images/{'ab' * 32}/480.webp").status_code == 200
    s3.stop()
    try:
        began = time.monotonic()
        answer = client.get(f"/images/{'cd' * 32}/480.webp")
        assert answer.status_code == 503 and answer.mimetype == "application/problem+json"
        assert answer.headers["Retry-After"] and answer.json["code"] == "pictures-unavailable"
        assert time.monotonic() - began < 5
        assert client.get(f"/images/{'ab' * 32}/480.webp").status_code == 200
    finally:
        s3.start()
