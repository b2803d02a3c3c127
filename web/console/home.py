"""The first pages: one's shops, and a shop's own."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from accounts.members import shops_of
from web.console.access import found_member, needs, shop, signed_in, user
from web.services import services

blueprint = Blueprint("home", __name__, url_prefix="/console")


@blueprint.get("/")
@signed_in
def start() -> str | Response:
    """One's shops; with one shop, that shop."""
    with services().sessions() as session:
        mine = shops_of(session, user().id)
    if len(mine) == 1:
        return redirect(url_for("home.overview", shop=mine[0][0].slug), 303)
    return render_template("console/shops.html", shops=mine)


@blueprint.get("/<shop>/")
@needs("viewer")
def overview() -> str | Response:
    """A shop's first page: its items, where that area is there."""
    if "items.index" in current_app.view_functions:
        return redirect(url_for("items.index"), 303)
    return render_template("console/overview.html", shop=shop())


def surroundings() -> dict[str, Any]:
    """What every page of a shop shows: which shop it is, and one's others."""
    found = found_member()
    if found is None:
        return {"here": None, "other_shops": []}
    with services().sessions() as session:
        mine = shops_of(session, user().id)
    return {"here": found[0], "other_shops": [each for each, _ in mine if each.id != found[0].id]}
