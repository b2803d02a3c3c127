"""Feeds that are fetched by the clock."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.clock import instant
from catalog.feeds.values import is_url
from catalog.importing.removing import Removal
from catalog.importing.schedules import add_schedule, find_schedule, list_schedules
from catalog.importing.tables import EVERY
from web.console.access import audit, change, needs, shop
from web.console.imports import blueprint
from web.problems import http
from web.services import services

MOST = 20


@blueprint.get("/schedules")
@needs("viewer")
def schedule_list() -> str:
    """The feeds, when each is fetched next, what came of it the last times."""
    with services().sessions() as session:
        found = list_schedules(session, shop().id)
    return render_template("console/import_schedules.html", schedules=found)


@blueprint.post("/schedules")
@needs("editor")
def add() -> Response:
    """Fetch one more feed from now on."""
    form = request.form
    url, every, removal = form.get("url", "").strip(), form.get("every", ""), form.get("removal", "none")
    wrong = _wrong(url, every, removal)
    if not wrong:
        with change() as session:
            if len(list_schedules(session, shop().id)) >= MOST:
                wrong = f"There are {MOST} feeds already. Delete one first."
            else:
                try:
                    check = form.get("check") == "pictures"
                    add_schedule(session, shop().id, url, every, form.get("at", "03:00"), removal, check)
                    audit("schedule.added", url, every=every, at=form.get("at", ""))
                except ValueError as error:
                    wrong = str(error)
    if wrong:
        flash(wrong, "bad")
    else:
        services().ring_imports()
        flash("The feed is fetched now, and by the clock from now on.")
    return redirect(url_for("imports.schedule_list"), 303)


def _wrong(url: str, every: str, removal: str) -> str:
    if not is_url(url) or len(url) > 2000:
        return "This is no address of a feed. Give one that begins with https://."
    if every not in EVERY or removal not in {each.value for each in Removal}:
        return "Choose how often from the list."
    return ""


@blueprint.post("/schedules/<int:schedule_id>")
@needs("editor")
def alter(schedule_id: int) -> Response:
    """Fetch it now, pause it, go on with it, or delete it."""
    do = request.form.get("do", "")
    with change() as session:
        found = find_schedule(session, shop().id, schedule_id)
        if found is None:
            raise http(404, "There is no such schedule.", "Choose one from the list.")
        if do == "delete":
            session.delete(found)
        elif do in ("pause", "resume"):
            found.enabled = do == "resume"
        elif do == "now":
            found.enabled, found.next_at, found.etag, found.last_modified = True, instant(session), "", ""
        audit(f"schedule.{do[:10]}", found.url)
    services().ring_imports()
    return redirect(url_for("imports.schedule_list"), 303)
