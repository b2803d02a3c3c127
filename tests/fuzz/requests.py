"""Requests that nobody should send: from the OpenAPI document, right and wrong, and to the pages by hand."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.fuzz.judging import Verdict
from tests.fuzz.words import hostile_words

PROBLEM = "application/problem+json"
METHODS = ("get", "put", "post", "patch", "delete")
AT_THE_DOOR = {401, 403, 404, 405, 415, 429}  # answers before, or instead of, an endpoint's own work
Known = Mapping[str, Sequence[str]]  # {parameter of a path: values of things that are there}


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """What is drawn for a body of lines, as it is; what is no text as JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value, default=str)).encode(errors="replace")


def api(app: Flask, number: int, start: int, known: Known, headers: dict[str, str]) -> Verdict:
    """So many requests by the document: half of them such as it allows, half such as it forbids."""
    verdict = Verdict("requests by the document")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    ways = [
        (each, mode) for each in operations for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    while (left := number - len(verdict.seconds)) > 0:  # again for those ways that there are none of
        for at, (operation, mode) in enumerate(ways):
            rng = random.Random(f"{start} {at}")
            each = max(1, left // len(ways))
            _draw(operation, mode, each, start + at, partial(_ask, verdict, rng, known, headers))
        start += len(ways)
    return verdict.done()


def unreached(verdict: Verdict, document: Mapping[str, Any]) -> list[str]:
    """Operations of a document that were not asked for, or were turned away at the door each time."""
    operations = [
        f"{method.upper()} {path}"
        for path, at in document["paths"].items()
        for method in METHODS
        if method in at
    ]
    return [each for each in operations if not set(verdict.by_kind.get(each, ())) - AT_THE_DOOR]


def _draw(operation: Any, mode: GenerationMode, number: int, start: int, ask: Callable[[Any], None]) -> None:
    @seed(start)
    @settings(
        max_examples=number, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        ask(case)

    try:
        run()
    except Unsatisfiable:
        return  # a path of one free string has no wrong form


def _ask(verdict: Verdict, rng: random.Random, known: Known, headers: dict[str, str], case: Any) -> None:
    for name in case.path_parameters or {}:
        there = known.get(name, ())
        there = there[: (len(there) + 1) // 2] if case.method == "DELETE" else there  # some are left
        if there and rng.randrange(2):
            case.path_parameters[name] = rng.choice(there)
    if rng.randrange(4):
        case.headers.update(headers)
    said = f"{case.method} {case.formatted_path} {case.query!r} {dict(case.headers or {})!r} {case.body!r}"
    verdict.take(partial(_call, case), said, f"{case.method} {case.path}")


def _call(case: Any) -> tuple[int, str]:
    answer = case.call()
    return answer.status_code, _wrong(answer.status_code, answer.headers)


def _wrong(status: int, headers: Any) -> str:
    kind = headers.get("content-type", "")
    kind = kind[0] if isinstance(kind, list) else kind
    return "" if status < 400 or kind.startswith(PROBLEM) else f"an error as {kind!r}"


def pages(app: Flask, number: int, start: int, skus: list[str]) -> Verdict:
    """So many requests to the shop's pages, with hostile words everywhere that words can stand."""
    verdict = Verdict("requests to the pages")
    client, rng = app.test_client(), random.Random(start)
    for method, path, data in _visits(number, rng, skus):
        verdict.take(partial(_visit, client, method, path, data), f"{method} {path[:200]} {str(data)[:100]}")
    return verdict.done()


def _visit(client: FlaskClient, method: str, path: str, data: Any) -> tuple[int, str]:
    answer = client.open(path, method=method, data=data)
    return answer.status_code, "echoes markup" if b"<script>alert" in answer.get_data() else ""


_FIELDS = ("q", "photo", "like", "cursor", "sort", "balance", "crop", "colour", "category", "brand", "size",
           "price_min", "price_max", "must", "off", "prefer", "steps", "lang", "nothing")  # fmt: skip


def _visits(number: int, rng: random.Random, skus: list[str]) -> Iterator[tuple[str, str, Any]]:
    for _ in range(number):
        words = hostile_words(rng)
        query = "&".join(
            f"{rng.choice(_FIELDS)}={_quoted(hostile_words(rng, 400), rng)}" for _ in range(rng.randrange(6))
        )
        sku = rng.choice(skus) if rng.randrange(2) else _quoted(hostile_words(rng, 200), rng)
        yield rng.choice(
            [
                ("GET", f"/?q={_quoted(words, rng)}&{query}", None),
                ("GET", f"/?{query}", None),
                ("GET", f"/p/{sku}?{query}", None),
                ("GET", f"/compare?{query}", None),
                ("POST", "/search", {"q": words, rng.choice(_FIELDS): hostile_words(rng, 300)}),
                ("POST", "/compare/tray", {"add": sku, "back": words[:200]}),
                ("GET", f"/photos/{sku}.webp", None),
                ("GET", f"/images/{sku}/{rng.choice(('160', '0', '-1', '9' * 50))}.webp", None),
                (rng.choice(("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS")), f"/?{query}", None),
            ]
        )


def _quoted(words: str, rng: random.Random) -> str:
    """As an address has it; now and then as bytes that are no UTF-8."""
    if rng.randrange(10) == 0:
        return quote(rng.randbytes(rng.randrange(1, 40)))
    return quote(words.encode("utf-8", "surrogatepass"))
