"""Logging in and out."""

from typing import Any, cast

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from accounts.models import User
from accounts.users import find_user
from catalog.clock import instant
from web.console.access import change, note, public, signed_in, user
from web.console.identity import DUMMY, login_user, logout_user, verify_and_update_password
from web.services import services

blueprint = Blueprint("login", __name__, url_prefix="/console")
_WRONG = "This address and password do not go together."


@blueprint.get("/login")
@public
def form() -> str | Response:
    """Ask for the address and the password."""
    if current_user.is_authenticated:
        return redirect(way_on(), 303)
    return render_template("console/login.html", email="", next=request.args.get("next", ""))


@blueprint.post("/login")
@public
def enter() -> str | Response | tuple[str, int]:
    """Let in who knows the password."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    found = _checked(email, password)
    if found is None:
        return render_template(
            "console/login.html", email=email, wrong=_WRONG, next=request.form.get("next", "")
        ), 401
    admit(found)
    return redirect(way_on(), 303)


def _checked(email: str, password: str) -> User | None:
    """The account that these open. Whether there is one or not, one password is checked: it takes as long."""
    with services().sessions() as db:
        found = find_user(db, email)
    holder = found or User(password=current_app.extensions[DUMMY])
    usable = bool(holder.password)
    if not usable:
        holder.password = current_app.extensions[DUMMY]
    good = verify_and_update_password(password[:1024], cast(Any, holder))
    return found if good and usable and found is not None and found.active else None


def admit(who: User) -> None:
    """Begin a session of this user in this browser."""
    session.clear()
    login_user(cast(Any, who), authn_via=["password"])
    with change() as db:
        db.merge(who, load=True).login_at = instant(db)
        note(None, who, "login")


@blueprint.post("/logout")
@signed_in
def leave() -> Response:
    """End this browser's session."""
    note(None, user(), "logout")
    logout_user()
    session.clear()
    return redirect(url_for("login.form"), 303)


def way_on() -> str:
    """Where to go after the login: the page asked for, if it is one of the console's."""
    asked = request.values.get("next", "")
    ours = asked.startswith("/console/") and "//" not in asked and "\\" not in asked and asked.isprintable()
    return asked if ours else url_for("home.start")
