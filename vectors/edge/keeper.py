"""The engine's first process: it owns the folder, starts a process for each shard, and knows who serves what.

It opens no shard itself, so it always answers. All state changes happen in its main thread, one job after
another; connection threads only hand jobs in. Children must be started from that thread: they die with it.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from vectors.checks import check_collection, check_name, check_same, collection_missing, name_taken
from vectors.edge.damage import set_aside
from vectors.edge.frames import Header
from vectors.edge.order import Order, check_aliases, read_aliases, write_atomically
from vectors.edge.serving import Handler, Peer, Reply
from vectors.edge.shelf import Child, Shelf, discard, make_shelf, open_shelves, start_child
from vectors.edge.wire import pack_collection, unpack_collection
from vectors.protocol import VectorsRefused, VectorStoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

READY_S = 15.0  # `create` waits so long for its shard
BACK_OFF_S = (0.05, 0.5, 2.0, 10.0, 30.0)  # before a shard that keeps dying is started again
GIVE_UP = 3  # failures after which the engine calls itself ready without that shard
WAKE_S = 0.5


class Keeper:
    """Collections, aliases and shard processes under one root."""

    def __init__(self, root: Path, socket: Path) -> None:
        self._collections, self._aliases = root / "collections", root / "aliases.json"
        self._socket = socket
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._shelves: dict[str, Shelf] = {}
        self._started = 0
        self._stopping = self._announced = False

    def handlers(self) -> dict[str, Handler]:
        """What a client and a shard process may ask."""
        jobs: dict[str, Callable[[Header], Header]] = {
            "create": self._create,
            "drop": self._drop,
            "collections": lambda _: {"names": sorted(self._shelves)},
            "locate": self._locate,
            "alias": self._alias,
            "resolve": lambda header: {"name": read_aliases(self._aliases).get(header["alias"])},
            "ready": self._ready,
            "succeed": self._succeed,
            "promote": self._promote,
        }
        return {op: self._in_turn(job) for op, job in jobs.items()}

    def open(self) -> None:
        """Start what is on disk; before anyone is answered, who would take a collection for missing."""
        check_aliases(self._aliases)
        for shelf in open_shelves(self._collections):
            self._shelves[shelf.collection.name] = shelf
            self._start_serving(shelf)

    def run(self) -> None:
        """Work until `stop`."""
        self._announce()
        while not self._stopping:
            # A signal that comes just before the wait does not end it, so the wait is a short one.
            with contextlib.suppress(Empty):
                self._jobs.get(timeout=WAKE_S)()
        self._stop_children()

    def stop(self) -> None:
        """End `run`; safe in a signal handler and from any thread."""
        self._stopping = True
        self._jobs.put(lambda: None)

    def _in_turn(self, job: Callable[[Header], Header]) -> Handler:
        def handle(header: Header, body: bytearray, peer: Peer) -> Reply:
            reply = self._do(lambda: job(header))
            shelf = self._shelves.get(header["wait"]) if "wait" in header else None
            if shelf is not None and not shelf.ready.wait(READY_S):
                raise _starting(shelf.collection.name)
            return reply, b""

        return handle

    def _do(self, job: Callable[[], T]) -> T:
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(job())
            except Exception as error:  # belongs to the caller, who waits for it in another thread
                done.set_exception(error)

        self._jobs.put(run)
        return done.result(timeout=READY_S)

    def _announce(self) -> None:
        settled = all(shelf.ready.is_set() or shelf.failures >= GIVE_UP for shelf in self._shelves.values())
        if settled and not self._announced:
            self._announced = True
            print(json.dumps({"ready": True}), flush=True)  # start_engine waits for this line

    def _create(self, header: Header) -> Header:
        wanted = unpack_collection(header["collection"])
        check_collection(wanted)
        known = self._shelves.get(wanted.name)
        if known is not None:
            check_same(known.collection, wanted)
            return {}
        if wanted.name in read_aliases(self._aliases):
            raise name_taken(wanted.name)
        shelf = self._shelves[wanted.name] = make_shelf(self._collections, wanted)
        self._start_serving(shelf)
        return {}

    def _drop(self, header: Header) -> Header:
        shelf = self._shelves.pop(header["name"], None)
        if shelf is None:
            return {}
        self._forget(shelf)
        discard(shelf.folder)
        return {}

    def _forget(self, shelf: Shelf) -> None:
        """No name leads to it any more, and no process has its files open."""
        aliases, gone = read_aliases(self._aliases), shelf.collection.name
        if gone in aliases.values():
            self._write_aliases({alias: name for alias, name in aliases.items() if name != gone})
        shelf.kill()

    def _set_aside(self, shelf: Shelf) -> None:
        """Go on without a collection that cannot be read; who asks for it is told that it is missing."""
        del self._shelves[shelf.collection.name]
        self._forget(shelf)
        set_aside(shelf.folder)
        self._announce()

    def _locate(self, header: Header) -> Header:
        name = str(header["name"])
        name = read_aliases(self._aliases).get(name, name)
        shelf = self._shelves.get(name)
        if shelf is None:
            raise collection_missing(header["name"])
        if shelf.serving is None or not shelf.ready.is_set():
            raise _starting(name)
        return {"socket": str(shelf.serving.order.socket), "collection": pack_collection(shelf.collection)}

    def _alias(self, header: Header) -> Header:
        alias, name = header["alias"], header["name"]
        check_name(alias)
        if name not in self._shelves:
            raise collection_missing(name)
        if alias in self._shelves:
            raise name_taken(alias)
        self._write_aliases(read_aliases(self._aliases) | {alias: name})
        return {}

    def _write_aliases(self, aliases: dict[str, str]) -> None:
        write_atomically(self._aliases, json.dumps(aliases, sort_keys=True))

    def _ready(self, header: Header) -> Header:
        shelf = self._shelf(header)
        if shelf.current == header["generation"]:
            shelf.note_served()
            shelf.failures = 0
            shelf.ready.set()
            self._announce()
        return {}

    def _succeed(self, header: Header) -> Header:
        """Start the process that optimises beside, unless one is at it."""
        shelf = self._shelf(header)
        if shelf.successor is None and shelf.serving is not None and shelf.ready.is_set():
            shelf.successor = self._start(shelf, shelf.next_generation(), shelf.serving.order)
        return {}

    def _promote(self, header: Header) -> Header:
        shelf = self._shelf(header)
        if shelf.successor is None or shelf.successor.order.generation.name != header["generation"]:
            raise VectorsRefused(
                "vectors-handover", "This successor is not expected.", "Let the keeper start it."
            )
        shelf.promote(header["generation"])
        return {}

    def _shelf(self, header: Header) -> Shelf:
        """That of a process that reports; it may have been dropped meanwhile."""
        shelf = self._shelves.get(header["name"])
        if shelf is None:
            raise collection_missing(header["name"])
        return shelf

    def _start_serving(self, shelf: Shelf) -> None:
        shelf.ready.clear()
        shelf.serving = self._start(shelf, shelf.generation, None)

    def _start(self, shelf: Shelf, generation: Path, incumbent: Order | None) -> Child:
        self._started += 1
        order = Order(
            collection=shelf.collection,
            generation=generation,
            socket=self._socket.with_name(f"{self._socket.name}.{self._started}"),
            keeper=self._socket,
            aliases=self._aliases,
            parent=os.getpid(),
            incumbent=incumbent.socket if incumbent else None,
            source=incumbent.generation if incumbent else None,
        )
        return start_child(
            order, lambda child, status: self._jobs.put(lambda: self._ended(shelf, child, status))
        )

    def _ended(self, shelf: Shelf, child: Child, status: int) -> None:
        """A shard process is gone: retired, failed as a successor, or to be started again."""
        child.order.socket.unlink(missing_ok=True)
        if self._shelves.get(shelf.collection.name) is not shelf:
            return  # dropped
        if child is shelf.serving:
            if shelf.deaths.note(status, time.monotonic() - child.started):
                self._set_aside(shelf)
            else:
                self._restart(shelf, status)
            return
        if child is shelf.successor:
            log.warning("a successor of %s ended with status %d", shelf.collection.name, status)
            shelf.successor = None
        shelf.retired = [each for each in shelf.retired if each is not child]
        discard(child.order.generation)

    def _restart(self, shelf: Shelf, status: int) -> None:
        log.error("the shard of %s ended with status %d", shelf.collection.name, status)
        shelf.serving = None
        shelf.ready.clear()
        if shelf.successor is not None:  # it followed the one that is gone
            shelf.successor.process.kill()
        pause = BACK_OFF_S[min(shelf.failures, len(BACK_OFF_S) - 1)]
        shelf.failures += 1
        self._announce()
        timer = threading.Timer(pause, lambda: self._jobs.put(lambda: self._again(shelf)))
        timer.daemon = True
        timer.start()

    def _again(self, shelf: Shelf) -> None:
        if self._shelves.get(shelf.collection.name) is shelf and shelf.serving is None:
            self._start_serving(shelf)

    def _stop_children(self) -> None:
        shelves = self._shelves.values()
        for successor in [shelf.successor for shelf in shelves if shelf.successor]:
            successor.kill()
        serving = [shelf.serving for shelf in shelves if shelf.serving]
        for child in serving:
            child.process.terminate()  # all at once, then one by one
        for child in serving:
            child.wait_or_kill()
            child.order.socket.unlink(missing_ok=True)


def _starting(name: str) -> VectorStoreUnavailable:
    return VectorStoreUnavailable(
        "vectors-starting", f"The shard of {name} is being opened.", "Try again in a second."
    )
