"""The `twirl` command; its sub-commands are in the package `commands`.

twirl demo                           the demo shop, drawn, indexed and served
twirl serve                          the storefront of your own catalogue
twirl import FEED --images DIR       a feed into the catalogue
twirl search "red dress"             a search from the terminal
"""

import sys
from typing import Any

import click

import settings as configuration
from bootstrap import Services
from commands import (
    accounts,
    catalogue,
    deploying,
    facts,
    images,
    keeping,
    keys,
    models,
    operating,
    rules,
    serving,
    shop,
    taking_back,
    train,
    tuning,
    working,
)
from launcher.refusals import explain
from telemetry.logs import configure_plain

ROOMS = (
    serving, working, catalogue, shop, taking_back, rules, keys, accounts, models, train, images, tuning,
    operating, keeping, deploying, facts,
)  # fmt: skip


class Commands(click.Group):
    """Turns the errors that name their own fix into one clear line and exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; refusals of any room end it with their message and fix."""
        try:
            return super().invoke(context)
        except Exception as error:
            refusal = explain(error)
            if refusal is None:
                raise
            _fail(refusal)


def _fail(text: str) -> None:
    click.secho(text, fg="red", err=True)
    sys.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="twirl")
@click.pass_context
def main(context: click.Context) -> None:
    """Storefront search by a photo and words.

    Start with `twirl demo`. Settings are environment variables: `twirl settings` lists them.
    """
    configure_plain()  # a command that is a process of its own logs as JSON instead
    services = Services(configuration.load())
    context.obj = services
    context.call_on_close(services.close)


for room in ROOMS:
    for command in room.COMMANDS:
        main.add_command(command)


if __name__ == "__main__":
    main()
