"""The real server: makes the application in its worker, answers side by side, and stops when told to."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
from web.app import bare_app
from web.server import serve

def make_app():
    print("made in", os.getpid(), flush=True)
    return bare_app()

print("parent", os.getpid(), flush=True)
serve(make_app, [("127.0.0.1", int(sys.argv[1]))], 2)
"""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    yield process, f"http://127.0.0.1:{port}"
    process.kill()
    process.wait(10)


def wait_for(address: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urlopen(address, timeout=2) as answer:
                assert answer.status == 200
                return
        except (URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_one_worker_makes_the_application_and_sigterm_ends_it(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = server
    wait_for(f"{address}/api/v1/openapi.json")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    parent, made = out.split()[1], out.split()[4]
    assert out.count("made in") == 1
    assert parent != made
