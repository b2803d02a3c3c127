import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from indexer.queue import HINTS, MOST, CeleryBell, WakeFile
from indexer.task_limits import Limits
from tests.support.redis import RedisServer, running_redis

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "of-this-test"  # noqa: S105 - its server lives for a second
SOON_S = 1.0  # nobody who rings waits longer, even for a Redis that hangs


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis"), PASSWORD) as server:
        yield server


@pytest.fixture
def bell(redis: RedisServer) -> Iterator[CeleryBell]:
    redis.flush()
    bell = CeleryBell(redis.url, Limits())
    yield bell
    bell.close()


def message(redis: RedisServer, queue: str) -> tuple[dict[str, object], dict[str, object]]:
    """Headers and keyword arguments of the newest message."""
    import base64

    raw = redis.client().lindex(queue, 0)
    assert isinstance(raw, bytes)
    whole = json.loads(raw)
    return whole["headers"], json.loads(base64.b64decode(whole["body"]))[1]


def test_a_ring_has_one_message_wait_in_each_queue_that_a_change_may_be_in(bell: CeleryBell) -> None:
    for _ in range(10):
        bell.ring([1, 2, 3])
    assert bell.waiting() == {"index": 1, "images": 1, "embed": 1}
    assert (bell.rung, bell.missed) == (3, 0)


def test_a_message_carries_ids_and_the_request_that_rang(bell: CeleryBell, redis: RedisServer) -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc123"):
        bell.ring(range(10_000))
    headers, said = message(redis, "images")
    assert headers["request_id"] == "abc123"
    assert said == {"products": list(range(HINTS))}
    assert headers["eta"] is None


def test_no_queue_holds_more_than_a_bounded_number(bell: CeleryBell) -> None:
    assert bell.call("embed", wanted=3) == 3
    assert bell.call("embed", wanted=5) == 2
    assert bell.call("embed", wanted=1_000_000) == MOST - 5
    assert bell.call("embed", wanted=1_000_000) == 0
    assert bell.waiting(("embed",)) == {"embed": MOST}


def test_threads_share_a_bell(bell: CeleryBell) -> None:
    threads = [threading.Thread(target=bell.call, args=("images",), kwargs={"wanted": 5}) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    there = bell.waiting(("images",))
    assert there is not None and 5 <= there["images"] <= 5 * 8 and bell.missed == 0


def test_a_redis_that_hangs_or_is_away_costs_a_moment_and_a_ring(tmp_path: Path) -> None:
    with running_redis(tmp_path) as redis:
        bell = CeleryBell(redis.url, Limits())
        redis.hang()
        began = time.monotonic()
        bell.ring([1])
        assert time.monotonic() - began < SOON_S
        again = time.monotonic()
        for _ in range(1000):
            bell.ring([1])
        assert time.monotonic() - again < SOON_S  # a long import is not held up batch by batch
        assert bell.waiting() is None
        redis.kill()
        bell._quiet_until = 0
        began = time.monotonic()
        bell.ring([1])
        assert time.monotonic() - began < SOON_S and bell.missed == 1002
        redis.start()
        bell._quiet_until = 0
        bell.ring([1])
        assert bell.waiting() == {"index": 1, "images": 1, "embed": 1}
        redis.flush()
        bell.ring([1])  # no binding of a queue was lost with the messages
        assert bell.waiting() == {"index": 1, "images": 1, "embed": 1}
        bell.close()


def test_a_message_that_nobody_acknowledges_comes_back_after_two_and_a_half_hard_limits() -> None:
    assert Limits(soft_s=20, hard_s=40).visibility_s == 100


def test_importing_the_bell_loads_no_celery() -> None:
    code = "import sys, indexer.queue; print([m for m in sys.modules if m.split('.')[0] in "
    code += "('celery', 'kombu', 'redis', 'torch', 'sqlalchemy')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_embedded_bell_is_the_time_of_a_file(tmp_path: Path) -> None:
    bell = WakeFile(tmp_path / "wake")
    assert bell.rung() == 0
    bell.ring([1])
    assert bell.rung() > 0
