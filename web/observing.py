"""Counts and times every request, and every search whoever asks for it."""

import time

from flask import Flask, Response, g, request

from catalog.pictures.decoder import DecoderUnavailable, ImageRefused
from searcher.errors import QueryRefused, SearchUnavailable
from searcher.query import SearchQuery
from searcher.results import Results
from web import origin
from web.meters import meters
from web.services import services

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def register(app: Flask) -> None:
    """Run these around every request."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def _begin() -> None:
    g.observed_from = time.perf_counter()
    meters().in_flight.inc()


def _answered(response: Response) -> Response:
    if "observed_from" in g:  # not where an earlier hook has refused the request
        route = str(request.url_rule) if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        took = time.perf_counter() - g.observed_from
        meters().requests.labels(method, route, str(response.status_code)).observe(took)
    return response


def _end(_error: BaseException | None) -> None:
    if g.pop("observed_from", None) is not None:
        meters().in_flight.dec()


def search(query: SearchQuery) -> Results:
    """One page of hits, its making noted. Raises QueryRefused and SearchUnavailable."""
    query, name, first = origin.begun(query)
    try:
        results = services().searcher.search(query)
    except QueryRefused:
        raise  # counted with those that come no further than the form: see `refused`
    except SearchUnavailable as error:
        meters().search_errors.labels(error.code).inc()
        raise
    except Exception:
        meters().search_errors.labels("internal").inc()
        raise
    results = origin.named(results, name, first)
    meters().searched(results)
    origin.note(query, results)
    return results


def refused(error: Exception) -> None:
    """Note an error that a request ends with, where it says that a search or a photo cannot be had."""
    if isinstance(error, QueryRefused | ImageRefused):
        meters().search_refused.labels(error.code).inc()
    elif isinstance(error, DecoderUnavailable):
        meters().search_errors.labels("photos-unavailable").inc()
