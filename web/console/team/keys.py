"""The keys of a shop: those by which pages of other sites search it, and those of its own programs."""

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from catalog.programs.api_keys import SCOPES, issue_key, revoke_secret_key, rotate_secret_key, secret_keys
from catalog.programs.search_keys import KeyRefused, create_key, revoke_key, search_keys
from web.console import once
from web.console.access import audit, change, needs, recent, shop
from web.console.address import public_root
from web.console.team import blueprint
from web.problems import http
from web.services import services

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}


@blueprint.get("/keys")
@needs("owner")
def keys() -> str:
    """The keys that are good; once, the secret of one that was made just now."""
    return _page(secret=once.take(_place()))


def _place() -> str:
    return f"keys of {shop().id}"


def _page(secret: str = "", wrong: str = "") -> str:
    with services().sessions() as db:
        searching = search_keys(db, shop().id)
        programs = secret_keys(db, shop().id)
    return render_template(
        "console/keys.html", searching=searching, programs=programs, scopes=SCOPES, lifetimes=LIFETIMES,
        secret=secret, wrong=wrong, root=public_root(),
    )  # fmt: skip


@blueprint.post("/keys/search")
@needs("owner")
@recent("team.keys")
def make_search_key() -> Response | tuple[str, int]:
    """A key for pages of some sites."""
    sites = request.form.get("origins", "").replace(",", " ").split()
    try:
        with change() as db:
            made = create_key(db, shop().id, sites, request.form.get("name", ""))
            audit("search-key.made", f"{made.key[:20]}…", origins=list(made.origins))
    except KeyRefused as error:
        return _page(wrong=f"{error.message} {error.fix}"), 422
    flash("The key is made. Put its line where the search is to stand.")
    return redirect(url_for("team.keys"), 303)


@blueprint.post("/keys/search/<int:key_id>/revoke")
@needs("owner")
@recent("team.keys")
def revoke_search_key(key_id: int) -> Response:
    """Make a search key useless."""
    with change() as db:
        found = next((each for each in search_keys(db, shop().id) if each.id == key_id), None)
        if found is None:
            raise http(404, fix="Load the page of keys again.")
        revoke_key(db, shop().id, found.key)
        audit("search-key.revoked", f"{found.key[:20]}…")
    flash("The key is revoked. Pages that show it can no longer search.")
    return redirect(url_for("team.keys"), 303)


@blueprint.post("/keys/secret")
@needs("owner")
@recent("team.keys")
def make_secret_key() -> Response | tuple[str, int]:
    """A key for a program, shown once."""
    days = request.form.get("days", "")
    if days not in LIFETIMES:
        raise http(422)
    try:
        with change() as db:
            lifetime = timedelta(days=int(days)) if days else None
            scopes = request.form.getlist("scope")
            made = issue_key(db, shop().id, scopes, request.form.get("name", ""), lifetime)
            audit("secret-key.made", made.key.prefix, scopes=list(made.key.scopes))
    except KeyRefused as error:
        return _page(wrong=f"{error.message} {error.fix}"), 422
    return _shown_once(made.secret)


@blueprint.post("/keys/secret/<int:key_id>/rotate")
@needs("owner")
@recent("team.keys")
def rotate_secret(key_id: int) -> Response:
    """A successor; the old key goes on for a day."""
    with change() as db:
        made, old = rotate_secret_key(db, shop().id, _prefix(db, key_id))
        audit("secret-key.rotated", old.prefix, successor=made.key.prefix)
    return _shown_once(made.secret)


def _shown_once(secret: str) -> Response:
    """To the page of keys, which shows it; loading that again shows none and makes none."""
    once.hold(_place(), secret)
    return redirect(url_for("team.keys"), 303)


@blueprint.post("/keys/secret/<int:key_id>/revoke")
@needs("owner")
@recent("team.keys")
def revoke_secret(key_id: int) -> Response:
    """Make a program's key useless at once."""
    with change() as db:
        gone = revoke_secret_key(db, shop().id, _prefix(db, key_id))
        audit("secret-key.revoked", gone.prefix)
    flash("The key is revoked. It opens nothing any more.")
    return redirect(url_for("team.keys"), 303)


def _prefix(db: Session, key_id: int) -> str:
    found = next((each for each in secret_keys(db, shop().id) if each.id == key_id), None)
    if found is None:
        raise http(404, fix="Load the page of keys again.")
    return found.prefix
