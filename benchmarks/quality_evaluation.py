"""The shipped pack measured once a process, whatever number of bars is read off it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from benchmarks.bar import ROOT, SHARED, Bar
from embedding.pack import Pack, load_pack
from training.baselines import Row
from training.report_answers import Answers
from training.report_evaluation import Evaluation, evaluate
from training.report_exam import Exam, sit
from training.report_seed import SeedRival, load_seed

DATA = SHARED / "data"
PACK = ROOT / "packs" / "twirl-small"
CACHE = ROOT / "runs" / "small"
EXAM = ROOT / "runs" / "exam"
SEED = ROOT / "runs" / "seed"  # the published network, where `quality_seed` has trained it
FIRST = Path(__file__).with_name("first_pack.json")  # figures.json of the first issue's pack


@cache
def pack_at(directory: Path) -> Pack:
    """The pack, loaded once."""
    return load_pack(directory, threads=1)


@cache
def exam(directory: Path) -> Exam:
    """The atelier's exam, taken by the pack."""
    return sit(pack_at(directory), EXAM, work=CACHE)


@cache
def evaluation(directory: Path) -> Evaluation:
    """The exam, and what the data folder allows; what is missing is said in the evaluation."""
    seed = load_seed(SEED)
    return evaluate(pack_at(directory), exam(directory), DATA, CACHE, [seed] if seed else [])


def first_pack() -> Mapping[str, float]:
    """The figures of the first issue's pack."""
    figures: Mapping[str, float] = json.loads(FIRST.read_text(encoding="utf-8"))["figures"]
    return figures


def table(rows: tuple[Row, ...]) -> str:
    """R@1/R@10 of every method on one line."""
    return "; ".join(f"{row.method} {row.at_1:g}/{row.at_10:g}" for row in rows)


def at_least(name: str, figure: float, target: float, detail: str = "", unit: str = "%") -> Bar:
    """A bar that is met from `target` on."""
    return Bar(name, figure, f">= {target:g}", figure >= target, unit, detail)


def times_of_seed(answers: Answers) -> Bar:
    """How many times as often the composed query finds its target first as the published network does."""
    seed = next(row for row in answers.rows if row.method == SeedRival.name)
    times = answers.composed.at_1 / max(seed.at_1, 0.1)
    name = f"{answers.stand_in.name}: composed R@1 / that of the published network"
    return at_least(name, round(times, 2), 3, table(answers.rows), "x")


def ahead(answers: Answers, factor: float = 1.5) -> Bar:
    """How many times as often the composed query finds its target first as the best simple way does."""
    best = answers.best_other
    times = answers.composed.at_1 / max(best.at_1, 0.1)
    name = f"{answers.stand_in.name}: composed R@1 / that of the best simple way"
    return at_least(name, round(times, 2), factor, f"{best.method}; {table(answers.rows)}", "x")
