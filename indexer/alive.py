"""Whether a worker is alive, from a file that it touches: a check that costs no connection and no model.

python -m indexer.alive /tmp/alive --within 60

Exit status 0 when the file was touched in the last so many seconds, else 1, with the reason on standard
error. What touches it is the worker's own loop, so a loop that hangs goes quiet (see `Pulse`).
"""

import argparse
import sys
import time
from pathlib import Path

WITHIN_S = 60.0
EVERY_S = 2.0


class Pulse:
    """Touches the file, at most every `every_s` seconds. With no path it does nothing."""

    def __init__(self, path: str, every_s: float = EVERY_S) -> None:
        self.path = Path(path) if path else None
        self.every_s = every_s
        self._next = 0.0

    def beat(self, *_: object, **__: object) -> None:
        """Say that all is well; takes and ignores what signals send along. Never raises OSError."""
        if self.path is None or (now := time.monotonic()) < self._next:
            return
        self._next = now + self.every_s
        try:
            self.path.touch()
        except OSError as error:  # a full disk must not stop the work; the check will tell
            print(f"{self.path}: {error.strerror}", file=sys.stderr)

    def stop(self, *_: object, **__: object) -> None:
        """Say that it has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def silence_s(path: Path) -> float:
    """Seconds since the file was touched. Raises FileNotFoundError."""
    return max(0.0, time.time() - path.stat().st_mtime)


def main(words: list[str] | None = None) -> int:
    """Check the file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m indexer.alive", description="Is the worker alive?")
    parser.add_argument("path", type=Path)
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS")
    asked = parser.parse_args(words)
    try:
        silent = silence_s(asked.path)
    except OSError as error:
        print(f"{asked.path}: {error.strerror}: the worker has not started, or has ended", file=sys.stderr)
        return 1
    if silent > asked.within:
        print(f"no sign of life for {silent:.0f} s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
