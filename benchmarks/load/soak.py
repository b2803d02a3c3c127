"""Whether a shop that is used stays as it is: memory, open files and connections of all its processes."""

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from benchmarks.bar import Bar
from benchmarks.load.generator import Generator
from benchmarks.load.store import importing, visitors
from benchmarks.load.stretch import Stretch
from benchmarks.shop import Shop

EVERY_S, MB = 5.0, 1_000_000
ROLES = ("cli.py web", "cli.py indexer", "vectors.edge", "pictures.child", "serve", "import")
WARM_SHARE = 0.25  # of the time, in which caches fill


@dataclass
class Watch:
    """What the processes held, every few seconds."""

    at: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    kinds: list[Counter[str]] = field(default_factory=list)  # of the open files
    of: list[Counter[str]] = field(default_factory=list)  # bytes of memory of each kind of process

    def look(self, root: psutil.Process, began: float) -> None:
        """Once."""
        connections, kinds, of = 0, Counter[str](), Counter[str]()
        for each in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):  # it has just ended
                of[_role(each)] += each.memory_info().rss
                kinds.update(_kinds(each.pid))
                connections += len(each.net_connections(kind="inet"))
        self.at.append(time.monotonic() - began)
        self.memory_mb.append(of.total() / 1e6)
        self.of.append(of)
        self.files.append(kinds.total())
        self.connections.append(connections)
        self.kinds.append(kinds)

    def risen(self, held: list[Counter[str]], unit: int = 1) -> str:
        """Which kinds there is more of than when it was warm."""
        first, last = held[int(len(held) * WARM_SHARE)], held[-1]
        more = {kind: (last - first)[kind] // unit for kind in sorted(last)}
        return ", ".join(f"{kind} +{number}" for kind, number in more.items() if number) or "none rose"

    def slope(self, values: list[float]) -> float:
        """Its rise a minute, by least squares over what came after the warming up."""
        warm = int(len(self.at) * WARM_SHARE)
        return float(np.polyfit(np.array(self.at[warm:]) / 60, values[warm:], 1)[0])


def _role(process: psutil.Process) -> str:
    """What a process is for, by its command line."""
    line = " ".join(process.cmdline())
    return next((role for role in ROLES if role in line), "other")


def _kinds(pid: int) -> Iterator[str]:
    """What each open file of a process is: a socket, a pipe, or by the end of its name."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it has just been closed
            name = str(link.readlink())
            yield name.partition(":")[0] if ":" in name and not name.startswith("/") else Path(name).name


def soak(made: Shop, rate: float, minutes: float, seed: int) -> tuple[Stretch, Watch]:
    """Visitors at this rate for so long, imports beside."""
    watch, over = Watch(), threading.Event()
    assert made.process is not None
    root, began = psutil.Process(made.process.pid), time.monotonic()

    def work() -> None:
        while not over.wait(EVERY_S):
            watch.look(root, began)

    thread = threading.Thread(target=work)
    thread.start()
    generator = Generator(made.port)
    try:
        with importing(made):
            samples = asyncio.run(generator.run(rate, minutes * 60, visitors(made, seed).next, seed))
    finally:
        over.set()
        thread.join()
    return Stretch(rate, minutes * 60, samples), watch


def bars(stretch: Stretch, watch: Watch, minutes: float) -> Iterator[Bar]:
    """What an hour, or less, has shown."""
    said = f"{minutes:g} minutes at {stretch.rate:.0f}/s; {stretch.statuses}"
    errors = sum(each.status != 200 for each in stretch.samples)
    yield Bar("soak: answers other than 200", errors, "0", errors == 0, detail=said)
    rise = watch.slope(watch.memory_mb)
    ends = f"{watch.memory_mb[0]:.0f} to {watch.memory_mb[-1]:.0f} MB; {watch.risen(watch.of, MB)}"
    yield Bar("soak: memory of all processes", rise, "< 1 MB/min", rise < 1, "MB/min", ends)
    for name, values in (("open files", watch.files), ("connections", watch.connections)):
        rise = watch.slope([float(each) for each in values])
        said = f"{min(values)} to {max(values)}" + (
            f"; {watch.risen(watch.kinds)}" if values is watch.files else ""
        )
        yield Bar(f"soak: {name}", rise, "< 0.5 a minute", rise < 0.5, "/min", said)
