"""Faults into a whole shop of real processes, and the doctor's verdict.

    python -m tests.chaos                           # 60 s of every fault there is
    python -m tests.chaos --seed 7 --seconds 3600   # an hour
    python -m tests.chaos --kills 20 --items 5000   # each part killed 20 times during an import
    python -m tests.chaos --faults stop --lasts 60 --seconds 400
    python -m tests.chaos --at-once 2               # two parts at once, all the time
    python -m tests.chaos --faults ahead behind     # clocks that are set an hour wrong, and back
    python -m tests.chaos --replay FILE             # the schedule that a failure has printed

Exit status 1 where anything was lost, doubled, left over, or answered with an error.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos import schedule
from tests.chaos.clock import FIX, can_jump
from tests.chaos.storm import load, weather
from tests.support.deployed import deployed


def main(words: list[str] | None = None) -> int:
    """Draw or read a schedule, let it happen, judge."""
    parser = _parser()
    asked = parser.parse_args(words)
    if not can_jump():
        if asked.faults and set(asked.faults) & set(schedule.CLOCK):
            parser.error(FIX)
        print(f"no clock jumps: {FIX}")
    kinds = asked.faults or [each for each in schedule.TARGETS if can_jump() or each not in schedule.CLOCK]
    if asked.replay:
        events = schedule.read(asked.replay.read_text())
    elif asked.kills:
        events = schedule.kills(asked.seed, asked.kills, asked.lasts)
    else:
        events = schedule.draw(asked.seed, asked.seconds, asked.lasts, kinds, asked.at_once)
    print(f"seed {asked.seed}, {len(events)} faults, {asked.items} products, {load()}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        deployed(Path(folder), workers=0, beat=False) as shop,
    ):
        after = weather(shop, events, asked.items, asked.seed, lambda line: print(line, flush=True))
    print(after)
    return 1 if after.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--lasts", type=float, default=2.0, help="seconds of a fault, on average")
    parser.add_argument("--faults", nargs="+", choices=list(schedule.TARGETS), help="of these kinds alone")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="so many parts at once")
    parser.add_argument("--kills", type=int, default=0, help="kill each part so often, and nothing else")
    parser.add_argument("--replay", type=Path, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
