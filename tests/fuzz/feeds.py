"""Feeds that were whole once: changed at random, named as another format, in another encoding, endless."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.hostile_feeds import feeds as corpus
from bootstrap import Services
from catalog.feeds import FeedRefused
from catalog.importing.imports import import_feed
from tests.fuzz.judging import Verdict
from tests.fuzz.uploads import CHANGES

SAMPLES = Path(__file__).resolve().parents[1] / "unit" / "catalog" / "samples"
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".xml", ".zip", ".txt", "")
ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7", "shift_jis")
MIB = 2**20
SHOP = "fuzz"  # a merchant of its own, beside the one that is searched


def feeds(services: Services, folder: Path, number: int, start: int) -> Verdict:
    """So many imports: each ends with counts, or with a refusal that says what to do."""
    verdict, shop = Verdict("changed feeds", answers=False), services.merchant(SHOP).id
    for name, data in changed(number, random.Random(start)):
        path = folder / name
        path.write_bytes(data)

        ask = partial(_import, services, shop, path, folder)
        verdict.take(ask, f"{name}: {data[:120]!r}")
        path.unlink()
    return verdict.done()


def _import(services: Services, shop: int, path: Path, images: Path | None) -> tuple[int, str]:
    try:
        import_feed(services.sessions, shop, path, images, services.incoming)
    except FeedRefused as refused:
        return 422, "" if refused.fix else "no fix"
    return 200, ""


def changed(number: int, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """So many files (name, bytes)."""
    whole = [(each.name, each.read_bytes()) for each in sorted(SAMPLES.iterdir())]
    whole += [(case.filename, case.data) for case in corpus() if 0 < len(case.data) < 50_000]
    for at in range(number):
        name, data = rng.choice(whole)
        for _ in range(rng.randrange(1, 4)):
            data = rng.choice((*CHANGES, _recoded, _with_nuls, _repeated))(data, rng, whole) or b"x"
        suffix = Path(name).suffix if rng.randrange(4) else rng.choice(SUFFIXES)
        yield f"fuzz-{at}{suffix}", data


def endless_line(path: Path, mebibytes: int) -> Path:
    """A CSV whose second line is so long."""
    with path.open("wb") as file:
        file.write(b"id,title,image_link,price,availability\nE1,")
        for _ in range(mebibytes):
            file.write(b"a" * MIB)
    return path


def take_endless(services: Services, folder: Path, mebibytes: int) -> Verdict:
    """The import of such a file: memory must not grow with the line."""
    verdict, path = (
        Verdict(f"a line of {mebibytes} MiB", answers=False),
        endless_line(folder / "endless.csv", mebibytes),
    )

    verdict.take(partial(_import, services, services.merchant(SHOP).id, path, None), "")
    path.unlink()
    return verdict.done()


Whole = list[tuple[str, bytes]]


def _recoded(data: bytes, rng: random.Random, _whole: Whole) -> bytes:
    return data.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def _with_nuls(data: bytes, rng: random.Random, _whole: Whole) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + b"\0" * rng.choice((1, 3, 5000)) + data[at:]


def _repeated(data: bytes, rng: random.Random, _whole: Whole) -> bytes:
    """One stretch of it, many times over: columns, brackets, elements without end."""
    at = rng.randrange(len(data) + 1)
    piece = data[at : at + rng.randrange(1, 30)]
    return data[:at] + piece * rng.choice((2, 100, 3000)) + data[at:]
