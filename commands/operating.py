"""Commands that put right what went wrong while indexing."""

import click

from bootstrap import Services
from catalog.merchants import known_merchant
from launcher.embedded import prepare
from launcher.show import console, say


@click.command()
@click.option(
    "--code", default="", metavar="CODE", help="Those of one reason only, such as image-unreachable."
)
@click.option("--merchant", metavar="SLUG", help="Those of one shop only.")
@click.pass_obj
def retry(services: Services, code: str, merchant: str | None) -> None:
    """Try pictures again that failed for good. Whoever indexes takes them; this command does not wait.

    Without --code every failed picture is tried again; /ops shows the reasons with examples.
    """
    prepare(services)
    shop = known_merchant(services.sessions, merchant).id if merchant else None
    retried = services.operations.retry(code=code, merchant_id=shop)
    console.print(f"{retried} pictures are tried again.")
    if not retried and code:
        reasons = ", ".join(sorted(services.operations.reasons()))
        say(f"None has failed with {code}. What there is: {reasons or 'no failure at all'}.")


COMMANDS = (retry,)
