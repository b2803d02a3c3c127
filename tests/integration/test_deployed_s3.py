"""The deployed shape with pictures in S3: a worker on another machine does all, through an outage of S3."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.deployed import Deployment, deployed
from tests.support.s3 import CREDENTIALS, S3Server, running_s3

ITEMS = 48


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():  # as an operator gives them to every process
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("deployed-s3")
        with deployed(folder, workers=0, web=True, TWIRL_IMAGES_URL=s3.url("shop")) as made:
            yield made


def test_another_machines_worker_needs_three_settings_and_credentials(shop: Deployment, s3: S3Server) -> None:
    assert shop.stock("SKU", ITEMS) == ITEMS
    assert len(s3.keys("shop/incoming/")) == ITEMS
    joining = shop.machine("second")
    assert not [name for name in joining if "IMAGES" in name]
    shop.start("worker", name="second", env=joining | {"TWIRL_BATCH": "8"})
    shop.wait_live(4)
    s3.stop()
    time.sleep(2.0)
    assert shop.counts().get("failed", 0) == 0
    s3.start()
    shop.wait_settled()
    assert shop.counts() == {"live": ITEMS} and shop.indexed() == ITEMS and shop.differences() == []
    assert s3.keys("shop/incoming/") == [] and len(s3.keys("shop/blobs/")) == ITEMS
    assert len(s3.keys("shop/packs/")) == 2
    here = [path for path in (shop.folder / "second").rglob("*") if path.is_file() and path.suffix == ".webp"]
    assert here == []  # nothing of the shop's is left on that machine


def test_the_shop_shows_them(shop: Deployment) -> None:
    sha256 = next(iter(shop.services.blobs))
    with urlopen(f"{shop.web_url}/images/{sha256}/480.webp", timeout=30) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "image/webp"
        assert answer.read() == shop.services.blobs.read(sha256, 480)
    cached = Path(shop.env["TWIRL_DATA"]) / "cache"
    assert [path.name for path in cached.rglob("*.webp")] == [f"{sha256}-480.webp"]


def test_a_worker_that_may_not_read_them_says_so(shop: Deployment, s3: S3Server) -> None:
    for wrong, words in (
        ({"TWIRL_IMAGES_URL": s3.url("other")}, "twirl images move"),
        ({"TWIRL_IMAGES_URL": "s3://none/x"}, "twirl images move"),
        ({"TWIRL_IMAGES_OPTIONS": "{"}, "TWIRL_IMAGES_OPTIONS"),
    ):
        done = shop.run("worker", env=shop.machine("third") | wrong)
        assert done.returncode == 1 and words in done.stderr, done.stderr
