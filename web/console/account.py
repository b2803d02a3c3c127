"""One's own account: the password, and where one is logged in."""

from typing import Any, cast

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from accounts import second_factor, sessions
from accounts.models import User
from accounts.passwords import PasswordRefused
from accounts.throttle import CONFIRM
from accounts.users import set_password
from web.console.access import change, note, recent, signed_in, user
from web.console.agents import browser
from web.console.identity import knows_password, throttle
from web.console.passwords import chosen
from web.console.sessions import USER
from web.services import services

blueprint = Blueprint("account", __name__, url_prefix="/console/account")


@blueprint.get("/")
@signed_in
def page() -> str:
    """The account, its second factor and its sessions."""
    return _page()


def _page(wrong: str = "") -> str:
    me = user()
    with services().sessions() as db:
        mine = sessions.of_user(db, me.id, _life())
        left = second_factor.recovery_codes_left(db, me.id)
    return render_template(
        "console/account.html", me=me, sessions=mine, this=cast(Any, session).row_id, browser=browser,
        codes_left=left, wrong=wrong,
    )  # fmt: skip


def _life() -> sessions.Lifetime:
    chosen_for = services().settings.console
    return sessions.Lifetime(chosen_for.console_idle_s, chosen_for.console_session_s)


@blueprint.post("/password")
@signed_in
@recent("account.page")
def password() -> Response | tuple[str, int]:
    """Another password: every other session is over, this one gets another token."""
    me = user()
    tries = ((CONFIRM, str(me.id)),)
    throttle().count(*tries)
    if not knows_password(me, request.form.get("current", "")):
        return _page("That is not the present password."), 401
    throttle().forget(*tries)
    try:
        hashed = chosen(me.email, me.name)
    except PasswordRefused as error:
        return _page(f"{error.message} {error.fix}"), 422
    with change() as db:
        held = db.get_one(User, me.id)
        set_password(db, held, hashed)
        note(None, me, "password.changed")
    session[USER] = held.fs_uniquifier
    cast(Any, session).rotate = True
    flash("The password is changed. Every other login of yours has ended.")
    return redirect(url_for("account.page"), 303)


@blueprint.post("/sessions/<int:session_id>/end")
@signed_in
@recent("account.page")
def end(session_id: int) -> Response:
    """End one of one's logins."""
    with change() as db:
        if sessions.end(db, session_id, user().id):
            note(None, user(), "session.ended")
    flash("That login has ended.")
    return redirect(url_for("account.page"), 303)


@blueprint.post("/sessions/end")
@signed_in
@recent("account.page")
def end_others() -> Response:
    """End every login of one's own but this."""
    with change() as db:
        count = sessions.end_all(db, user().id, cast(Any, session).row_id)
        note(None, user(), "sessions.ended", count=count)
    flash("Every other login of yours has ended.")
    return redirect(url_for("account.page"), 303)
