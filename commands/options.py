"""Options and argument types that several commands share."""

from pathlib import Path

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WITH_PARENT = click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")
MERCHANT = click.option("--merchant", metavar="SLUG", help="The shop. Default: TWIRL_SHOP.")
