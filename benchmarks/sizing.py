"""How large a cluster must be: bytes an image, measured on real collections, and the sums that follow.

    python -m benchmarks.sizing [--few 20000] [--many 60000] [--node-gib 64 256] [--replicas 2]

Builds two collections of Qdrant Edge, which is the server's own storage code, with the shipped pack's
dimension and with what a feed of clothes says. What an image takes is the difference of both by the
difference of their numbers: so nothing counts that a collection has once. `docs/sizing.md` quotes it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bar import Bar, machine
from benchmarks.sizing_collection import DIMENSION, LOG, OTHER, PARTS, build, on_disk
from benchmarks.sizing_plan import GIB, SPARE, TWICE, Node, PerImage, plan, show, size
from benchmarks.sizing_rows import rendition_bytes, rows_bytes

COUNTS = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
RENDITIONS = (
    150_000  # bytes of a photo's three sizes, see docs/storage.md; no such photo is at hand to measure
)
GRAPH = "graph"
LEFT_OUT = ("words", "indexes")
BITS_MEASURED, BITS_PLANNED = 16, 30  # of an id in a graph's compressed links: 60,000 points, a billion


@dataclass(frozen=True)
class Measured:
    """Bytes an image by part, and the seconds that building the larger collection took."""

    disk: dict[str, float]
    mapped: dict[str, float]
    anonymous: float
    without: dict[str, float]  # the same where words or payload indexes are left out
    log: float  # bytes of a shard, whatever it holds
    build_s: float


def measure(few: int, many: int) -> Measured:
    """Build both collections, look at their files, and at what a process that searches has in memory."""
    with tempfile.TemporaryDirectory(prefix="twirl-sizing-") as name:
        sizes, residents, took = [], [], 0.0
        for count in (few, many):
            folder, began = Path(name) / str(count), time.monotonic()
            build(folder, count)
            took = time.monotonic() - began
            residents.append(_resident(folder))
            sizes.append(on_disk(folder))
        return Measured(
            disk=_slopes(sizes[0], sizes[1], many - few),
            mapped=_slopes(residents[0]["mapped"], residents[1]["mapped"], many - few),
            anonymous=(residents[1]["anonymous"] - residents[0]["anonymous"]) / (many - few),
            without={part: _anonymous(Path(name), few, part) for part in LEFT_OUT},
            log=sizes[1].get(LOG, 0),
            build_s=took,
        )


def _anonymous(folder: Path, count: int, without: str) -> float:
    """Bytes an image in memory, of two smaller collections that lack a part."""
    sizes = []
    for points in (count // 3, count):
        build(folder / f"{without}-{points}", points, without)
        sizes.append(_resident(folder / f"{without}-{points}")["anonymous"])
    return float(sizes[1] - sizes[0]) / (count - count // 3)


def _resident(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.sizing_collection", "resident", str(folder)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1])
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _slopes(few: dict[str, int], many: dict[str, int], more: int) -> dict[str, float]:
    return {part: max(0.0, (many.get(part, 0) - few.get(part, 0)) / more) for part in many if part != LOG}


def per_image(measured: Measured, rows: dict[str, float]) -> PerImage:
    """What the sums go on with; the links of a larger graph have longer ids."""
    links = measured.disk[GRAPH] * BITS_PLANNED / BITS_MEASURED
    return PerImage(
        pinned=measured.anonymous,
        cached=links + measured.mapped.get("payload indexes", 0.0),
        disk=sum(measured.disk.values()) - measured.disk[GRAPH] + links,
        sql=sum(rows.values()),
        renditions=RENDITIONS,
    )


def lines(measured: Measured, rows: dict[str, float], pictures: dict[str, float]) -> Iterator[str]:
    """What was measured, in Markdown."""
    yield f"Bytes an image, {DIMENSION} dimensions:"
    yield ""
    yield "| part | on disk | mapped, after searches |"
    yield "|---|--:|--:|"
    for part in (*PARTS.values(), OTHER):
        yield f"| {part} | {measured.disk.get(part, 0):,.0f} | {measured.mapped.get(part, 0):,.0f} |"
    yield f"| together | {sum(measured.disk.values()):,.0f} | {sum(measured.mapped.values()):,.0f} |"
    yield ""
    pinned = "in memory with no file behind it (int8 vectors, payload and word indexes, ids)"
    lacking = ", ".join(f"{value:,.0f} without {part}" for part, value in measured.without.items())
    yield f"- {pinned}: {measured.anonymous:,.0f}; {lacking}"
    yield f"- the write-ahead log, once a shard: {size(measured.log)}"
    yield f"- rows in PostgreSQL with their indexes: {', '.join(f'{k} {v:,.0f}' for k, v in rows.items())}"
    yield f"- three renditions: {', '.join(f'{v / 1000:,.0f} KB ({k})' for k, v in pictures.items())}"


def sums(each: PerImage, node: Node, replicas: int) -> Iterator[str]:
    """The arithmetic, and its table."""
    yield f"pinned {each.pinned:,.0f} B + graph and mapped indexes {each.cached:,.0f} B an image and copy"
    example = plan(100_000_000, each, node, replicas)
    memory = f"100,000,000 x {each.pinned + each.cached:,.0f} B x {replicas} copies x {SPARE}"
    nodes = f"{example.nodes} nodes of {size(node.memory)}, of which 85 % is theirs to use"
    yield f"{memory} = {size(example.memory)}: {nodes}"
    yield f"100,000,000 x {each.disk:,.0f} B x {replicas} copies x {TWICE:g} = {size(example.disk)} of disk"
    yield ""
    yield from show([plan(count, each, node, replicas) for count in COUNTS])


def bars(few: int = 20_000, many: int = 60_000) -> Iterator[Bar]:
    """An image must not take more than the page was written for."""
    measured = measure(few, many)
    each = per_image(measured, {})
    yield Bar("memory of an image in one copy of the index", each.pinned + each.cached, "<= 2000 B",
              each.pinned + each.cached <= 2000, "B", f"{DIMENSION} dimensions")  # fmt: skip
    yield Bar("disk of an image in one copy of the index", each.disk, "<= 5500 B", each.disk <= 5500, "B")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=60_000)
    parser.add_argument("--node-gib", type=float, nargs="+", default=[64.0, 256.0])
    parser.add_argument("--replicas", type=int, default=2)
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    measured = measure(chosen.few, chosen.many)
    rows, pictures = rows_bytes(chosen.few, chosen.many), rendition_bytes()
    print(json.dumps(machine() | {"points": [chosen.few, chosen.many]}))
    print("\n".join(lines(measured, rows, pictures)) + "\n")
    each, rate = per_image(measured, rows), chosen.many / measured.build_s
    print(f"one core writes and builds {rate:,.0f} images a second at this size\n")
    for memory in chosen.node_gib:
        print("\n".join(sums(each, Node(memory * GIB), chosen.replicas)) + "\n")


if __name__ == "__main__":
    main()
