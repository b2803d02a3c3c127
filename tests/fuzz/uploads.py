"""Pictures that are none, or would rather not be: the hostile corpus first, then changed ones without end."""

import random
from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.fuzz.judging import Verdict
from tests.unit.catalog import hostile

NAMES = (
    "photo.jpg",
    "photo.png",
    "photo.svg",
    "photo.php",
    "../../photo.jpg",
    "a" * 300,
    "photo.jpg\x00.exe",
    "",
)
KINDS = ("image/jpeg", "image/svg+xml", "text/html", "application/octet-stream", "nonsense")


def uploads(app: Flask, number: int, start: int) -> Verdict:
    """So many uploads."""
    verdict, rng = Verdict("malformed uploads"), random.Random(start)
    send(app, malformed(number, rng), verdict, rng)
    return verdict.done()


def send(app: Flask, files: Iterable[tuple[str, bytes]], verdict: Verdict, rng: random.Random) -> None:
    """Send each to one of the ways of the API that take a photo, or to the pages' own."""
    client = app.test_client()
    for name, data in files:
        path, field = rng.choice(
            (("/api/v1/photos", "photo"), ("/api/v1/search", "photo"), ("/search", "photo_file"))
        )
        said = rng.choice(NAMES), rng.choice(KINDS)
        form = {field: (BytesIO(data), *said), "words": "red", "q": "red"}
        verdict.take(partial(_send, client, path, form), f"{name}, {len(data)} bytes as {said} to {path}")


def _send(client: FlaskClient, path: str, form: dict[str, Any]) -> tuple[int, str]:
    answer = client.post(path, data=form)
    said = answer.get_json(silent=True) if path.startswith("/api/") and answer.status_code >= 400 else None
    return answer.status_code, "no fix" if said is not None and not said.get("fix") else ""


def malformed(number: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """So many files, each with a name that says how it was made."""
    corpus = [(name, data) for name, data, _ in hostile.files()]
    bases = [(name, data) for name, data in corpus if 0 < len(data) < 300_000]
    for name, data in corpus[:number]:
        yield name, data
    for at in range(max(0, number - len(corpus))):
        name, data = rng.choice(bases)
        way = rng.choice(CHANGES)
        yield f"{way.__name__[1:]} {name}, {at}", way(data, rng, bases)


Bases = list[tuple[str, bytes]]


def _flipped(data: bytes, rng: random.Random, _bases: Bases) -> bytes:
    changed = bytearray(data)
    for _ in range(2 ** rng.randrange(9) if data else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random, _bases: Bases) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _spliced(data: bytes, rng: random.Random, bases: Bases) -> bytes:
    """The beginning of one and the end of another."""
    other = rng.choice(bases)[1]
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _grown(data: bytes, rng: random.Random, _bases: Bases) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice((1, 4, 1000, 70_000))) + data[at:]


def _zeroed(data: bytes, rng: random.Random, _bases: Bases) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 64, 4096))
    return data[:at] + rng.choice((b"\0", b"\xff")) * min(size, len(data) - at) + data[at + size :]


CHANGES = (_flipped, _cut, _spliced, _grown, _zeroed)  # each gives b"" now and then
