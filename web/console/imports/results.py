"""Every row's fate, page by page, and the file of what is wrong."""

from flask import render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from catalog.importing.fates import PAGE, count_fates, list_fates
from catalog.importing.feed_process import FeedProcess
from catalog.importing.tables import OUTCOMES
from catalog.models import ImportJob, RowError
from catalog.records import FeedRefused, RowFault
from catalog.storage.feed_files import FeedFileMissing
from web.console.access import needs, shop
from web.console.imports import blueprint
from web.console.imports.found import required
from web.console.numbers import number
from web.problems import Problem, Refused, http
from web.services import services

FAULTS = 100_000
OF = {
    "created": "new", "updated": "changed", "unchanged": "as it was", "refused": "refused",
    "removed": "removed", "kept": "left: edited since",
}  # fmt: skip


@blueprint.get("/runs/<int:job_id>")
@needs("viewer")
def rows(job_id: int) -> str:
    """The rows of one run, of one outcome or of all."""
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    after = number(request.args.get("after", "")) or 0
    with services().sessions() as session:
        job = _job(session, job_id)
        counts = count_fates(session, job.id)
        fates = list_fates(session, job.id, outcome, after, PAGE + 1)
    return render_template(
        "console/import_rows.html", job=job, counts=counts, fates=fates[:PAGE], outcome=outcome,
        more=fates[PAGE - 1].id if len(fates) > PAGE else None, outcomes=OF, after=after,
    )  # fmt: skip


def _job(session: Session, job_id: int) -> ImportJob:
    job = session.get(ImportJob, job_id)
    if job is None or job.merchant_id != shop().id:
        raise http(404, "There is no such import.", "Choose one from the list of imports.")
    return job


@blueprint.get("/<int:request_id>/errors.csv")
@needs("viewer")
def errors(request_id: int) -> Response:
    """The rows with faults in the feed's own columns: to be mended, and imported."""
    with services().sessions() as session:
        found = required(session, request_id)
        kept = select(RowError).where(RowError.job_id == (found.job_id or 0)).order_by(RowError.row)
        faults = [
            RowFault(each.row, each.column, each.code, each.message)
            for each in session.scalars(kept.limit(FAULTS))
        ]
        file, filename = found.file, found.filename
    try:
        with (
            services().feed_files.opened(file) as feed,
            FeedProcess(feed, limits=services().feed_limits) as child,
        ):
            data = child.errors(faults)
    except (FeedFileMissing, FeedRefused) as error:
        raise Refused(
            Problem(
                410, "feed-gone", "The file of this import is no longer kept, or cannot be read.",
                "Upload the feed again, and try it.",
            )
        ) from error  # fmt: skip
    response = Response(data, mimetype="text/csv; charset=utf-8")
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in filename.rpartition(".")[0])
    response.headers.set("Content-Disposition", "attachment", filename=f"{name or 'feed'}-errors.csv")
    response.headers["Link"] = f'<{url_for("imports.page", request_id=request_id)}>; rel="up"'
    return response
