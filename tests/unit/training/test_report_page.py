"""The report is one whole file: tables, curves, slices, pictures, and it says what was not measured."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from embedding.pack import load_pack
from training.report_curves import loss_charts
from training.report_evaluation import Evaluation, evaluate, figures
from training.report_exam import sit
from training.report_page import Against, Judged, Surroundings, render, write_report
from training.report_sheets import sheet
from training.report_vectors import gallery_vectors

ROOT = Path(__file__).resolve().parents[3]
VOID = {"meta", "img", "line", "polyline", "br"}


class Outline(HTMLParser):
    """Checks that tags close in order and keeps what the tests ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.without_alt = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given["href"])] if "href" in given else []
        self.sources += [str(given["src"])] if "src" in given else []
        self.without_alt += tag == "img" and not given.get("alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("evaluation")
    pack = load_pack(ROOT / "packs" / "twirl-small")
    return evaluate(pack, sit(pack, folder / "exam", bases=6), folder / "no-data", folder / "work")


@pytest.fixture(scope="module")
def page(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> str:
    log = tmp_path_factory.mktemp("logs") / "heads.log"
    log.write_text("\n".join(json.dumps({"step": n, "visual": 1 / (n + 1)}) for n in (0, 50, 0, 50, 100)))
    around = Surroundings(
        facts={"date": "2026-11-24"},
        bars=[Judged("R@1 of the <exam>", "41.8 %", ">= 85", False)],
        logs={"stage two": log, "seed": log.with_name("nowhere.csv")},
        against=Against("the pack before", {"atelier: composed, R@1": 1.5}),
    )
    return render(evaluation, around)


def test_the_page_is_whole_and_needs_nothing_beside_it(page: str) -> None:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link.removeprefix("#") in outline.ids for link in outline.links)
    assert outline.sources and all(each.startswith("data:image/webp;base64,") for each in outline.sources)
    assert outline.without_alt == 0
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//|@import|url\(", page)
    assert len(page) < 1_000_000


def test_tables_stand_beside_their_baselines_and_protocols(page: str, evaluation: Evaluation) -> None:
    assert "modification: text = a free modification" in page
    assert "caption: text = the target&#39;s whole caption" in page
    assert all(f'<th scope="row">{row.method}</th>' in page for row in evaluation.exam.answers.rows)
    figure = evaluation.exam.answers.composed.recall[1]
    assert f"{figure.mean:.1f} ({figure.low:.1f} to {figure.high:.1f})" in page
    assert "ComposeAE, the whole split" in page and "R@1 22.8" in page
    for axis in ("category", "attribute", "colour"):
        assert f"Recall by {axis}, the weakest first" in page
    assert '<td class="short">short</td>' in page and "R@1 of the &lt;exam&gt;" in page
    assert "<td>1.5</td>" in page, "the other pack's figure"


def test_what_is_missing_is_said_and_the_exam_is_there(page: str, evaluation: Evaluation) -> None:
    assert [each.part for each in evaluation.missing] == [
        "studio shop", "recoloured clothing photos", "held-out photos",
    ]  # fmt: skip
    assert "need the photos of ../shared/data" in page
    assert "seed: no log is here" in page
    assert figures(evaluation)["atelier: kept"] == evaluation.exam.shown.kept


def test_failures_come_first_and_the_target_is_marked(evaluation: Evaluation) -> None:
    answers = evaluation.exam.answers
    shown = sheet(answers, failed=4, found=2)
    ranks = [line.rank for line in shown.lines]
    wrong = [rank for rank in ranks if rank > 1]
    assert wrong == sorted(wrong, reverse=True) and ranks == [*wrong, *([1] * (len(ranks) - len(wrong)))]
    assert wrong[0] == answers.ranks.max()
    assert shown.failed == int(np.sum(answers.ranks > 1))
    for line in shown.lines:
        marked = [place for place, hit in enumerate(line.hits, 1) if hit.target]
        assert marked[:1] == [line.rank] if line.rank <= 8 else line.target is not None
        assert len({line.query.source, *(hit.source for hit in line.hits)}) > 5, "pictures of their own"


def test_a_log_of_several_runs_shows_the_last_one(tmp_path: Path) -> None:
    log = tmp_path / "tower.log"
    log.write_text(
        '{"step": 0, "visual": 9}\n{"step": 5, "visual": 4}\n{"step": 0, "visual": 2, "gaze": 1}\n'
    )
    (chart, gaze) = loss_charts(log)
    assert (chart.title, gaze.title) == ("visual", "gaze")
    assert len(chart.lines[0].points.split()) == 1
    table = tmp_path / "log.csv"
    table.write_text("epoch,rate,loss\n1,0.1,3\n2,0.1,2\n")
    assert [each.title for each in loss_charts(table)] == ["rate", "loss"]
    log.write_text("")
    assert loss_charts(log) == ()


def test_vectors_are_encoded_once_for_a_pack_and_its_pixels(tmp_path: Path) -> None:
    pack = load_pack(ROOT / "packs" / "twirl-small")
    image = np.full((32, 32, 3), 120, np.uint8)
    first = gallery_vectors(pack, [image], tmp_path)
    (kept,) = tmp_path.iterdir()
    np.save(kept, first + 1)
    assert np.array_equal(gallery_vectors(pack, [image], tmp_path), first + 1), "read, not encoded"
    gallery_vectors(pack, [image + 1], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "other pixels, other vectors"


def test_a_report_is_written_with_its_folder(tmp_path: Path, evaluation: Evaluation) -> None:
    path = write_report(tmp_path / "deep" / "report.html", evaluation, Surroundings({}))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
