"""Redis, PostgreSQL and Qdrant go away in mid-import: everything is indexed with nobody's help."""

import json
import time
from collections.abc import Callable, Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.support.deployed import Deployment, deployed

pytestmark = pytest.mark.slow
AWAY_S = 4.0
BACK_S = 90.0  # first progress after an outage, at the latest


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("outages"), workers=2, web=True) as made:
        yield made


@pytest.fixture
def under_way(shop: Deployment) -> Iterator[Callable[[str], int]]:
    """Begins an import of 40 products; when the first are live, gives how many there will be."""
    expected: list[int] = []

    def begin(name: str) -> int:
        before = shop.live()
        shop.stock(name, 40)
        shop.wait_live(before + 1)
        expected.append(before + 40)
        return before + 40

    yield begin
    shop.wait_settled()
    assert set(shop.counts()) == {"live"} and shop.live() >= expected[0], shop.state()
    assert shop.indexed() == shop.live() and shop.differences() == []
    assert all(each.alive for each in shop.running.values())


def search(shop: Deployment) -> int:
    """The status of a search over HTTP."""
    body = json.dumps({"words": f"red {time.monotonic()}"}).encode()
    asked = Request(f"{shop.web_url}/api/v1/search", body, {"Content-Type": "application/json"})
    try:
        with urlopen(asked, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def test_a_redis_that_forgets_everything(shop: Deployment, under_way: Callable[[str], int]) -> None:
    under_way("flushed")
    shop.redis.flush()


def test_a_redis_that_is_away_holds_up_neither_web_nor_imports(
    shop: Deployment, under_way: Callable[[str], int]
) -> None:
    expected = under_way("away")
    shop.redis.kill()
    began = time.monotonic()
    assert shop.stock("meanwhile", 20) == 20
    assert time.monotonic() - began < 10
    assert search(shop) == 200
    time.sleep(max(AWAY_S - (time.monotonic() - began), 0))
    shop.redis.start()
    back = time.monotonic()
    shop.wait_live(expected + 20, BACK_S)
    assert time.monotonic() - back < BACK_S


def test_a_redis_that_hangs(shop: Deployment, under_way: Callable[[str], int]) -> None:
    under_way("hanging")
    shop.redis.hang()
    time.sleep(AWAY_S)
    assert search(shop) == 200
    shop.redis.hang(False)


def test_a_database_that_restarts(shop: Deployment, under_way: Callable[[str], int]) -> None:
    under_way("database")
    shop.stop_postgres()
    began = time.monotonic()
    assert search(shop) in (200, 503)
    assert time.monotonic() - began < 10
    time.sleep(AWAY_S)
    shop.start_postgres()
    shop.wait(lambda: search(shop) == 200, "searches", 30)


def test_a_database_that_hangs(shop: Deployment, under_way: Callable[[str], int]) -> None:
    """A stopped server keeps its connections open: nothing but our own patience ends the wait."""
    under_way("stopped")
    server = psutil.Process(int((shop.postgres_folder / "postmaster.pid").read_text().split()[0]))
    stopped = [server, *server.children(recursive=True)]
    for each in stopped:
        each.suspend()
    try:
        for _ in range(4):
            began = time.monotonic()
            assert search(shop) == 503
            assert time.monotonic() - began < 3  # 2 s on a machine that has nothing else to do
    finally:
        for each in stopped:
            each.resume()
    shop.wait(lambda: search(shop) == 200, "searches", 30)


def test_an_engine_that_is_killed(shop: Deployment, under_way: Callable[[str], int]) -> None:
    if shop.qdrant is None:
        pytest.skip("the server of QDRANT_URL is not ours to kill")
    under_way("engine")
    shop.stop_qdrant()
    assert search(shop) == 503
    time.sleep(AWAY_S)
    shop.start_qdrant()
    shop.wait(lambda: search(shop) == 200, "searches", 30)


def test_processes_that_start_while_postgres_restarts_wait_for_it(shop: Deployment) -> None:
    late = [shop.running[name] for name in ("worker-1", "web")]
    for each in late:
        each.kill()
    shop.stop_postgres()
    for each in late:
        each.start()
    shop.wait(lambda: all("Waiting for at most 60 s" in each.said() for each in late), "their word", BACK_S)
    shop.start_postgres()
    shop.wait(lambda: shop.answers("/readyz"), "the web process", BACK_S)
    before = shop.live()
    shop.stock("late", 10)
    shop.wait_live(before + 10)
    assert all(each.alive for each in shop.running.values())
