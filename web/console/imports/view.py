"""The list of imports, and the page of one: what it waits for, how far it is, what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import jsonify, render_template
from sqlalchemy import select
from werkzeug.wrappers import Response

from catalog.feeds.columns import LINKS, NAMES
from catalog.feeds.mapping import KEEP, LEAVE, proposed
from catalog.importing.fates import count_fates
from catalog.importing.jobs import OPEN
from catalog.importing.mappings import recall
from catalog.importing.options import Options
from catalog.importing.progress import progress_of
from catalog.importing.schedules import list_schedules
from catalog.importing.tables import ImportRequest
from catalog.importing.undoing import undoable
from catalog.models import ImportJob
from catalog.picture_checks import count_checks
from catalog.storage.blobs import BlobMissing
from web.console.access import needs, shop
from web.console.imports import blueprint
from web.console.imports.found import required
from web.console.team.prices import currency_names
from web.money import shown
from web.problems import http
from web.services import services

LISTED = 50
TARGETS = {
    "sku": "id", "title": "title", "description": "description", "link": "link to the product",
    "image": "main picture", "more_images": "more pictures", "price": "price", "sale_price": "sale price",
    "availability": "availability", "item_group_id": "group of variants", "brand": "brand",
    "category": "category", "colour": "colour", "pattern": "pattern", "material": "material",
    "gender": "gender", "age_group": "age group", "size": "size", "look_id": "looks it belongs to",
    "cross_sells": "what goes with it", KEEP: "keep with the product", LEAVE: "leave out",
}  # fmt: skip
WORDS = {
    "draft": "to be looked at", "waiting": "waits", "running": "runs", "rehearsed": "tried, not run",
    "done": "done", "failed": "failed", "cancelled": "stopped",
}  # fmt: skip
STEPS = {"fetch": "Fetching", "rehearse": "The dry run", "import": "The import", "undo": "Taking back"}
assert set(TARGETS) == {*NAMES, *LINKS, KEEP, LEAVE}, "every target has its words"  # noqa: S101


@blueprint.get("/")
@needs("viewer")
def index() -> str:
    """Upload, fetch, take back; the last imports."""
    here = shop().id
    with services().sessions() as session:
        mine = select(ImportRequest).where(ImportRequest.merchant_id == here)
        requests = session.scalars(mine.order_by(ImportRequest.id.desc()).limit(LISTED)).all()
        jobs = {
            job.id: job
            for job in session.scalars(
                select(ImportJob).where(ImportJob.id.in_([each.job_id for each in requests if each.job_id]))
            )
        }
        named = select(ImportRequest.job_id).where(ImportRequest.merchant_id == here)
        others = session.scalars(
            select(ImportJob)
            .where(
                ImportJob.merchant_id == here,
                ImportJob.id.not_in(named.where(ImportRequest.job_id.is_not(None))),
            )
            .order_by(ImportJob.id.desc())
            .limit(LISTED)
        ).all()
        back, schedules = undoable(session, here), list_schedules(session, here)
    limits = services().settings.indexing
    return render_template(
        "console/imports.html", listed=_in_order(requests, jobs, others), back=back, schedules=schedules,
        words=WORDS, limits=limits,
    )  # fmt: skip


def _in_order(
    requests: Sequence[ImportRequest], jobs: Mapping[int, ImportJob], others: Sequence[ImportJob]
) -> list[tuple[datetime, ImportRequest | None, ImportJob | None]]:
    """(when it began, the request, the run) of each, the latest first, however it was asked for."""
    rows: list[tuple[datetime, ImportRequest | None, ImportJob | None]] = []
    for asked in requests:
        job = jobs.get(asked.job_id or 0)
        rows.append((job.started_at if job else asked.created_at, asked, job))
    rows += [(job.started_at, None, job) for job in others]
    return sorted(rows, key=lambda row: (row[0], row[2].id if row[2] else 0), reverse=True)[:LISTED]


@blueprint.get("/<int:request_id>")
@needs("viewer")
def page(request_id: int) -> str:
    """One import, as far as it is."""
    with services().sessions() as session:
        found = required(session, request_id)
        job = session.get(ImportJob, found.job_id) if found.job_id else None
        progress = progress_of(session, found)
        counts = count_fates(session, job.id) if job else {}
        columns = _columns(session, found) if found.state == "draft" else []
        asked_of = Options.of(found.options).check_pictures
        checks = count_checks(session, shop().id) if asked_of else None
    if found.state in OPEN:
        template = "console/import_progress.html"
    elif found.state == "draft":
        template = "console/import_columns.html"
    elif found.state == "rehearsed":
        template = "console/import_rehearsed.html"
    else:
        template = "console/import_done.html"
    return render_template(
        template, asked=found, job=job, progress=progress, counts=counts, columns=columns,
        options=Options.of(found.options), would=found.rehearsal, words=WORDS, steps=STEPS,
        targets=TARGETS, money=shown, checks=checks, currencies=currency_names(),
    )  # fmt: skip


@blueprint.get("/<int:request_id>/columns")
@needs("editor")
def columns(request_id: int) -> str:
    """What the columns mean, once more: of an import that was tried and not run."""
    with services().sessions() as session:
        found = required(session, request_id)
        if found.state not in ("draft", "rehearsed", "failed"):
            raise http(404, "This import is past that.", "Upload the feed again.")
        rows = _columns(session, found)
    return render_template(
        "console/import_columns.html", asked=found, columns=rows, options=Options.of(found.options),
        targets=TARGETS, words=WORDS,
    )  # fmt: skip


def _columns(session: Any, found: ImportRequest) -> list[dict[str, Any]]:
    """Each column with its examples and what it is taken for."""
    listed = list(found.survey.get("columns", ()))
    names = [str(each["name"]) for each in listed]
    known = Options.of(found.options).mapping or recall(session, shop().id, names) or {}
    guesses = {each.column: each for each in proposed(names)}
    rows = []
    for each in listed:
        guess = guesses[each["name"]]
        target = known.get(each["name"], guess.target)
        how = "remembered" if each["name"] in known else guess.how
        rows.append({**each, "target": target, "how": how})
    return rows


@blueprint.get("/<int:request_id>/progress.json")
@needs("viewer")
def progress(request_id: int) -> Response:
    """How far it is, for the page that shows it."""
    with services().sessions() as session:
        found = progress_of(session, required(session, request_id))
    return jsonify({**asdict(found), "over": found.over})


@blueprint.get("/<int:request_id>/pictures/<sha256>.webp")
@needs("viewer")
def picture(request_id: int, sha256: str) -> Response:
    """A picture of one of the first rows of a dry run."""
    with services().sessions() as session:
        first = required(session, request_id).rehearsal.get("first", ())
    try:
        if sha256 not in {each.get("picture") for each in first if each.get("picture")}:
            raise BlobMissing(sha256)
        data = services().blobs.read(sha256, 160)
    except BlobMissing:
        raise http(404, "This picture is no longer kept.", "Try the import again.") from None
    response = Response(data, mimetype="image/webp")
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
