"""One connection to an engine process: send a frame, wait for its reply."""

import socket
from pathlib import Path

from vectors.edge.frames import Header, receive, send
from vectors.edge.wire import unpack_error


class Moved(Exception):
    """The process no longer serves this name: ask the keeper who does."""


class Channel:
    """A connected socket; not safe between threads."""

    def __init__(self, path: Path | str, timeout_s: float | None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def call(
        self, header: Header, body: bytes | bytearray = b"", timeout_s: float | None = None
    ) -> tuple[Header, bytearray]:
        """The reply; raises its `VectorStoreError`, `Moved`, OSError or ValueError."""
        if timeout_s is not None:
            self._socket.settimeout(timeout_s)
        send(self._socket, header, body)
        reply, answer = receive(self._socket)
        if "error" in reply:
            raise unpack_error(reply["error"])
        if "moved" in reply:
            raise Moved
        return reply, answer

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._socket.close()
