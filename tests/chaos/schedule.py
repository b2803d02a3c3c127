"""What is done to which part of a shop, and when: drawn from a seed, written down, read back.

    3.20  kill  worker-1  0.50

is a line of it: seconds after the beginning, the fault, the part, and for how many seconds.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROCESSES = ("worker-1", "web", "engine", "postgres", "redis")
SERVICES = ("engine", "postgres", "redis")  # reached over the network
CLOCKED = ("worker-1", "beat", "web")  # each with a wall clock of its own; the database's is everybody's
CLOCK = {"ahead": 3600, "behind": -3600}  # seconds
NETWORK = ("refuse", "blackhole", "delay", "reset", "drip")
TARGETS: Mapping[str, Sequence[str]] = {
    "kill": PROCESSES,
    "stop": PROCESSES,
    "flush": ("redis",),
    **dict.fromkeys(NETWORK, SERVICES),
    **dict.fromkeys(CLOCK, CLOCKED),
}
WHOLE = 2.0  # seconds between two faults, on average


@dataclass(frozen=True)
class Event:
    """One fault: it begins `at` seconds after the start and is over `lasts` seconds later."""

    at: float
    fault: str
    target: str
    lasts: float

    @property
    def over(self) -> float:
        """When it is over."""
        return self.at + self.lasts

    def __str__(self) -> str:
        return f"{self.at:8.2f}  {self.fault:<9}  {self.target:<9}  {self.lasts:.2f}"


def draw(
    seed: int, seconds: float, lasts: float, faults: Sequence[str] = tuple(TARGETS), at_once: int = 1
) -> list[Event]:
    """Faults of these kinds, for about so many seconds. The same for the same seed.

    One after the other, or so many at once; never two of one part at once.
    """
    rng = random.Random(seed)
    events: list[Event] = []
    for _ in range(at_once):
        events += _lane(rng, seconds, lasts, faults, events)
    return sorted(events, key=lambda event: event.at)


def _lane(
    rng: random.Random, seconds: float, lasts: float, faults: Sequence[str], beside: Sequence[Event]
) -> list[Event]:
    """Faults one after the other, beside these."""
    pairs = [(fault, target) for fault in faults for target in TARGETS[fault]]
    events, at = [], 0.0
    waiting: list[tuple[str, str]] = []
    while True:
        at += rng.uniform(0.25, 1.75) * WHOLE
        if at >= seconds:
            return events
        if not waiting:  # each pair once before any comes again
            waiting = rng.sample(pairs, len(pairs))
        fault, target = waiting.pop()
        event = Event(round(at, 2), fault, target, _lasts(rng, fault, lasts))
        if any(_meet(event, other) for other in beside):
            waiting.insert(0, (fault, target))  # its turn comes last
            continue
        events.append(event)
        at += event.lasts


def _meet(one: Event, other: Event) -> bool:
    """Whether both are of one part, at once."""
    return one.target == other.target and one.at <= other.over and other.at <= one.over


def lanes(events: Sequence[Event]) -> list[list[Event]]:
    """The same events as rows in each of which one comes after the other: as few as there may be."""
    rows: list[list[Event]] = []
    for event in sorted(events, key=lambda event: event.at):
        free = next((row for row in rows if row[-1].over <= event.at), None)
        if free is None:
            rows.append(free := [])
        free.append(event)
    return rows


def kills(seed: int, times: int, lasts: float = 1.0, parts: Sequence[str] = PROCESSES) -> list[Event]:
    """Each part killed so many times, in an order of chance."""
    rng = random.Random(seed)
    events, at = [], 0.0
    for target in rng.sample([part for part in parts for _ in range(times)], times * len(parts)):
        at += rng.uniform(0.25, 1.75) * WHOLE
        events.append(Event(round(at, 2), "kill", target, _lasts(rng, "kill", lasts)))
        at += events[-1].lasts
    return events


def _lasts(rng: random.Random, fault: str, lasts: float) -> float:
    return 0.0 if fault == "flush" else round(rng.uniform(0.5, 1.5) * lasts, 2)


def write(events: Sequence[Event]) -> str:
    """The schedule as lines."""
    return "\n".join(map(str, events))


def read(text: str) -> list[Event]:
    """A schedule from its lines. Raises ValueError that names the line which is none."""
    events = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            at, fault, target, lasts = line.split()
            event = Event(float(at), fault, target, float(lasts))
        except ValueError:
            raise ValueError(f"line {number} is no event (seconds, fault, part, seconds): {line!r}") from None
        if target not in TARGETS.get(fault, ()):
            raise ValueError(f"line {number}: there is no {fault!r} of {target!r}")
        events.append(event)
    return events
