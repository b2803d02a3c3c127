"""How an optimised shard takes over: no search waits for it and no write is lost.

    hold    the incumbent lets writes wait; searches go on
    copy    nothing writes meanwhile, so the copy is what a kill -9 would leave: whole, its log included
    follow  writes go on, and each is kept for us as well
    build   optimise and flush, here, at a lower priority: seconds to minutes
    drain   apply what was kept, until little is left
    hold    writes wait again, milliseconds; drain the rest; listen
    take    the incumbent has the keeper write `current`, and answers "moved" from then on

Until `current` is written the incumbent's folder holds every acknowledged write; from then on ours does. If
we die, the incumbent sees the connection close, lets writes go on and forgets what it kept for us.
"""

import errno
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vectors.edge.channel import Channel
from vectors.edge.order import Order
from vectors.edge.shard import Shard, write_built
from vectors.edge.shard_server import ShardServer

NICENESS = 10
FEW = 8  # writes left that may be applied while writers wait
ROUNDS = 1000  # of draining; writers that are faster than we are get held after these
WARM_UP = 32  # searches that touch the fresh graph before shoppers do


def copy_and_build(order: Order, incumbent: Channel) -> Shard:
    """The incumbent's generation, copied beside and optimised."""
    if order.source is None:
        raise ValueError("a successor needs the generation that it copies")
    incumbent.call({"op": "hold"})
    copy_folder(order.source / "shard", order.generation / "shard")
    incumbent.call({"op": "follow"})
    shard = Shard(order.generation / "shard", order.collection)
    at_lower_priority(lambda: _build(shard, order))
    return shard


def take_over(order: Order, incumbent: Channel, server: ShardServer, listen: Callable[[], None]) -> None:
    """Catch up with the incumbent's writes, then serve in its place."""
    for _ in range(ROUNDS):
        if _drain(incumbent, server, at_most=256) <= FEW:
            break
    incumbent.call({"op": "hold"})
    while _drain(incumbent, server, at_most=256):
        pass
    listen()
    incumbent.call({"op": "take", "generation": order.generation.name})


def copy_folder(source: Path, target: Path) -> None:
    """A tree with its holes: shards reserve far more than they fill."""
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        beside = target / path.relative_to(source)
        if path.is_dir():
            beside.mkdir()
        else:
            _copy_file(path, beside)


def at_lower_priority(work: Callable[[], None]) -> None:
    """Run it in a thread that yields to everyone; this process serves searches later, at its own priority."""
    failures: list[BaseException] = []

    def run() -> None:
        if sys.platform == "linux":  # where a thread has a niceness of its own, which its threads inherit
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            work()
        except BaseException as error:  # carried to the caller's thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def _build(shard: Shard, order: Order) -> None:
    shard.optimize()
    shard.flush()
    write_built(order.generation, shard.count())
    directions = np.random.default_rng(0).standard_normal((WARM_UP, order.collection.dimension), np.float32)
    for direction in directions:
        shard.search(direction, (), 10, 0, None, False)
    after: str | None = None
    while rows := shard.scroll(after, 1000):  # payloads, which grouping reads: 12 ms a search when untouched
        after = rows[-1][0]


def _drain(incumbent: Channel, server: ShardServer, at_most: int) -> int:
    """Apply up to so many writes; how many are left after."""
    left = 0
    for _ in range(at_most):
        reply, body = incumbent.call({"op": "drain"})
        if reply["write"] is None:
            return 0
        server.apply(reply["write"], body)
        left = int(reply["left"])
        if left == 0:
            return 0
    return left


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        size = os.fstat(reading.fileno()).st_size
        writing.truncate(size)
        start = _next_data(reading.fileno(), 0)
        while start is not None and start < size:
            end = os.lseek(reading.fileno(), start, os.SEEK_HOLE)
            os.lseek(reading.fileno(), start, os.SEEK_SET)
            os.lseek(writing.fileno(), start, os.SEEK_SET)
            _copy_range(reading.fileno(), writing.fileno(), min(end, size) - start)
            start = _next_data(reading.fileno(), end)


def _copy_range(reading: int, writing: int, length: int) -> None:
    while length > 0:
        part = os.read(reading, min(length, 2**20))
        if not part:
            return
        os.write(writing, part)
        length -= len(part)


def _next_data(handle: int, start: int) -> int | None:
    try:
        return os.lseek(handle, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole up to the end
            return None
        raise
