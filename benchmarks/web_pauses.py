"""What Python itself makes a request wait for, with and without what `web.evenness` does about it.

    python -m benchmarks.web_pauses

Two ratios within one run, so that other work on the machine weighs on both sides alike: the pause of a full
garbage collection in a process that has loaded what the web process loads, before and after; and the 95th
percentile of a small request (SQL, and words with an engine over a socket) while another thread reads the
shelf of a shop of 50,000 variants over and over, the old way and the new one.
"""

import gc
import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.bar import ROOT, Bar, show
from catalog.database import open_engine, sessions, upgrade
from catalog.models import Image, Merchant, Product
from searcher.stock import BREATH_S, Stock
from web.evenness import TURN_S, keep_even

VARIANTS = 50_000
READS = 12
FEWER_PAUSES, SHORTER_WAITS = 0.1, 0.7


def collections(say: Any) -> None:
    """Milliseconds of a full collection with the pack and the web's modules loaded, before and after."""
    import web.wsgi  # noqa: F401 - what the web process has loaded
    from embedding.pack import load_pack

    pack = load_pack(ROOT / "packs" / "twirl-small")
    pack.encode_texts(["warm"])
    before = min(_collection() for _ in range(3))
    keep_even()
    say.send((before, min(_collection() for _ in range(3))))


def _collection() -> float:
    began = time.perf_counter()
    gc.collect()
    return (time.perf_counter() - began) * 1000


def fill(folder: Path) -> sessionmaker[Session]:
    """A ledger with a shop of VARIANTS that can all be found."""
    engine = open_engine(f"sqlite:///{folder / 'twirl.sqlite3'}")
    upgrade(engine)
    made = sessions(engine)
    with made.begin() as session:
        session.add(Merchant(id=1, slug="bench"))
        session.flush()
        for first in range(1, VARIANTS + 1, 5_000):
            numbers = range(first, first + 5_000)
            session.execute(insert(Product), [_product(number) for number in numbers])
            session.execute(insert(Image), [_image(number) for number in numbers])
    return made


def _product(number: int) -> dict[str, Any]:
    return {
        "id": number, "merchant_id": 1, "sku": f"s{number}", "item_group_id": f"g{number // 2}",
        "title": f"Shirt number {number} of the shop", "price_minor": 1000 + number,
        "colour": ("Red", "Blue/White", "Green")[number % 3], "category": "Women > Dresses > Long",
        "brand": f"brand {number % 40}",
    }  # fmt: skip


def _image(number: int) -> dict[str, Any]:
    return {
        "product_id": number, "merchant_id": 1, "position": 0, "source": "x", "state": "live",
        "indexed_rev": 1,
    }  # fmt: skip


def queued_s() -> float:
    """Seconds that this thread could have run and other processes had the processor (Linux)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


class Requests(threading.Thread):
    """Asks the database and an echo over and over; `times`: milliseconds of each round, less `queued_s`."""

    def __init__(self, ledger: sessionmaker[Session]) -> None:
        super().__init__(daemon=True)
        self.ledger, self.times, self.over = ledger, list[float](), threading.Event()
        self.here, self.there = socket.socketpair()

    def run(self) -> None:
        """Until `over`."""
        threading.Thread(target=self._echo, daemon=True).start()
        few = select(Product.id, Product.title).where(Product.id.in_(range(1, 25)))
        while not self.over.is_set():
            began, waited = time.perf_counter(), queued_s()
            self._words()
            with self.ledger() as session:
                session.execute(few).all()
            self._words()
            self.times.append((time.perf_counter() - began - (queued_s() - waited)) * 1000)
            time.sleep(0.005)

    def _words(self) -> None:
        for _ in range(3):
            self.here.sendall(b"a question")
            self.here.recv(100)

    def _echo(self) -> None:
        while said := self.there.recv(100):
            self.there.sendall(said)


def p95(ledger: sessionmaker[Session], meanwhile: Callable[[], object]) -> float:
    """Of the requests while this goes on."""
    requests = Requests(ledger)
    requests.start()
    meanwhile()
    requests.over.set()
    requests.join()
    return float(np.percentile(requests.times, 95))


def waits(ledger: sessionmaker[Session]) -> tuple[float, float, float]:
    """p95 beside the old way of reading a shelf, beside the new one, and alone. Old and new take turns."""
    stock, own = Stock(ledger), sys.getswitchinterval()
    ways = {own: 0.0, TURN_S: BREATH_S}  # turn: breath
    found: dict[float, list[float]] = {turn: [] for turn in ways}
    for _ in range(READS // 2):
        for turn, breath_s in ways.items():
            sys.setswitchinterval(turn)
            found[turn].append(p95(ledger, lambda breath_s=breath_s: _twice(stock, breath_s)))  # type: ignore[misc]
    sys.setswitchinterval(own)
    alone = p95(ledger, lambda: time.sleep(3))
    old, new = (float(np.median(found[turn])) for turn in ways)
    return old, new, alone


def _twice(stock: Stock, breath_s: float) -> None:
    for _ in range(2):
        stock._read(1, breath_s)  # as it does by itself, in a thread beside


def bars() -> Iterator[Bar]:
    """The pause of a collection, and the wait beside a shelf that is read."""
    context = multiprocessing.get_context("spawn")
    hear, say = context.Pipe(duplex=False)
    child = context.Process(target=collections, args=(say,))
    child.start()
    before, after = hear.recv()
    child.join()
    yield Bar(
        "pause of a full garbage collection in the web process, of the same before",
        after / before,
        f"<= {FEWER_PAUSES:g}x",
        after <= FEWER_PAUSES * before,
        "x",
        f"{before:.0f} ms before, {after:.1f} after",
    )
    with tempfile.TemporaryDirectory(prefix="twirl-bench-") as folder:
        old, new, alone = waits(fill(Path(folder)))
    yield Bar(
        "p95 of a small request while a shelf of 50,000 is read, of the same before",
        new / old,
        f"<= {SHORTER_WAITS:g}x",
        new <= SHORTER_WAITS * old,
        "x",
        f"{old:.0f} ms before, {new:.0f} after, {alone:.0f} with no shelf read",
    )


if __name__ == "__main__":
    show(bars())
