"""Every error leaves as one shape: problem+json for programs, a page with the way on for people."""

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from structlog import get_logger

from web.language import locale, say
from web.observing import refused
from web.problems import MEDIA_TYPE, NAMED, Problem, problem_of
from web.shop.pagestate import PageState
from web.translated import translated

log = get_logger("web")

_FOR_PROGRAMS = (
    "/api/", "/images/", "/photos/", "/assets/", "/healthz", "/readyz", "/metrics", "/ops/explain.json",
)  # fmt: skip


def register(app: Flask) -> None:
    """Answer every exception of every view from the one table."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """The response to an error; what the table does not name is logged with its traceback."""
    problem = translated(problem_of(error))
    refused(error)
    if not isinstance(error, NAMED):
        log.error("unexpected", exc_info=error, path=request.path)
    return respond(problem)


def respond(problem: Problem) -> Response:
    """A problem as the client can read it."""
    if request.path.startswith(_FOR_PROGRAMS):
        response = jsonify(problem.body(g.request_id))
        response.content_type = MEDIA_TYPE
    else:
        response = _page(problem)
    response.status_code = problem.status
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(problem: Problem) -> Response:
    try:
        state = PageState.lenient(request.values if request.method == "GET" else request.form)
    except Exception:  # the body itself may be what is wrong
        state = PageState()
    try:
        template = current_app.config.get("ERROR_PAGE", "error.html")
        return current_app.make_response(render_template(template, problem=problem, state=state))
    except Exception as broken:  # the page needs the database for the shop's name; an error page must not
        log.error("error-page", exc_info=broken)
        return current_app.make_response(
            render_template("bare_error.html", problem=problem, say=say, locale=locale())
        )
