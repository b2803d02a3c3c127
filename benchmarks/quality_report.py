"""The evaluation as one HTML file: tables, curves, slices, pictures; and the figures as JSON beside it.

    python -m benchmarks.quality_report [--pack packs/twirl-small] [--out runs/evaluation] [--against FIGURES]

Photos of ../shared/data are in the pictures of the page where that folder is: it is for looking at, not for
publishing. Without the folder the exam is measured alone, and the page says what is missing.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bar import ROOT, Bar, machine, show
from benchmarks.quality_composing import bars as composing_bars
from benchmarks.quality_evaluation import CACHE, FIRST, PACK, SEED, evaluation
from benchmarks.quality_exam import exam_bars
from benchmarks.quality_retrieval import photo_bars
from training.report_evaluation import Evaluation, figures
from training.report_page import Against, Judged, Surroundings, write_report

OUT = ROOT / "runs" / "evaluation"
LARGEST = 12  # MB of the page
LOGS = {
    "Stage one, the image tower": CACHE / "tower.log",
    "Stage two, heads and composer": CACHE / "heads.log",
    "The published network (seed)": SEED / "log.csv",
}


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """Writes the page and yields its size."""
    yield _written(write(directory, OUT, FIRST))


def write(directory: Path, out: Path, against: Path) -> Path:
    """Measure the pack, write `out`/report.html and `out`/figures.json; returns the page."""
    found = evaluation(directory)
    judged = [*exam_bars(found.exam), *photo_bars(found), *composing_bars(directory)]
    around = Surroundings(machine(), [_judged(bar) for bar in judged], LOGS, _other(against, found))
    keep_figures(found, out / "figures.json")
    return write_report(out / "report.html", found, around)


def keep_figures(found: Evaluation, path: Path) -> None:
    """Every figure as JSON, for comparisons."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"pack": found.name, "fingerprint": found.fingerprint, "date": machine()["date"]}
    path.write_text(json.dumps({**about, "figures": figures(found)}, indent=1) + "\n", encoding="utf-8")


def _other(path: Path, found: Evaluation) -> Against | None:
    """The pack to compare with, unless it is the very one."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["fingerprint"] == found.fingerprint:
        return None
    return Against(f"{raw['pack']} {raw['fingerprint'][:8]}", raw["figures"])


def _judged(bar: Bar) -> Judged:
    return Judged(bar.name, f"{bar.figure:.4g} {bar.unit}".strip(), bar.target, bar.ok)


def _written(page: Path) -> Bar:
    size = page.stat().st_size / 1e6
    return Bar("the report, one file", round(size, 1), f"<= {LARGEST}", size <= LARGEST, "MB", str(page))


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", type=Path, default=PACK, help="directory of the pack")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of report.html and figures.json")
    parser.add_argument("--against", type=Path, default=FIRST, help="figures.json of another pack")
    asked = parser.parse_args()
    show([_written(write(asked.pack, asked.out, asked.against))])


if __name__ == "__main__":
    main()
