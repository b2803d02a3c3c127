"""Traces arrive at a real OTLP receiver, and cost nothing where nobody listens."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from telemetry import tracing
from tests.support.otlp import Receiver, receiver

ROOT = Path(__file__).parents[3]


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as server:
        tracing.start(server.endpoint, "twirl-test", "1.2")
        yield server
        tracing.stop()


def test_without_an_endpoint_nothing_is_imported() -> None:
    program = (
        "import sys; from telemetry import logs, tracing\n"
        "with tracing.span('search.encode'): pass\n"
        "assert tracing.ids() == {} and not any('opentelemetry' in name for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_spans_nest_and_arrive(collector: Receiver) -> None:
    with tracing.span("search"):
        ids = tracing.ids()
        with tracing.span("search.encode"):
            pass
    tracing.stop()
    encode, search = collector.wait(lambda spans: len(spans) == 2)
    assert (encode.name, search.name) == ("search.encode", "search")
    assert encode.parent_span_id == search.span_id
    assert ids == {"trace_id": search.trace_id.hex(), "span_id": search.span_id.hex()}
    assert collector.services == {"twirl-test"}


def test_requests_and_statements_are_spans_without_what_was_asked(collector: Receiver) -> None:
    app, engine = Flask(__name__), create_engine("sqlite://")
    tracing.instrument_web(app)
    tracing.instrument_sql(engine)

    @app.get("/p/<sku>")
    def product(sku: str) -> str:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT :n"), {"n": 41}).scalar_one())

    @app.get("/healthz")
    def alive() -> str:
        return "ok"

    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client.get("/p/secret-wish?q=a+wedding+dress", headers={"traceparent": parent, "User-Agent": "Me/1"})
    tracing.stop()
    spans = collector.wait(lambda spans: any(s.name.startswith("GET") for s in spans))
    request = next(s for s in spans if s.name.startswith("GET"))
    assert request.name == "GET /p/<sku>"
    assert request.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    statement = next(s for s in spans if s.name == "sql SELECT")
    assert statement.parent_span_id == request.span_id
    assert "41" not in str(statement.attributes)
    assert not any("healthz" in s.name for s in spans)
    assert "wedding" not in str(spans) and "Me/1" not in str(spans)


def test_a_statement_that_fails_ends_its_span(collector: Receiver) -> None:
    engine = create_engine("sqlite://")
    tracing.instrument_sql(engine)
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("SELECT * FROM nowhere"))
    tracing.stop()
    [failed] = collector.wait(lambda spans: len(spans) == 1)
    assert failed.events[0].name == "exception"


def test_the_log_names_the_trace(collector: Receiver) -> None:
    program = f"""
import structlog
from telemetry import logs, tracing
logs.configure()
tracing.start({collector.endpoint!r}, "twirl-log")
with tracing.span("work"):
    structlog.get_logger("web").info("inside", **{{"expected": tracing.ids()["trace_id"]}})
structlog.get_logger("web").info("outside")
tracing.stop()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    inside, outside = (dict[str, Any](json.loads(line)) for line in done.stderr.splitlines())
    assert inside["trace_id"] == inside["expected"] and len(inside["span_id"]) == 16
    assert "trace_id" not in outside
    collector.wait(lambda spans: any(s.name == "work" for s in spans))
