"""Taking the last import back: what that would do, and doing it."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.importing import jobs as import_jobs
from catalog.importing.options import Options
from catalog.importing.undoing import undoable
from catalog.models import ImportJob
from web.console.access import audit, change, needs, shop, user
from web.console.imports import blueprint
from web.console.numbers import number
from web.services import services


@blueprint.get("/undo")
@needs("editor")
def undo_page() -> str | Response:
    """What taking the last import back would do, and what was edited since."""
    with services().sessions() as session:
        back = undoable(session, shop().id)
        job = session.get(ImportJob, back.job_id) if back else None
    if back is None or job is None:
        flash("There is no import that could be taken back.", "bad")
        return redirect(url_for("imports.index"), 303)
    return render_template("console/import_undo.html", back=back, job=job)


@blueprint.post("/undo")
@needs("editor")
def undo() -> Response:
    """Ask for it; where something was edited since, only if that is said."""
    even_edited = request.form.get("edited") == "overwrite"
    with change() as session:
        back = undoable(session, shop().id)
        if back is None or back.job_id != number(request.form.get("job", "")):
            flash("Another import came in between. Look again at what would be taken back.", "bad")
            return redirect(url_for("imports.index"), 303)
        if back.edited and request.form.get("edited") not in ("overwrite", "leave"):
            flash("Say what becomes of the products that were edited since.", "bad")
            return redirect(url_for("imports.undo_page"), 303)
        name = session.get_one(ImportJob, back.job_id).filename
        options = Options(undo_of=back.job_id, even_edited=even_edited)
        request_id = import_jobs.enqueue(
            session, shop().id, step="undo", filename=name, options=options.as_json(), asked_by=user().email
        )
        audit("import.taken-back", name, job=back.job_id, even_edited=even_edited)
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=request_id), 303)
