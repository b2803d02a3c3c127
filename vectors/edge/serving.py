"""A unix-socket server: a thread for each connection, a handler for each operation, one reply shape."""

import contextlib
import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from vectors.edge.frames import Disconnected, Header, receive, send
from vectors.edge.wire import pack_error
from vectors.protocol import VectorsRefused, VectorStoreError, VectorStoreUnavailable

log = logging.getLogger(__name__)

SOCKET_PATH_LIMIT = 95  # bytes; the system's limit is 108, and shards append a number


class Peer:
    """The other end of one connection, and what is to be undone when it goes."""

    def __init__(self) -> None:
        self.on_close: list[Callable[[], None]] = []

    def close(self) -> None:
        """Undo in the opposite order."""
        while self.on_close:
            self.on_close.pop()()


Reply = tuple[Header, bytes | bytearray]
Handler = Callable[[Header, bytearray, Peer], Reply]


class Turns:
    """A fair lock, first come first served: a search waits for one slice of a large write, never for all."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._busy = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()  # opened by whoever hands the turn over

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._busy = False


def check_socket_path(path: Path) -> None:
    """Raises VectorStoreError for a path that is too long to listen on."""
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise VectorStoreError(
            "store-socket-path",
            f"The socket path is over {SOCKET_PATH_LIMIT} bytes: {path}",
            "Use a data folder with a shorter path: TWIRL_DATA=/path/to/folder",
        )


def listen(path: Path) -> socket.socket:
    """A listening socket that only this user may open; the folder is private too."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    server.bind(str(path))
    path.chmod(0o600)
    server.listen(128)
    return server


def serve(server: socket.socket, handlers: Mapping[str, Handler]) -> None:
    """Accept for ever; returns when the socket is closed."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_converse, args=(connection, handlers), daemon=True).start()


def _converse(connection: socket.socket, handlers: Mapping[str, Handler]) -> None:
    peer = Peer()
    try:
        with connection, contextlib.suppress(Disconnected, ConnectionError):
            while True:
                header, body = receive(connection)
                send(connection, *answer(handlers, header, body, peer))
    except ValueError as error:
        log.warning("dropped a connection: %s", error)
    finally:
        peer.close()


def answer(handlers: Mapping[str, Handler], header: Header, body: bytearray, peer: Peer) -> Reply:
    """One reply for one request, whatever happens inside."""
    handler = handlers.get(str(header.get("op")))
    try:
        if handler is None:
            raise VectorsRefused(
                "vectors-operation",
                f"No operation {header.get('op')!r}.",
                "Run one version on both ends.",
            )
        return handler(header, body, peer)
    except VectorStoreError as error:
        return pack_error(error), b""
    except Exception as error:  # the engine raises bare Exception: name it, keep the details in the log
        log.exception("operation %s failed", header.get("op"))
        kind = VectorStoreUnavailable(
            "vectors-engine", f"The engine failed: {error}", "Read the engine's log."
        )
        return pack_error(kind), b""
