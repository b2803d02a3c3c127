"""Coming in for the first time, by a link or by signing up; and setting a new password."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from accounts import invitations
from accounts.models import Invitation
from accounts.passwords import PasswordRefused
from accounts.shops import open_shop
from accounts.throttle import LINK, SIGN_UP
from accounts.users import AccountRefused, address_of, create_user, find_user
from catalog.models import Merchant
from web.console.access import change, note, public, signed_in, user
from web.console.address import visitor
from web.console.identity import throttle
from web.console.login import admit
from web.console.passwords import chosen
from web.problems import http
from web.services import services

blueprint = Blueprint("joining", __name__, url_prefix="/console")


@blueprint.get("/join")
@public
def form() -> str:
    """What a link is for, and the form that goes with it."""
    return _form(request.args.get("token", ""))


def _form(token: str, wrong: str = "") -> str:
    with services().sessions() as db:
        found = invitations.find(db, token)
        has_account = bool(found.email and find_user(db, found.email))
        shop = db.get(Merchant, found.merchant_id) if found.merchant_id else None
    return render_template(
        "console/join.html", link=found, token=token, shop=shop, wrong=wrong, has_account=has_account,
        back=url_for("joining.form", token=token),
    )  # fmt: skip


@blueprint.post("/join")
@public
def join() -> Response | str | tuple[str, int]:
    """Make the account that an invitation is for, and let it in."""
    throttle().count((LINK, visitor()))
    token = request.form.get("token", "")
    email, name = request.form.get("email", ""), request.form.get("name", "")
    with services().sessions() as db:
        found = invitations.find(db, token)
    try:
        said = found.email or address_of(email)
        hashed = chosen(said, name)
        with change() as db:
            came = invitations.accept_anew(db, token, said, name, hashed)
            _note_joined(found, came)
    except (PasswordRefused, AccountRefused) as error:
        if error is invitations.NO_LINK:
            raise
        return _form(token, f"{error.message} {error.fix}"), 422
    admit(came.user, "invitation")
    return redirect(url_for("home.start"), 303)


@blueprint.post("/join/here")
@signed_in
def join_here() -> Response:
    """Join by an invitation with the account that is logged in."""
    token = request.form.get("token", "")
    with change() as db:
        found = invitations.find(db, token)
        came = invitations.accept(db, token, user())
        _note_joined(found, came)
    return redirect(url_for("home.start"), 303)


def _note_joined(found: Invitation, came: invitations.Accepted) -> None:
    note(came.merchant_id, came.user, "member.joined", came.user.email, role=came.role, by=found.invited_by)


@blueprint.get("/reset")
@public
def reset_form() -> str:
    """Ask for a new password, by a link."""
    return _reset_form(request.args.get("token", ""))


def _reset_form(token: str, wrong: str = "") -> str:
    with services().sessions() as db:
        found = invitations.find(db, token)
    if found.kind != "reset":
        raise invitations.NO_LINK
    return render_template("console/reset.html", link=found, token=token, wrong=wrong)


@blueprint.post("/reset")
@public
def reset() -> Response | tuple[str, int]:
    """Set the new password: every session of the account is over, the second factor stays."""
    throttle().count((LINK, visitor()))
    token = request.form.get("token", "")
    with services().sessions() as db:
        found = invitations.find(db, token)
    try:
        hashed = chosen(found.email)
    except PasswordRefused as error:
        return _reset_form(token, f"{error.message} {error.fix}"), 422
    with change() as db:
        who = invitations.accept_reset(db, token, hashed)
        note(None, who, "password.reset")
    flash("The password is set. Log in with it.")
    return redirect(url_for("login.form"), 303)


@blueprint.get("/forgotten")
@public
def forgotten() -> str:
    """Who helps when the password is gone."""
    return render_template("console/forgotten.html")


@blueprint.get("/signup")
@public
def signup_form() -> str | Response:
    """Ask for what an account and a shop need, where everybody may have them."""
    _only_where_open()
    if current_user.is_authenticated:
        return redirect(url_for("home.start"), 303)
    return render_template("console/signup.html", wrong="")


@blueprint.post("/signup")
@public
def signup() -> Response | tuple[str, int]:
    """Make an account with a shop of its own. The answer is the same for an address that has one already."""
    _only_where_open()
    throttle().count((SIGN_UP, visitor()))
    email, shop = request.form.get("email", ""), " ".join(request.form.get("shop", "").split())[:200]
    try:
        said = address_of(email)
        if not shop:
            raise AccountRefused("no-name", "The shop has no name.", "Write how it is called.")
        hashed = chosen(said, shop)
    except (PasswordRefused, AccountRefused) as error:
        return render_template("console/signup.html", wrong=f"{error.message} {error.fix}"), 422
    _make(said, hashed, shop)
    flash("If this address had no account, it has one now. Log in with it.")
    return redirect(url_for("login.form"), 303)


def _make(email: str, hashed: str, shop: str) -> None:
    try:
        with change() as db:
            who = create_user(db, email, hashed)
            merchant = open_shop(db, who.id, shop)
            note(merchant.id, who, "shop.opened", merchant.slug)
    except (AccountRefused, IntegrityError):  # it has an account: the answer must not say so
        return


def _only_where_open() -> None:
    if services().settings.console.signup != "open":
        raise http(404, fix="Ask an owner of the shop for an invitation.")
