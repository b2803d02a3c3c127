"""Commands on the accounts of the merchant console. None asks for a password: they print one-time links."""

import click
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts import audit, invitations, second_factor, sessions
from accounts.members import join, shops_of
from accounts.models import ROLES, User
from accounts.users import AccountRefused, create_user, find_user
from bootstrap import Services
from catalog.merchants import known_merchant
from catalog.models import Merchant
from commands.options import MERCHANT
from launcher.console import link
from launcher.embedded import prepare
from launcher.show import say

ROLE = click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True)


@click.group(invoke_without_command=True)
@click.pass_context
def accounts(context: click.Context) -> None:
    """List the accounts of the merchant console, each with its shops (docs/console.md)."""
    if context.invoked_subcommand is not None:
        return
    services: Services = context.obj
    prepare(services)
    with services.sessions() as session:
        for user in session.scalars(select(User).order_by(User.email)):
            print(_line(session, user))
    say("Make one: twirl accounts create name@shop.example")


def _line(session: Session, user: User) -> str:
    roles = ", ".join(f"{shop.slug} ({role})" for shop, role in shops_of(session, user.id)) or "no shop"
    marks = [] if user.active else ["disabled"]
    marks += [] if user.password else ["no password yet"]
    marks += ["second factor"] if user.totp_secret else []
    used = user.login_at.strftime("%Y-%m-%d") if user.login_at else "never"
    return f"{user.email}  {roles}  logged in {used}  {', '.join(marks)}".rstrip()


@accounts.command()
@click.argument("email")
@ROLE
@MERCHANT
@click.pass_obj
def create(services: Services, email: str, role: str, merchant: str | None) -> None:
    """Make an account in a shop, or give one a role there, and print the link to set its password."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        user = find_user(session, email) or create_user(session, email)
        join(session, user.id, shop.id, role)
        _note(session, shop.id, "member.joined", user.email, role=role)
        token = "" if user.password else invitations.reset(session, user)
    say(f"{user.email} is {role} of {shop.slug}.")
    if token:
        say("To set the password, once, within a day:")
        print(link(services, "reset", token))


@accounts.command()
@click.argument("email")
@ROLE
@MERCHANT
@click.pass_obj
def invite(services: Services, email: str, role: str, merchant: str | None) -> None:
    """Print a link by which somebody joins a shop, with a new account or the one there is."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        token = invitations.invite(session, shop.id, email, role)
        _note(session, shop.id, "member.invited", email.strip().lower(), role=role)
    say(f"For {email}, to join {shop.slug} as {role}, once, within seven days:")
    print(link(services, "join", token))


@accounts.command()
@click.argument("email")
@click.option("--second-factor", "factor", is_flag=True, help="Turn its second factor off too.")
@click.pass_obj
def reset(services: Services, email: str, factor: bool) -> None:
    """Print a link to set a new password. The old one is good until that is done."""
    prepare(services)
    with services.sessions.begin() as session:
        user = _user(session, email)
        token = invitations.reset(session, user)
        if factor:
            second_factor.turn_off(session, user.id)
        _note(session, None, "password.link", user.email, second_factor_off=factor)
    say(f"For {user.email}, to set a new password, once, within a day:")
    print(link(services, "reset", token))


@accounts.command()
@click.argument("email")
@click.pass_obj
def disable(services: Services, email: str) -> None:
    """Let an account in no longer, and end its logins at once."""
    prepare(services)
    with services.sessions.begin() as session:
        user = _user(session, email)
        session.execute(update(User).where(User.id == user.id).values(active=False))
        count = sessions.end_all(session, user.id)
        _note(session, None, "account.disabled", user.email)
    say(f"{user.email} is disabled; {count} logins have ended. twirl accounts enable {user.email} undoes it.")


@accounts.command()
@click.argument("email")
@click.pass_obj
def enable(services: Services, email: str) -> None:
    """Let a disabled account in again."""
    prepare(services)
    with services.sessions.begin() as session:
        user = _user(session, email)
        session.execute(update(User).where(User.id == user.id).values(active=True))
        _note(session, None, "account.enabled", user.email)
    say(f"{user.email} may log in again.")


def _note(session: Session, merchant_id: int | None, action: str, subject: str, **details: object) -> None:
    """Who types a command is the operator: an entry without an account."""
    audit.write(session, merchant_id, None, "", action, subject, details)


def _user(session: Session, email: str) -> User:
    found = find_user(session, email)
    if found is None:
        raise AccountRefused("no-such-account", f"{email} has no account.", "twirl accounts lists them.")
    return found


def _shop(services: Services, slug: str | None) -> Merchant:
    prepare(services)
    if slug is None:  # the shop that is served may be new
        return services.merchant()
    return known_merchant(services.sessions, slug)


COMMANDS = (accounts,)
