"""What a child process does to itself before it reads what strangers sent: its pipes, its limits."""

import os
import resource
from typing import BinaryIO


def own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes for ourselves, so that nothing that a library prints can fall into an answer."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def limit(memory_mb: int, least_free: int, files: int) -> None:
    """Set the limits of memory and open files; no file is written. MemoryError without `least_free` bytes.

    With less, all that is read would be blamed for a limit that is too low.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20,) * 2)
    bytearray(least_free)
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def limit_cpu(cpu_seconds: int) -> None:
    """Allow `cpu_seconds` from now: the kernel counts over the whole life of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
