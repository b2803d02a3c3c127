"""Who uses a shop while parts of it fail: a shopper who searches, a merchant who imports and deletes."""

import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from catalog.database import AWAY
from catalog.products import delete_product, hide_product
from tests.chaos.parts import Parts
from tests.support.deployed import write_feed

PATIENCE_S = 30.0  # a shopper's; and after that it is a hang
WAVES = 8  # feeds that a merchant's catalogue is cut into, so that there is always something under way


@dataclass
class Shopper:
    """Searches all the time, and remembers how it went."""

    url: str
    answered: dict[str, int] = field(default_factory=dict)  # by status, or by what went wrong
    refused_slowest_s: float = 0.0  # of what was refused with 503
    wrong: list[str] = field(default_factory=list)

    def shop(self, over: threading.Event) -> None:
        """Search until it is over."""
        number = 0
        while not over.wait(0.2):
            number += 1
            self._search(f"red garment {number}")

    def _search(self, words: str) -> None:
        body = json.dumps({"words": words}).encode()
        asked = Request(f"{self.url}/api/v1/search", body, {"Content-Type": "application/json"})
        began = time.monotonic()
        try:
            with urlopen(asked, timeout=PATIENCE_S) as answer:
                said = str(answer.status)
        except HTTPError as refused:
            said = str(refused.code)
            self._judge(refused, time.monotonic() - began)
        except TimeoutError:
            said = "timeout"
        except (OSError, HTTPException) as error:  # nobody listens: the process itself was killed
            said = "hung up" if "timed out" not in str(error) else "timeout"
        self.answered[said] = self.answered.get(said, 0) + 1

    def _judge(self, refused: HTTPError, seconds: float) -> None:
        if refused.code != 503:
            self.wrong.append(f"{refused.code}: {refused.read()[:200]!r}")
        elif not refused.headers.get("Retry-After"):
            self.wrong.append("503 without Retry-After")
        else:
            self.refused_slowest_s = max(self.refused_slowest_s, seconds)


@dataclass
class Merchant:
    """Imports a catalogue in several feeds, each again until it is in; hides and deletes some of it."""

    parts: Parts
    items: int
    seed: int
    seconds: float  # over which the feeds are spread
    acknowledged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    tries: int = 0
    wrong: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Until all is in."""
        rng = random.Random(self.seed + 1)
        waves = max(1, min(WAVES, self.items // 20))
        for wave in range(waves):
            began, share = time.monotonic(), self.items // waves + (wave < self.items % waves)
            name = f"w{wave}"
            feed = write_feed(self.parts.shop.folder / "feeds" / name, share, name)
            self._import(feed)
            skus = [f"{name}-{number}" for number in range(share)]
            self.acknowledged |= set(skus)
            self._change(rng.sample(skus, max(2, share // 20)))
            time.sleep(max(0.0, self.seconds / waves - (time.monotonic() - began)))

    def _import(self, feed: Path) -> None:
        """`twirl import`, again where it was cut off: it says so by its status."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            self.tries += 1
            try:
                done = self.parts.shop.run("import", str(feed), "--no-wait", env=self.parts.env)
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0:
                return
            if "Traceback" in done.stdout + done.stderr:
                self.wrong.append(f"import: {(done.stdout + done.stderr)[-400:]}")
            time.sleep(0.5)
        raise AssertionError(f"{feed} could not be imported: {done.stdout}{done.stderr}")

    def _change(self, skus: list[str]) -> None:
        for number, sku in enumerate(skus):
            change, kept = (delete_product, self.deleted) if number % 2 else (hide_product, self.hidden)
            while not self._changed(change, sku):
                time.sleep(0.5)
            kept.add(sku)

    def _changed(self, change: object, sku: str) -> bool:
        services = self.parts.shop.services
        try:
            shop = services.merchant().id
            with services.sessions.begin() as session:
                change(session, shop, sku)  # type: ignore[operator]
        except AWAY:
            return False
        return True


@contextmanager
def busy(parts: Parts, items: int, seed: int, seconds: float) -> Iterator[tuple[Shopper, Merchant]]:
    """Both at work; at the end the merchant has finished and the shopper has gone."""
    shopper = Shopper(parts.shop.web_url)
    merchant = Merchant(parts, items, seed, seconds)
    over, failed = threading.Event(), []

    def trade() -> None:
        try:
            merchant.work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=shopper.shop, args=(over,)), threading.Thread(target=trade)]
    for each in threads:
        each.start()
    try:
        yield shopper, merchant
        threads[1].join()
    finally:
        over.set()
        threads[0].join()
    if failed:
        raise failed[0]
