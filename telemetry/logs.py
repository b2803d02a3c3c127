"""One JSON object a line on standard error, from every process and every library in it.

Fields: `timestamp` (UTC), `level`, `logger`, `process` (web, indexer, worker, ...) and `pid`, `event`;
`request_id` of the request that this is about, in the web process and in the tasks that it has rung for;
`trace_id` and `span_id` while traces are sent; `exception` with the traceback, never with the values of local
variables.

structlog's loggers and those of the standard library (gunicorn, Celery, SQLAlchemy, warnings) come out alike.
"""

import logging
import os
import re
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from telemetry import tracing

REQUEST_ID = "request_id"  # the key in structlog's context variables and in the headers of tasks
MASK = "********"
# Libraries that tell every connection at INFO, which says nothing to an operator.
QUIET = ("alembic", "botocore", "catalog.patience", "fsspec", "httpx", "s3transfer", "urllib3")

_CREDENTIALS = re.compile(r"(?<=://)[^\s/@\"\\]+(?=@)")  # user:password of an address
_SHORTEST = 8  # characters of a secret that can be looked for without hitting words


def configure(level: str = "INFO", process: str = "", secrets: Iterable[str] = ()) -> None:
    """Log as JSON lines from `level` up; `secrets` are masked wherever they occur.

    Called once by each process that serves or works, before it starts threads; a second call replaces the
    first.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    render = _Renderer(secrets)
    structlog.configure(
        processors=[*_said_of_all(process), _logger_name, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_NamedLogger,
        cache_logger_on_first_use=False,  # loggers are made at import, before this is called
    )
    _route_standard_library(threshold, process, render)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def configure_plain(level: str = "WARNING") -> None:
    """Log in words on standard error, from `level` up: for a command that a person waits for."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.dev.ConsoleRenderer(colors=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def request_id() -> str:
    """The request that this context works for; "" outside of one."""
    return str(structlog.contextvars.get_contextvars().get(REQUEST_ID, ""))


class _NamedLogger(structlog.WriteLogger):
    """Writes a line in one call, so that the lines of threads never mix; knows its name."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.name = name


class _Renderer:
    """The line itself, without what nobody may read there."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]
        self._json = structlog.processors.JSONRenderer()

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        line = str(self._json(logger, method, event))
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return _CREDENTIALS.sub(MASK, line) if "://" in line else line


def _said_of_all(process: str) -> list[Processor]:
    def named(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if process:
            event.setdefault("process", process)
        event["pid"] = os.getpid()  # asked each time: processes fork
        event.update(tracing.ids())
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
        structlog.processors.format_exc_info,
    ]


def _logger_name(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.setdefault("logger", getattr(logger, "name", ""))
    return event


def _route_standard_library(threshold: int, process: str, render: Processor) -> None:
    formatter = ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_said_of_all(process)],
        processors=[ProcessorFormatter.remove_processors_meta, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    quiet = logging.NOTSET if threshold <= logging.DEBUG else max(threshold, logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(quiet)
    logging.captureWarnings(True)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("python").critical("uncaught", exc_info=(kind, error, trace))


def _uncaught_in_thread(said: Any) -> None:
    if said.exc_type is not SystemExit:
        _uncaught(said.exc_type, said.exc_value, said.exc_traceback)
