"""The process that owns one collection's shard.

python -m vectors.edge.shard_process ORDER    (JSON, written by the keeper: see `vectors.edge.order`)
"""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import qdrant_edge  # noqa: F401 - loaded before the parent is told anything, so a missing wheel fails at once

from telemetry import logs
from vectors.edge.channel import Channel
from vectors.edge.damage import UNREADABLE, is_damage, leave_at_once
from vectors.edge.lifelines import die_with_parent
from vectors.edge.order import Order, sync_folder
from vectors.edge.serving import listen, serve
from vectors.edge.shard import Shard, create_shard
from vectors.edge.shard_server import ShardServer
from vectors.edge.succession import copy_and_build, take_over

log = logging.getLogger(__name__)

LOCK_S = 10.0  # a killed owner's lock is gone within milliseconds; wait this long for it
PATIENCE_S = 60.0  # a successor waits so long for one answer
SWITCH_S = 0.0005  # a search takes the interpreter back from a thread that parses a write


def main(argument: str) -> None:
    """Serve until the keeper says stop, or until a successor has taken over."""
    order = Order.loads(argument)
    die_with_parent(order.parent)
    os.umask(0o077)
    sys.setswitchinterval(SWITCH_S)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the keeper decides
    signal.signal(signal.SIGTERM, _stop)
    logs.configure(process="shard")
    server = _succeed(order, order.incumbent) if order.incumbent else _open(order)
    try:
        server.housekeep()
    finally:
        server.close()


def _open(order: Order) -> ShardServer:
    try:
        server = ShardServer(order, _load(order))
    except BaseException as error:  # the engine raises bare Exception, and BaseException where it panics
        if is_damage(error):
            log.critical("the shard of %s cannot be opened", order.collection.name, exc_info=error)
            leave_at_once(UNREADABLE)
        raise
    _listen(order, server)
    keeper = Channel(order.keeper, LOCK_S)
    keeper.call({"op": "ready", "name": order.collection.name, "generation": order.generation.name})
    keeper.close()
    return server


def _succeed(order: Order, socket: Path) -> ShardServer:
    incumbent = Channel(socket, PATIENCE_S)
    server = ShardServer(order, copy_and_build(order, incumbent))
    take_over(order, incumbent, server, lambda: _listen(order, server))
    incumbent.close()
    return server


def _listen(order: Order, server: ShardServer) -> None:
    listening = listen(order.socket)
    threading.Thread(target=serve, args=(listening, server.handlers()), daemon=True).start()


def _load(order: Order) -> Shard:
    folder = order.generation / "shard"
    if not folder.exists():
        _make(folder, order)
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            return Shard(folder, order.collection)
        except Exception as error:  # the engine raises bare Exception; only a held lock passes by waiting
            if "WouldBlock" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _make(folder: Path, order: Order) -> None:
    """A shard half made never gets the name that counts."""
    beside = folder.with_name(f"making-{os.getpid()}")
    create_shard(beside, order.collection)
    beside.rename(folder)
    sync_folder(folder.parent)


def _stop(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would cut the flush short
    raise SystemExit(0)


if __name__ == "__main__":
    main(sys.argv[1])
