"""What came of the requests of a while."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.load.generator import NO_ANSWER, NOT_SENT, Sample

GOOD_S = 1.0  # an answer that came later has been given up on
REFUSALS = (429, 503)


@dataclass(frozen=True)
class Stretch:
    """So many seconds at one rate."""

    rate: float
    seconds: float
    samples: Sequence[Sample]

    @property
    def goodput(self) -> float:
        """Answers a second that were in time."""
        return sum(map(is_good, self.samples)) / self.seconds

    @property
    def share(self) -> float:
        """Of all that was asked for, what was answered in time."""
        return sum(map(is_good, self.samples)) / max(1, len(self.samples))

    @property
    def statuses(self) -> dict[str, int]:
        """{status: how many}."""
        words = {NOT_SENT: "not sent", NO_ANSWER: "no answer"}
        return dict(Counter(words.get(each.status, str(each.status)) for each in self.samples))

    @property
    def wrong(self) -> int:
        """What was neither answered nor refused as it should be."""
        return sum(not (each.status == 200 or is_refusal(each)) for each in self.samples)

    def percentile(self, percent: float, kind: str = "") -> float:
        """Milliseconds, of what was answered with 200."""
        times = [each.seconds for each in self.samples if each.status == 200 and kind in ("", each.kind)]
        return float(np.percentile(times, percent)) * 1000 if times else float("nan")

    def __str__(self) -> str:
        times = ", ".join(f"p{percent:g} {self.percentile(percent):.0f}" for percent in (50, 95, 99, 99.9))
        answered = f"{self.goodput:6.1f}/s in time; {times} ms; {self.statuses}"
        return f"{self.rate:6.1f}/s for {self.seconds:.0f} s: {answered}"


def is_good(sample: Sample) -> bool:
    """Answered, and in time."""
    return sample.status == 200 and sample.seconds <= GOOD_S


def is_refusal(sample: Sample) -> bool:
    """Refused as it should be: with a status that says why, and when to come again."""
    return sample.status in REFUSALS and sample.retry_after


def recovered_s(samples: Sequence[Sample], window_s: float = 1.0) -> float:
    """Seconds after which every window of so long was answered in time, all but one in twenty."""
    last = max((each.meant for each in samples), default=0.0)
    for begin in np.arange(0.0, last, window_s / 2):
        later = [each for each in samples if each.meant >= begin]
        windows = np.arange(begin, last - window_s, window_s)
        within = [[each for each in later if at <= each.meant < at + window_s] for at in windows]
        if all(sum(map(is_good, some)) >= 0.95 * len(some) for some in within if some):
            return float(begin)
    return last
