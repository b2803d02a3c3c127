"""Commands on the search keys by which pages of other sites search a shop."""

from datetime import datetime

import click

from bootstrap import Services
from catalog.merchants import known_merchant
from catalog.models import Merchant
from catalog.search_keys import create_key, revoke_key, search_keys
from commands.options import MERCHANT
from launcher.embedded import prepare
from launcher.show import say


@click.group(invoke_without_command=True)
@click.option("--revoked", is_flag=True, help="Those that are no longer good, too.")
@MERCHANT
@click.pass_context
def keys(context: click.Context, revoked: bool, merchant: str | None) -> None:
    """List the keys by which pages of other sites search the shop (docs/embed.md)."""
    if context.invoked_subcommand is not None:
        return
    services: Services = context.obj
    shop = _shop(services, merchant)
    with services.sessions() as session:
        found = search_keys(session, shop.id, revoked)
    for each in found:
        state = f"revoked {_day(each.revoked_at)}" if each.revoked_at else f"used {_day(each.used_at)}"
        print(f"{each.key}  {state}  {' '.join(each.origins)}  {each.name}".rstrip())
    if not found:
        say("No site may search this shop yet: twirl keys create --origin https://shop.example")


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
    say(f"For pages of {', '.join(made.origins)}, where the search is to stand:")
    print(f'<script src="https://YOUR-TWIRL/embed.js" data-key="{made.key}" async></script>')


@keys.command()
@click.argument("key")
@MERCHANT
@click.pass_obj
def revoke(services: Services, key: str, merchant: str | None) -> None:
    """Make a key useless within two seconds, for good. KEY may be its beginning."""
    shop = _shop(services, merchant)
    with services.sessions.begin() as session:
        gone = revoke_key(session, shop.id, key)
    say(f"Revoked: {gone.key}. Pages of {', '.join(gone.origins)} that show it can no longer search.")


def _day(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d") if at else "never"


def _shop(services: Services, slug: str | None) -> Merchant:
    prepare(services)
    return known_merchant(services.sessions, slug or services.settings.web.shop)


COMMANDS = (keys,)
