"""Which process of which machine a name in the ledger means, so that the dead are told from the distant.

A worker is `host.BOOT:pid`. Host names alone are not enough: cloned machines and containers share them, and
a pid that is free here may be at work there. BOOT is of this start of the kernel and of these process ids.
"""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

_BOOT, _PIDS = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@cache
def machine() -> str:
    """`host.BOOT`: what all processes share whose ids this process can look up, and no others."""
    try:
        kernel = _BOOT.read_text().strip() + str(_PIDS.readlink())
    except OSError:  # no Linux, or a sandbox: then the host's name must be its own
        kernel = ""
    return f"{socket.gethostname()[:38]}.{hashlib.sha256(kernel.encode()).hexdigest()[:10]}"


def worker_name(pid: int) -> str:
    """A process of this machine, as claims and the ledger's list of workers name it."""
    return f"{machine()}:{pid}"


Name = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


def of_this_machine(
    name: Name,
) -> ColumnElement[bool]:
    """Whether a column names a process of this machine, or a claim of one (`host.BOOT:pid/…`)."""
    return name.startswith(f"{machine()}:", autoescape=True)


def of_this_machine_name(name: str) -> bool:
    """Whether this names a process of this machine, or a claim of one."""
    return name.startswith(f"{machine()}:")


def is_alive(name: str) -> bool:
    """Whether there is such a process of this machine; True where that cannot be said: the lease decides."""
    try:
        os.kill(int(name.rsplit("/", 1)[0].rsplit(":", 1)[-1]), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError, OverflowError):
        return True
    return True


def is_gone(name: str) -> bool:
    """Whether this names a process of this machine that has ended."""
    return of_this_machine_name(name) and not is_alive(name)
