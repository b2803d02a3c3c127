"""The rows of a feed, some at a time. Imports little: the child process that reads feeds runs it too."""

from collections.abc import Iterator

from catalog.records import ProductRecord, RowFault

BATCH = 200  # rows a commit: the write lock is held for some tens of milliseconds

Item = ProductRecord | RowFault


def batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Yield runs of items that cover BATCH rows; a row's faults stay together."""
    batch: list[Item] = []
    rows: set[int] = set()
    for item in items:
        if item.row not in rows and len(rows) == BATCH:
            yield batch
            batch, rows = [], set()
        batch.append(item)
        rows.add(item.row)
    if batch:
        yield batch
