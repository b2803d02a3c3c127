"""How long a task may take, and who believes for how long that it is being done."""

from dataclasses import dataclass

VISIBLE_AGAIN = 2.5  # times the hard limit: after that a message is taken for abandoned


@dataclass(frozen=True)
class Limits:
    """What a task may take, in seconds, and how long a worker that is told to stop waits for its tasks."""

    soft_s: float = 90
    hard_s: float = 120
    shutdown_s: float = 30

    @property
    def visibility_s(self) -> int:
        """After which a message that a worker took and did not acknowledge is another's."""
        return round(VISIBLE_AGAIN * self.hard_s)
