"""What the terminal shows: progress bars, tables, lists of what was refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from bootstrap import Services
from catalog.feeds.errors_file import write_errors
from catalog.feeds.prices import minor_digits
from catalog.importing.imports import ImportSummary
from catalog.importing.rehearsal import Rehearsal
from catalog.models import Product, RowError
from catalog.records import RowFault
from launcher.embedded import wait_until_indexed
from launcher.progress import failed_checks, failures, standing
from searcher.results import ProductHit

console = Console()
ROWS_SHOWN = 20


def say(text: str) -> None:
    """Print one line as it is: nothing in a path is markup, and an address is never broken in two."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress bars while the block runs."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        yield bars


def bar(bars: Progress, what: str) -> Callable[[int, int | None], None]:
    """Add a bar; the function returned moves it to (done, total)."""
    task = bars.add_task(what, total=None)
    return lambda done, total: bars.update(task, completed=done, total=total)


def show_indexing(
    services: Services, merchant_id: int | None, bars: Progress, tend: Callable[[], None] = lambda: None
) -> None:
    """Show how far indexing of one merchant, or of all, is until nothing waits but for a host to answer."""

    def pending() -> tuple[int, int]:
        with services.sessions() as session:
            now = standing(session, merchant_id)
        return now.settled, now.settled + now.waiting + now.checks

    wait_until_indexed(pending, bar(bars, "indexing"), tend)


def print_import(services: Services, summary: ImportSummary) -> None:
    """Print the counts of an import and its first refused rows."""
    console.print(
        f"{summary.rows} rows: {summary.created} created, {summary.updated} updated, "
        f"{summary.unchanged} unchanged, {summary.refused} refused"
        + (f", {summary.removed} removed" if summary.removed else "")
    )
    if summary.kept_because:
        say(f"  {summary.kept_because}")
    refused = select(RowError).where(RowError.job_id == summary.job_id).order_by(RowError.row)
    with services.sessions() as session:
        for error in session.scalars(refused.limit(ROWS_SHOWN)):
            where = f"row {error.row}, {error.column}" if error.column else f"row {error.row}"
            say(f"  {where}: {error.message} [{error.code}]")
    if summary.refused > ROWS_SHOWN:
        console.print(f"  and {summary.refused - ROWS_SHOWN} more")


def print_rehearsal(would: Rehearsal, feed: Path, errors: Path | None) -> None:
    """Print what an import would do, and why rows would be refused; write those to `errors`."""
    console.print(
        f"{would.rows} rows, nothing written: {would.created} to create, {would.updated} to update, "
        f"{would.unchanged} unchanged, {would.removed} to remove, {would.refused} refused"
    )
    if would.kept_because:
        say(f"  {would.kept_because}")
    if would.currency:
        say(f"  prices in {would.currency}")
    for code, count in would.codes.most_common():
        say(f"  {count} x {code}")
    for fault in would.faults[:ROWS_SHOWN]:
        where = f"row {fault.row}, {fault.column}" if fault.column else f"row {fault.row}"
        say(f"  {where}: {fault.message} [{fault.code}]")
    if errors is not None:
        _write_errors(errors, feed, would.faults)


def print_errors_file(services: Services, summary: ImportSummary, feed: Path, target: Path) -> None:
    """Write the rows of an import that have faults to `target`, and say so."""
    kept = select(RowError).where(RowError.job_id == summary.job_id).order_by(RowError.row, RowError.id)
    with services.sessions() as session:
        faults = [
            RowFault(error.row, error.column, error.code, error.message) for error in session.scalars(kept)
        ]
    _write_errors(target, feed, faults)


def _write_errors(target: Path, feed: Path, faults: Sequence[RowFault]) -> None:
    by_row: dict[int, list[RowFault]] = {}
    for fault in faults:
        by_row.setdefault(fault.row, []).append(fault)
    count = write_errors(target, feed, by_row)
    say(f"  {target}: {count} rows to mend. Import that file when they are.")


def print_failures(services: Services, merchant_id: int) -> None:
    """Print the pictures that could not be indexed, and how many are still tried."""
    with services.sessions() as session:
        if later := standing(session, merchant_id).later:
            console.print(f"  {later} pictures could not be fetched yet; Twirl tries again while it runs")
        for sku, position, code, message in failures(session, merchant_id, ROWS_SHOWN):
            say(f"  {sku}, picture {position}: {message} [{code}]")


def print_checks(services: Services, merchant_id: int) -> None:
    """Print the pictures of which it could not be found out whether they are others by now."""
    with services.sessions() as session:
        for sku, position, code, message in failed_checks(session, merchant_id, ROWS_SHOWN):
            say(f"  {sku}, picture {position} stays as it was: {message} [{code}]")


def print_hits(hits: Sequence[ProductHit], as_json: bool) -> None:
    """Print hits as a table, or as JSON lines."""
    if as_json:
        for hit in hits:
            row = {"sku": hit.product.sku, "title": hit.product.title, "score": round(hit.score, 4)}
            print(json.dumps(row))
        return
    table = Table("score", "sku", "title", "colour", "price")
    for hit in hits:
        product = hit.product
        words = map(Text, (product.sku, product.title, product.colour))  # a merchant's brackets are no markup
        table.add_row(f"{hit.score:.3f}", *words, _price(product))
    console.print(table)


def _price(product: Product) -> str:
    if product.price_minor is None:
        return ""
    digits = minor_digits(product.currency)
    return f"{product.price_minor / 10**digits:.{digits}f} {product.currency}"
