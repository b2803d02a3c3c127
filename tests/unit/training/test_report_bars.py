"""Bars point the right way, slices meet the first pack's, and the card shows what the pack carries."""

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.bar import record
from benchmarks.quality_composing import bars as composing_bars
from benchmarks.quality_evaluation import FIRST, ahead
from benchmarks.quality_exam import exam_bars
from benchmarks.quality_retrieval import CATEGORY, slices_ahead
from embedding.pack_files import read_info
from training.baselines import Figure, Row, percent
from training.report import write_metrics
from training.report_card import SHOWN, figures_table
from training.report_photos import Measure, Share

ROOT = Path(__file__).resolve().parents[3]
PACK = ROOT / "packs" / "twirl-small"


def row(method: str, at_1: float, at_10: float = 90) -> Row:
    recall = {1: Figure(at_1, 0, 100), 10: Figure(at_10, 0, 100)}
    return Row(method, recall, recall)


def answers(*rows: Row) -> SimpleNamespace:
    best = max(rows[:-1], key=lambda each: each.at_1)
    stand_in = SimpleNamespace(name="turned", gallery=[0] * 3)
    return SimpleNamespace(
        rows=rows, composed=rows[-1], best_other=best, stand_in=stand_in, ranks=np.array([1, 2])
    )


def test_ahead_divides_by_the_best_simple_way() -> None:
    bar = ahead(answers(row("sum", 20), row("two-part", 30), row("composed", 45)))  # type: ignore[arg-type]
    assert (bar.figure, bar.ok) == (1.5, True)
    assert bar.detail.startswith("two-part; sum 20/90; ")
    assert not ahead(answers(row("sum", 31), row("composed", 45))).ok  # type: ignore[arg-type]


@pytest.mark.parametrize(("without", "ok"), [(3.0, True), (3.1, False), (None, None)])
def test_less_is_better_of_what_was_asked_away_and_more_of_all_else(without: float, ok: bool) -> None:
    shown = SimpleNamespace(satisfied=95.0, asked=50.0, kept=84.9)
    exam = SimpleNamespace(
        answers=answers(row("sum", 50), row("composed", 85, 97.9)),
        shown=shown, without=without, removals=4, stable=percent(np.ones(9, np.float32)),
    )  # fmt: skip
    bars = {bar.name: bar.ok for bar in exam_bars(exam)}  # type: ignore[arg-type]
    assert bars["atelier: one attribute changed, R@1"] and not bars["atelier: one attribute changed, R@10"]
    assert bars["atelier: asked change satisfied in the top 5"]
    assert not bars["atelier: other attributes of the first hit kept"]
    assert [verdict for name, verdict in bars.items() if "without" in name] == ([] if ok is None else [ok])


def test_a_slice_counts_only_when_it_is_better_than_it_was() -> None:
    measure = Measure(
        CATEGORY, "", Figure(50, 0, 0), (Share("hat", 9, Figure(50, 0, 0)), Share("bag", 9, Figure(7, 0, 0)))
    )
    first = {f"{CATEGORY}: hat": 50.0, f"{CATEGORY}: bag": 6.9}
    assert (slices_ahead(measure, first).figure, slices_ahead(measure, first).ok) == (1, False)
    first[f"{CATEGORY}: hat"] = 49
    assert slices_ahead(measure, first).ok


def test_the_first_packs_figures_have_every_slice_that_is_compared() -> None:
    kept = json.loads(FIRST.read_text())
    assert len(kept["fingerprint"]) == 32
    assert sum(name.startswith(f"{CATEGORY}: ") for name in kept["figures"]) == 17


def test_the_model_card_shows_what_the_pack_carries() -> None:
    metrics = json.loads((PACK / "pack.json").read_text())["metrics"]
    card = (ROOT / "docs" / "model_card.md").read_text()
    missing = [line for line in figures_table(metrics).splitlines() if line not in card]
    assert not missing, "put the output of `python -m training.report_card packs/twirl-small` into the card"
    assert set(SHOWN) <= metrics.keys(), "measure the pack: python -m training.report packs/twirl-small"


def test_figures_are_written_into_a_pack_and_nothing_else_changes(tmp_path: Path) -> None:
    shutil.copytree(PACK, tmp_path / "pack")
    before = read_info(tmp_path / "pack")
    write_metrics(tmp_path / "pack", {"studio": 1.5})
    assert read_info(tmp_path / "pack") == dataclasses.replace(before, metrics={"studio": 1.5})


def test_composing_is_timed_and_its_bar_can_be_recorded(tmp_path: Path) -> None:
    (bar,) = composing_bars(PACK)
    assert 0 < bar.figure < 50 and type(bar.ok) is bool
    record([bar], tmp_path / "bars.jsonl")
    assert json.loads((tmp_path / "bars.jsonl").read_text())["name"] == bar.name
