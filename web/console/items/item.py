"""One item: all that is known of it, and its fields to edit."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.items.editing import (
    FIELDS,
    LOCKS,
    Edit,
    EditRefused,
    ItemGone,
    ItemOvertaken,
    cells_of,
    edit_item,
)
from catalog.items.listing import Item, find_item
from catalog.items.pictures import MOST
from catalog.models import AVAILABILITIES, Product
from web.console.access import audit, change, needs, shop
from web.console.items import blueprint, showing
from web.console.numbers import number
from web.problems import Refused, http
from web.services import services

LONG = ("description",)


@blueprint.get("/<int:item_id>")
@needs("viewer")
def page(item_id: int) -> str:
    """The item as it is."""
    return item_page(item_id)


@blueprint.post("/<int:item_id>")
@needs("editor")
def save(item_id: int) -> Response | tuple[str, int]:
    """Write what was typed; say what is wrong with it, or that somebody else was faster."""
    cells = {name: request.form[name] for name in FIELDS if name in request.form}
    locked = frozenset(name for name in request.form.getlist("keep") if name in LOCKS)
    edit = Edit(number(request.form.get("rev", "")) or 0, cells, locked)
    try:
        with change() as session:
            changed = edit_item(session, shop().id, item_id, edit)
            if changed:
                audit("item.edited", session.get_one(Product, item_id).sku, fields=sorted(changed))
    except ItemGone as gone:
        raise gone_away() from gone
    except ItemOvertaken as overtaken:
        theirs = {
            name: overtaken.cells[name] for name, typed in cells.items() if _other(overtaken, name, typed)
        }
        return item_page(item_id, typed=cells, keep=locked, theirs=theirs), 409
    except EditRefused as refused:
        faults = {fault.column: fault.message for fault in refused.faults}
        return item_page(item_id, typed=cells, keep=locked, faults=faults, rev=edit.rev), 422
    if changed:
        services().doorbell.ring([item_id])
    flash("Saved. It is searchable so within two seconds." if changed else "Nothing was changed.")
    return redirect(url_for("items.page", item_id=item_id), 303)


def _other(overtaken: ItemOvertaken, name: str, typed: str) -> bool:
    return " ".join(overtaken.cells[name].split()) != " ".join(typed.split())


def item_page(
    item_id: int,
    typed: Mapping[str, str] | None = None,
    keep: frozenset[str] | None = None,
    faults: Mapping[str, str] | None = None,
    theirs: Mapping[str, str] | None = None,
    wrong: str = "",
    rev: int | None = None,
) -> str:
    """The page, with what was typed where it could not be saved, and what others have made of it meanwhile.

    `rev` is the one that the form began from, where that is still to be asked about.
    """
    item = required(item_id)
    return render_template(
        "console/item.html", item=item, cells={**cells_of(item.product), **(typed or {})},
        rev=item.product.rev if rev is None else rev, faults=faults or {}, theirs=theirs, wrong=wrong,
        keep=item.product.locked if keep is None else keep, names=showing.FIELDS, long=LONG, locks=LOCKS,
        states=showing.STATES, available=showing.AVAILABLE, availabilities=AVAILABILITIES,
        address=showing.address, most=MOST, checkable=any(map(showing.from_web, item.images)),
    )  # fmt: skip


def required(item_id: int) -> Item:
    """The item of this shop, or a refusal."""
    with services().sessions() as session:
        item = find_item(session, shop().id, item_id)
    if item is None:
        raise gone_away()
    return item


def gone_away() -> Refused:
    """There is no such item in this shop."""
    return http(404, "There is no such item in this shop.", "It may be deleted: look there, or at the list.")
