"""What the terminal shows: progress bars, tables, lists of what was refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import select

from bootstrap import Services
from catalog.imports import ImportSummary
from catalog.models import RowError
from launcher.embedded import wait_until_indexed
from launcher.progress import failures, standing
from searcher.results import ProductHit

console = Console()
ROWS_SHOWN = 20


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
    services: Services, merchant_id: int, bars: Progress, tend: Callable[[], None] = lambda: None
) -> None:
    """Show how far indexing is until nothing waits."""

    def pending() -> tuple[int, int]:
        with services.sessions() as session:
            now = standing(session, merchant_id)
        return now.settled, now.settled + now.waiting

    wait_until_indexed(pending, bar(bars, "indexing"), tend)


def print_import(services: Services, summary: ImportSummary) -> None:
    """Print the counts of an import and its first refused rows."""
    console.print(
        f"{summary.rows} rows: {summary.created} created, {summary.updated} updated, "
        f"{summary.unchanged} unchanged, {summary.refused} refused"
    )
    refused = select(RowError).where(RowError.job_id == summary.job_id).order_by(RowError.row)
    with services.sessions() as session:
        for error in session.scalars(refused.limit(ROWS_SHOWN)):
            where = f"row {error.row}, {error.column}" if error.column else f"row {error.row}"
            console.print(
                f"  {where}: {error.message} [{error.code}]", highlight=False, markup=False, soft_wrap=True
            )
    if summary.refused > ROWS_SHOWN:
        console.print(f"  and {summary.refused - ROWS_SHOWN} more")


def print_failures(services: Services, merchant_id: int) -> None:
    """Print the pictures that could not be indexed."""
    with services.sessions() as session:
        for sku, position, code, message in failures(session, merchant_id, ROWS_SHOWN):
            console.print(
                f"  {sku}, picture {position}: {message} [{code}]",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )


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
        price = "" if product.price_minor is None else f"{product.price_minor / 100:.2f} {product.currency}"
        table.add_row(f"{hit.score:.3f}", product.sku, product.title, product.colour, price)
    console.print(table)
