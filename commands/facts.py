"""Commands that only tell."""

import click
from rich.table import Table
from rich.text import Text

import settings as configuration
from bootstrap import Services
from launcher.show import console


@click.command("settings")
@click.option("--markdown", is_flag=True, help="Print the page docs/settings.md.")
@click.pass_obj
def settings_(services: Services, markdown: bool) -> None:
    """List every setting with the value in force."""
    if markdown:
        click.echo(configuration.as_markdown(), nl=False)
        return
    table = Table("variable", "value", "meaning")
    for _, name, value, meaning in configuration.as_rows(services.settings):
        table.add_row(name, Text(value), meaning)
    console.print(table)


COMMANDS = (settings_,)
