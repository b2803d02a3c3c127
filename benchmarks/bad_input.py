"""200 hostile or broken pictures and feeds: no 500, no crash, a fix in every refusal, good rows live.

    python -m benchmarks.bad_input

The pictures are uploaded to the running API; the feeds are imported into the same shop, each with good
rows beside the bad ones where its format can still be read.
"""

import time
from collections.abc import Iterator

import requests

from benchmarks.bar import Bar, show
from benchmarks.hostile_feeds import HostileFeed, feeds
from benchmarks.shop import Shop, shop
from bootstrap import Services
from catalog.feeds import FeedRefused
from catalog.importing.imports import import_feed
from settings import load
from tests.unit.catalog import hostile

FLIPS = 60
SETTLE_S = 120.0


def pictures() -> Iterator[tuple[str, bytes]]:
    """Hostile files by name: the test corpus, truncations at each 5 per cent, and bit flips."""
    for name, data, _codes in hostile.files():
        yield name, data
    for format_ in ("JPEG", "PNG", "WEBP"):
        whole = hostile.encoded(hostile.photo(), format_)
        for percent in range(0, 100, 5):
            yield f"{format_} cut at {percent} %", whole[: len(whole) * percent // 100]
        for seed in range(FLIPS // 3):
            yield (
                f"{format_} flipped, seed {seed}",
                hostile.flipped(whole, seed),
            )


def upload(running: Shop, data: bytes) -> str:
    """What is wrong with the answer to this upload; empty when nothing is."""
    answer = running.http.post(
        f"{running.url}/api/v1/search",
        files={"photo": ("photo.png", data)},
        data={"words": "red"},
        timeout=60,
    )
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    if answer.status_code >= 400 and not answer.json().get("fix"):
        return f"status {answer.status_code} without a fix: {answer.text[:200]}"
    return ""


def import_one(services: Services, merchant_id: int, case: HostileFeed) -> str:
    """What is wrong with how this feed was taken; empty when nothing is."""
    feed = services.data / case.filename
    feed.write_bytes(case.data)
    try:
        summary = import_feed(
            services.sessions,
            merchant_id,
            feed,
            case.images(services.data),
            services.incoming,
            lambda *_: None,
        )
    except FeedRefused as error:
        return "" if error.fix and not case.good else f"refused: {error}"
    finally:
        feed.unlink()
    missing = len(case.good) - summary.created - summary.unchanged - summary.updated
    return f"{missing} good rows were not taken" if missing > 0 else ""


def _all_live(running: Shop, skus: list[str]) -> list[str]:
    """Those of the good rows that do not become live in time."""
    deadline = time.monotonic() + SETTLE_S
    left = list(skus)
    while left and time.monotonic() < deadline:
        left = [sku for sku in left if not _live(running, sku)]
        time.sleep(0.5)
    return left


def _live(running: Shop, sku: str) -> bool:
    """Whether the product can lead a search: then its picture is in the index."""
    asked = {"reference": sku, "limit": 1, "facets": False}
    return running.http.post(f"{running.url}/api/v1/search", json=asked, timeout=10).status_code == 200


def bars() -> Iterator[Bar]:
    """Count pictures and feeds that were answered badly."""
    with shop() as running:
        environ = {name: value for name, value in running.environ.items() if name.startswith("TWIRL_")}
        services = Services(load(environ))
        services.prepare()
        merchant = services.merchant()
        cases = list(feeds())
        wrong = {case.name: said for case in cases if (said := import_one(services, merchant.id, case))}
        good = [sku for case in cases for sku in case.good]
        services.close()
        running.start()
        left = _all_live(running, good)
        count = 0
        for name, data in pictures():
            count += 1
            try:
                said = upload(running, data)
            except requests.RequestException as error:
                said = f"no answer: {error}"
            if said:
                wrong[name] = said
        well = running.well()
    for name, said in wrong.items():
        print(f"  {name}: {said}")
    total = count + len(cases)
    yield Bar("hostile pictures and feeds tried", total, ">= 200", total >= 200)
    yield Bar("answered badly (500, crash, no fix, good row lost)", len(wrong), "0", not wrong and well)
    yield Bar("good rows of hostile feeds not live", len(left), "0", not left, detail=f"of {len(good)}")


if __name__ == "__main__":
    show(bars())
