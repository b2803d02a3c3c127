"""Serves the shard of one collection: searches and writes by turns, and hands over to a successor."""

import logging
import os
import time
from collections.abc import Callable

import numpy as np

from vectors.checks import check_width
from vectors.edge.channel import Channel
from vectors.edge.damage import UNREADABLE, Suspicion, leave_at_once
from vectors.edge.frames import Header
from vectors.edge.handover import Handover
from vectors.edge.order import Order
from vectors.edge.serving import Handler, Peer, Reply, Turns
from vectors.edge.shard import SLICE, Shard, prepare, read_built
from vectors.edge.wire import pack_points, unpack_filter, unpack_points, unpack_query
from vectors.protocol import PayloadValue, Point, Sparse, VectorsRefused, VectorStoreError

log = logging.getLogger(__name__)

MOVED: Reply = ({"moved": True}, b"")
IDLE_S = 5.0  # without a write for this long, a smaller tail is worth optimising
# Points outside the graph that start an optimisation, at least and as a share of those inside: while writes
# come, and once they have stopped. 5,000 cost a search 0.3 ms; a large index is not rebuilt for so few.
TAIL, TAIL_SHARE = 5_000, 0.2
IDLE_TAIL, IDLE_TAIL_SHARE = 1_000, 0.02
HOLD_S = 30.0  # the longest that a write waits for the copy or for the last steps of a handover
ASK_AGAIN_S = (10.0, 600.0)  # between successors that fail, for want of disk or memory: at first, at last
LINGER_S = 3.0  # a retired process answers "moved" for so long


class ShardServer:
    """Serves one open shard. Writes can be held, followed and handed over; searches never wait for that."""

    def __init__(self, order: Order, shard: Shard) -> None:
        self._order, self._shard = order, shard
        self._turns = Turns()
        self._names: tuple[int, frozenset[str]] = (-1, frozenset())
        self._handover = Handover(order.generation.parent)
        self._moved = False
        self._points, self._built = shard.count(), read_built(order.generation)
        self._tail = max(0, self._points - self._built)
        self._last_write = time.monotonic()
        self._next_ask, self._ask_pause = 0.0, ASK_AGAIN_S[0]
        self._suspicion = Suspicion()

    def handlers(self) -> dict[str, Handler]:
        """What a client, and a successor, may ask."""
        reads: dict[str, Callable[[Header, bytearray], Reply]] = {
            "search": self._search,
            "facets": self._facets,
            "vectors": self._vectors,
            "scroll": self._scroll,
            "points": self._points_after,
            "count": self._count,
            "stats": self._stats,
        }
        served: dict[str, Handler] = {op: self._guarded(read) for op, read in reads.items()}
        for op in ("upsert", "delete"):
            served[op] = self._write
        orders: dict[str, Handler] = {
            "hold": self._hold,
            "follow": self._follow,
            "drain": self._drain,
            "take": self._take,
        }
        return served | orders

    def apply(self, header: Header, body: bytearray) -> None:
        """One write on the shard; the caller has the turn, or is alone."""
        if header["op"] == "delete":
            self._tail += self._shard.delete(header["ids"], header.get("revs"))
            return
        check_width(self._order.collection, header["dimension"])
        points = unpack_points(header, body, header["dimension"])
        self._tail += self._shard.upsert(points, prepare(points))

    def close(self) -> None:
        """End cleanly: nothing is left for the log to replay."""
        with self._turns:
            if not self._moved:
                self._shard.flush()
            self._shard.close()

    def housekeep(self) -> None:
        """For ever: ask for an optimisation when the tail is long enough; end when the shard has moved on."""
        while not self._moved:
            time.sleep(0.5)
            now, idle = time.monotonic(), time.monotonic() - self._last_write > IDLE_S
            least, share = (IDLE_TAIL, IDLE_TAIL_SHARE) if idle else (TAIL, TAIL_SHARE)
            threshold = max(least, share * self._built)
            if self._suspicion.due():
                self._read_everything()
            if self._tail >= threshold and not self._handover.active and now > self._next_ask:
                self._next_ask = (
                    now + self._ask_pause
                )  # after a successor that failed, for want of disk or memory
                self._ask_pause = min(2 * self._ask_pause, ASK_AGAIN_S[1])
                try:
                    self._tell({"op": "succeed", "name": self._order.collection.name})
                except (OSError, ValueError, VectorStoreError) as error:  # no room on disk: searches go on
                    log.warning("no successor was started: %s", error)
        time.sleep(LINGER_S)

    def _read_everything(self) -> None:
        """Leave, for the keeper to decide, when the shard cannot be read to its end."""
        after: str | None = None
        try:
            while True:
                with self._turns:
                    points = self._shard.points(after, SLICE)
                if not points:
                    return
                after = points[-1].id
        except BaseException as error:  # the engine's panics are no Exception
            log.critical("the shard of %s cannot be read", self._order.collection.name, exc_info=error)
            leave_at_once(UNREADABLE)

    def _tell(self, header: Header) -> None:
        keeper = Channel(self._order.keeper, HOLD_S)
        try:
            keeper.call(header)
        finally:
            keeper.close()

    def _guarded(self, read: Callable[[Header, bytearray], Reply]) -> Handler:
        def handle(header: Header, body: bytearray, peer: Peer) -> Reply:
            with self._suspicion:
                return read(header, body) if self._mine(header["name"]) else MOVED

        return handle

    def _mine(self, name: str) -> bool:
        """Whether the name or alias means this collection now; a changed alias file is read again."""
        if self._moved:
            return False
        if name == self._order.collection.name:
            return True
        stamp = self._order.aliases_stamp()
        if stamp != self._names[0]:
            self._names = (stamp, self._order.read_aliases())
        return name in self._names[1]

    def _search(self, header: Header, body: bytearray) -> Reply:
        query, where = unpack_query(header, body), unpack_filter(header["where"])
        if not isinstance(query, Sparse):
            check_width(self._order.collection, len(query))
        group_by = header.get("group")
        with self._turns:
            hits = self._shard.search(
                query, where, header["limit"], header["offset"], group_by, header["exact"]
            )
        if group_by is None:
            return {"hits": [(hit.id, hit.score) for hit in hits]}, b""
        return {"hits": [(hit.id, hit.score, hit.group) for hit in hits]}, b""

    def _facets(self, header: Header, body: bytearray) -> Reply:
        with self._turns:
            pairs = self._shard.facets(header["field"], unpack_filter(header["where"]), header["limit"])
        return {"facets": pairs}, b""

    def _vectors(self, header: Header, body: bytearray) -> Reply:
        found = []
        for start in range(0, len(header["ids"]), SLICE):
            with self._turns:
                found += self._shard.vectors(header["ids"][start : start + SLICE])
        return {"ids": [point_id for point_id, _ in found]}, b"".join(row.tobytes() for _, row in found)

    def _scroll(self, header: Header, body: bytearray) -> Reply:
        rows: list[tuple[str, dict[str, PayloadValue]]] = []
        after, wanted = header["after"], header["limit"]
        while wanted > len(rows):
            with self._turns:
                part = self._shard.scroll(after, min(500, wanted - len(rows)))
            if not part:
                break
            rows += part
            after = part[-1][0]
        return {"rows": rows}, b""

    def _points_after(self, header: Header, body: bytearray) -> Reply:
        points: list[Point] = []
        after, wanted = header["after"], header["limit"]
        while wanted > len(points):
            with self._turns:
                part = self._shard.points(after, min(SLICE, wanted - len(points)))
            if not part:
                break
            points += part
            after = part[-1].id
        rows = [point.vector for point in points]
        width = self._order.collection.dimension
        return pack_points(points, np.stack(rows) if rows else np.empty((0, width), np.float32))

    def _count(self, header: Header, body: bytearray) -> Reply:
        with self._turns:
            return {"count": self._shard.count(unpack_filter(header["where"]))}, b""

    def _stats(self, header: Header, body: bytearray) -> Reply:
        with self._turns:
            points = self._shard.count()
        generation, optimising = self._order.generation.name, self._handover.active
        return {"points": points, "tail": self._tail, "generation": generation, "optimising": optimising}, b""

    def _write(self, header: Header, body: bytearray, peer: Peer) -> Reply:
        deadline = time.monotonic() + HOLD_S
        while True:
            with self._turns:
                if not self._mine(header["name"]):
                    return MOVED
                if not self._handover.held:
                    with self._suspicion:
                        self.apply(header, body)
                    self._handover.keep(header, body)
                    self._last_write = time.monotonic()
                    return {}, b""
            self._handover.wait(deadline - time.monotonic())

    def _hold(self, header: Header, body: bytearray, peer: Peer) -> Reply:
        with self._turns:
            self._handover.hold(peer)
        peer.on_close.append(lambda: self._leave(peer))
        return {}, b""

    def _follow(self, header: Header, body: bytearray, peer: Peer) -> Reply:
        with self._turns:
            self._handover.follow(peer)
        return {}, b""

    def _drain(self, header: Header, body: bytearray, peer: Peer) -> Reply:
        with self._turns:
            entry = self._handover.pop(peer)
        if entry is None:
            return {"write": None, "left": 0}, b""
        write, data, left = entry
        return {"write": write, "left": left}, data

    def _take(self, header: Header, body: bytearray, peer: Peer) -> Reply:
        """The successor has everything and listens: make it official, then answer "moved" to all."""
        with self._turns:
            self._handover.check_complete(peer)
        name, generation = self._order.collection.name, header["generation"]
        try:
            self._tell({"op": "promote", "name": name, "generation": generation})
        except VectorsRefused:
            raise
        except Exception:  # it may be official or not: take no further write, the keeper knows who goes on
            log.exception("the end of a handover is unknown")
            os._exit(1)
        self._moved = True
        self._handover.release()
        return {}, b""

    def _leave(self, peer: Peer) -> None:
        with self._turns:
            self._handover.leave(peer)
