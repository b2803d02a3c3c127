"""A TCP proxy that turns into a bad network with connections open: refuse, swallow, delay, drip, reset …"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

Send = Callable[[socket.socket, socket.socket, bytes], None]
Fault = Literal["none", "refuse", "blackhole", "delay", "drip", "reset", "fail"]

RESET_AFTER = 15  # bytes of an answer
DRIP_S = 0.25  # between two bytes
DELAY_S = 0.5  # before each piece of an answer
FAILURE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\naway\n"


class FaultyProxy:
    """Passes bytes on to `target` until a fault is set; open connections meet it as new ones do.

    `target` is an address, or the path of a unix socket.
    """

    def __init__(self, target: tuple[str, int] | Path, drip_s: float = DRIP_S) -> None:
        self.target, self.drip_s, self.fault = target, drip_s, "none"
        self._open: set[socket.socket] = set()
        self._server = self._listen(0)
        self.port = self._server.getsockname()[1]

    def set(self, fault: Fault) -> None:
        """From now on, for all connections."""
        before, self.fault = self.fault, fault
        if fault == "refuse":
            self._close_server()
            self._hang_up()
        elif before == "refuse":
            self._server = self._listen(self.port)
        elif fault == "none":
            self._hang_up()  # what was swallowed or half sent is lost for good

    def close(self) -> None:
        """Stop listening."""
        self.fault = "refuse"
        self._close_server()
        self._hang_up()

    def _listen(self, port: int) -> socket.socket:
        server = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()
        return server

    def _close_server(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._server.close()

    def _hang_up(self) -> None:
        for connection in list(self._open):
            _reset(connection)
        self._open.clear()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        try:
            far = self._reach()
        except OSError:
            return _reset(near)
        far.settimeout(None)
        self._open |= {near, far}
        threading.Thread(target=self._pump, args=(near, far, self._ask), daemon=True).start()
        self._pump(far, near, self._answer)

    def _reach(self) -> socket.socket:
        if not isinstance(self.target, Path):
            return socket.create_connection(self.target, 5)
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self.target))
        return far

    def _pump(self, source: socket.socket, sink: socket.socket, send: Send) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                send(sink, source, data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            self._open.discard(each)

    def _ask(self, far: socket.socket, near: socket.socket, data: bytes) -> None:
        if self.fault == "fail":
            near.sendall(FAILURE)
            near.shutdown(socket.SHUT_WR)
        elif self.fault != "blackhole":
            far.sendall(data)

    def _answer(self, near: socket.socket, far: socket.socket, data: bytes) -> None:
        if self.fault == "reset":
            near.sendall(data[:RESET_AFTER])
            _reset(near)
        elif self.fault == "drip":
            for byte in data:
                near.sendall(bytes([byte]))
                time.sleep(self.drip_s if self.fault == "drip" else 0)
        elif self.fault != "blackhole":
            time.sleep(DELAY_S if self.fault == "delay" else 0)
            near.sendall(data)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    connection.close()


@contextlib.contextmanager
def faulty(port: int) -> Iterator[FaultyProxy]:
    """A proxy before a port of this machine, for a while."""
    proxy = FaultyProxy(("127.0.0.1", port))
    try:
        yield proxy
    finally:
        proxy.close()
