"""Refuses what has waited too long for a thread: answered late, it would hold up those behind it too.

Under more requests than can be served the line is as long as this allows and no longer: who is served is
served in time, all others are told so at once. The operators' listener and the health checks are spared.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from web.problems import MEDIA_TYPE, Problem

RETRY_AFTER_S = 2
_UNSHED = ("/healthz", "/readyz")
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

BUSY = Problem(
    503,
    "overloaded",
    "The shop has more visitors than it can serve right now.",
    f"Try again in {RETRY_AFTER_S} seconds.",
)


class Shedding:
    """WSGI: the application, for requests that have not waited longer than `longest_s`."""

    def __init__(
        self,
        app: Application,
        waited_s: Callable[[], float],
        longest_s: float,
        ops_port: int,
        count: Callable[[], object] = lambda: None,
    ) -> None:
        self.app, self._waited_s, self._longest_s, self._count = app, waited_s, longest_s, count
        self._ops_port = str(ops_port)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or refuse."""
        if self._waited_s() <= self._longest_s or self._spared(environ):
            return self.app(environ, start_response)
        self._count()
        body, kind = _said(environ.get("PATH_INFO", ""))
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close")]
        headers += [("Retry-After", str(RETRY_AFTER_S)), ("Cache-Control", "no-store")]
        headers += [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'")]
        start_response("503 Service Unavailable", headers)
        return [body]

    def _spared(self, environ: dict[str, Any]) -> bool:
        return environ.get("SERVER_PORT") == self._ops_port or environ.get("PATH_INFO") in _UNSHED


def _said(path: str) -> tuple[bytes, str]:
    if path.startswith("/api/"):
        return json.dumps(BUSY.body("")).encode(), MEDIA_TYPE
    page = f"<!doctype html><title>{BUSY.message}</title><h1>{BUSY.message}</h1><p>{BUSY.fix}</p>"
    return page.encode(), "text/html; charset=utf-8"
