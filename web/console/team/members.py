"""The members of a shop and the invitations that wait."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from accounts import invitations
from accounts.members import join, leave, members
from accounts.users import AccountRefused
from web.console import once
from web.console.access import audit, change, member, needs, recent, shop
from web.console.address import public_root
from web.console.team import blueprint
from web.services import services

MEANINGS = {
    "viewer": "sees everything but keys, webhooks and history",
    "editor": "changes items, imports and rules too",
    "owner": "decides who belongs to the shop, and has its keys too",
}


@blueprint.get("/")
@needs("viewer")
def index() -> str:
    """Everybody in the shop; for owners also who is invited, and once the link of whom they just invited."""
    return _page(link=once.take(_place()))


def _place() -> str:
    return f"invitation to {shop().id}"


def _page(link: str = "", wrong: str = "", email: str = "") -> str:
    with services().sessions() as db:
        everybody = members(db, shop().id)
        waiting = invitations.waiting(db, shop().id) if member().may("owner") else []
    return render_template(
        "console/members.html", members=everybody, waiting=waiting, roles=MEANINGS, me=member(), link=link,
        wrong=wrong, email=email,
    )  # fmt: skip


@blueprint.post("/invite")
@needs("owner")
@recent("team.index")
def invite() -> Response | tuple[str, int]:
    """Make a link for somebody; the list shows it once."""
    email, role = request.form.get("email", ""), request.form.get("role", "")
    try:
        with change() as db:
            if any(each.email == email.strip().lower() for each in members(db, shop().id)):
                raise AccountRefused("is-member", f"{email} is a member.", "Change the role in the list.")
            token = invitations.invite(db, shop().id, email, role, member().email)
            audit("member.invited", email.strip().lower(), role=role)
    except AccountRefused as error:
        return _page(wrong=f"{error.message} {error.fix}", email=email), 422
    once.hold(_place(), f"{public_root()}{url_for('joining.form', token=token)}")
    return redirect(url_for("team.index"), 303)


@blueprint.post("/invitations/<int:invitation_id>/take-back")
@needs("owner")
def take_back(invitation_id: int) -> Response:
    """End an invitation that nobody has used."""
    with change() as db:
        gone = invitations.take_back(db, shop().id, invitation_id)
        audit("invitation.taken-back", gone.email)
    flash(f"The invitation of {gone.email} is void.")
    return redirect(url_for("team.index"), 303)


@blueprint.post("/members/<int:user_id>/role")
@needs("owner")
@recent("team.index")
def change_role(user_id: int) -> Response:
    """Give a member another role."""
    role = request.form.get("role", "")
    try:
        with change() as db:
            who = _member(user_id)
            join(db, user_id, shop().id, role)
            audit("member.role", who, role=role)
        flash(f"{who} is {role} now.")
    except AccountRefused as error:
        if error.code.startswith("no-such-"):
            raise
        flash(f"{error.message} {error.fix}", "bad")
    return redirect(url_for("team.index"), 303)


@blueprint.post("/members/<int:user_id>/remove")
@needs("owner")
@recent("team.index")
def remove(user_id: int) -> Response:
    """Take a member out of the shop."""
    try:
        with change() as db:
            who = _member(user_id)
            leave(db, user_id, shop().id)
            audit("member.removed", who)
        flash(f"{who} is no member any more.")
    except AccountRefused as error:
        if error.code.startswith("no-such-"):
            raise
        flash(f"{error.message} {error.fix}", "bad")
    to = "home.start" if user_id == member().user_id else "team.index"
    return redirect(url_for(to), 303)


@blueprint.post("/leave")
@needs("viewer")
def go() -> Response:
    """Leave the shop oneself."""
    try:
        with change() as db:
            leave(db, member().user_id, shop().id)
            audit("member.left", member().email)
    except AccountRefused as error:
        flash(f"{error.message} {error.fix}", "bad")
        return redirect(url_for("team.index"), 303)
    flash(f"You have left {shop().name}.")
    return redirect(url_for("home.start"), 303)


def _member(user_id: int) -> str:
    """The address of a member of this shop. Raises AccountRefused."""
    with services().sessions() as db:
        found = next((each for each in members(db, shop().id) if each.user_id == user_id), None)
    if found is None:
        raise AccountRefused("no-such-member", "There is no such member.", "Load the page again.")
    return found.email
