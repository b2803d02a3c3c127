"""An encoder of one's own in a real shop: added, filled, switched to, searched; found on another machine."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from bootstrap import Services
from catalog.site import read_site
from catalog.storage.object_store import ObjectStore
from catalog.storage.pack_files import PackFiles
from embedding.adding import add_encoder
from embedding.dual_files import Origin
from embedding.pack import load_pack
from embedding.pack_folders import look, verified
from searcher.query import SearchQuery
from tests.support.encoders import siglip, siglip2
from tests.support.s3 import OPTIONS, running_s3
from tests.support.shop import small_shop
from web.app import create_app


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("own"), products=10) as services:
        yield services


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return siglip2(tmp_path_factory.mktemp("published") / "Tiny NaFlex")


def twirl(services: Services, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.main, words, env={"TWIRL_DATA": str(services.data)}, terminal_width=200)
    return done.exit_code, done.output


def fill(services: Services) -> None:
    filler, pipeline = services.filler(), services.pipeline()
    deadline = time.monotonic() + 60
    while any(index.state == "filling" for index in read_site(services.sessions).maintained):
        assert time.monotonic() < deadline
        pipeline.step()
        filler.step()
    pipeline.close()


def test_an_encoder_is_added_filled_and_switched_to(shop: Services, published: Path) -> None:
    status, said = twirl(shop, "models", "add", str(published))
    assert status == 0 and "Added: tiny-naflex" in said and "twirl reembed --pack tiny-naflex" in said
    assert twirl(shop, "models", "add", str(published))[0] == 0  # once more changes nothing
    status, said = twirl(shop, "reembed", "--pack", "tiny-naflex", "--no-wait")
    assert status == 0, said
    fill(shop)
    status, said = twirl(shop, "switch", "tiny-naflex")
    assert status == 0 and "Live: tiny-naflex" in said
    with_encoder = Services(shop.settings)
    client, pack = create_app(with_encoder).test_client(), with_encoder.pack
    some = with_encoder.searcher.search(SearchQuery(shop.merchant().id, words="dress", limit=1)).hits[0]
    sku = some.product.sku
    for asked in ({"words": "red dress"}, {"reference": sku, "words": "in black"}, {"reference": sku}):
        answer = client.post("/api/v1/search", json={**asked, "limit": 5})
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["model"] == pack.fingerprint and len(answer.get_json()["hits"]) == 5
    with_encoder.close()


def test_a_refusal_names_its_fix(shop: Services, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    status, said = twirl(shop, "models", "add", str(tmp_path / "bare"))
    assert status == 1 and "Fix: Give one of photos and words: CLIP, SigLIP" in said
    status, said = twirl(shop, "models", "add", "nothing-of-that-name")
    assert status == 1 and "owner/name" in said


@pytest.fixture
def bucket() -> Iterator[ObjectStore]:
    with running_s3() as server:
        yield ObjectStore(server.url("own"), OPTIONS)


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_another_machine_finds_it(where: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    place = tmp_path / "shared" if where == "folder" else request.getfixturevalue("bucket")
    made = add_encoder(siglip(tmp_path / "siglip"), tmp_path / "here", "own", Origin("siglip"))
    PackFiles(place, tmp_path / "here", verified).publish(made.folder, made.fingerprint)
    fetched = PackFiles(place, tmp_path / "there", verified).fetch(made.fingerprint)
    assert fetched is not None and look(fetched).fingerprint == made.fingerprint
    here, there = load_pack(made.folder), load_pack(fetched)
    assert np.array_equal(here.encode_texts(["red"]), there.encode_texts(["red"]))
