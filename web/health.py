"""Whether the shop can serve, dependency by dependency, with what is missing and what to do about it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, jsonify
from sqlalchemy import text
from structlog import get_logger
from werkzeug.wrappers import Response

from web.problems import problem_of
from web.services import merchant, services

log = get_logger("web")

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> Response:
    """200 when everything answers, else 503; each dependency says whether it does."""
    checks = {name: _state(check) for name, check in _CHECKS.items()}
    up = all(check["ok"] for check in checks.values())
    response = jsonify(status="ok" if up else "unavailable", dependencies=checks)
    response.status_code = 200 if up else 503
    response.headers["Cache-Control"] = "no-store"
    if not up:
        response.headers["Retry-After"] = "2"
    return response


def _database() -> None:
    with services().sessions() as session:
        session.execute(text("SELECT 1"))


def _shop() -> None:
    merchant()


def _search() -> None:
    services().store.resolve("live")


def _pictures() -> None:
    services().blobs.check()


_CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "shop": _shop,
    "search": _search,
    "pictures": _pictures,
}

_FIXES = {
    "database": "Check that the database runs and that TWIRL_DATABASE_URL names it.",
    "shop": "Import a feed for the shop that TWIRL_SHOP names.",
    "search": "Wait for the vector engine to start, or see its log in the run folder.",
    "pictures": "Check that the data folder is there and readable.",
}


def _state(check: Callable[[], None]) -> dict[str, Any]:
    name = next(n for n, c in _CHECKS.items() if c is check)
    try:
        check()
    except Exception as error:  # whatever fails here is the answer, not a fault of this page
        log.warning("health", dependency=name, cause=repr(error))
        problem = problem_of(error)
        message = problem.message if problem.status == 503 else f"The {name} does not answer."
        return {"ok": False, "message": message, "fix": _FIXES[name]}
    return {"ok": True}
