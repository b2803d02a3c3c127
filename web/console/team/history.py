"""What everybody did in the shop, page by page and as a table."""

import csv
import io
import json
from collections.abc import Iterator

from flask import Response, render_template, request

from accounts import audit
from accounts.models import AuditEntry
from catalog.feeds.escaping import escaped
from web.console.access import needs, shop
from web.console.numbers import number
from web.console.team import blueprint
from web.console.team.deeds import in_words
from web.problems import http
from web.services import services

COLUMNS = ("at", "who", "action", "subject", "details")


@blueprint.get("/history")
@needs("owner")
def history() -> str:
    """The latest deeds, or those before one."""
    before = number(request.args.get("before", ""))
    if before is None and "before" in request.args:
        raise http(404, fix="Start from the latest deeds.")
    with services().sessions() as db:
        found = audit.page(db, shop().id, before)
    entries = found[: audit.PAGE]
    older = entries[-1].id if len(found) > audit.PAGE else None
    return render_template(
        "console/history.html", entries=entries, older=older, first=before is None, in_words=in_words
    )


@blueprint.get("/history.csv")
@needs("owner")
def history_csv() -> Response:
    """Every deed, the latest first. No cell is a formula to a spreadsheet."""
    merchant_id, made = shop().id, services().sessions

    def lines() -> Iterator[str]:
        yield _line(COLUMNS)
        with made() as db:
            for entry in audit.every(db, merchant_id):
                yield _line(_cells(entry))

    name = f"attachment; filename={shop().slug}-history.csv"
    return Response(lines(), mimetype="text/csv", headers={"Content-Disposition": name})


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    details = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
    return entry.at.isoformat(timespec="seconds"), entry.email, entry.action, entry.subject, details


def _line(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(map(escaped, cells))
    return written.getvalue()
