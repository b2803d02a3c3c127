"""Bar: from saving an edit in the console until a shopper finds the item by it, at rest and during an import.

    python -m benchmarks.item_edit [--edits 20]

A small drawn shop, an indexer beside in a process of its own as in the embedded shape, and the console's
own form. During the import every picture of the shop waits to be embedded again.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import select, update

from benchmarks.bar import ROOT, Bar, show
from bootstrap import Services
from catalog.models import BULK, Image, Product
from searcher.query import SearchQuery
from tests.support.console import ConsoleClient, console_client
from tests.support.shop import small_shop

TARGET_S, PATIENCE_S = 2.0, 20.0
INDEXER = """
import sys
from dataclasses import replace
from pathlib import Path
from bootstrap import Services
from launcher.indexing import run_indexer
from settings import Settings
given = Settings()
run_indexer(Services(replace(given, storage=replace(given.storage, data=Path(sys.argv[1])))))
"""


def bars(edits: int = 20) -> Iterator[Bar]:
    """The slowest of some edits, at rest and while pictures wait to be embedded."""
    with (
        tempfile.TemporaryDirectory() as folder,
        small_shop(Path(folder)) as services,
        _indexer(Path(folder)),
    ):
        editor = console_client(services, "editor")
        for busy in (False, True):
            times = [_edit(services, editor, number, busy) for number in range(edits)]
            worst = max(times)
            when = "during an import" if busy else "at rest"
            detail = f"p50 {np.percentile(times, 50):.2f} s, {edits} edits"
            yield Bar(
                f"from an edit to the search, {when}", worst, f"< {TARGET_S} s", worst < TARGET_S, "s", detail
            )


@contextmanager
def _indexer(data: Path) -> Iterator[None]:
    """The indexer's own process over this data folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", INDEXER, str(data)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _edit(services: Services, editor: ConsoleClient, number: int, busy: bool) -> float:
    """Seconds from the click until it is found first by its new title."""
    if busy:
        with services.sessions.begin() as session:
            waiting = {"state": "queued", "queue": "embed", "priority": BULK, "fingerprint": ""}
            session.execute(update(Image).where(Image.state == "live", Image.position > 0).values(**waiting))
            session.execute(
                update(Image).where(Image.product_id > 12, Image.state == "live").values(**waiting)
            )
    title = f"Quillon {'busy' if busy else 'calm'} overshirt {number}"
    with services.sessions() as session:
        product = session.scalars(select(Product).order_by(Product.id).offset(number % 6).limit(1)).one()
    said = {"rev": str(product.rev), "title": title}
    began = time.monotonic()
    answer = editor.post(f"/console/{editor.shop}/items/{product.id}", data=said)
    assert answer.status_code == 303, answer.text[:300]
    query = SearchQuery(services.merchant().id, words=title, collapse=False)
    while [hit.product.title for hit in services.searcher.search(query).hits[:1]] != [title]:
        if time.monotonic() - began > PATIENCE_S:
            break
        time.sleep(0.02)
    return time.monotonic() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.item_edit", description=__doc__)
    parser.add_argument("--edits", type=int, default=20)
    sys.exit(not all(bar.ok for bar in show(bars(parser.parse_args().edits))))
