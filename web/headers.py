"""What every answer carries: a request id, security headers, a line in the log. And who may post."""

import re
import secrets
import time
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from structlog import get_logger
from structlog.contextvars import bind_contextvars, clear_contextvars

from web.embed import admits
from web.problems import http

log = get_logger("web")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

SECURITY = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
}

UNHEARD = ("/healthz", "/readyz", "/metrics")  # asked every few seconds: a line each would bury the others
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def register(app: Flask) -> None:
    """Run these around every request."""
    app.before_request(_begin)
    app.before_request(_refuse_cross_site)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _SAFE_ID.fullmatch(given) else secrets.token_hex(8)
    g.started = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def _refuse_cross_site() -> None:
    """Refuse a form that a browser sends for another site.

    The cookies are what a shopper compares and reads in; this keeps other sites from changing that, and from
    filling the photo folder through their visitors. A page that shows a search key is let through. Browsers
    say where a request comes from; programs that say nothing are let through.
    """
    if admits() or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        origin = request.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.host
    if foreign:
        raise http(403)


def _finish(response: Response) -> Response:
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.request_id
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    unheard = request.path in UNHEARD and response.status_code < 400
    (log.debug if unheard else log.info)(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
    )
    return response
