"""Bad input into a small real shop, in this process: no 500, no hang, memory that stays.

    python -m tests.fuzz                                            # the whole: some minutes
    python -m tests.fuzz --requests 500 --uploads 300 --feeds 200   # a short one
    python -m tests.fuzz --seed 7

Exit status 1 where an answer was 500 or later than 30 s, 1 in 100 took longer than a second, memory grew by
200 MB or more, or anything but a public address was dialled.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bootstrap import Services
from catalog.programs.api_keys import SCOPES, issue_key
from searcher.query import SearchQuery
from tests.fuzz import addresses, feeds, requests, uploads
from tests.fuzz.judging import Verdict, watch_faults
from tests.fuzz.known import known
from tests.support.shop import small_shop
from web.app import create_app

MOST_MB, MOST_P99_S = 200.0, 1.0


def main(words: list[str] | None = None) -> int:
    """Try it all; print what came of each kind of input."""
    asked = _parser().parse_args(words)
    logging.disable(logging.WARNING)
    watch_faults()
    good = True
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        with small_shop(Path(folder) / "shop") as services:
            for verdict in tried(services, Path(folder), asked):
                print(verdict, flush=True)
                good = good and is_good(verdict)
        for line, well in dialled(Path(folder), asked.tries):
            print(line, flush=True)
            good = good and well
    print("all is well" if good else "SHORT")
    return 0 if good else 1


def tried(services: Services, folder: Path, asked: argparse.Namespace) -> Iterator[Verdict]:
    """Every kind of input that a shop takes."""
    app, skus = create_app(services), _skus(services)
    with services.sessions.begin() as session:
        key = issue_key(session, services.merchant().id, SCOPES).secret
    headers = {"Authorization": f"Bearer {key}"}
    yield uploads.uploads(app, asked.uploads, asked.seed)
    yield requests.pages(app, asked.requests * 2 // 5, asked.seed, skus)
    things = known(app, skus, headers)
    by_document = requests.api(app, asked.requests - asked.requests * 2 // 5, asked.seed, things, headers)
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    by_document.wrong += [f"never reached: {each}" for each in requests.unreached(by_document, document)]
    yield by_document
    yield feeds.feeds(services, folder, asked.feeds, asked.seed)
    if asked.line_mib:
        yield feeds.take_endless(services, folder, asked.line_mib)


def is_good(verdict: Verdict) -> bool:
    """Whether it keeps to what the project holds itself to."""
    in_time = verdict.p99_s < MOST_P99_S or not verdict.answers
    return not verdict.wrong and in_time and verdict.grown_mb < MOST_MB


def dialled(folder: Path, tries: int) -> Iterator[tuple[str, bool]]:
    """What was dialled for hostile addresses and fickle names, and whether that is well."""
    wrong, seen = addresses.refusals(folder)
    said = f"{'hostile addresses':<24} {len(addresses.HOSTILE):>6}   dialled {len(seen.addresses)}"
    yield "\n".join([said, *(f"  WRONG {each}" for each in wrong)]), not wrong and not seen.addresses
    asked, seen = addresses.rebinding(folder, tries)
    said = (
        f"{'a name that rebinds':<24} {tries:>6}   asked for {asked} times, dialled {len(seen.addresses)}, "
    )
    yield said + f"of which not public {len(seen.inner)}", asked >= tries and not seen.inner


def _skus(services: Services) -> list[str]:
    found = services.searcher.search(SearchQuery(services.merchant().id, limit=30, collapse=False))
    return [hit.product.sku for hit in found.hits]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--uploads", type=int, default=10_000)
    parser.add_argument("--feeds", type=int, default=3_000)
    parser.add_argument("--tries", type=int, default=1_000, help="fetches by a name that rebinds")
    parser.add_argument("--line-mib", type=int, default=1024, help="length of one line of a feed; 0: none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
