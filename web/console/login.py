"""Logging in and out: the address and the password, then the second factor where there is one."""

import time
from typing import Any, cast

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import current_user
from flask_security.utils import login_user, logout_user
from sqlalchemy import select, update
from structlog import get_logger
from werkzeug.wrappers import Response

from accounts.models import User
from accounts.throttle import ACCOUNT, PAIR, SECOND_FACTOR, VISITOR, TooOften
from accounts.users import find_user
from catalog.clock import instant
from web.console.access import change, note, public, signed_in, user
from web.console.address import visitor
from web.console.identity import knows_code, knows_password, throttle, too_often
from web.services import services

blueprint = Blueprint("login", __name__, url_prefix="/console")
log = get_logger("web")
HALF_WAY = "half_way"  # in the session: whose password was good, and since when
HALF_WAY_S = 600
_WRONG = "This address and password do not go together."


@blueprint.get("/login")
@public
def form() -> str | Response:
    """Ask for the address and the password."""
    if current_user.is_authenticated:
        return redirect(way_on(), 303)
    return _form()


def _form(wrong: str = "") -> str:
    return render_template(
        "console/login.html", wrong=wrong, email=request.form.get("email", ""), next=_asked_for(),
        open=services().settings.console.signup == "open",
    )  # fmt: skip


@blueprint.post("/login")
@public
def enter() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Let in who knows the password, or half-way in who has a second factor."""
    email = request.form.get("email", "").strip().lower()[:254]
    tries = (PAIR, f"{visitor()} {email}"), (ACCOUNT, email)
    try:
        throttle().count(*tries, (VISITOR, visitor()))
    except TooOften as error:
        return _wait(error)
    with services().sessions() as db:
        found = find_user(db, email)
    if not knows_password(found, request.form.get("password", "")) or found is None:
        log.warning("console-login-refused", address=visitor(), known=found is not None)
        return _form(_WRONG), 401
    throttle().forget(*tries)
    if not found.totp_secret:
        return _let_in(found, "password")
    session[HALF_WAY] = {"who": found.fs_uniquifier, "at": int(time.time())}
    return redirect(url_for("login.second", next=_asked_for() or None), 303)


def _wait(error: TooOften) -> tuple[str, int, dict[str, str]]:
    problem = too_often(error)
    log.warning("console-login-throttled", address=visitor())
    return _form(f"{problem.message} {problem.fix}"), 429, problem.headers


@blueprint.get("/login/code")
@public
def second() -> str | Response:
    """Ask for the second factor."""
    return _second() if _half_way() else _over()


def _second(wrong: str = "") -> str:
    return render_template("console/second.html", wrong=wrong, next=_asked_for())


@blueprint.post("/login/code")
@public
def enter_second() -> Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Let in who has the second factor too."""
    found = _half_way()
    if found is None:
        return _over()
    tries = ((SECOND_FACTOR, str(found.id)),)
    try:
        throttle().count(*tries)
    except TooOften as error:
        problem = too_often(error)
        return _second(f"{problem.message} {problem.fix}"), 429, problem.headers
    way = knows_code(found, request.form.get("code", ""))
    if way is None:
        log.warning("console-second-factor-refused", address=visitor(), user=found.id)
        return _second("This is no code that is good now: one lives half a minute, and works once."), 401
    throttle().forget(*tries)
    return _let_in(found, way)


def _half_way() -> User | None:
    """Whose password was good a moment ago; nobody's, if it has been changed since."""
    held = session.get(HALF_WAY) or {}
    if time.time() - held.get("at", 0) > HALF_WAY_S:
        return None
    with services().sessions() as db:
        named = select(User).where(User.fs_uniquifier == held.get("who", ""), User.active)
        return db.scalars(named).one_or_none()


def _over() -> Response:
    return redirect(url_for("login.form", next=_asked_for() or None), 303)


def _let_in(who: User, way: str) -> Response:
    on = way_on()
    admit(who, way)
    return redirect(on, 303)


def admit(who: User, way: str) -> None:
    """Begin a session of this user in this browser, with a token that nobody has seen."""
    session.clear()
    cast(Any, session).rotate = True
    login_user(cast(Any, who), remember=False, authn_via=[way])
    with change() as db:
        db.execute(update(User).where(User.id == who.id).values(login_at=instant(db)))
        note(None, who, "login", way)


@blueprint.post("/logout")
@signed_in
def leave() -> Response:
    """End this browser's session."""
    note(None, user(), "logout")
    logout_user()
    session.clear()
    return redirect(url_for("login.form"), 303)


def _asked_for() -> str:
    """The page to go to after the login: only one of the console's own."""
    asked = request.values.get("next", "")[:1000]
    ours = asked.startswith("/console/") and "//" not in asked and "\\" not in asked and asked.isprintable()
    return asked if ours and not asked.startswith("/console/login") else ""


def way_on() -> str:
    """Where to go after the login."""
    return _asked_for() or url_for("home.start")
