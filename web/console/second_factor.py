"""Setting up the second factor: a code to scan, one code to prove that it worked, and recovery codes."""

from typing import Any, cast

import segno
from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from accounts import second_factor, sessions
from accounts.throttle import SECOND_FACTOR
from web.console import once
from web.console.access import change, note, recent, signed_in, user
from web.console.identity import codes, throttle
from web.services import services

blueprint = Blueprint("second_factor", __name__, url_prefix="/console/account/second-factor")
DRAFT = "totp_draft"  # in the session: an encrypted secret that no code has proved yet
SHOWN = "recovery-codes"


@blueprint.get("/")
@signed_in
@recent("second_factor.form")
def form() -> str | Response:
    """The picture to scan, and the key to type in."""
    if user().totp_secret:
        return redirect(url_for("account.page"), 303)
    return _form()


def _form(wrong: str = "") -> str:
    if DRAFT not in session:
        session[DRAFT] = codes().generate_totp_secret()
    draft, me = session[DRAFT], user()
    uri = codes().get_totp_uri(me.email, draft)
    picture = segno.make(uri, error="m", micro=False).svg_inline(
        scale=5, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return render_template(
        "console/second_factor.html", picture=Markup(picture), wrong=wrong,  # noqa: S704 - of our own making
        key=codes().get_totp_pretty_key(draft),
        required=services().settings.console.second_factor == "required",
    )  # fmt: skip


@blueprint.post("/")
@signed_in
@recent("second_factor.form")
def turn_on() -> Response | str | tuple[str, int]:
    """Turn it on once a code has proved that the app has the key; show the recovery codes."""
    me, draft = user(), session.get(DRAFT)
    if me.totp_secret or not draft:
        return redirect(url_for("second_factor.form"), 303)
    throttle().count((SECOND_FACTOR, str(me.id)))
    said = request.form.get("code", "").replace(" ", "")
    if not (said.isdigit() and codes().verify_totp(said, draft, cast(Any, me))):
        return _form(
            "This is no code that is good now, for half a minute. Is your device's clock right?"
        ), 422
    with change() as db:
        fresh = second_factor.turn_on(db, me.id, draft, cast(int, me.totp_counter))
        sessions.end_all(db, me.id, but=cast(Any, session).row_id)
        note(None, me, "second-factor.on")
    throttle().forget((SECOND_FACTOR, str(me.id)))
    session.pop(DRAFT)
    cast(Any, session).rotate = True
    return _shown(fresh)


def _shown(fresh: list[str]) -> Response:
    """To the page that shows them once: loading it again makes no others."""
    once.hold(SHOWN, " ".join(fresh))
    return redirect(url_for("second_factor.fresh_codes"), 303)


@blueprint.get("/codes")
@signed_in
def fresh_codes() -> Response | str:
    """The recovery codes that were made a moment ago."""
    fresh = once.take(SHOWN).split()
    if not fresh:
        flash("Recovery codes are shown once. Make new ones where you have not kept them.", "bad")
        return redirect(url_for("account.page"), 303)
    return render_template("console/recovery_codes.html", codes=fresh)


@blueprint.post("/codes")
@signed_in
@recent("account.page")
def new_codes() -> Response:
    """Other recovery codes; the old ones are void."""
    me = user()
    if not me.totp_secret:
        return redirect(url_for("second_factor.form"), 303)
    with change() as db:
        fresh = second_factor.new_recovery_codes(db, me.id)
        note(None, me, "recovery-codes.new")
    return _shown(fresh)


@blueprint.post("/off")
@signed_in
@recent("account.page")
def turn_off() -> Response:
    """Ask for the password alone from now on."""
    with change() as db:
        second_factor.turn_off(db, user().id)
        sessions.end_all(db, user().id, but=cast(Any, session).row_id)
        note(None, user(), "second-factor.off")
    flash("The second factor is off.")
    return redirect(url_for("account.page"), 303)
