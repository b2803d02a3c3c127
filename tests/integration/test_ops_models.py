"""The operators' page over a shop with two models: compare, switch, go back, drop, on a real engine."""

import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from bootstrap import Services
from catalog.site import IndexRef, read_site
from indexer.fill_begin import begin_fill
from tests.support.packs import disturbed_pack
from tests.support.shop import small_shop
from web import health
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("models"), products=12) as services:
        disturbed_pack(services.data / "other")
        pack = services.pack_folders.choose(str(services.data / "other"))
        services.pack_folders.keep(pack)
        begin_fill(
            services.sessions, services.store,
            fingerprint=pack.fingerprint, pack=pack.name, dimension=pack.dimension,
        )  # fmt: skip
        filler = services.filler()
        deadline = time.monotonic() + 120
        while any(index.state == "filling" for index in read_site(services.sessions).maintained):
            assert time.monotonic() < deadline
            filler.step()
        yield services


@pytest.fixture(scope="module")
def client(shop: Services) -> FlaskClient:
    return create_ops_app(shop, Meters(), Probes(health.needs(shop), fresh_s=0), shop.data).test_client()


def get(client: FlaskClient, path: str) -> str:
    answer = client.get(path, base_url="http://127.0.0.1:8001")
    assert answer.status_code == 200, answer.text
    return answer.text


def other(shop: Services) -> IndexRef:
    return next(index for index in read_site(shop.sessions).maintained if not index.live)


def test_every_dependency_is_well_and_both_indexes_have_their_points(
    client: FlaskClient, shop: Services
) -> None:
    page = get(client, "/ops")
    assert "All is well" in page
    points = client.get("/metrics", base_url="http://127.0.0.1:8001").text
    counted = [line for line in points.splitlines() if line.startswith("twirl_index_points{")]
    assert len(counted) == 2 and len({line.rsplit(" ", 1)[1] for line in counted}) == 1


def test_two_models_are_compared_before_the_switch(client: FlaskClient, shop: Services) -> None:
    path = f"/ops/diff/{other(shop).id}"
    assert "Compare them" in get(client, path)
    begun = client.post(path, base_url="http://127.0.0.1:8001")
    assert begun.status_code == 303 and begun.headers["Location"] == path
    deadline = time.monotonic() + 120
    while "searches on both models" not in (page := get(client, path)):
        assert "searches are asked of both" in page and time.monotonic() < deadline
        time.sleep(0.2)
    policy = client.get(path, base_url="http://127.0.0.1:8001").headers["Content-Security-Policy"]
    assert "script-src" not in policy and "default-src 'none'" in policy
    assert client.get("/ops/diff/999", base_url="http://127.0.0.1:8001").status_code == 404


def test_a_switch_and_back_and_a_drop(client: FlaskClient, shop: Services) -> None:
    candidate = other(shop)

    def act(path: str, **fields: object) -> int:
        return client.post(path, data=fields, base_url="http://127.0.0.1:8001").status_code

    assert act("/ops/switch", index=candidate.id) == 303
    assert read_site(shop.sessions).live == other_way(candidate)
    assert shop.store.resolve("live") == candidate.collection
    assert act("/ops/drop", index=candidate.id) == 409  # it is live
    assert act("/ops/switch-back") == 303
    assert act("/ops/drop", index=candidate.id) == 303
    assert candidate.collection not in shop.store.collections()
    assert [index.fingerprint for index in read_site(shop.sessions).indexes] == [shop.fingerprint]
    assert act("/ops/switch", index=candidate.id) == 409
    assert act("/ops/switch", index="no-number") == 422


def other_way(index: IndexRef) -> IndexRef:
    """The same index, live."""
    return IndexRef(index.id, index.fingerprint, index.pack, index.dimension, index.state, live=True)


def test_readiness_names_a_live_index_that_was_lost(client: FlaskClient, shop: Services) -> None:
    shop.store.drop(read_site(shop.sessions).live.collection)  # type: ignore[union-attr]
    answer = client.get("/readyz", base_url="http://127.0.0.1:8001")
    assert answer.status_code == 503
    missing = answer.get_json()["dependencies"]["live-index"]
    assert "has no index" in missing["message"] and "twirl rebuild" in missing["fix"]
    assert answer.get_json()["dependencies"]["engine"]["ok"]
    assert "TwirlLiveIndexMissing" in get(client, "/ops")
