"""What operators see of the deployed shape's Redis: messages that wait, and its absence."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars

from bootstrap import Services
from settings import Settings
from tests.support.ledger import eventful
from tests.support.redis import RedisServer, running_redis
from web import health
from web.meters import Meters
from web.ops.app import create_ops_app
from web.probes import Probes

SECRET = "a-secret-of-redis"  # noqa: S105 - of this test
LOCAL = "http://127.0.0.1:8001"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path / "redis", SECRET) as server:
        yield server


@pytest.fixture
def services(redis: RedisServer, tmp_path: Path) -> Iterator[Services]:
    given = Settings()
    made = Services(
        replace(
            given,
            storage=replace(given.storage, data=tmp_path / "data"),
            queue=replace(given.queue, redis_url=redis.url),
        )
    )
    made.prepare()
    eventful(made.sessions)
    yield made
    made.close()


def test_messages_are_counted_and_an_absent_redis_does_not_stop_the_shop(
    services: Services, redis: RedisServer
) -> None:
    needs = [need for need in health.needs(services) if need.name in ("database", "schema", "redis")]
    app = create_ops_app(services, Meters(), Probes(needs, fresh_s=0), services.data)
    client = app.test_client()
    with bound_contextvars(request_id="from-the-shop"):
        services.bell.ring([1, 2])
    waiting = client.get("/metrics", base_url=LOCAL).text
    assert 'twirl_broker_messages{queue="embed"} 1.0' in waiting
    assert 'twirl_broker_messages{queue="maintenance"} 0.0' in waiting
    assert 'twirl_dependency_up{dependency="redis"} 1.0' in waiting
    assert "Messages" in client.get("/ops", base_url=LOCAL).text
    assert b"from-the-shop" in b"".join(redis.client().lrange("embed", 0, -1))

    redis.kill()
    ready = client.get("/readyz", base_url=LOCAL)
    assert ready.status_code == 200  # searches need no Redis
    said = ready.get_json()["dependencies"]["redis"]
    assert not said["ok"] and not said["required"] and "TWIRL_REDIS_URL" in said["fix"]
    page = client.get("/ops", base_url=LOCAL).text
    assert "TwirlRedisDown" in page and SECRET not in page


def test_a_database_that_hangs_costs_its_own_figures_and_no_more(tmp_path: Path) -> None:
    given = Settings()
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, and never says a word
        port = mute.getsockname()[1]
        storage = replace(
            given.storage,
            data=tmp_path,
            database_url=f"postgresql://nobody:{SECRET}@127.0.0.1:{port}/none",
        )
        services = Services(replace(given, storage=storage))
        needs = [need for need in health.needs(services) if need.name in ("database", "schema", "images")]
        app = create_ops_app(services, Meters(), Probes(needs), services.data)
        client = app.test_client()
        began = time.monotonic()
        ready = client.get("/readyz", base_url=LOCAL)
        assert ready.status_code == 503 and time.monotonic() - began < 6
        assert not ready.get_json()["dependencies"]["database"]["ok"]
        assert client.get("/healthz", base_url=LOCAL).status_code == 200
        began = time.monotonic()
        page = client.get("/ops", base_url=LOCAL)
        assert page.status_code == 200 and time.monotonic() - began < 9
        assert "TwirlDatabaseDown" in page.text and "there are no figures" in page.text
        began = time.monotonic()
        metrics = client.get("/metrics", base_url=LOCAL)
        assert metrics.status_code == 200 and time.monotonic() - began < 9
        assert 'twirl_dependency_up{dependency="database"} 0.0' in metrics.text
        assert "twirl_images{" not in metrics.text and "process_resident_memory_bytes" in metrics.text
        for text in (ready.text, page.text, metrics.text):
            assert SECRET not in text
        services.close()
