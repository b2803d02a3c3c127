"""What is to be mended, with what the model would fill in; and items that show one picture."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.items.hints import accept, alike_page, count_hints, dismiss, field_of, hint_page
from web.console.access import audit, change, needs, shop
from web.console.items import blueprint
from web.console.items.showing import FIELDS, HINTS, STATES, address, items
from web.console.numbers import number
from web.problems import Problem, Refused
from web.services import services

MOST_CHOSEN = 100


@blueprint.get("/mend")
@needs("viewer")
def mending() -> str:
    """How much there is of what, and the items of one kind."""
    code, below = request.args.get("code", ""), number(request.args.get("below", ""))
    with services().sessions() as session:
        counts = count_hints(session, shop().id)
        code = code if code in HINTS else next(iter(sorted(counts)), "")
        found = hint_page(session, shop().id, code, below) if code else None
    return render_template(
        "console/items_mend.html", counts=counts, code=code, found=found, hints=HINTS, states=STATES,
        address=address, field=FIELDS.get(field_of(code), ""),
    )  # fmt: skip


@blueprint.post("/mend")
@needs("editor")
def mend() -> Response:
    """Fill in what is suggested for the ticked items, or say that nothing is wrong with them."""
    code, do = request.form.get("code", ""), request.form.get("do", "")
    ids = [each for text in request.form.getlist("id")[:MOST_CHOSEN] if (each := number(text)) is not None]
    if code not in HINTS or do not in ("accept", "dismiss"):
        raise Refused(Problem(422, "unknown-act", "That cannot be done here.", "Use the page's buttons."))
    with change() as session:
        changed = accept(session, shop().id, code, ids) if do == "accept" else []
        count = len(changed) if do == "accept" else dismiss(session, shop().id, code, ids)
        if count:
            audit(f"items.{do}", items(count), code=code)
    if changed:
        services().doorbell.ring(changed)
    flash(f"{items(count)} {'filled in' if do == 'accept' else 'left as they are'}.")
    return redirect(url_for("items.mending", code=code), 303)


@blueprint.get("/alike")
@needs("viewer")
def alike() -> str:
    """Groups of items that show the same picture, or nearly so."""
    after = number(request.args.get("after", "")) or 0
    with services().sessions() as session:
        found = alike_page(session, shop().id, after)
    return render_template(
        "console/items_alike.html", found=found, after=after, states=STATES, address=address
    )
