"""What a search gets while the way to Qdrant is broken, over REST and gRPC; and that it comes back by itself.

The server is that of QDRANT_URL where it is set (its gRPC on 6334), else the endpoint of `tests.support`.
"""

import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from flask.testing import FlaskClient

from bootstrap import Services
from indexer import mapping
from tests.support.faults import Fault, FaultyProxy, faulty
from tests.support.qdrant_process import launch, running_endpoint, stop_endpoint
from vectors.budget import within
from vectors.protocol import Collection, Field, Point, VectorStore, VectorStoreUnavailable
from vectors.server import ServerStore
from web.app import create_app

KEY = "a key of the tests"
NAME = "faults"
TIMEOUT_S = 1.0
SLACK_S = 1.0  # for a machine that does other things
QUERY = np.ones(8, np.float32)
POINTS = [Point(str(uuid.UUID(int=n)), QUERY + n, {"rev": 1, "price": n}) for n in range(20)]


@dataclass(frozen=True)
class Server:
    """Where Qdrant is, before any proxy."""

    port: int
    grpc_port: int
    key: str


@dataclass(frozen=True)
class Way:
    """A store whose every byte passes a proxy."""

    store: ServerStore
    proxies: tuple[FaultyProxy, FaultyProxy]

    def set(self, fault: Fault) -> None:
        for proxy in self.proxies:
            proxy.set(fault)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if url := os.environ.get("QDRANT_URL"):
        yield Server(urlsplit(url).port or 6333, 6334, os.environ.get("QDRANT_API_KEY", ""))
        return
    with running_endpoint(tmp_path_factory.mktemp("qdrant"), KEY) as endpoint:
        yield Server(endpoint.port, endpoint.grpc_port, KEY)


def open_way(stack: ExitStack, server: Server, transport: str, timeout_s: float = TIMEOUT_S) -> Way:
    rest = stack.enter_context(faulty(server.port))
    grpc = stack.enter_context(faulty(server.grpc_port))
    store = ServerStore.connect(
        f"http://127.0.0.1:{rest.port}",
        api_key=server.key,
        timeout_s=timeout_s,
        grpc_port=grpc.port if transport == "grpc" else 0,
    )
    stack.callback(store.close)
    return Way(store, (rest, grpc))


@pytest.fixture(params=["rest", "grpc"])
def way(server: Server, request: pytest.FixtureRequest) -> Iterator[Way]:
    with ExitStack() as stack:
        way = open_way(stack, server, request.param)
        way.store.create(Collection(NAME, 8, (Field("price", "integer"),)))
        way.store.upsert(NAME, POINTS)
        yield way
        way.set("none")
        eventually(lambda: way.store.drop(NAME))


def eventually(work: Callable[[], object], within_s: float = 15.0) -> None:
    """Call until it is not refused for want of a server."""
    until = time.monotonic() + within_s
    while True:
        try:
            work()
            return
        except VectorStoreUnavailable:
            assert time.monotonic() < until, f"not back within {within_s} s"
            time.sleep(0.05)


def refusal(store: VectorStore) -> tuple[VectorStoreUnavailable, float]:
    """How a search is refused, and after how many seconds."""
    began = time.monotonic()
    with pytest.raises(VectorStoreUnavailable) as refused:
        store.search(NAME, QUERY)
    return refused.value, time.monotonic() - began


@pytest.mark.parametrize("fault", ["refuse", "blackhole", "drip", "reset", "fail"])
def test_a_search_is_refused_in_time_and_found_again_when_the_fault_is_over(way: Way, fault: Fault) -> None:
    assert len(way.store.search(NAME, QUERY)) == 10
    way.set(fault)
    error, took = refusal(way.store)
    assert error.code in ("vectors-away", "vectors-timeout") and error.message and error.fix
    assert took < TIMEOUT_S + SLACK_S
    way.set("none")
    began = time.monotonic()
    eventually(lambda: way.store.search(NAME, QUERY))
    assert time.monotonic() - began < 5.0


def test_whatever_a_page_or_a_probe_asks_is_refused_in_time(way: Way) -> None:
    way.set("blackhole")
    asked: list[Callable[[], object]] = [
        way.store.collections,
        lambda: way.store.resolve("live"),
        lambda: way.store.count(NAME),
        lambda: way.store.vectors(NAME, [POINTS[0].id]),
        lambda: way.store.facets(NAME, "price"),
    ]
    began = time.monotonic()
    for ask in asked:
        with pytest.raises(VectorStoreUnavailable):
            ask()
    assert time.monotonic() - began < 3 * TIMEOUT_S + SLACK_S, "three find out, the others are told"


def test_many_searches_at_once_do_not_wait_for_one_another(way: Way) -> None:
    way.set("blackhole")
    times: list[float] = []
    threads = [threading.Thread(target=lambda: times.append(refusal(way.store)[1])) for _ in range(40)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(times) == 40 and time.monotonic() - began < TIMEOUT_S + 2 * SLACK_S
    assert refusal(way.store)[1] < 0.5, "once it is known to be away, nobody waits"


def test_one_budget_is_for_all_that_a_search_asks(way: Way) -> None:
    way.set("blackhole")
    began = time.monotonic()
    with within(TIMEOUT_S):
        for _ in range(2):
            refusal(way.store)
    assert time.monotonic() - began < TIMEOUT_S + SLACK_S


def test_a_write_waits_for_a_server_that_is_away_for_a_moment(way: Way) -> None:
    way.set("refuse")
    back = threading.Timer(1.5, way.set, ("none",))
    back.start()
    way.store.upsert(NAME, [Point(POINTS[0].id, QUERY, {"rev": 2, "price": 77})])
    back.join()
    assert dict(way.store.scroll(NAME, limit=1))[POINTS[0].id]["price"] == 77


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_a_wrong_key_is_said_to_be_wrong(server: Server, transport: str) -> None:
    if not server.key:
        pytest.skip("the server of QDRANT_URL wants no key")
    port = server.grpc_port if transport == "grpc" else 0
    store = ServerStore.connect(f"http://wrong@127.0.0.1:{server.port}", timeout_s=5.0, grpc_port=port)
    error, took = refusal(store)
    assert error.code == "vectors-forbidden" and "TWIRL_QDRANT_API_KEY" in error.fix
    assert took < 5.0
    store.close()


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_a_host_that_has_no_address_is_away(transport: str) -> None:
    port = 6334 if transport == "grpc" else 0
    store = ServerStore.connect("http://qdrant.invalid:6333", timeout_s=TIMEOUT_S, grpc_port=port)
    error, took = refusal(store)
    assert error.code in ("vectors-away", "vectors-timeout")
    assert took < TIMEOUT_S + SLACK_S
    store.close()


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_acknowledged_points_outlive_kill_9_and_a_restart_is_noticed(tmp_path: Path, transport: str) -> None:
    endpoint = launch(tmp_path, KEY)
    port = endpoint.grpc_port if transport == "grpc" else 0
    store = ServerStore.connect(endpoint.url, api_key=KEY, timeout_s=TIMEOUT_S, grpc_port=port)
    store.create(Collection(NAME, 8, (Field("price", "integer"),)))
    store.upsert(NAME, POINTS)
    endpoint.kill()
    refusal(store)
    endpoint = launch(tmp_path, KEY, endpoint.port, endpoint.grpc_port)
    eventually(lambda: store.count(NAME))
    assert store.count(NAME) == len(POINTS)
    store.close()
    stop_endpoint(endpoint.process)


@pytest.fixture(scope="module")
def web(shop: Services, server: Server) -> Iterator[tuple[FlaskClient, Way]]:
    """The small shop's web over a Qdrant server, with the default patience."""
    with ExitStack() as stack:
        patience_s = shop.settings.vectors.vectors_timeout_s
        way = open_way(stack, server, "grpc", patience_s)
        services = Services(shop.settings, store=way.store, packs=shop.packs)
        model = services.models.live()
        way.store.drop(model.collection)
        way.store.create(mapping.collection(model.fingerprint, model.index.dimension))
        way.store.upsert(model.collection, shop.store.points(model.collection, limit=1000))
        yield create_app(services).test_client(), way
        way.set("none")
        way.store.drop(model.collection)


def asked(client: FlaskClient, way: Way) -> tuple[int, float]:
    """Status of a search by words and the seconds it took; a 503 is one as it should be."""
    began = time.monotonic()
    answer = client.post("/api/v1/search", json={"words": "dress"})
    took = time.monotonic() - began
    if answer.status_code == 503:
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["code"] == "search-unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    else:
        assert answer.status_code == 200 and answer.get_json()["hits"], answer.text
    return answer.status_code, took


@pytest.mark.parametrize("fault", ["blackhole", "refuse", "drip", "reset"])
def test_the_api_answers_503_in_two_seconds_and_recovers(web: tuple[FlaskClient, Way], fault: Fault) -> None:
    client, way = web
    assert asked(client, way)[0] == 200
    way.set(fault)
    answers = [asked(client, way) for _ in range(3)]
    assert [status for status, _ in answers] == [503, 503, 503]
    assert statistics.median(took for _, took in answers) < 2.0
    assert max(took for _, took in answers) < 2.0 + SLACK_S
    way.set("none")
    began = time.monotonic()
    while asked(client, way)[0] != 200:
        assert time.monotonic() - began < 10.0
        time.sleep(0.1)


def test_no_thread_of_the_web_waits_longer_than_another(web: tuple[FlaskClient, Way]) -> None:
    client, way = web
    way.set("blackhole")
    answers: list[tuple[int, float]] = []
    app = client.application
    threads = [
        threading.Thread(target=lambda: answers.append(asked(app.test_client(), way))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    way.set("none")
    assert [status for status, _ in answers] == [503] * 16
    assert max(took for _, took in answers) < 2.0 + 2 * SLACK_S
