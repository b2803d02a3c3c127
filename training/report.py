"""What a pack reaches on what it was not trained on: the figures that its `pack.json` carries.

    python -m training.report packs/twirl-small --data ../shared/data

measures a pack that is there already and writes the figures into its `pack.json`; its weights, and so its
fingerprint, stay. `python -m benchmarks.quality_report` shows the same figures with pictures.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from embedding.pack import Pack, load_pack
from embedding.pack_files import read_pack_json
from training.datasets import DataMissing
from training.report_evaluation import evaluate, figures
from training.report_exam import sit

EXAM = Path("runs/exam")  # its pictures are drawn once


def measure(pack: Pack, data: Path, work: Path | None = None, exam: Path = EXAM) -> dict[str, Any]:
    """Every figure by name. Raises DataMissing where a part of the data folder is not there."""
    found = evaluate(pack, sit(pack, exam, work=work), data, work)
    if found.missing:
        raise DataMissing("; ".join(each.why for each in found.missing))
    return dict(figures(found))


def write_metrics(directory: Path, metrics: dict[str, Any]) -> None:
    """Put figures into the `pack.json` of a pack; nothing else of it changes. Raises PackRefused."""
    raw = read_pack_json(directory) | {"metrics": metrics}
    beside = directory / "pack.json.partial"
    beside.write_text(json.dumps(raw, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(directory / "pack.json")


def main() -> None:
    """Read the command line, measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=Path, help="directory of the pack")
    parser.add_argument("--data", type=Path, required=True, help="the data folder (see its README)")
    parser.add_argument("--work", type=Path, default=Path("runs/small"), help="caches")
    asked = parser.parse_args()
    metrics = measure(load_pack(asked.pack), asked.data.resolve(), asked.work)
    write_metrics(asked.pack, metrics)
    for name, figure in metrics.items():
        print(f"{name}: {figure}")


if __name__ == "__main__":
    main()
