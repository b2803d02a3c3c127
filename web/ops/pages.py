"""`/ops`: the state of the installation on one page, and the few things that operators change from there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for

from catalog.site import IndexRef, read_site
from web.ops import access, attention, charts, words
from web.ops.comparing import Comparisons
from web.ops.details import Details
from web.ops.figures import WORK, Figures, Fill, Waiting
from web.ops.watch import Watch
from web.problems import http
from web.services import services

WATCH, COMPARISONS = "twirl-watch", "twirl-comparisons"
# The report is one file with its own styles and pictures in it; nothing else may run or load there.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
PATIENCE_S = 2.0
blueprint = Blueprint("ops", __name__)

_SAID = {
    "retried": "Tried again: {n} of the pictures that failed.",
    "nothing": "There was nothing to try again.",
    "switched": "The live model is {name} now.",
    "dropped": "The index of {name} is gone.",
}


@dataclass(frozen=True)
class IndexRow:
    """One index as the page shows it."""

    index: IndexRef
    role: str
    points: int | None
    fill: Fill | None


def install(app: Flask) -> None:
    """Give templates the words for figures."""
    app.config["ERROR_PAGE"] = "ops_error.html"
    app.jinja_env.filters.update(
        age=words.age, number=words.number, duration=words.duration, since=words.since
    )
    app.context_processor(lambda: {"has_login": access.may_open_sessions()})


def watch() -> Watch:
    """What this application looks through."""
    return cast(Watch, current_app.extensions[WATCH])


def comparisons() -> Comparisons:
    """The comparisons of this process."""
    return cast(Comparisons, current_app.extensions[COMPARISONS])


@blueprint.get("/")
def front() -> Response:
    """The page that there is."""
    return current_app.make_response(redirect("/ops", 303))


@blueprint.get("/ops")
def overview() -> str:
    """Everything on one page. An absent dependency costs its own part and a moment."""
    watch().begin()
    states = watch().states(PATIENCE_S)
    figures = watch().figures(PATIENCE_S)
    details = watch().details(PATIENCE_S) if figures is not None else None
    return render_template(
        "ops.html",
        said=_said(),
        states=states,
        concerns=attention.concerns(states, figures),
        figures=figures,
        details=details or Details((), ()),
        queues=_queues(figures),
        charts=_charts(figures),
        indexes=_indexes(figures) if figures is not None else [],
        messages=watch().messages(0.5),
        deployed=watch().deployed,
        parts={**watch().parts, "engine": " ".join(watch().engine())},
        now=datetime.now(UTC),
    )


def _queues(figures: Figures | None) -> dict[str, list[Waiting]]:
    """{queue: what waits at each priority}, in the order of an image's way."""
    rows: dict[str, list[Waiting]] = {}
    for each in figures.waiting if figures is not None else ():
        rows.setdefault(each.queue, []).append(each)
    return rows


def _charts(figures: Figures | None) -> list[charts.Chart]:
    if figures is None:
        return []
    return [charts.chart(stage, figures.minutes.get(stage, ()), figures.at) for stage in WORK]


def _indexes(figures: Figures) -> list[IndexRow]:
    site, points = figures.site, watch().points(0.5)
    fills = {fill.index.id: fill for fill in figures.fills}
    return [
        IndexRow(
            index,
            "live" if index.live else "previous" if index == site.previous else "",
            points.get(index.collection),
            fills.get(index.id),
        )
        for index in site.indexes
    ]


def _said() -> str:
    """What an action has just done: the address carries its name and a number or a model's name."""
    template = _SAID.get(request.args.get("said", ""), "")
    return template.format(n=request.args.get("n", "")[:9], name=request.args.get("name", "")[:80])


@blueprint.post("/ops/retry")
def retry() -> Response:
    """Try failed pictures again: one by its id, or all of one reason."""
    image, code = request.form.get("image", ""), request.form.get("code", "")
    if image:
        retried = services().operations.retry(image_id=_whole(image))
    elif code:
        retried = services().operations.retry(code=code)
    else:
        raise http(422, "Say which pictures: one reason, or one picture.", "Use the buttons of /ops.")
    return _done("retried", n=retried) if retried else _done("nothing")


@blueprint.post("/ops/switch")
def switch() -> Response:
    """Make another index the live one."""
    index = services().operations.switch(_whole(request.form.get("index", "")))
    return _done("switched", name=index.pack)


@blueprint.post("/ops/switch-back")
def switch_back() -> Response:
    """Make the index live again that was so before."""
    return _done("switched", name=services().operations.switch_back().pack)


@blueprint.post("/ops/drop")
def drop() -> Response:
    """Give up an index."""
    index = services().operations.drop(_whole(request.form.get("index", "")))
    return _done("dropped", name=index.pack)


@blueprint.get("/ops/diff/<int:index_id>")
def compared(index_id: int) -> Response:
    """The report on what another model would change; before it is there, how far it is."""
    live, candidate = _pair(index_id)
    comparison = comparisons().of(live, candidate)
    if comparison is None or not comparison.page:
        page = render_template("ops_comparing.html", live=live, candidate=candidate, comparison=comparison)
        return current_app.make_response(page)
    response = current_app.make_response(comparison.page)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response


@blueprint.post("/ops/diff/<int:index_id>")
def compare(index_id: int) -> Response:
    """Begin a comparison."""
    live, candidate = _pair(index_id)
    comparisons().start(live, candidate)
    return current_app.make_response(redirect(url_for("ops.compared", index_id=index_id), 303))


def _pair(index_id: int) -> tuple[IndexRef, IndexRef]:
    """The live index and another one that is ready; 404 where there are no such two."""
    site = read_site(services().sessions)
    candidate = next((each for each in site.maintained if each.id == index_id), None)
    if site.live is None or candidate is None or candidate.live or candidate.state != "ready":
        raise http(404, "There is no such model to compare with.", "Choose one that is ready on /ops.")
    return site.live, candidate


def _done(said: str, **with_: Any) -> Response:
    watch().forget()
    return current_app.make_response(redirect(url_for("ops.overview", said=said, **with_), 303))


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise http(422, "This is no number of ours.", "Use the buttons of /ops.")
    return int(text)
