"""The command on a shop itself: what its prices are in."""

import click

from accounts import audit
from bootstrap import Services
from catalog.merchants import check_currency, known_merchant, priced_in, set_currency
from commands.options import MERCHANT
from launcher.embedded import prepare
from launcher.show import say


@click.command()
@click.option(
    "--currency", metavar="CODE", help="Let its prices be in this currency (ISO 4217), such as EUR."
)
@MERCHANT
@click.pass_obj
def shop(services: Services, currency: str | None, merchant: str | None) -> None:
    """Show what a shop's prices are in, or set it while no item has a price in another (docs/feeds.md)."""
    prepare(services)
    found = known_merchant(services.sessions, merchant) if merchant else services.merchant()
    code = say_currency(services, found.id, currency) if currency else found.currency
    with services.sessions() as session:
        priced = priced_in(session, found.id)
    say(f"{found.slug}: {f'prices in {code}' if code else 'no currency yet, the first price names it'}")
    for other, many in sorted(priced.items()):
        kept = "" if other == code else " (from before a shop had one currency: write them anew)"
        say(f"  {many} items with a price in {other}{kept}")


def say_currency(services: Services, merchant_id: int, code: str, dry_run: bool = False) -> str:
    """Let the shop's prices be in `code`; of a dry run nothing stays. Raises CurrencyRefused."""
    if dry_run:
        with services.sessions() as session:
            return check_currency(session, merchant_id, code)
    with services.sessions.begin() as session:
        if set_currency(session, merchant_id, code):
            audit.write(session, merchant_id, None, "", "shop.currency", code.strip().upper())
    return code.strip().upper()


COMMANDS = (shop,)
