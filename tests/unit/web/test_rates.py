"""Who asks too often is refused with the time to wait; a Redis that is away opens nothing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, Request, g
from werkzeug.test import EnvironBuilder

from tests.support.redis import RedisServer
from web.app import bare_app
from web.rates import guard
from web.rates.counting import ANSWER_S, Counting
from web.rates.visitor import Proxies, visitor

FAR = {"REMOTE_ADDR": "203.0.113.9"}


@dataclass
class Limits:
    rate_searches: int = 2
    rate_photos: int = 1
    rate_requests: int = 5
    rate_key: int = 3
    rate_secret_key: int = 2
    trusted_proxies: str = "private"


@pytest.fixture
def app() -> Flask:
    made = bare_app()
    guard.install(made, guard.Rates(Limits()))
    return made


def request_from(peer: str, forwarded: str = "") -> Request:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return Request(EnvironBuilder(environ_base={"REMOTE_ADDR": peer}, headers=headers).get_environ())


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "who"),
    [
        ("203.0.113.9", "", "private", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "private", "203.0.113.9"),  # nobody believes a stranger
        ("10.0.0.2", "198.51.100.1", "private", "198.51.100.1"),
        ("10.0.0.2", "6.6.6.6, 198.51.100.1", "private", "198.51.100.1"),  # the first can be made up
        ("10.0.0.2", "nonsense", "private", "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1", "none", "10.0.0.2"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.0/24, 2001:db8::/32", "198.51.100.1"),
        ("192.0.3.7", "198.51.100.1", "192.0.2.0/24", "192.0.3.7"),
        ("2001:db8:1:2:3:4:5:6", "", "private", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", "private", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "private", "203.0.113.9"),
        ("127.0.0.1", "", "private", ""),  # our own programs
        ("127.0.0.1", "198.51.100.1", "private", "198.51.100.1"),
        ("", "", "private", ""),
    ],
)
def test_who_asks(peer: str, forwarded: str, trusted: str, who: str) -> None:
    assert visitor(request_from(peer, forwarded), Proxies(trusted)) == who


def test_one_request_too_many_is_refused_with_the_time_to_wait(app: Flask) -> None:
    client = app.test_client()
    for _ in range(5):
        assert client.get("/api/v1/openapi.json", environ_base=FAR).status_code == 200
    refused = client.get("/api/v1/openapi.json", environ_base=FAR)
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json is not None and refused.json["code"] == "too-many-requests"
    other = {"REMOTE_ADDR": "203.0.113.10"}
    assert client.get("/api/v1/openapi.json", environ_base=other).status_code == 200
    assert [client.get("/api/v1/openapi.json").status_code for _ in range(9)] == [200] * 9  # from here


def test_what_costs_little_is_not_counted(app: Flask) -> None:
    client = app.test_client()
    statuses = {client.get("/healthz", environ_base=FAR).status_code for _ in range(9)}
    statuses |= {client.get("/favicon.ico", environ_base=FAR).status_code for _ in range(9)}
    assert 429 not in statuses


def test_photos_are_counted_by_what_is_sent_not_by_the_address_alone(app: Flask) -> None:
    client = app.test_client()
    sent = [
        client.post("/api/v1/search", data={"photo": (BytesIO(b"no picture"), "a.png")}, environ_base=FAR)
        for _ in range(2)
    ]
    assert [each.status_code for each in sent][1] == 429 and sent[0].status_code != 429


def test_a_key_has_a_limit_of_its_own_wherever_it_is_shown(app: Flask) -> None:
    class Shown:
        id = 7

    @app.before_request
    def show() -> None:
        g.search_key = Shown()

    app.before_request_funcs[None].insert(0, app.before_request_funcs[None].pop())
    statuses = [
        app.test_client()
        .get("/api/v1/openapi.json", environ_base={"REMOTE_ADDR": f"203.0.113.{n}"})
        .status_code
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


def test_processes_count_together_in_redis(redis: RedisServer) -> None:
    first, second = Counting(redis.url), Counting(redis.url)
    assert [first.wait_s(3, "x", "me") for _ in range(2)] + [second.wait_s(3, "x", "me")] == [0, 0, 0]
    assert second.wait_s(3, "x", "me") > 0
    assert second.wait_s(3, "x", "you") == 0


def test_a_redis_that_is_away_or_hangs_opens_nothing_and_costs_a_moment(redis: RedisServer) -> None:
    counting = Counting(redis.url)
    assert counting.wait_s(3, "x", "me") == 0
    redis.hang()
    began = time.monotonic()
    assert [counting.wait_s(3, "x", "me") for _ in range(2)] == [0, 0]
    assert counting.wait_s(3, "x", "me") > 0  # what was counted here holds
    assert time.monotonic() - began < 2 * ANSWER_S + 0.3 and counting.missed == 1
    redis.hang(False)
    redis.kill()
    counting._quiet_until = 0.0
    began = time.monotonic()
    assert counting.wait_s(3, "x", "you") == 0
    assert time.monotonic() - began < 0.5 and counting.missed == 2
