"""Clocks that jump: each process of a shop may have a wall clock of its own, set while it runs.

libfaketime would be the ready-made thing; Debian's (0.9.10) breaks `time.sleep` of Python 3.11, which waits
for an instant of the monotonic clock. So it is fifty lines of C, built when they are needed.
"""

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
FIX = "clocks jump by a few lines of C, and there is no compiler (Debian: apt-get install gcc libc6-dev)"


def can_jump() -> bool:
    """Whether this machine can build what makes a clock jump."""
    return shutil.which("cc") is not None


class Clock:
    """The wall clock of the processes that are started with `env`. Raises RuntimeError without a compiler."""

    def __init__(self, folder: Path, name: str) -> None:
        self._ahead = folder / f"{name}.ahead"
        self.set(0)
        self.env = {"LD_PRELOAD": str(_library(folder)), "CHAOS_CLOCK": str(self._ahead)}

    def set(self, ahead_s: int) -> None:
        """Have it so many seconds ahead of the machine's (behind, if negative), from now on."""
        with self._ahead.open("r+b" if self._ahead.exists() else "wb") as file:  # in place: it is mapped
            file.write(struct.pack("=q", ahead_s))


def _library(folder: Path) -> Path:
    built = folder / "clock.so"
    if not built.exists():
        if not can_jump():
            raise RuntimeError(FIX)
        words = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(built), str(SOURCE), "-ldl"]
        subprocess.run(words, check=True, capture_output=True, text=True)
    return built
