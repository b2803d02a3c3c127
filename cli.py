"""The `twirl` command: thin functions over the packages.

twirl demo                           the demo shop, drawn, indexed and served
twirl serve                          the storefront of your own catalogue
twirl import FEED --images DIR       a feed into the catalogue
twirl search "red dress"             a search from the terminal
"""

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

import settings as configuration
from bootstrap import Services
from launcher.embedded import prepare
from launcher.refusals import explain
from launcher.show import (
    bar,
    console,
    print_failures,
    print_hits,
    print_import,
    print_models,
    progress,
    say,
    show_indexing,
)

FEED = click.Path(exists=True, dir_okay=False, path_type=Path)
WITH_PARENT = click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")
MERCHANT = click.option("--merchant", metavar="SLUG", help="The shop. Default: TWIRL_SHOP.")


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
    services = Services(configuration.load())
    context.obj = services
    context.call_on_close(services.close)


# --- processes ----------------------------------------------------------------------------------------------


@main.command()
@click.pass_obj
def demo(services: Services) -> None:
    """Draw a demo shop, index it and serve it.

    The second time, what is there is served at once.
    """
    from launcher.demo import SHOP_NAME, load_demo
    from launcher.embedded import preflight, processes, running, serve

    preflight(services, port=True)
    prepare(services)
    merchant = services.merchant(name=SHOP_NAME)
    with running(services, processes(services), say) as supervisor:
        supervisor.stop_on_signals()
        with progress() as bars:
            load_demo(services, merchant.id, lambda what: bar(bars, what))
            show_indexing(services, merchant.id, bars, supervisor.tend)
        serve(supervisor, services, say)


@main.command()
@click.pass_obj
def serve(services: Services) -> None:
    """Serve the storefront of your catalogue: engine, indexer and web, restarted when they die."""
    from launcher import embedded

    embedded.preflight(services, port=True)
    with embedded.running(services, embedded.processes(services), say) as supervisor:
        supervisor.stop_on_signals()
        embedded.serve(supervisor, services, say)


@main.command()
@WITH_PARENT
@click.pass_obj
def web(services: Services, with_parent: bool) -> None:
    """Run the web process alone."""
    from web.server import serve as serve_web
    from web.wsgi import make_app

    _lifeline(with_parent)
    chosen = services.settings.web
    serve_web(make_app, chosen.host, chosen.port, chosen.web_threads)


@main.command()
@WITH_PARENT
@click.pass_obj
def indexer(services: Services, with_parent: bool) -> None:
    """Run the indexer alone: it takes what waits in the ledger into the index, for ever."""
    from launcher.indexing import run_indexer
    from web.logs import configure

    _lifeline(with_parent)
    configure(services.settings.logging.log_level)
    run_indexer(services)


@main.command()
@click.pass_obj
def engine(services: Services) -> None:
    """Run the embedded vector engine alone."""
    from launcher.embedded import HOME, engine_command

    prepare(services)
    command = engine_command(services)
    os.chdir(HOME)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and module


def _lifeline(with_parent: bool) -> None:
    if with_parent:
        from launcher.lifeline import hold

        hold()


# --- the catalogue ------------------------------------------------------------------------------------------


@main.command("import")
@click.argument("feed", type=FEED)
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    help="Folder or zip of the pictures that the feed names by file. Default: the feed's own folder.",
)
@MERCHANT
@click.option("--no-wait", is_flag=True, help="Return when the rows are in; index later, when Twirl runs.")
@click.pass_obj
def import_(services: Services, feed: Path, images: Path | None, merchant: str | None, no_wait: bool) -> None:
    """Import a product feed: Google Merchant CSV or TSV, or JSONL.

    Good rows go in, bad rows are listed with their row number, column and reason. Importing a feed again
    updates what has changed and leaves the rest alone.
    """
    from catalog.imports import import_feed
    from launcher.embedded import borrowed, preflight

    preflight(services, port=False)
    prepare(services)
    shop = services.merchant(merchant)
    with progress() as bars:
        summary = import_feed(
            services.sessions, shop.id, feed, images or feed.parent, services.incoming, bar(bars, "rows")
        )
    print_import(services, summary)
    services.doorbell.ring(())
    if not no_wait:
        with borrowed(services, ("engine", "indexer"), say) as tend, progress() as bars:
            show_indexing(services, shop.id, bars, tend)
        print_failures(services, shop.id)


@main.command()
@MERCHANT
@click.pass_obj
def reindex(services: Services, merchant: str | None) -> None:
    """Index every image again from the stored pictures, for instance after a change of model."""
    from indexer.reindex import enqueue_reindex
    from launcher.embedded import borrowed

    prepare(services)
    shop = services.merchant(merchant)
    console.print(f"{enqueue_reindex(services.sessions, shop.id)} images queued")
    with borrowed(services, ("engine", "indexer"), say) as tend, progress() as bars:
        show_indexing(services, shop.id, bars, tend)


@main.command()
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


@main.command()
@click.pass_obj
def migrate(services: Services) -> None:
    """Bring the database to the newest schema."""
    prepare(services)
    console.print("The database has the newest schema.")


# --- search and facts ---------------------------------------------------------------------------------------


@main.command()
@click.argument("words", default="")
@click.option("--photo", type=FEED, help="A picture to search by.")
@click.option("--like", metavar="SKU", help="A catalogue item to search by.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 100))
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines instead of a table.")
@MERCHANT
@click.pass_obj
def search(
    services: Services,
    words: str,
    photo: Path | None,
    like: str | None,
    limit: int,
    as_json: bool,
    merchant: str | None,
) -> None:
    """Search by words, a photo, a catalogue item, or words with either.

    Example: twirl search "the same, but in red" --photo dress.jpg
    """
    from launcher.embedded import borrowed
    from searcher.query import SearchQuery

    prepare(services)
    query = SearchQuery(
        merchant_id=services.merchant(merchant).id,
        words=words,
        photo=services.decoder.decode(photo.read_bytes()).pixels if photo else None,
        reference=like,
        limit=limit,
        facets=False,
    )
    with borrowed(services, ("engine",), say):
        results = services.searcher.search(query)
    print_hits(results.hits, as_json)


@main.command()
@click.pass_obj
def models(services: Services) -> None:
    """List the model packs at hand, the one in use marked."""
    print_models(services.settings.model.pack)


@main.command("settings")
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


if __name__ == "__main__":
    main()
