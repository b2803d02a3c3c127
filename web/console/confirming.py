"""Asking for the password once more, before something that a borrowed browser must not do (ASVS 7.5.1)."""

import time
from typing import Any, cast

from flask import Blueprint, redirect, render_template, request, session
from werkzeug.wrappers import Response

from accounts.throttle import CONFIRM, TooOften
from web.console.access import signed_in, user
from web.console.identity import knows_code, knows_password, throttle, too_often
from web.console.login import way_on

blueprint = Blueprint("confirming", __name__, url_prefix="/console")


@blueprint.get("/confirm")
@signed_in
def form() -> str:
    """Ask for the password, and for the second factor where there is one."""
    return _form()


def _form(wrong: str = "") -> str:
    return render_template("console/confirm.html", wrong=wrong, next=way_on(), code=bool(user().totp_secret))


@blueprint.post("/confirm")
@signed_in
def confirm() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Note that it is still the same person, and give the session another token."""
    me = user()
    tries = ((CONFIRM, str(me.id)),)
    try:
        throttle().count(*tries)
    except TooOften as error:
        problem = too_often(error)
        return _form(f"{problem.message} {problem.fix}"), 429, problem.headers
    good = knows_password(me, request.form.get("password", ""))
    if not good or (me.totp_secret and knows_code(me, request.form.get("code", "")) is None):
        return _form("That is not right."), 401
    throttle().forget(*tries)
    session["fs_paa"] = time.time()
    cast(Any, session).rotate = True
    return redirect(way_on(), 303)
