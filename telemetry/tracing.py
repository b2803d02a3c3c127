"""Spans of OpenTelemetry, when somebody collects them: TWIRL_OTLP_ENDPOINT names the collector.

Nothing of OpenTelemetry is imported before `start`, and `span` costs next to nothing without it. `start` is
called after any fork: the thread that sends does not survive one.

    start("http://collector:4318", "twirl-web")
    with span("search.encode"):
        ...
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask
    from opentelemetry.sdk.trace import TracerProvider
    from sqlalchemy import Engine

Span = Callable[[str], AbstractContextManager[object]]  # what rooms are given to mark their stages
_NOTHING: AbstractContextManager[object] = nullcontext()
_UNTRACED = ("/healthz", "/readyz", "/metrics", "/assets/")
FIX = "Install the extra: pip install 'twirl[telemetry]'; or leave TWIRL_OTLP_ENDPOINT empty."


class TracingUnavailable(RuntimeError):
    """Traces are asked for, but the packages that send them are not installed."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"{missing} is missing. {FIX}")
        self.message, self.fix = f"TWIRL_OTLP_ENDPOINT is set, but {missing} is not installed.", FIX


class _State:
    """What `start` has made; a process has one."""

    provider: "TracerProvider | None" = None
    tracer: Any = None
    current: Any = None


def start(endpoint: str, service: str, version: str = "", ratio: float = 1.0) -> None:
    """Send spans to `endpoint` (OTLP over HTTP: its base address, `/v1/traces` is added) from now on.

    `ratio` of the traces that begin here are kept; one that began elsewhere is kept when it was there. A
    second call changes nothing. Raises TracingUnavailable without the extra `telemetry`.
    """
    if _State.provider is not None:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    except ImportError as error:
        raise TracingUnavailable(str(error.name)) from error
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(ratio))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _State.provider, _State.current = provider, trace.get_current_span
    _State.tracer = provider.get_tracer("twirl")


def stop() -> None:
    """Send what is left and end."""
    if _State.provider is not None:
        _State.provider.shutdown()
    _State.provider = _State.tracer = _State.current = None


def span(name: str) -> AbstractContextManager[object]:
    """A span around a block, inside whatever span is open; nothing while no traces are sent."""
    if _State.tracer is None:
        return _NOTHING
    made: AbstractContextManager[object] = _State.tracer.start_as_current_span(name)
    return made


def ids() -> dict[str, str]:
    """`trace_id` and `span_id` of the open span, in hexadecimal, for the log; {} without one."""
    if _State.current is None:
        return {}
    context = _State.current().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def instrument_web(app: "Flask") -> None:
    """A span for every request but health checks, scrapes and assets, in the trace of who sent it.

    Ours and not OpenTelemetry's own, which notes the query, the address and the browser of each shopper.
    """
    if _State.tracer is None:
        return
    from flask import Response, g, request
    from opentelemetry import propagate
    from opentelemetry.trace import SpanKind, StatusCode

    def begin() -> None:
        if request.path.startswith(_UNTRACED):
            return
        route = str(request.url_rule) if request.url_rule else "nowhere"
        said = {"http.request.method": request.method, "http.route": route}
        opened = _State.tracer.start_as_current_span(
            f"{request.method} {route}",
            propagate.extract(request.headers),
            SpanKind.SERVER,
            said,
            end_on_exit=True,
        )
        g.twirl_span, g.twirl_open_span = opened.__enter__(), opened

    def answered(response: Response) -> Response:
        if span := g.get("twirl_span"):
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response

    def end(_error: BaseException | None) -> None:
        if opened := g.pop("twirl_open_span", None):
            opened.__exit__(None, None, None)

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(answered)
    app.teardown_request(end)


def instrument_sql(engine: "Engine") -> None:
    """A span for every SQL statement, without its values. (OpenTelemetry's own stops at SQLAlchemy 2.0.)"""
    if _State.tracer is None:
        return
    from sqlalchemy import event

    def begin(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:
        said = {"db.system.name": engine.dialect.name, "db.query.text": statement[:1000]}
        context.twirl_span = _State.tracer.start_span(f"sql {statement.split(None, 1)[0]}", attributes=said)

    def end(_c: Any, _cursor: Any, _statement: str, _p: Any, context: Any, _many: bool) -> None:
        context.twirl_span.end()

    def fail(failure: Any) -> None:
        span = getattr(failure.execution_context, "twirl_span", None)
        if span is not None:
            span.record_exception(failure.original_exception)
            span.end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


def instrument(database: "Engine", celery: bool) -> None:
    """Statements as spans, and tasks too: who rings sends the trace along, who works goes on with it."""
    instrument_sql(database)
    if celery:
        instrument_celery()


def instrument_celery() -> None:
    """A span for every task, in the trace of the request that rang for it."""
    if _State.provider is not None:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        instrumentor: Any = CeleryInstrumentor
        instrumentor().instrument(tracer_provider=_State.provider)
