"""Bar: the console's doors. What guessing gets, what an answer gives away, what a page costs.

    python -m benchmarks.console_doors

On SQLite and on PostgreSQL: 200 guesses by 8 threads at one account; the time of a login with a known and
with an unknown address (its median, hash and all); a page with its session, user and membership read.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import delete
from werkzeug.test import TestResponse

from accounts.members import join
from accounts.models import LoginAttempt
from accounts.throttle import PAIR
from accounts.users import create_user
from benchmarks.bar import Bar, show
from bootstrap import Services
from settings import Settings
from tests.support.console import PASSWORD, console_app, console_client, log_in
from tests.support.postgres import postgres

GUESSES, THREADS, ROUNDS = 200, 8, 30
KNOWN, UNKNOWN = "known@doors.example", "unknown@doors.example"


def bars() -> Iterator[Bar]:
    """Guesses that were looked at, known over unknown, and the CPU of a page, on both databases."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _measured("SQLite", Path(folder), "")
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        yield from _measured("PostgreSQL", Path(folder), url)


def _measured(database: str, data: Path, url: str) -> Iterator[Bar]:
    given = Settings()
    services = Services(replace(given, storage=replace(given.storage, data=data, database_url=url)))
    services.prepare()
    app = console_app(services)
    with app.app_context():
        hashed = hash_password(PASSWORD)
    shop = services.merchant()
    with services.sessions.begin() as session:
        join(session, create_user(session, KNOWN, hashed).id, shop.id, "owner")
    times: dict[str, list[float]] = {email: [] for email in (KNOWN, UNKNOWN)}
    for _ in range(ROUNDS):
        for email, took in times.items():
            took.append(_refused(services, app, email))
    known, unknown = (float(np.median(took)) for took in times.values())
    detail = f"{known:.0f} ms and {unknown:.0f} ms"
    ratio = max(known, unknown) / min(known, unknown)
    yield Bar(
        f"a refused login, known over unknown address, {database}",
        ratio,
        "<= 1.15",
        ratio <= 1.15,
        "x",
        detail,
    )
    _forget(services)
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(
            pool.map(lambda _: log_in(app.test_client(), KNOWN, "a guess").status_code, range(GUESSES))
        )
    looked = seen.count(401)
    said = f"{seen.count(429)} x 429"
    yield Bar(
        f"of {GUESSES} guesses at once, looked at, {database}",
        looked,
        f"{PAIR.most}",
        looked == PAIR.most,
        "",
        said,
    )
    _forget(services)
    client = console_client(services, "owner")
    pages = [_page(client.get, f"/console/{client.shop}/team/") for _ in range(ROUNDS + 1)][1:]
    cpu = float(np.median(pages))
    yield Bar(f"CPU of a page of the console, median, {database}", cpu, "< 20 ms", cpu < 20, "ms")
    services.close()


def _refused(services: Services, app: Flask, email: str) -> float:
    _forget(services)
    began = time.perf_counter()
    assert log_in(app.test_client(), email, "not the password").status_code == 401
    return (time.perf_counter() - began) * 1000


def _forget(services: Services) -> None:
    with services.sessions.begin() as session:
        session.execute(delete(LoginAttempt))


def _page(get: Callable[[str], TestResponse], path: str) -> float:
    began = time.process_time()  # of this process: what else the machine does is not measured
    assert get(path).status_code == 200
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    sys.exit(not all(bar.ok for bar in show(bars())))
