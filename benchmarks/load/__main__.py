"""The knee of a shop, what it does with three times as much, and, on demand, an hour of use.

    python -m benchmarks.load                     # the knee, and 2 minutes of overload: 5 minutes
    python -m benchmarks.load --soak 60           # an hour at half the knee besides
    python -m benchmarks.load --soak 10 --rate 8  # at this rate, without looking for the knee
    python -m benchmarks.load --plot docs/images/load.svg

On this machine only, generator and shop side by side: they share its cores, and the figures are both theirs.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bar import Bar, machine, show
from benchmarks.load import soak
from benchmarks.load.generator import Generator
from benchmarks.load.knee import find_knee
from benchmarks.load.plot import draw
from benchmarks.load.store import importing, stocked, visitors
from benchmarks.load.stretch import Stretch, recovered_s
from benchmarks.shop import Shop

STEP_S, OVERLOAD_S, AFTER_S = 10.0, 120.0, 30.0
TIMES, KEPT, BACK_S = 3.0, 0.8, 10.0


def main(words: list[str] | None = None) -> int:
    """Measure; 1 where a bar is short."""
    asked = _parser().parse_args(words)
    print(machine())
    with stocked() as made:
        kept = show(_bars(made, asked))
    return int(any(not bar.ok for bar in kept))


def _bars(made: Shop, asked: argparse.Namespace) -> Iterator[Bar]:
    rate = asked.rate
    if not rate:
        with importing(made):
            knee, tried = find_knee(lambda at: _at(made, at, asked.step, asked.seed), asked.first)
            overload = _at(made, TIMES * knee, asked.overload, asked.seed)
            after = _at(made, knee / 2, AFTER_S, asked.seed)
        rate = knee / 2
        if asked.plot:
            draw(asked.plot, tried, knee, overload)
        yield from _judged(knee, tried, overload, after)
    if asked.soak:
        yield from soak.bars(*soak.soak(made, rate, asked.soak, asked.seed), asked.soak)


def _at(made: Shop, rate: float, seconds: float, seed: int) -> Stretch:
    generator = Generator(made.port)
    samples = asyncio.run(generator.run(rate, seconds, visitors(made, seed).next, seed))
    stretch = Stretch(rate, seconds, samples)
    print(stretch, flush=True)
    return stretch


def _judged(knee: float, tried: list[Stretch], overload: Stretch, after: Stretch) -> Iterator[Bar]:
    at_knee = next(each for each in tried if each.rate == knee)
    times = ", ".join(f"p{percent} {at_knee.percentile(percent):.0f}" for percent in (50, 95, 99)) + " ms"
    yield Bar("load: the knee", knee, "(found)", knee > 0, "/s", times)
    share = overload.goodput / at_knee.goodput
    yield Bar("overload at 3x: answers in time, of the knee's", share, f">= {KEPT}", share >= KEPT,
              detail=f"{overload.goodput:.0f}/s of {at_knee.goodput:.0f}/s")  # fmt: skip
    wrong, said = overload.wrong, str(overload.statuses)
    yield Bar("overload: neither answered nor refused with Retry-After", wrong, "0", not wrong, detail=said)
    back = recovered_s(after.samples)
    yield Bar("overload: recovered after", back, f"<= {BACK_S:g} s", back <= BACK_S, "s", str(after.statuses))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=float, default=6.0, help="requests a second to begin with")
    parser.add_argument("--step", type=float, default=STEP_S, help="seconds of each rate that is tried")
    parser.add_argument("--overload", type=float, default=OVERLOAD_S, help="seconds at three times the knee")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    parser.add_argument("--rate", type=float, default=0.0, help="of the soak, where no knee is looked for")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
