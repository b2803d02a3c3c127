"""What came of many requests: statuses, times, memory, and every answer that should not have been."""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import structlog

SETTLED = 300  # requests after which memory is measured from
MOST_KEPT = 20  # of the wrong answers, in words
SLOW_S = 30.0


@dataclass
class Verdict:
    """Of one kind of input. Nothing is wrong where `wrong` is empty."""

    name: str
    answers: bool = True  # whether somebody waits for each: not for an import
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    by_kind: dict[str, Counter[int]] = field(default_factory=dict)  # statuses of each kind that was named
    wrong: list[str] = field(default_factory=list)
    first_mb: float = 0.0
    last_mb: float = 0.0

    def take(self, ask: Callable[[], tuple[int, str]], said: str, kind: str = "") -> None:
        """Ask once and judge: `ask` gives the status and what is wrong beside it; `said` is the input."""
        began = time.perf_counter()
        try:
            status, wrong = ask()
        except Exception as error:  # nothing may come out of the application
            status, wrong = 500, f"raised {error!r}"
        took = time.perf_counter() - began
        self.seconds.append(took)
        self.statuses[status] += 1
        if kind:
            self.by_kind.setdefault(kind, Counter())[status] += 1
        if status >= 500 or wrong or took > SLOW_S:
            self._note(f"{status} after {took:.1f} s: {wrong} {said[:300]} {' | '.join(_faults)[-700:]}")
        _faults.clear()
        if len(self.seconds) == SETTLED:
            self.first_mb = memory_mb()

    def done(self) -> "Verdict":
        """All has been asked."""
        self.last_mb = memory_mb()
        self.first_mb = self.first_mb or self.last_mb
        return self

    @property
    def p99_s(self) -> float:
        """The time within which 99 of 100 were answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] if ordered else 0.0

    @property
    def grown_mb(self) -> float:
        """Memory of this process and its children, from the first few hundred requests to the last."""
        return self.last_mb - self.first_mb

    def __str__(self) -> str:
        said = " ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        line = f"{self.name:<24} {len(self.seconds):>6}   {said}   p99 {self.p99_s * 1000:.0f} ms"
        line += f"   slowest {max(self.seconds, default=0.0):.2f} s   grown by {self.grown_mb:.0f} MB"
        return "\n".join([line, *(f"  WRONG {each}" for each in self.wrong)])

    def _note(self, what: str) -> None:
        if len(self.wrong) < MOST_KEPT:
            self.wrong.append(what)


_faults: list[str] = []  # what the application has logged of its own faults since the last answer


def watch_faults() -> None:
    """Keep the traceback of every fault that the application logs, and show none of its log."""
    structlog.configure(
        processors=[_keep], wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )


def _keep(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
    error = event.get("exc_info")
    if isinstance(error, BaseException):
        _faults.append("".join(traceback.format_exception(error)[-2:]))
    raise structlog.DropEvent


def memory_mb() -> float:
    """Resident memory of this process and all that it has started."""
    mine = psutil.Process()
    total = 0
    for each in (mine, *mine.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
    return total / 1e6
