"""Commands that keep the installation well: schema, doctor."""

import sys

import click

from bootstrap import Services
from launcher.embedded import prepare
from launcher.show import console, progress, say, show_indexing


@click.command()
@click.pass_obj
def migrate(services: Services) -> None:
    """Bring the database to the newest schema."""
    prepare(services)
    console.print("The database has the newest schema.")


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended, then look again.")
@click.pass_obj
def doctor(services: Services, repair: bool) -> None:
    """Compare database, pictures and index, and say what differs. Exit status 1 when something does."""
    from launcher.embedded import borrowed
    from launcher.indexing import examine, mend

    prepare(services)
    with borrowed(services, ("engine", "indexer") if repair else ("engine",), say) as tend:
        if repair and (found := mend(services)):
            console.print(f"{len(found)} differences found; mending")
            services.doorbell.ring(())
            with progress() as bars:
                show_indexing(services, None, bars, tend)
        differences = examine(services)
    for each in differences:
        say(f"{each.kind}: {each.subject}: {each.detail}\n  Fix: {each.fix}")
    console.print(f"{len(differences)} differences")
    sys.exit(1 if differences else 0)


COMMANDS = (migrate, doctor)
