"""Commands on what is sold: import it, index it again, search it."""

from pathlib import Path

import click

from bootstrap import Services
from catalog.feeds.prices import minor_digits
from catalog.importing.removing import Removal
from catalog.merchants import known_merchant
from catalog.models import Merchant
from commands.options import FILE, MERCHANT
from commands.shop import say_currency
from launcher.embedded import prepare
from launcher.show import (
    bar,
    console,
    print_checks,
    print_errors_file,
    print_failures,
    print_hits,
    print_import,
    print_rehearsal,
    progress,
    say,
    show_indexing,
)


@click.command("import")
@click.argument("feed", type=FILE)
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    help="Folder or zip of the pictures that the feed names by file. Default: the feed's own folder.",
)
@MERCHANT
@click.option("--no-wait", is_flag=True, help="Return when the rows are in; index later, when Twirl runs.")
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows with faults to this CSV file, to be mended and imported.",
)
@click.option("--dry-run", is_flag=True, help="Say what would come of it, write nothing.")
@click.option("--remove-missing", is_flag=True, help="Take out products that are not in this feed.")
@click.option("--even-most", is_flag=True, help="With --remove-missing: even more than half of the shop.")
@click.option(
    "--check-pictures", is_flag=True, help="Ask the hosts of its pictures whether these are others by now."
)
@click.option("--currency", metavar="CODE", help="What the shop's prices are in, where none says: EUR.")
@click.pass_obj
def import_(
    services: Services,
    feed: Path,
    images: Path | None,
    merchant: str | None,
    no_wait: bool,
    errors: Path | None,
    dry_run: bool,
    remove_missing: bool,
    even_most: bool,
    check_pictures: bool,
    currency: str | None,
) -> None:
    """Import a product feed: Google Merchant's, Shopify's, WooCommerce's or schema.org's, as it was exported.

    Good rows go in, bad rows are listed with their row number, column and reason. Importing a feed again
    updates what has changed and leaves the rest alone.
    """
    from catalog.feeds.look import look_at
    from catalog.importing.imports import import_feed
    from catalog.importing.rehearsal import rehearse
    from launcher.embedded import borrowed, preflight

    preflight(services, port=False)
    prepare(services)
    look_at(feed, bare=False)
    shop = services.merchant(merchant)
    removal = _removal(remove_missing, even_most)
    code = say_currency(services, shop.id, currency, dry_run) if currency else ""
    if dry_run:
        would = rehearse(services.sessions, shop.id, feed, images or feed.parent, removal, code)
        print_rehearsal(would, feed, errors)
        return
    with progress() as bars:
        summary = import_feed(
            services.sessions, shop.id, feed, images or feed.parent, services.incoming, bar(bars, "rows"),
            services.doorbell.ring, removal=removal, check_pictures=check_pictures,
        )  # fmt: skip
    print_import(services, summary)
    if errors is not None:
        print_errors_file(services, summary, feed, errors)
    if not no_wait:
        with borrowed(services, ("engine", "indexer"), say) as tend, progress() as bars:
            show_indexing(services, shop.id, bars, tend)
        print_failures(services, shop.id)
        if check_pictures:
            print_checks(services, shop.id)


def _removal(remove_missing: bool, even_most: bool) -> Removal:
    if even_most and not remove_missing:
        raise click.UsageError("--even-most says how far --remove-missing may go. Give both.")
    return Removal.EVEN_MOST if even_most else Removal.GUARDED if remove_missing else Removal.NONE


@click.command()
@MERCHANT
@click.pass_obj
def reindex(services: Services, merchant: str | None) -> None:
    """Index every image again from the stored pictures, for instance after a change of model."""
    from indexer.reindex import enqueue_reindex
    from launcher.embedded import borrowed

    prepare(services)
    shop = _shop(services, merchant)
    console.print(f"{enqueue_reindex(services.sessions, shop.id)} images queued")
    services.doorbell.ring()
    with borrowed(services, ("engine", "indexer"), say) as tend, progress() as bars:
        show_indexing(services, shop.id, bars, tend)


@click.command()
@click.argument("words", default="")
@click.option("--photo", type=FILE, help="A picture to search by.")
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
    from launcher.preflight import check_device
    from searcher.query import SearchQuery

    prepare(services)
    check_device(services.settings.model.device)
    shop = _shop(services, merchant)
    query = SearchQuery(
        merchant_id=shop.id,
        currency=shop.currency,
        currency_digits=minor_digits(shop.currency),
        words=words,
        photo=services.decoder.decode(photo.read_bytes()).pixels if photo else None,
        reference=like,
        limit=limit,
        facets=False,
    )
    with borrowed(services, ("engine",), say):
        results = services.searcher.search(query)
    print_hits(results.hits, as_json)


def _shop(services: Services, slug: str | None) -> Merchant:
    """The shop that is meant: a name that was typed must be there. Raises MerchantUnknown."""
    return known_merchant(services.sessions, slug) if slug else services.merchant()


COMMANDS = (import_, reindex, search)
