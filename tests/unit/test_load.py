"""The load generator's own honesty: open loop, times from when a request was meant to go, loopback only."""

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.load.generator import NO_ANSWER, Generator, Sample
from benchmarks.load.knee import find_knee
from benchmarks.load.soak import Watch
from benchmarks.load.stretch import Stretch, recovered_s
from benchmarks.load.visitors import SHARES, Request, Visitors


class Stalling(BaseHTTPRequestHandler):
    """Answers at once, but for half a second in which nobody is answered."""

    protocol_version = "HTTP/1.1"
    stalled = threading.Lock()
    until = 0.0

    def do_GET(self) -> None:
        with self.stalled:
            time.sleep(max(0.0, Stalling.until - time.monotonic()))
        refused = self.path == "/busy"
        self.send_response(503 if refused else 200)
        if refused:
            self.send_header("Retry-After", "2")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def get(path: str = "/") -> Request:
    return Request("page", f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def test_a_stall_is_counted_for_everybody_who_came_in_it(port: int) -> None:
    threading.Timer(0.5, lambda: setattr(Stalling, "until", time.monotonic() + 0.5)).start()
    samples = asyncio.run(Generator(port).run(100, 1.5, get, seed=3))
    assert {each.status for each in samples} == {200} and 110 < len(samples) < 190
    late = [each for each in samples if each.seconds > 0.1]
    assert 25 <= len(late) <= 75  # a client that waits for its answer would have seen one or two
    assert max(each.seconds for each in samples) >= 0.4


def test_refusals_and_the_dead_are_told_apart(port: int) -> None:
    (refused, *_) = asyncio.run(Generator(port).run(50, 0.2, lambda: get("/busy"), seed=1))
    assert (refused.status, refused.retry_after) == (503, True)
    assert Stretch(50, 0.2, [refused]).wrong == 0 and Stretch(50, 0.2, [refused]).share == 0
    (dead, *_) = asyncio.run(Generator(9).run(50, 0.2, get, seed=1))
    assert dead.status == NO_ANSWER and Stretch(50, 0.2, [dead]).wrong == 1


@pytest.mark.parametrize("host", ["93.184.215.14", "10.0.0.1", "0.0.0.0"])  # noqa: S104
def test_no_other_machine_is_loaded(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Generator(80, host)


def test_the_knee_is_found_from_below() -> None:
    def at(rate: float) -> Stretch:
        good = [Sample("page", 0.0, 0.1, 200)] * 100
        return Stretch(rate, 10, good if rate <= 70 else [*good[:50], *[Sample("page", 0.0, 5.0, 200)] * 50])

    knee, tried = find_knee(at, 6)
    assert 55 <= knee <= 70 and [each.rate for each in tried] == sorted(each.rate for each in tried)


def test_recovery_is_when_all_is_well_from_then_on() -> None:
    samples = [Sample("page", at / 20, 0.1 if at > 80 else 4.0, 200) for at in range(400)]
    assert 3.5 <= recovered_s(samples) <= 5
    assert recovered_s([Sample("page", at / 20, 0.1, 200) for at in range(400)]) == 0


def test_a_leak_shows_as_a_slope() -> None:
    watch = Watch(at=[float(at) for at in range(0, 600, 5)])
    assert watch.slope([100 + at / 60 * 2 for at in watch.at]) == pytest.approx(2)
    assert abs(watch.slope([300 - 100 * (at < 60) for at in watch.at])) < 0.1  # what warms up is no leak


def test_visitors_are_the_same_for_the_same_seed_and_as_mixed_as_said() -> None:
    def some() -> list[Request]:
        made = Visitors(4, "127.0.0.1:1", ["a"], ["/images/x/160.webp"], [b"photo"])
        return [made.next() for _ in range(2000)]

    first = some()
    assert first == some()
    for kind, share in SHARES.items():
        assert abs(sum(each.kind == kind for each in first) / 20 - share) < 4, kind
