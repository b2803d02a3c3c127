"""The list of items, narrowed by state and facets; and what was deleted and can be brought back."""

from dataclasses import fields, replace

from flask import render_template, request

from catalog.items.acts import deleted_items
from catalog.items.counting import ItemCounts
from catalog.items.listing import ItemFilter, items_page, values_of
from catalog.listing import count_failures
from catalog.models import AVAILABILITIES, IMAGE_STATES
from web.console.access import needs, shop
from web.console.items import blueprint
from web.console.items.showing import ACTS, AVAILABLE, STATES, address
from web.console.numbers import number
from web.services import services

MAX_VALUE = 750
_counts = ItemCounts()


@blueprint.get("/")
@needs("viewer")
def index() -> str:
    """A page of the list."""
    wanted, below = asked(request.args), number(request.args.get("below", ""))
    with services().sessions() as session:
        page = items_page(session, shop().id, wanted, below)
        counts = _counts.of(session, shop().id)
        failures = count_failures(session, shop().id) if wanted.state == "failed" or wanted.code else {}
        choices = {name: values_of(session, shop().id, name) for name in ("category", "brand")}
    return render_template(
        "console/items.html", page=page, counts=counts, failures=failures, choices=choices, wanted=wanted,
        said=wanted.said(), states=STATES, available=AVAILABLE, acts=ACTS, address=address, below=below,
    )  # fmt: skip


@blueprint.get("/deleted")
@needs("viewer")
def deleted() -> str:
    """What was deleted last, and can be brought back until the index is rid of it."""
    with services().sessions() as session:
        gone = deleted_items(session, shop().id, limit=100)
    return render_template("console/items_deleted.html", gone=gone, address=address)


def asked(said: object) -> ItemFilter:
    """The filter of an address or a form; what cannot be is left out."""
    wanted = ItemFilter(
        **{
            each.name: " ".join(str(said.get(each.name, "")).replace("\0", "").split())[:MAX_VALUE]  # type: ignore[attr-defined]
            for each in fields(ItemFilter)
        }
    )
    if wanted.state not in IMAGE_STATES:
        wanted = replace(wanted, state="")
    return wanted if wanted.availability in AVAILABILITIES else replace(wanted, availability="")
