"""An import through Celery: all live, nothing twice, what queue and ledger cost, what a second worker gains.

    python -m benchmarks.deployed_import [--items 5000] [--side 480] [--one 1500]

Starts the deployed shape as tests do (PostgreSQL, Redis, the Qdrant endpoint or the server of QDRANT_URL,
beat, workers of one process each with default settings) and imports JSONL feeds of distinct pictures with the
shipped pack: `--one` items with one worker, then `--items` with two.

Overhead: what the workers spent claiming, marking, ringing and waiting for the next task while more was due,
against the processor's time that decoding and embedding the same pictures takes in a plain loop, beforehand.
Throughput: images a second from the 5th to the 95th per cent of an import. Two workers gain what two free
cores give: the processes' own share of the processor and the load of the machine are said beside the figure.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bar import Bar, show
from catalog.pictures.decoder import Decoder
from settings import Model
from tests.support.deployed import Deployment, Running, deployed, write_feed

ITEMS, ONE, SIDE = 5_000, 1_500, 480
OVERHEAD, GAIN = 0.10, 1.6
BATCH = 32
WARM = 64  # items before the clock starts
SAMPLE = 160  # pictures of the plain loop
PATIENCE_S = 3 * 3600.0
DEFAULTS = {
    "TWIRL_BATCH": str(BATCH),
    "TWIRL_SWEEP_S": "5",
    "TWIRL_CLAIM_LEASE_S": "120",
    "TWIRL_TASK_LIMIT_S": "120",
    "TWIRL_TASK_SOFT_LIMIT_S": "90",
    "TWIRL_DECODER_TIMEOUT_S": "20",
    "TWIRL_SOFT_SHUTDOWN_S": "30",
    "TWIRL_EMBED_WAIT_MS": "200",
}


@dataclass(frozen=True)
class Run:
    """One import: what became of it and what it cost."""

    items: int
    live: int
    indexed: int
    differences: list[str]
    rate: float  # images/s between the 5th and the 95th per cent
    busy: float  # cores that its processes kept busy meanwhile
    load: float  # of the whole machine
    ledger_s: float  # claiming and marking, all workers together
    queue_s: float  # ringing, and waiting for a task while more was due
    decode_s: float
    embed_s: float


def bars(items: int = ITEMS, side: int = SIDE, one: int = ONE) -> Iterator[Bar]:
    """Import with one worker, then with two."""
    with tempfile.TemporaryDirectory(prefix="deployed-") as folder:
        root = Path(folder)
        pictures = write_feed(root / "feed", items, side=side)
        few = write_feed(root / "few", one, "FEW", side=side)
        plain = plain_loop(pictures.parent)
        single = _run(root / "one", few, one, workers=1)
        double = _run(root / "two", pictures, items, workers=2)
    yield from _counts(double)
    yield _overhead(double, plain, "2 workers")
    yield _overhead(single, plain, "1 worker")
    gain = double.rate / single.rate
    yield Bar(
        "Deployed import: throughput of 2 workers over 1",
        gain, f">= {GAIN:g} on free cores", gain >= GAIN, "x",
        f"{single.rate:.1f} -> {double.rate:.1f} images/s; cores kept busy {single.busy:.2f} -> "
        f"{double.busy:.2f} of {os.cpu_count()}; machine's load {single.load:.1f} -> {double.load:.1f}",
    )  # fmt: skip


def _counts(run: Run) -> Iterator[Bar]:
    named = f"Deployed import of {run.items} items, 2 workers"
    yield Bar(f"{named}: live", run.live, f"{run.items}", run.live == run.items, "images")
    twice = run.indexed - run.live
    yield Bar(f"{named}: points beyond the live images", twice, "0", twice == 0, "points")
    found = len(run.differences)
    detail = "; ".join(run.differences[:3])
    yield Bar(f"{named}: differences of SQL and index", found, "0", not found, "", detail)


def _overhead(run: Run, plain_s: float, who: str) -> Bar:
    share = (run.ledger_s + run.queue_s) / (plain_s * run.items)
    each = 1000 / run.items
    return Bar(
        f"Deployed import: queue and ledger beside the work, {who}",
        share, f"< {OVERHEAD:g}", share < OVERHEAD, "",
        f"a picture: ledger {run.ledger_s * each:.2f} ms, queue {run.queue_s * each:.2f} ms, decode and "
        f"embed {plain_s * 1000:.1f} ms alone (as workers measured it: {run.decode_s * each:.1f} + "
        f"{run.embed_s * each:.1f} ms); load {run.load:.1f}",
    )  # fmt: skip


def plain_loop(pictures: Path) -> float:
    """Processor seconds to decode (with renditions) and embed one picture, without ledger and queue."""
    from embedding.pack import load_pack

    files = [path.read_bytes() for path in sorted(pictures.glob("*.jpg"))[: SAMPLE + BATCH]]
    pack = load_pack(Model().pack)
    with Decoder() as decoder:
        pack.encode_images([decoder.decode(data).pixels for data in files[:BATCH]])
        began = _used_s()
        for start in range(BATCH, len(files), BATCH):
            rows = [decoder.decode(data, renditions=True).pixels for data in files[start : start + BATCH]]
            pack.encode_images(rows)
        took = _used_s() - began
    return took / (len(files) - BATCH)


def _used_s() -> float:
    """Processor seconds of this process and its children, those that still run too."""
    return sum(_ticks(pid) for pid in [os.getpid(), *_descendants(os.getpid())])


def _run(folder: Path, feed: Path, items: int, workers: int) -> Run:
    chosen: dict[str, Any] = {**DEFAULTS, "TWIRL_LOG_LEVEL": "DEBUG"}
    with deployed(folder, workers, **chosen) as shop:
        _warm(shop, workers)
        with _process(shop.start("import", str(feed), "--no-wait", name="import")):
            rate, busy, load = _watch(shop, items)
            shop.wait_settled(PATIENCE_S)
        lines = [line for name in _workers(shop) for line in _said(shop.running[name])]
        return Run(
            items, shop.live() - WARM, shop.indexed() - WARM, shop.differences(), rate, busy, load,
            ledger_s=sum(line.get("claim", 0) + line.get("mark", 0) for line in lines),
            queue_s=sum(line["idle"] + line["ring"] for line in lines if line["event"] == "batch"),
            decode_s=sum(line.get("decode", 0) + line.get("store", 0) for line in lines),
            embed_s=sum(line.get("embed", 0) for line in lines),
        )  # fmt: skip


def _warm(shop: Deployment, workers: int) -> None:
    """Have every worker load its model first: that is no part of an import's cost."""
    shop.stock("WARM", WARM)
    shop.wait_settled()
    for name in _workers(shop):
        shop.running[name].log.write_text("")


def _workers(shop: Deployment) -> list[str]:
    return [name for name in shop.running if name.startswith("worker-")]


def _said(worker: Running) -> Iterator[dict[str, Any]]:
    """The lines about batches that a worker logged."""
    for line in worker.said().splitlines():
        said = json.loads(line) if line.startswith("{") else {}
        if said.get("event") in ("images", "embed", "index", "batch"):
            yield said


@contextmanager
def _process(running: Running) -> Iterator[None]:
    try:
        yield
    finally:
        running.kill()


def _watch(shop: Deployment, items: int) -> tuple[float, float, float]:
    """(images/s, busy cores, the machine's load) between the 5th and the 95th per cent of an import."""
    shop.wait(lambda: shop.live() - WARM >= 0.05 * items, "the first 5 %", PATIENCE_S)
    began, first, used = time.monotonic(), shop.live(), _cpu_s(shop)
    loads = []

    def nearly() -> bool:
        loads.append(os.getloadavg()[0])
        time.sleep(1)
        return shop.live() - WARM >= 0.95 * items

    shop.wait(nearly, "95 %", PATIENCE_S)
    took = time.monotonic() - began
    return (shop.live() - first) / took, (_cpu_s(shop) - used) / took, sum(loads) / len(loads)


def _cpu_s(shop: Deployment) -> float:
    """Processor seconds of the workers and all their children so far."""
    pids = [shop.running[name].pid for name in _workers(shop)]
    return sum(_ticks(pid) for top in pids for pid in (top, *_descendants(top)))


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *_descendants(child)]
    return found


def _ticks(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An import through Celery, with one worker and with two.")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--one", type=int, default=ONE)
    parser.add_argument("--side", type=int, default=SIDE)
    chosen = parser.parse_args()
    shown = show(bars(chosen.items, chosen.side, chosen.one))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
