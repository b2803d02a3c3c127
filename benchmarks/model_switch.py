"""Another model for 5,000 items while 20 searches a second go on: errors, mixed answers, how fast it is back.

    python -m benchmarks.model_switch [--items 5000] [--rate 20] [--deployed]

A running storefront (engine, indexer, web, as `twirl serve` starts them) gets a second pack, the shipped one
with disturbed weights, by `twirl reembed`, `twirl switch` and the way back. A client asks the whole time, at
fixed moments however long answers take. Every answer must be, hit by hit, what the model that it names says
alone; what each model says alone is asked before and after. Times count from the moment at which SQL has the
change to the last search begun that still says the other model.

With --deployed it is PostgreSQL, Redis, a Qdrant endpoint, a Celery worker, beat and web.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import requests

from benchmarks.bar import Bar, show
from benchmarks.hostile_feeds import HEADER, row, table
from benchmarks.shop import shop
from benchmarks.web_stall import write_pictures
from bootstrap import Services
from catalog.site import read_site
from settings import load
from telemetry.logs import configure_plain
from tests.support.packs import disturbed_pack

if TYPE_CHECKING:
    from tests.support.deployed import Deployment

ITEMS, RATE = 5_000, 20.0
BACK_S = 1.0
WORDS = ("red", "a blue dress", "something striped", "linen", "in black", "with long sleeves", "green")
COLOURS = ("Red", "Blue", "Green", "Black", "White", "Yellow", "Brown")
KINDS = ("dress", "linen shirt", "striped top", "trousers", "skirt", "jacket", "jumper", "coat")
SETTLED_S = 3.0  # of searches after each switch
PATIENCE_S = 7200.0
AT_ONCE = 100  # searches that may wait for an answer: five seconds of them


class Running(Protocol):
    """A storefront that runs, in either shape."""

    @property
    def url(self) -> str:
        """Where the storefront is."""

    @property
    def environ(self) -> dict[str, str]:
        """The settings of its processes."""

    @property
    def data(self) -> Path:
        """A folder for what is made here."""

    def twirl(self, *words: str, timeout: float) -> Any:
        """Run a command on it: a finished process."""


@dataclass(frozen=True)
class Answered:
    """One search: which, when it was begun, how long it took, what was said."""

    query: int
    began: float
    took_s: float
    model: str
    hits: tuple[str, ...]
    error: str = ""


@dataclass
class Shoppers:
    """A client that begins `rate` searches a second, however long answers take."""

    url: str
    queries: Sequence[dict[str, Any]]
    rate: float
    answers: list[Answered] = field(default_factory=list)
    skipped: int = 0  # that could not begin because too many waited

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask while the block runs."""
        stop = threading.Event()
        clock = threading.Thread(target=self._tick, args=(stop,))
        clock.start()
        try:
            yield
        finally:
            stop.set()
            clock.join()

    def _tick(self, stop: threading.Event) -> None:
        free = threading.Semaphore(AT_ONCE)
        local = threading.local()

        def ask(number: int) -> None:
            try:
                if not hasattr(local, "http"):
                    local.http = _session()
                self.answers.append(_ask(local.http, self.url, self.queries, number))
            finally:
                free.release()

        with ThreadPoolExecutor(AT_ONCE) as threads:
            due = time.monotonic()
            for number in range(10**9):
                if stop.wait(max(due - time.monotonic(), 0)):
                    return
                due += 1 / self.rate
                if free.acquire(blocking=False):
                    threads.submit(ask, number % len(self.queries))
                else:
                    self.skipped += 1

    def last_of(self, model: str, since: float, until: float = float("inf")) -> float:
        """Seconds after `since` at which the last search began that still said this model; 0 if none did."""
        of_model = (each.began for each in self.answers if each.model == model)
        return max((began - since for began in of_model if since < began < until), default=0.0)


def _session() -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    return made


def _ask(http: requests.Session, url: str, queries: Sequence[dict[str, Any]], number: int) -> Answered:
    began = time.monotonic()
    try:
        answer = http.post(f"{url}/api/v1/search", json=queries[number], timeout=30)
        took = time.monotonic() - began
        if answer.status_code != 200:
            return Answered(number, began, took, "", (), f"{answer.status_code}: {answer.text[:200]}")
        said = answer.json()
        return Answered(number, began, took, said["model"], tuple(hit["sku"] for hit in said["hits"]))
    except requests.RequestException as error:
        return Answered(number, began, time.monotonic() - began, "", (), repr(error)[:200])


def queries_over(items: int, count: int = 60) -> list[dict[str, Any]]:
    """Words alone, an item alone, an item and words."""
    rng = np.random.default_rng(11)
    asked: list[dict[str, Any]] = []
    for number in range(count):
        query: dict[str, Any] = {"limit": 24, "facets": False}
        if number % 3:
            query["reference"] = f"item-{rng.integers(items)}"
        if number % 3 != 1:
            query["words"] = WORDS[number % len(WORDS)]
        asked.append(query)
    return asked


def alone(url: str, queries: Sequence[dict[str, Any]]) -> tuple[str, list[tuple[str, ...]]]:
    """The live model, and what it says to each query when nothing else goes on."""
    http = _session()
    answers = [_ask(http, url, queries, number) for number in range(len(queries))]
    models = {each.model for each in answers}
    if len(models) != 1 or any(each.error for each in answers):
        raise RuntimeError(f"not at rest: {models}, {[each.error for each in answers if each.error][:3]}")
    return models.pop(), [each.hits for each in answers]


def _run(running: Running, *words: str) -> float:
    """Run a command; seconds that it took. Raises RuntimeError when it fails."""
    began = time.monotonic()
    done = running.twirl(*words, timeout=PATIENCE_S)
    if done.returncode:
        raise RuntimeError(f"twirl {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return time.monotonic() - began


def measure(running: Running, items: int, rate: float) -> Iterator[Bar]:
    """Reembed, switch and go back on a storefront whose items are indexed."""
    pack = disturbed_pack(running.data / "other-pack")
    configure_plain()
    own = {name: value for name, value in running.environ.items() if name.startswith("TWIRL_")}
    services = Services(load(own))
    queries = queries_over(items)
    expected = dict([alone(running.url, queries)])
    (old,) = expected
    shoppers = Shoppers(running.url, queries, rate)
    with shoppers.asking():
        time.sleep(10)
        before = len(shoppers.answers)
        filled_s = _run(running, "reembed", "--pack", str(running.data / "other-pack"))
        filled = len(shoppers.answers)
        time.sleep(SETTLED_S)
        there_at = time.monotonic()
        services.operations.switch(_index_id(services, pack.fingerprint))
        time.sleep(SETTLED_S)
        back_at = time.monotonic()
        services.operations.switch_back()
        time.sleep(SETTLED_S)
    there, back = shoppers.last_of(old, there_at, back_at), shoppers.last_of(pack.fingerprint, back_at)
    command_s = _run(running, "switch", pack.fingerprint[:16])
    time.sleep(1.0)
    name, answers = alone(running.url, queries)
    expected[name] = answers
    back_command_s = _run(running, "switch", "--back")
    services.close()
    beside = _beside(shoppers, before, filled, filled_s, items)
    commands = f"there {there:.2f} s; as commands {command_s:.1f} and {back_command_s:.1f} s all in all"
    yield from _bars(shoppers, expected, items, back, beside, commands)


def _index_id(services: Services, fingerprint: str) -> int:
    return read_site(services.sessions).find(fingerprint).id


def _bars(
    shoppers: Shoppers,
    expected: dict[str, list[tuple[str, ...]]],
    items: int,
    back: float,
    beside: str,
    commands: str,
) -> Iterator[Bar]:
    answers = shoppers.answers
    errors = [each.error for each in answers if each.error]
    mixed = [each for each in answers if not each.error and each.hits != expected[each.model][each.query]]
    counts = Counter(each.model[:8] for each in answers if not each.error)
    said = f"{len(answers)} searches, {dict(counts)}, {shoppers.skipped} not begun; {errors[:1] or 'none'}"
    fine = not errors and not shoppers.skipped
    yield Bar(f"errors while {items} items get another model", len(errors), "0", fine, "", said)
    yield Bar("answers that are not one model's own", len(mixed), "0", not mixed, "", beside)
    target = f"<= {BACK_S:g} s"
    yield Bar("back on the model before, in every process", back, target, back <= BACK_S, "s", commands)


def _beside(shoppers: Shoppers, before: int, filled: int, filled_s: float, items: int) -> str:
    def median_ms(some: Sequence[Answered]) -> str:
        took = sorted(each.took_s * 1000 for each in some)
        return f"p50 {statistics.median(took):.0f}, p95 {took[int(0.95 * (len(took) - 1))]:.0f} ms"

    first, meanwhile = median_ms(shoppers.answers[:before]), median_ms(shoppers.answers[before:filled])
    speed = f"filled in {filled_s:.0f} s, {items / filled_s:.0f} items/s"
    return f"{speed}; searches before {first}, meanwhile {meanwhile}"


def feed_of(items: int) -> str:
    """A feed of items whose names differ."""
    rows = []
    for number in range(items):
        colour, kind = COLOURS[number % len(COLOURS)], KINDS[number // len(COLOURS) % len(KINDS)]
        title = f"{colour} {kind} {number}"
        rows.append(row(f"item-{number}", title=title, colour=colour, image_link=f"{number}.jpg"))
    return table(rows, header=[*HEADER, "colour"])


@dataclass
class Deployed:
    """The deployed shape as `measure` wants a storefront to be."""

    shape: "Deployment"

    @property
    def url(self) -> str:
        """Where the storefront is."""
        return self.shape.web_url

    @property
    def environ(self) -> dict[str, str]:
        """The settings of its processes."""
        return self.shape.env

    @property
    def data(self) -> Path:
        """A folder for what is made here."""
        return self.shape.folder

    def twirl(self, *words: str, timeout: float) -> Any:
        """Run a command on it."""
        return self.shape.run(*words, within_s=timeout)


def write_shop(folder: Path, items: int) -> tuple[Path, Path]:
    """A feed of items whose names and pictures differ; the feed and the pictures' folder."""
    pictures, feed = folder / "pictures", folder / "feed.csv"
    write_pictures(pictures, items)
    feed.write_text(feed_of(items))
    return feed, pictures


def bars(items: int = ITEMS, rate: float = RATE) -> Iterator[Bar]:
    """The embedded shape, from an empty folder."""
    with shop() as running:
        feed, pictures = write_shop(running.data, items)
        running.import_feed(feed, pictures)
        running.start()
        yield from measure(running, items, rate)


def bars_deployed(items: int = ITEMS, rate: float = RATE) -> Iterator[Bar]:
    """The deployed shape, one worker, from nothing."""
    # Brings PostgreSQL and Redis, which the embedded shape is measured without.
    from tests.support.deployed import deployed

    with tempfile.TemporaryDirectory(prefix="twirl-") as folder, deployed(Path(folder), web=True) as shape:
        running = Deployed(shape)
        feed, pictures = write_shop(running.data, items)
        _run(running, "import", str(feed), "--images", str(pictures))
        shape.wait_settled(PATIENCE_S)
        yield from measure(running, items, rate)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_switch", description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--deployed", action="store_true", help="PostgreSQL, Celery and Qdrant's REST")
    chosen = parser.parse_args()
    show((bars_deployed if chosen.deployed else bars)(chosen.items, chosen.rate))
