"""Commands that prepare servers."""

from pathlib import Path

import click

from launcher.passwords import Addresses, write_secrets


@click.command("secrets")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--postgres", default=Addresses.postgres, show_default=True, metavar="HOST:PORT")
@click.option("--redis", default=Addresses.redis, show_default=True, metavar="HOST:PORT")
@click.option("--database", default=Addresses.database, show_default=True, metavar="NAME")
@click.option(
    "--readable",
    is_flag=True,
    help="Readable by every user: for volumes of which each service is given only its own.",
)
def secrets_(folder: Path, postgres: str, redis: str, database: str, readable: bool) -> None:
    """Draw the passwords of PostgreSQL, Redis, Qdrant and Grafana and write them below FOLDER.

    Once: what is there stays. Twirl's settings read them from files, for instance
    TWIRL_DATABASE_URL_FILE=FOLDER/twirl/database_url.
    """
    written = write_secrets(folder, Addresses(postgres, redis, database), readable)
    click.echo(f"{len(written)} files written below {folder}" if written else "Nothing to write.")


COMMANDS = (secrets_,)
