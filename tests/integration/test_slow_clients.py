"""Clients that are slow on purpose hold nobody up, over real sockets; who waits too long is told so."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.redis import free_port

ROOT = Path(__file__).parents[2]
THREADS, HEAD_S, QUEUE_S = 2, 1.0, 0.5
PROGRAM = f"""
import sys, time
from flask import Flask, request
from web.server import serve
from web.shedding import Shedding
from web.worker import waited_s

def make_app():
    app = Flask("slow")

    @app.get("/")
    def quick():
        return "here"

    @app.get("/work")
    def work():
        time.sleep(0.4)
        return "done"

    @app.post("/")
    def read():
        return str(len(request.get_data()))

    @app.get("/much")
    def much():
        return b"x" * 50_000_000
    return Shedding(app, waited_s, {QUEUE_S}, 1)

serve(make_app, [("127.0.0.1", int(sys.argv[1]))], {THREADS}, {HEAD_S}, 8.0)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    found = free_port()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(found)], cwd=ROOT)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", found), 1).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield found
    process.terminate()
    process.wait(20)


def quick(port: int) -> float:
    """Seconds until the quick page is there."""
    began = time.monotonic()
    with urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        assert answer.read() == b"here"
    return time.monotonic() - began


def opened(port: int, begins: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), 20)
    made.sendall(begins)
    return made


def hung_up_after(connection: socket.socket, send: bytes = b"", every_s: float = 0.2) -> float:
    """Seconds until the server ends it, while `send` is sent again and again."""
    began = time.monotonic()
    connection.settimeout(every_s)
    while time.monotonic() - began < 20:
        try:
            if send:
                connection.sendall(send)
            if not connection.recv(65536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_connections_on_which_nothing_comes_hold_no_thread(port: int) -> None:
    silent = [opened(port) for _ in range(20)]
    assert quick(port) < 0.5
    for each in silent:
        each.close()


def test_a_head_that_drips_is_hung_up_on(port: int) -> None:
    slow = [opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n") for _ in range(THREADS)]
    threads = [threading.Thread(target=hung_up_after, args=(each, b"X-A: b\r\n")) for each in slow]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    with opened(port) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"404" in waiting.recv(4096)  # it was answered, as soon as the others had been hung up on
    assert time.monotonic() - began < HEAD_S + 3
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_body_that_drips_is_hung_up_on_and_one_that_keeps_coming_is_read(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
    slow = opened(port, head)
    took: list[float] = []
    thread = threading.Thread(target=lambda: took.append(hung_up_after(slow, b"x", 0.5)))
    thread.start()
    steady = opened(port, head)
    for _ in range(20):
        steady.sendall(b"x" * 10_000)
        time.sleep(0.05)
    assert steady.makefile("rb").read().endswith(b"200000")
    thread.join(20)
    assert took and 5 <= took[0] < 9


def test_who_never_closes_their_end_holds_nobody_up(port: int) -> None:
    lingering = [opened(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(8)]
    time.sleep(0.3)
    assert quick(port) < 0.5  # gunicorn's own loop waits two seconds for each of them
    for each in lingering:
        assert b"here" in each.recv(4096)
        each.close()


def test_who_would_wait_too_long_is_refused_and_the_others_are_served(port: int) -> None:
    answers: list[tuple[int, float, str | None]] = []

    def ask() -> None:
        began = time.monotonic()
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/work"), timeout=20) as answer:
                answers.append((answer.status, time.monotonic() - began, None))
        except HTTPError as refused:
            answers.append((refused.code, time.monotonic() - began, refused.headers.get("Retry-After")))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    served = [each for each in answers if each[0] == 200]
    refused = [each for each in answers if each[0] == 503]
    assert len(served) + len(refused) == 16 and 4 <= len(served) <= 8
    assert all(each[2] == "2" for each in refused)
    assert max(each[1] for each in answers) < QUEUE_S + 2 * 0.4 + 0.7
    assert quick(port) < 0.5
