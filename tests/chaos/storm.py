"""A storm over a shop, and what is left of it: every invariant, with the schedule to have it again."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import select

from catalog import patience
from catalog.database import AWAY
from catalog.models import Image, Product
from indexer.sweeper import collect_garbage
from tests.chaos import schedule
from tests.chaos.parts import Parts, started
from tests.chaos.people import Merchant, Shopper, busy
from tests.chaos.schedule import Event
from tests.support.deployed import Deployment

SETTLE_S = 600.0
BACK_S = 20.0
Say = Callable[[str], None]


@dataclass
class Aftermath:
    """What was done, and what is wrong now; nothing is, where `wrong` is empty."""

    events: Sequence[Event]
    live: int
    shopper: Shopper
    merchant: Merchant
    settled_s: float
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = [f"{len(self.events)} faults, {self.live} live, {self.merchant.tries} imports begun, "
                f"searches {self.shopper.answered}, slowest refusal {self.shopper.refused_slowest_s:.1f} s, "
                f"settled {self.settled_s:.0f} s after the last fault"]  # fmt: skip
        said += [f"WRONG: {each}" for each in self.wrong]
        said += ["the schedule:", schedule.write(self.events)] if self.wrong else []
        return "\n".join(said)


def weather(
    shop: Deployment, events: Sequence[Event], items: int, seed: int, say: Say, settle_s: float = SETTLE_S
) -> Aftermath:
    """Import so many products into an empty shop while these things happen to it."""
    seconds = max((event.over for event in events), default=0.0)
    with started(shop, any(event.fault in schedule.CLOCK for event in events)) as parts:
        with busy(parts, items, seed, seconds) as (shopper, merchant):
            _fall(parts, events, say)
            calm = time.monotonic()
        settled, wrong = _settle(shop, calm, settle_s)
        wrong += shopper.wrong + merchant.wrong + broken(shop, merchant)
    return Aftermath(events, shop.live(), shopper, merchant, settled, wrong)


def _fall(parts: Parts, events: Sequence[Event], say: Say) -> None:
    """Let it all happen; of what cannot be at once, the later waits. What is late is done at once."""
    began, busy_parts = time.monotonic(), {event.target: Lock() for event in events}

    def row(one_after_the_other: Sequence[Event]) -> None:
        for event in one_after_the_other:
            time.sleep(max(0.0, event.at - (time.monotonic() - began)))
            say(f"{event}   {_counts(parts)}")
            with busy_parts[event.target]:
                parts.begin(event)
                time.sleep(event.lasts)
                parts.end(event)

    rows = schedule.lanes(events)
    with ThreadPoolExecutor(max(1, len(rows))) as pool:
        for done in [pool.submit(row, each) for each in rows]:
            done.result()


def _counts(parts: Parts) -> str:
    """How far the import is; nothing where the database cannot say."""
    try:
        with patience.within(0.5):
            return str(parts.shop.counts())
    except AWAY:
        return ""


def _settle(shop: Deployment, calm: float, within_s: float) -> tuple[float, list[str]]:
    try:
        shop.wait_settled(within_s)
    except AssertionError as unsettled:
        return time.monotonic() - calm, [str(unsettled)]
    settled = time.monotonic() - calm
    services = shop.services
    collect_garbage(services.sessions, services.blobs, services.incoming, age_s=0)  # as in ten minutes' time
    deadline = time.monotonic() + BACK_S
    while shop.differences() and time.monotonic() < deadline:  # the sweeper has its rounds
        time.sleep(1)
    return settled, []


def broken(shop: Deployment, merchant: Merchant) -> list[str]:
    """Every invariant that does not hold."""
    states, gone = _states(shop)
    wrong = [f"doctor: {each}" for each in shop.differences()]
    wrong += [f"lost: {sku}" for sku in sorted(merchant.acknowledged - merchant.deleted - states.keys())]
    for sku, state in states.items():
        wanted = "hidden" if sku in merchant.hidden or sku in merchant.deleted else "live"
        if state != wanted and not (sku in merchant.deleted and sku in gone):
            wrong.append(f"{sku} is {state}, not {wanted}")
    if shop.indexed() != shop.live():
        wrong.append(f"{shop.live()} live in the ledger, {shop.indexed()} points in the index")
    wrong += [f"{name} has ended:\n{each.tail()}" for name, each in shop.running.items() if not each.alive]
    return wrong


def _states(shop: Deployment) -> tuple[dict[str, str], set[str]]:
    """{sku: state of its image}, and which products are deleted."""
    rows = select(Product.sku, Image.state, Image.error_code, Product.deleted_at).join(Image.product)
    with shop.services.sessions() as session:
        found = session.execute(rows).all()
    return (
        {sku: state + (f" ({code})" if code else "") for sku, state, code, _ in found},
        {sku for sku, _, _, deleted in found if deleted is not None},
    )


def load() -> str:
    """The machine's load, to be said beside a figure."""
    return f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores"
