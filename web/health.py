"""Whether the process is alive (`/healthz`) and whether it can serve (`/readyz`), on both listeners.

Alive asks nobody: a process is not started anew because its database is away. Ready names what is missing.
"""

from functools import cache
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, jsonify
from sqlalchemy import exists, select, text
from structlog import get_logger

from catalog.database import current_revision, newest_revision
from catalog.models import Image
from catalog.site import live_index, read_site
from web.probes import Missing, Need, Probes, State
from web.services import Services

KEY, TELLS_WHY = "twirl-probes", "twirl-probes-tell-why"
_ASK_OPERATORS = "The operators' listener says why: ask for /readyz there."
log = get_logger("web")

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """200 while the process answers at all."""
    response = jsonify(status="ok")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/readyz")
def ready() -> Response:
    """200 when everything that is needed answers, else 503; each dependency says how it is.

    Causes name addresses of the inner network: they are for the operators' listener, not for every shopper.
    """
    states = probes().states()
    up = all(state.ok for state in states.values() if state.required)
    response = jsonify(
        status="ok" if up else "unavailable",
        dependencies={name: _said(state) for name, state in states.items()},
    )
    response.status_code = 200 if up else 503
    response.headers["Cache-Control"] = "no-store"
    if not up:
        response.headers["Retry-After"] = "2"
    return response


def _said(state: State) -> dict[str, Any]:
    said: dict[str, Any] = {"ok": state.ok, "ms": round(state.seconds * 1000, 1)}
    if not state.ok:
        why = {"message": state.message, "fix": state.fix}
        said |= why if current_app.extensions[TELLS_WHY] else {"fix": _ASK_OPERATORS}
        said["required"] = state.required
    return said


def install(app: Flask, given: Probes, tells_why: bool = False) -> None:
    """Let an application answer for these dependencies; with `tells_why` also what is wrong with them."""
    app.extensions[KEY], app.extensions[TELLS_WHY] = given, tells_why


def probes() -> Probes:
    """The probes of the application that is answering."""
    return cast(Probes, current_app.extensions[KEY])


def needs(services: Services) -> list[Need]:
    """What this process needs, in the order in which one thing stands on another."""
    found = [
        Need("database", lambda: _database(services),
             "Check that the database runs and that TWIRL_DATABASE_URL names it."),
        Need("schema", lambda: _schema(services), "Run `twirl migrate`.", stands_on=("database",)),
        Need("engine", lambda: services.store.collections(),
             "Start the vector engine, or read its log; check TWIRL_QDRANT_URL where that is set."),
        Need("live-index", lambda: _live_index(services),
             "Start a worker: it makes the index. If it was lost, run `twirl rebuild`.",
             stands_on=("database", "engine")),
        Need("model", lambda: _model(services), "Read this process's log: why was the pack not loaded?",
             stands_on=("database",)),
        Need("images", lambda: services.blobs.check(), "Check that the image storage is there and readable."),
    ]  # fmt: skip
    if services.deployed:
        fix = "Start Redis and check TWIRL_REDIS_URL. Searches go on; imports are taken up more slowly."
        found.append(Need("redis", lambda: _redis(services), fix, required=False))
    return found


def _database(services: Services) -> None:
    with services.sessions() as session:
        session.execute(text("SELECT 1"))


def _schema(services: Services) -> None:
    """Behind is unfit; ahead is the moment of an upgrade, when this process is about to be replaced."""
    newest = _newest()
    with services.sessions() as session:
        now = current_revision(session.connection())
    if now is None or now < newest:  # revisions are numbers of one width
        raise Missing(f"The database has schema {now or 'none'}; this version needs {newest}.")


@cache
def _newest() -> str:
    """Read once: what this program knows does not change while it runs."""
    return newest_revision()


def _live_index(services: Services) -> None:
    live = live_index(read_site(services.sessions))
    if live.collection in services.store.collections():
        return
    with services.sessions() as session:
        indexed = session.scalar(select(exists().where(Image.state == "live")))
    if indexed:  # an empty shop has no index yet, and can be served
        raise Missing(
            f"The engine has no index {live.fingerprint[:16]}, in which {live.pack} has its vectors."
        )


def _model(services: Services) -> None:
    live, answering = live_index(read_site(services.sessions)), services.models.live()
    if answering.fingerprint != live.fingerprint and services.models.held(live.fingerprint) is None:
        raise Missing(f"The live index is of {live.pack}, this process still answers with another model.")


def _redis(services: Services) -> None:
    if services.bell.waiting(("images",)) is None:
        raise Missing("Redis does not answer.")
