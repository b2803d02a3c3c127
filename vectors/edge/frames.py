"""What travels between the store and its engine: a JSON header, then raw bytes. Nothing that unpickles.

frame = header length (u32, little endian) | body length (u32) | header (JSON) | body
"""

import json
import socket
import struct
from typing import Any

Header = dict[str, Any]

_LENGTHS = struct.Struct("<II")
HEADER_LIMIT = 64 * 2**20  # bytes: a scroll of 10,000 payloads is some MB
BODY_LIMIT = 256 * 2**20  # bytes


class Disconnected(ConnectionError):
    """The other end closed between two frames or within one."""


def encode(header: Header, body: bytes | bytearray = b"") -> bytes:
    """One frame as bytes."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))


def decode(frame: bytes) -> tuple[Header, bytes]:
    """The inverse of `encode`, for a whole frame."""
    header_length, body_length = _LENGTHS.unpack_from(frame)
    end = _LENGTHS.size + header_length
    header: Header = json.loads(frame[_LENGTHS.size : end])
    return header, frame[end : end + body_length]


def send(connection: socket.socket, header: Header, body: bytes | bytearray = b"") -> None:
    """Write one frame; raises OSError."""
    connection.sendall(encode(header, body))


def receive(connection: socket.socket) -> tuple[Header, bytearray]:
    """Read one frame; raises `Disconnected`, TimeoutError, or ValueError for what is no frame of ours."""
    header_length, body_length = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size))
    if header_length > HEADER_LIMIT or body_length > BODY_LIMIT:
        raise ValueError(f"a frame of {header_length} + {body_length} bytes is over the limit")
    header = json.loads(_exactly(connection, header_length))
    if not isinstance(header, dict):
        raise ValueError("a frame's header is a JSON object")
    return header, _exactly(connection, body_length)


def _exactly(connection: socket.socket, length: int) -> bytearray:
    buffer = bytearray(length)
    view, filled = memoryview(buffer), 0
    while filled < length:
        count = connection.recv_into(view[filled:])
        if count == 0:
            raise Disconnected("the other end closed")
        filled += count
    return buffer
