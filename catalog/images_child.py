"""The decoder's child process: one request after another on its pipes, under limits of memory and CPU.

    python -P -m catalog.images_child MEMORY_MB CPU_SECONDS

Request: 4 bytes length (little-endian), 1 byte flags (1 = with renditions), the picture's bytes.
Answer: 4 bytes length of a JSON header, the header, then the pixels and the renditions that it lists.
One byte is sent once at the start, when all imports are done.
"""

import json
import os
import resource
import struct
import sys
from typing import BinaryIO

from catalog.decoding import Decoded, ImageRefused, decode

REQUEST = struct.Struct("<IB")
LENGTH = struct.Struct("<I")
READY = b"!"

_LEAST_FREE = 32 * 2**20


def serve(memory_mb: int, cpu_seconds: int) -> None:
    """Answer requests until the parent closes its end."""
    requests, answers = _own_pipes()
    _limit(memory_mb)
    answers.write(READY)
    answers.flush()
    while head := requests.read(REQUEST.size):
        length, flags = REQUEST.unpack(head)
        _limit_cpu(cpu_seconds)
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


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes for ourselves, so that nothing that a library prints can fall into an answer."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _limit(memory_mb: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20,) * 2)
    bytearray(_LEAST_FREE)  # with less, every picture would be blamed for a limit that is too low
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):  # it writes no file
        resource.setrlimit(kind, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def _limit_cpu(cpu_seconds: int) -> None:
    """Allow `cpu_seconds` from now: the kernel counts over the whole life of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
