"""What is asked for: an upload, an address, what columns mean, a dry run, the run, another try, a stop."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from catalog.currency import CurrencyRefused
from catalog.feeds.mapping import as_mapping, checked, lacking, proposed
from catalog.feeds.values import is_url
from catalog.importing import jobs as import_jobs
from catalog.importing.jobs import RequestRefused
from catalog.importing.mappings import remember
from catalog.importing.options import Options
from catalog.importing.removing import Removal
from catalog.importing.tables import ImportRequest
from catalog.records import FeedRefused
from web.console.access import audit, change, member, needs, shop, takes, user
from web.console.imports import blueprint
from web.console.imports.files import MOST_MB, UploadRefused, kept_feed, kept_pictures
from web.console.imports.found import required
from web.console.team.prices import change_currency
from web.services import services


@blueprint.post("/upload")
@needs("editor")
@takes(megabytes=MOST_MB)
def upload() -> Response:
    """Keep a feed and its pictures; then what its columns mean is asked."""
    return _uploaded("", url_for("imports.index"))


@blueprint.post("/<int:request_id>/mended")
@needs("editor")
@takes(megabytes=MOST_MB)
def mended(request_id: int) -> Response:
    """Take the mended file of errors of an import; pictures that came with that one are looked up again."""
    with services().sessions() as session:
        images = required(session, request_id).images
    return _uploaded(images, url_for("imports.page", request_id=request_id))


def _uploaded(images: str, back: str) -> Response:
    try:
        images = kept_pictures(images)
        key, filename, look = kept_feed()
    except UploadRefused as error:
        flash(str(error), "bad")
        return redirect(back, 303)
    except FeedRefused as error:
        flash(f"{error.message} {error.fix}", "bad")
        return redirect(back, 303)
    with change() as session:
        request_id = import_jobs.enqueue(
            session, shop().id, file=key, filename=filename, images=images, asked_by=user().email
        )
        draft = session.get_one(ImportRequest, request_id)
        draft.state, draft.survey = "draft", look
        audit("import.uploaded", filename, request=request_id)
    return redirect(url_for("imports.page", request_id=request_id), 303)


@blueprint.post("/fetch")
@needs("editor")
def fetch() -> Response:
    """Have a feed fetched once."""
    url = request.form.get("url", "").strip()
    if not is_url(url) or len(url) > 2000:
        flash("This is no address of a feed. Give one that begins with https://.", "bad")
        return redirect(url_for("imports.index"), 303)
    with change() as session:
        request_id = import_jobs.enqueue(
            session, shop().id, url=url, filename=url[:300], step="fetch", asked_by=user().email
        )
        audit("import.fetched", url, request=request_id)
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=request_id), 303)


@blueprint.post("/<int:request_id>/rehearse")
@needs("editor")
def rehearse(request_id: int) -> Response:
    """Take what the columns mean, remember it, and have the import rehearsed."""
    with change() as session:
        found = required(session, request_id)
        columns = [str(each["name"]) for each in found.survey.get("columns", ())]
        mapping = _mapping(found, columns)
        if mapping and (missing := lacking(mapping)):
            names = ", ".join({"sku": "id", "image": "image_link"}.get(each, each) for each in missing)
            flash(f"No column is taken for: {names}. Choose one for each.", "bad")
            return redirect(url_for("imports.page", request_id=request_id), 303)
        if mapping:
            remember(session, shop().id, columns, mapping)
        before = Options.of(found.options)
        check = request.form.get("check") == "pictures"
        found.options = Options(mapping, _removal(), check, before.only_failed_of).as_json()
        session.flush()
        _again(session, found, "rehearse")
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=request_id), 303)


def _mapping(found: ImportRequest, columns: list[str]) -> dict[str, str]:
    """What the form says of each column; nothing of a vendor's own format, whose columns are known."""
    if found.survey.get("vendor") != "google":
        return {}
    said = {name: request.form.get(f"column-{place}", "") for place, name in enumerate(columns)}
    return {**as_mapping(proposed(columns)), **checked(said, columns)}


def _removal() -> Removal:
    said = request.form.get("removal", "none")
    return Removal(said) if said in {each.value for each in Removal} else Removal.NONE


def _again(session: Any, found: ImportRequest, step: str) -> None:
    try:
        import_jobs.again(session, found, step)
    except RequestRefused as error:
        flash(f"{error.message} {error.fix}", "bad")


@blueprint.post("/<int:request_id>/currency")
@needs("editor")
def currency(request_id: int) -> Response:
    """Say what prices are in that name no currency, and have the import rehearsed with it."""
    try:
        with change() as session:
            found = required(session, request_id)
            change_currency(session, request.form.get("currency", ""))
            _again(session, found, "rehearse")
    except CurrencyRefused as error:
        flash(f"{error.message} {error.fix}", "bad")
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=request_id), 303)


@blueprint.post("/<int:request_id>/run")
@needs("editor")
def run(request_id: int) -> Response:
    """Do what was rehearsed."""
    with change() as session:
        found = required(session, request_id)
        if found.state != "rehearsed":
            flash("Try it first: the dry run shows what would come of it.", "bad")
        else:
            _again(session, found, "import")
            audit("import.begun", found.filename, request=request_id, removal=_chosen(found))
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=request_id), 303)


def _chosen(found: ImportRequest) -> str:
    return Options.of(found.options).removal.value


@blueprint.post("/<int:request_id>/stop")
@needs("editor")
def stop(request_id: int) -> Response:
    """Call it off."""
    with change() as session:
        found = required(session, request_id)
        if import_jobs.stop(session, found):
            audit("import.stopped", found.filename, request=request_id)
            flash("The import is stopped. What had gone in stays, and can be taken back.")
    return redirect(url_for("imports.page", request_id=request_id), 303)


@blueprint.post("/<int:request_id>/delete")
@needs("editor")
def delete(request_id: int) -> Response:
    """Forget an upload that was never run."""
    with change() as session:
        found = required(session, request_id)
        filename = found.filename
        gone = import_jobs.delete_resting(session, found)
        if gone:
            audit("import.deleted", filename, request=request_id)
    if not gone:
        flash("Only an import that was never run can be deleted.", "bad")
        return redirect(url_for("imports.page", request_id=request_id), 303)
    flash("It is deleted. Nothing of it was in the shop.")
    return redirect(url_for("imports.index"), 303)


@blueprint.post("/<int:request_id>/again")
@needs("editor")
def again(request_id: int) -> Response:
    """Read only the rows again that were refused: what stood against them may be mended elsewhere."""
    with change() as session:
        found = required(session, request_id)
        if not found.job_id or not found.file:
            flash("The file of this import is no longer kept. Upload it again.", "bad")
            return redirect(url_for("imports.page", request_id=request_id), 303)
        options = Options(Options.of(found.options).mapping, only_failed_of=found.job_id)
        new = import_jobs.enqueue(
            session, shop().id, file=found.file, filename=found.filename, images=found.images,
            options=options.as_json(), asked_by=user().email,
        )  # fmt: skip
        session.get_one(ImportRequest, new).survey = found.survey
        audit("import.again", found.filename, request=new, of=request_id, role=member().role)
    services().ring_imports()
    return redirect(url_for("imports.page", request_id=new), 303)
