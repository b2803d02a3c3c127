"""The bar of tenants sees what it is to see: a foreign word, picture or number, wherever it stands."""

import json
import random
from typing import Any, cast

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from benchmarks.tenants import Draw, foreign
from benchmarks.tenants_shop import Tenant
from bootstrap import Services

OWN, OTHER = "a" * 64, "b" * 64


def tenant(mark: str, sha256: str) -> Tenant:
    nothing = cast(Any, None)
    return Tenant(mark, nothing, "", 3, nothing, [f"{mark}-0"], {sha256})


def draw(*typed: str) -> Draw:
    nothing = cast(Services, None)
    return Draw(random.Random(0), tenant("zorvak", OWN), [tenant("quimbel", OTHER)], nothing, list(typed))


def answer(said: Any, kind: str = "application/json", **headers: str) -> Any:
    body = said if isinstance(said, bytes) else json.dumps(said)
    made = Response(body, mimetype=kind, headers=headers)
    return TestResponse(made.response, "200 OK", made.headers, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said",
    [
        answer({"hits": [{"title": "Quimbel shirt"}]}),
        answer({"detail": "There is no quimbel-0."}, "application/problem+json"),
        answer({}, Location="/api/v1/products/quimbel-0"),
        answer({"sha256": OTHER}),
        answer({"total": 4}),
        answer({"facets": [{"values": [{"count": 4}], "steps": []}]}),
        answer({"facets": [{"values": [], "steps": [2, 2]}]}),
        answer({"hits": [{}] * 4}),
        answer(b"webp", "image/webp"),
        '{"id": "zorvak-0"}\n{"id": "quimbel-0"}\n',
    ],
)
def test_what_is_anothers_is_seen(said: Any) -> None:
    assert foreign(draw(OTHER), said) or foreign(draw(), said)


@pytest.mark.parametrize(
    "said",
    [
        answer({"hits": [{"title": "Zorvak shirt", "sha256": OWN}], "total": 3}),
        answer({"detail": "'quimbel-0' is not known."}, "application/problem+json"),
        answer({"facets": [{"values": [{"count": 3}], "steps": [1, 2]}]}),
    ],
)
def test_what_is_ones_own_or_was_typed_is_not(said: Any) -> None:
    assert foreign(draw("quimbel-0"), said) == ""


def test_what_was_typed_comes_back_in_addresses_and_hides_no_row() -> None:
    typed = draw("quimbel works", "quimbel")
    assert foreign(typed, answer({"next": "/items/?brand=Quimbel+Works"})) == ""
    assert foreign(typed, answer({"title": "Quimbel shirt"})).startswith("quimbel")
