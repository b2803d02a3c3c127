"""Commands on a shop's keys: those by which pages of other sites search it, and those of its own programs."""

from datetime import datetime, timedelta

import click
from sqlalchemy.orm import Session

from accounts import audit
from bootstrap import Services
from catalog.merchants import known_merchant
from catalog.models import Merchant
from catalog.programs.api_keys import (
    PREFIX,
    SCOPES,
    SecretKey,
    issue_key,
    revoke_secret_key,
    rotate_secret_key,
    secret_keys,
)
from catalog.programs.search_keys import Key, create_key, revoke_key, search_keys
from commands.options import MERCHANT
from launcher.embedded import prepare
from launcher.show import say


@click.group(invoke_without_command=True)
@click.option("--revoked", is_flag=True, help="Those that are no longer good, too.")
@MERCHANT
@click.pass_context
def keys(context: click.Context, revoked: bool, merchant: str | None) -> None:
    """List the keys by which pages of other sites search the shop (docs/embed.md) and its own programs change
    it (docs/api.md).
    """
    if context.invoked_subcommand is not None:
        return
    services: Services = context.obj
    shop = _shop(services, merchant)
    with services.sessions() as session:
        found = [_line(each) for each in search_keys(session, shop.id, revoked)]
        found += [_secret_line(each) for each in secret_keys(session, shop.id, revoked)]
    print("\n".join(found), end="\n" if found else "")
    if not found:
        say("No site may search this shop yet: twirl keys create --origin https://shop.example")
        say("No program may change it yet: twirl keys issue --scope catalogue:write")


@keys.command()
@click.option(
    "--origin", "origins", multiple=True, required=True, help="A site whose pages may use it; again for more."
)
@click.option("--name", default="", help="What it is for.")
@MERCHANT
@click.pass_obj
def create(services: Services, origins: tuple[str, ...], name: str, merchant: str | None) -> None:
    """Make a key for pages of these sites. It only searches, and may be seen by everybody."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        made = create_key(session, shop.id, origins, name)
        _note(session, shop, "search-key.made", f"{made.key[:20]}…", origins=list(made.origins))
    say(f"For pages of {', '.join(made.origins)}, where the search is to stand:")
    print(f'<script src="https://YOUR-TWIRL/embed.js" data-key="{made.key}" async></script>')


@keys.command()
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(list(SCOPES)),
    help="What it opens; again for more.",
)  # fmt: skip
@click.option("--name", default="", help="What it is for.")
@click.option("--days", type=click.FloatRange(min=0.001), help="For how long it is good. Default: for ever.")
@MERCHANT
@click.pass_obj
def issue(
    services: Services, scopes: tuple[str, ...], name: str, days: float | None, merchant: str | None
) -> None:
    """Make a secret key for a program of the shop's. It is printed once and kept nowhere."""
    shop = _shop(services, merchant)
    lifetime = timedelta(days=days) if days else None
    with services.sessions.begin() as session:
        made = issue_key(session, shop.id, scopes, name, lifetime)
        _note(session, shop, "secret-key.made", made.key.prefix, scopes=list(made.key.scopes))
    say(f"For {', '.join(made.key.scopes)} of {shop.slug}. Copy it now: it is not shown again.")
    print(made.secret)


@keys.command()
@click.argument("key")
@click.option(
    "--overlap-hours", type=click.FloatRange(min=0), default=24.0, show_default=True,
    help="For how long the old key goes on.",
)  # fmt: skip
@MERCHANT
@click.pass_obj
def rotate(services: Services, key: str, overlap_hours: float, merchant: str | None) -> None:
    """Make a successor of a secret key, with its name and scopes. KEY may be its beginning."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        made, old = rotate_secret_key(session, shop.id, key, timedelta(hours=overlap_hours))
        _note(session, shop, "secret-key.rotated", old.prefix, successor=made.key.prefix)
    say(f"{old.prefix} goes on until {_minute(old.expires_at)}. Its successor, which is not shown again:")
    print(made.secret)


@keys.command()
@click.argument("key")
@MERCHANT
@click.pass_obj
def revoke(services: Services, key: str, merchant: str | None) -> None:
    """Make a key useless within two seconds, for good. KEY may be its beginning."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        if key.startswith(PREFIX):
            prefix = revoke_secret_key(session, shop.id, key).prefix
            _note(session, shop, "secret-key.revoked", prefix)
            say(f"Revoked: {prefix}. It opens nothing any more.")
            return
        gone = revoke_key(session, shop.id, key)
        _note(session, shop, "search-key.revoked", f"{gone.key[:20]}…")
    say(f"Revoked: {gone.key}. Pages of {', '.join(gone.origins)} that show it can no longer search.")


def _note(session: Session, shop: Merchant, action: str, subject: str, **details: object) -> None:
    """For the shop's history: who types a command is the operator, an entry without an account."""
    audit.write(session, shop.id, None, "", action, subject, details)


def _line(key: Key) -> str:
    state = f"revoked {_day(key.revoked_at)}" if key.revoked_at else f"used {_day(key.used_at)}"
    return f"{key.key}  {state}  {' '.join(key.origins)}  {key.name}".rstrip()


def _secret_line(key: SecretKey) -> str:
    state = f"revoked {_day(key.revoked_at)}" if key.revoked_at else f"used {_day(key.used_at)}"
    ends = f"  until {_minute(key.expires_at)}" if key.expires_at else ""
    return f"{key.prefix}…  {state}{ends}  {' '.join(key.scopes)}  {key.name}".rstrip()


def _day(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d") if at else "never"


def _minute(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC") if at else "never"


def _shop(services: Services, slug: str | None) -> Merchant:
    prepare(services)
    return known_merchant(services.sessions, slug or services.settings.web.shop)


COMMANDS = (keys,)
