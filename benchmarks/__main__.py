"""Run the bars: name, figure, target, ok or short. `python -m benchmarks [--all] [--only PART]`.

Each run appends JSON lines with date, commit and machine to runs/bars.jsonl.
"""

import argparse
import importlib
import sys
import traceback

from benchmarks.bar import ROOT, Bar, record, show

QUICK = (
    "http_magento",
    "quality_exam",
    "quality_retrieval",
    "quality_composing",
    "quality_repeat",
    "quality_report",
    "demo_shop",
    "bad_input",
    "understanding",
    "demand_gaps",
    "indexing_kill",
)
SLOW = (
    "item_list",
    "item_edit",
    "item_inspection",
    "api_edits",
    "console_doors",
    "tenants",
    "crop",
    "feeds",
    "feed_to_live",
    "first_results",
    "looks",
    "insight_pages",
    "no_match",
    "rules",
    "model_switch",
    "vectors_100k",
    "vectors_stall",
    "web_pauses",
    "web_stall",
    "indexing_words",
    "migrate_million",
    "backup_restore",
    "doctor_100k",
    "ops_page",
    "ledger_claims",
    "ledger_overhead",
    "sizing",
    "encode_precision",
    "train_heads",
    "seed_studio",
    "deployed_import",
    "deployed_kills",
    "trust.disk",
    "trust.edits",
    "trust.flush",
    "trust.poison",
    "trust.races",
)


def main() -> int:
    """Run the chosen modules; the exit status is 1 when a bar is short or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also those that do not fit in ten minutes")
    parser.add_argument("--only", default="", help="only modules whose name contains this")
    chosen = parser.parse_args()
    wanted = [name for name in QUICK + (SLOW if chosen.all or chosen.only else ()) if chosen.only in name]
    measured: list[Bar] = []
    broken = []
    for name in wanted:
        try:
            measured += show(importlib.import_module(f"benchmarks.{name}").bars())
        except Exception as error:
            traceback.print_exc()
            broken.append(f"{name}: {error}")
    record(measured, ROOT / "runs" / "bars.jsonl")
    short = [bar.name for bar in measured if not bar.ok]
    print(f"{len(measured) - len(short)} ok, {len(short)} short, {len(broken)} not measured")
    for line in broken:
        print(f"not measured  {line}")
    return bool(short or broken)


if __name__ == "__main__":
    sys.exit(main())
