"""The doorbell: tells an indexer that the ledger has work. Losing a ring costs a moment, never an image."""

from collections.abc import Iterable
from pathlib import Path


class WakeFile:
    """The embedded bell: the time of a file. The indexer looks at it while it waits."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def ring(self, product_ids: Iterable[int]) -> None:
        """Wake the indexer of this data folder; which products it is, the ledger knows."""
        self.path.touch()

    def rung(self) -> int:
        """A number that changes with each ring; 0 before the first."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
