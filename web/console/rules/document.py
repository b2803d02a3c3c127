"""The rulebook as one JSON document, out and in: the same that `twirl rules` takes."""

import json
from typing import Any

from flask import Response as Answer
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from catalog.rulebooks import rulebook
from searcher.merchandising.reading import RulesRefused
from web.console.access import needs, shop, takes
from web.console.numbers import number
from web.console.rules import blueprint
from web.console.rules.book import book, mistakes
from web.console.rules.listing import page
from web.console.rules.publishing import take_in
from web.problems import http
from web.services import services


@blueprint.get("/rules.json")
@needs("viewer")
def export() -> Response:
    """What is in force or drafted, or with `?version=3` what was."""
    said = request.args.get("version", "")
    asked = number(said)
    try:
        content = _version(asked) if said else book().content
    except LookupError:
        raise http(404, "There is no such version.", "Take one of the list of versions.") from None
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    answer = Answer(text, mimetype="application/json")
    name = f"{shop().slug}-rules{f'-{asked}' if said else ''}.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _version(asked: int | None) -> dict[str, Any]:
    if asked is None:
        raise LookupError("no version has such a number")
    with services().sessions() as session:
        return rulebook(session, shop().id, asked).content


@blueprint.post("/import")
@needs("editor")
@takes(megabytes=2)
def take() -> Response | tuple[str, int]:
    """A document as the draft, in place of the one that is there."""
    file = request.files.get("document")
    try:
        content = json.loads((file.read() if file else b"").decode("utf-8-sig"))
        take_in(content)
    except RulesRefused as error:
        return page(book(), mistakes(error)), 422
    except (ValueError, RecursionError) as error:
        said = [f"This is no JSON: {str(error)[:200]}. Choose a document that was exported here."]
        return page(book(), said), 422
    flash("The document is your draft. Preview it, then publish.")
    return redirect(url_for("rules.index"), 303)
