"""gunicorn's worker with threads, made proof against clients that are slow on purpose (ADR 311).

A thread is given to a request whose first bytes are there. Its head must be complete in time, its body must
keep coming, and what is answered must be taken. A connection that is being closed waits in the loop, where
gunicorn's own waits up to two seconds for each of them with everybody else behind it.
"""

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

LINGER_S, LINGERING = 2.0, 256  # for how long, and how many, connections wait for the client's end of them
GRACE_S = 5.0  # in which a body may come at any speed
UNMEASURED_S = 30.0  # for a body that does not say how long it is
TAKEN_S = 20  # within which some of an answer must be taken

_this_thread = threading.local()


def waited_s() -> float:
    """For how long the request that this thread answers has waited for a thread."""
    return float(getattr(_this_thread, "waited_s", 0.0))


@dataclass
class Arriving:
    """One request on its way in: when it may be hung up on."""

    began: float
    head_s: float
    least_rate: float  # bytes a second
    received: int = 0
    expected: int | None = None  # bytes of head and body; None while the head is read
    measured: bool = True

    def is_late(self, now: float) -> bool:
        """Whether it has taken longer than it may."""
        spent = now - self.began
        if self.expected is None:
            return spent > self.head_s
        if not self.measured:
            return spent > UNMEASURED_S
        if self.received >= self.expected:
            return False  # it is all here; what is left is our own work
        return spent > GRACE_S and self.received < self.least_rate * (spent - GRACE_S)


class Connection(TConn):  # type: ignore[misc]
    """A connection that knows how its request arrives, and is closed without anybody waiting for it."""

    def __init__(self, worker: "Worker", sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.worker = worker
        self.queued_at = time.monotonic()
        self.arriving: Arriving | None = None
        # What does not leave the machine for so long ends the request: the client takes nothing any more.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", TAKEN_S, 0))

    def init(self) -> None:
        """Make the parser, and count what it takes from the socket."""
        if not self.initialized:
            super().init()
            unreader = self.parser.unreader
            unreader.chunk = partial(self._counted, unreader.chunk)

    def close(self, graceful: bool = False) -> None:
        """Close at once, or when the client has taken its answer and closed its end."""
        if graceful:
            self.worker.linger(self)
        else:
            super().close()

    def _counted(self, chunk: Any, *given: Any, **named: Any) -> bytes:
        data: bytes = chunk(*given, **named)
        if self.arriving is not None:
            self.arriving.received += len(data)
        return data


class Worker(ThreadWorker):  # type: ignore[misc]
    """One process with a pool of threads, and a loop that no client can hold up."""

    head_s, least_rate = 10.0, 16_000.0  # seconds, bytes a second: see TWIRL_REQUEST_HEAD_S, …_BODY_KBS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._busy: dict[Connection, Arriving] = {}
        self._lingering: deque[tuple[float, Connection]] = deque()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; it gets a thread when its first bytes are there."""
        try:
            sock, client = listener.accept()
        except OSError:  # it has gone again
            return
        self.nr_conns += 1
        conn = Connection(self, sock, client, listener.getsockname())
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Connection) -> None:
        """Have a thread answer, as soon as one is free."""
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Connection) -> Any:
        """Answer one request, in a thread of the pool."""
        now = time.monotonic()
        _this_thread.waited_s = now - conn.queued_at
        conn.arriving = self._busy[conn] = Arriving(now, self.head_s, self.least_rate)
        try:
            return super().handle(conn)
        finally:
            self._busy.pop(conn, None)
            conn.arriving = None

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """The head is complete: from now on it is the body that may be late."""
        if conn.arriving is not None:
            length = next((value for name, value in req.headers if name == "CONTENT-LENGTH"), "0")
            conn.arriving.measured = not any(name == "TRANSFER-ENCODING" for name, _ in req.headers)
            head = conn.arriving.received - len(conn.parser.unreader.buf.getvalue())
            conn.arriving.expected = head + (int(length) if length.isdigit() else 0)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Each second: let go of the silent, hang up on the slow, close what has lingered long enough."""
        super().murder_pending()
        now = time.monotonic()
        for conn, arriving in list(self._busy.items()):
            if arriving.is_late(now):
                self.log.info("Hanging up on a client that is too slow: %s", conn.client)
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
        while self._lingering and self._lingering[0][0] <= now:
            self._let_go(self._lingering.popleft()[1])

    def linger(self, conn: Connection) -> None:
        """Say that nothing more will come, and close when the client has: else it might lose the answer."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError, KeyError):
            TConn.close(conn)
            return
        self._lingering.append((time.monotonic() + LINGER_S, conn))
        if len(self._lingering) > LINGERING:
            self._let_go(self._lingering.popleft()[1])

    def _drain(self, conn: Connection, sock: socket.socket) -> None:
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._let_go(conn)

    def _let_go(self, conn: Connection) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            self.poller.unregister(conn.sock)
        TConn.close(conn)
