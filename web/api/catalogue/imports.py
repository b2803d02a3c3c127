# flask-smorest ships no types, so its decorators have none.
# mypy: disable-error-code="untyped-decorator"
"""Many products at once: JSON lines in, a job to look at, what came of every row."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Response, jsonify, request, url_for
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from catalog.importing import jobs as import_jobs
from catalog.importing.fates import Fate, list_fates
from catalog.importing.options import Options
from catalog.importing.removing import Removal
from catalog.importing.tables import OUTCOMES, ImportRequest
from catalog.models import ImportJob
from catalog.programs.idempotency import Answer
from web.api.catalogue import asked, once
from web.api.catalogue.described import KEYED, ONCE, PAGE
from web.api.catalogue.hook_schemas import ImportSchema, ImportsSchema, ResultsPageSchema
from web.api.catalogue.keys import needs, require
from web.problems import FieldError, Problem, Refused, http, invalid
from web.services import merchant, services

blueprint = Blueprint("imports", __name__, description="Many products at once.")

MIB = 1024 * 1024
MOST = 256 * MIB
TYPES = ("application/jsonl", "application/x-ndjson", "application/ndjson")
STATUS = {"created": 201, "updated": 200, "unchanged": 200, "refused": 422, "removed": 204, "kept": 200}
MISSING = {"keep": Removal.NONE, "remove": Removal.GUARDED, "remove-even-most": Removal.EVEN_MOST}
_COUNTS = ("rows", "created", "updated", "unchanged", "refused", "removed")
_LAST = 2**31 - 1
_LINES = {"schema": {"type": "string", "description": "A product a line, each with its `sku`."}}
_BODY = {"required": True, "content": dict.fromkeys(TYPES[:2], _LINES)}
_MISSING = {
    "name": "missing", "in": "query", "schema": {"type": "string", "enum": list(MISSING)},
    "description": "What becomes of products that the import does not list; they are kept by default.",
}  # fmt: skip
_OUTCOME = {"name": "outcome", "in": "query", "schema": {"type": "string", "enum": list(OUTCOMES)}}
_WHERE = {"Location": {"schema": {"type": "string"}, "description": "The import."}}


@blueprint.post("/imports")
@blueprint.doc(
    requestBody=_BODY, summary="Create and change many products", parameters=[_MISSING, *ONCE], security=KEYED
)
@blueprint.response(202, ImportSchema, headers=_WHERE)
@blueprint.alt_response(413, "REQUEST_ENTITY_TOO_LARGE", success=False)
@blueprint.alt_response(415, "UNSUPPORTED_MEDIA_TYPE", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
@needs("catalogue:write")
def begin() -> Response:
    """It is kept and taken in behind this request, row by row: a bad row keeps no other from going in."""
    removal = MISSING.get(request.args.get("missing", "keep"))
    if removal is None:
        raise invalid((FieldError("missing", f"One of {', '.join(MISSING)}."),))
    if request.mimetype not in TYPES:
        raise http(415, None, "Send a product a line as application/jsonl.")
    files = services().feed_files
    with files.received() as file:
        digest = asked.digest(_receive(file))
        if (seen := once.seen(digest)) is not None:
            return seen
        kept = files.keep(file)
    try:
        answer = once.once(digest, lambda session: _enqueued(session, kept, removal))
    except BaseException:
        files.delete(kept)
        raise
    if answer.replayed:
        files.delete(kept)
    else:
        services().ring_imports()
    return once.respond(answer)


@blueprint.get("/imports")
@blueprint.doc(summary="The shop's imports", parameters=PAGE, security=KEYED)
@blueprint.response(200, ImportsSchema)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
def listed() -> Response:
    """The latest first."""
    require("catalogue:read", "catalogue:write")
    limit, before = asked.limit(), asked.after("imports", _LAST)
    mine = ImportRequest.merchant_id == merchant().id, ImportRequest.id < min(before, _LAST)
    wanted = select(ImportRequest).where(*mine).order_by(ImportRequest.id.desc()).limit(limit + 1)
    with services().sessions() as session:
        found = session.scalars(wanted).all()
        said = [_said(session, each) for each in found[:limit]]
    more = asked.cursor("imports", found[limit - 1].id) if len(found) > limit else None
    return jsonify({"imports": said, "next_cursor": more})


@blueprint.get("/imports/<int:import_id>")
@blueprint.doc(summary="One import and how far it is", security=KEYED)
@blueprint.response(200, ImportSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
def one(import_id: int) -> Response:
    """Its counts so far."""
    require("catalogue:read", "catalogue:write")
    with services().sessions() as session:
        return jsonify(_said(session, _find(session, import_id)))


@blueprint.get("/imports/<int:import_id>/results")
@blueprint.doc(summary="What came of every row of an import", parameters=[_OUTCOME, *PAGE], security=KEYED)
@blueprint.response(200, ResultsPageSchema)
@blueprint.alt_response(404, "NOT_FOUND", success=False)
@blueprint.alt_response(422, "UNPROCESSABLE_ENTITY", success=False)
def results(import_id: int) -> Response:
    """In the order of the rows; of the shop's last ten imports."""
    require("catalogue:read", "catalogue:write")
    limit, after, outcome = asked.limit(), asked.after("results", 0), request.args.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        raise invalid((FieldError("outcome", f"One of {', '.join(OUTCOMES)}."),))
    with services().sessions() as session:
        job_id = _find(session, import_id).job_id
        found = list_fates(session, job_id, outcome, min(after, _LAST), limit + 1) if job_id else []
    more = asked.cursor("results", found[limit - 1].id) if len(found) > limit else None
    return jsonify({"results": [_row(each) for each in found[:limit]], "next_cursor": more})


def _receive(file: Path) -> bytes:
    """Write the body to a file; its hash. Raises Refused for one that is too long, or empty."""
    request.max_content_length = None  # we count ourselves, and say what is the most here
    hashed, size = hashlib.sha256(), request.content_length or 0
    if size > MOST:
        raise _too_large()
    size = 0
    with file.open("wb") as kept:
        while chunk := request.stream.read(MIB):
            size += len(chunk)
            if size > MOST:  # of a body that did not say its length
                break
            hashed.update(chunk)
            kept.write(chunk)
    if size > MOST:
        raise _too_large()
    if not size:
        said, fix = "The import is empty.", "Send a product a line, as JSON."
        raise Refused(Problem(422, "import-empty", said, fix))
    return hashed.digest()


def _too_large() -> Refused:
    return http(413, f"An import has at most {MOST // MIB} MiB.", "Send it in parts.")


def _enqueued(session: Session, kept: str, removal: Removal) -> Answer:
    shop, program = merchant().id, require("catalogue:write").prefix
    request_id = import_jobs.enqueue(
        session, shop, file=kept, filename="import.jsonl",
        options=Options(removal=removal).as_json(), asked_by=program,
    )  # fmt: skip
    noted = {"request": request_id, "removal": removal.value}
    audit.write(session, shop, None, program, "import.begun", "import.jsonl", noted)
    said = _said(session, session.get_one(ImportRequest, request_id))
    return once.answer(202, said, Location=url_for("imports.one", import_id=request_id))


def _find(session: Session, import_id: int) -> ImportRequest:
    found = import_jobs.find(session, merchant().id, import_id) if import_id <= _LAST else None
    if found is None:
        raise http(404, "The shop has no such import.", "List them: GET /api/v1/imports.")
    return found


def _said(session: Session, asked_for: ImportRequest) -> dict[str, Any]:
    job = session.get(ImportJob, asked_for.job_id) if asked_for.job_id else None
    finished = asked_for.finished_at
    return {
        "id": asked_for.id, "kind": "undo" if asked_for.step == "undo" else "import",
        "state": asked_for.state, "filename": asked_for.filename,
        "counts": {name: getattr(job, name) if job else 0 for name in _COUNTS},
        "total": job.total if job else 0,
        "message": asked_for.message,
        "results": url_for("imports.results", import_id=asked_for.id),
        "created_at": asked_for.created_at.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
    }  # fmt: skip


def _row(fate: Fate) -> dict[str, Any]:
    errors = [{"field": each.column, "code": each.code, "message": each.message} for each in fate.faults]
    return {
        "row": fate.row, "sku": fate.sku, "status": STATUS[fate.outcome], "outcome": fate.outcome,
        "errors": errors,
    }  # fmt: skip
