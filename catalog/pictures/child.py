"""The decoder's child process: one request after another on its pipes, under limits of memory and CPU.

    python -P -m catalog.pictures.child MEMORY_MB CPU_SECONDS

Request: 4 bytes length (little-endian), 1 byte flags (1 = with renditions), the picture's bytes.
Answer: 4 bytes length of a JSON header, the header, then the pixels and the renditions that it lists.
One byte is sent once at the start, when all imports are done.
"""

import json
import struct
import sys

from catalog.child_limits import limit, limit_cpu, own_pipes
from catalog.pictures.decoding import Decoded, ImageRefused, decode

REQUEST = struct.Struct("<IB")
LENGTH = struct.Struct("<I")
READY = b"!"

_LEAST_FREE = 32 * 2**20
_FILES = 16


def serve(memory_mb: int, cpu_seconds: int) -> None:
    """Answer requests until the parent closes its end."""
    requests, answers = own_pipes()
    limit(memory_mb, _LEAST_FREE, _FILES)
    answers.write(READY)
    answers.flush()
    while head := requests.read(REQUEST.size):
        length, flags = REQUEST.unpack(head)
        limit_cpu(cpu_seconds)
        for part in answer(requests.read(length), bool(flags & 1)):
            answers.write(part)
        answers.flush()


def answer(data: bytes, renditions: bool) -> list[bytes]:
    """Return the parts of one answer."""
    try:
        decoded = decode(data, renditions)
    except ImageRefused as error:
        return [_header({"code": error.code, "message": error.message, "fix": error.fix})]
    return [_header(_described(decoded)), decoded.pixels, *decoded.renditions.values()]


def _described(decoded: Decoded) -> dict[str, object]:
    return {
        "width": decoded.width,
        "height": decoded.height,
        "format": decoded.format,
        "size": decoded.size,
        "renditions": [[size, len(data)] for size, data in decoded.renditions.items()],
    }


def _header(fields: dict[str, object]) -> bytes:
    text = json.dumps(fields).encode()
    return LENGTH.pack(len(text)) + text


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
