"""Commands on model packs."""

import click

from bootstrap import Services
from launcher.show import print_models


@click.command()
@click.pass_obj
def models(services: Services) -> None:
    """List the model packs at hand, the one in use marked."""
    print_models(services.settings.model.pack)


COMMANDS = (models,)
