"""The report as one HTML file that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.baselines import Figure
from training.protocols import CAPTION, PUBLISHED
from training.report_answers import Answers
from training.report_curves import Chart, loss_charts, recall_chart
from training.report_evaluation import Evaluation, figures
from training.report_sheets import Sheet, sheet

RANKS = (1, 10, 50)


@dataclass(frozen=True)
class Judged:
    """A bar as the page shows it."""

    name: str
    figure: str
    target: str
    ok: bool


@dataclass(frozen=True)
class Against:
    """Figures of another pack to stand beside this one's."""

    name: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Surroundings:
    """What the page tells beside the measured figures."""

    facts: Mapping[str, Any]  # date, commit, machine
    bars: Sequence[Judged] = ()
    logs: Mapping[str, Path] = field(default_factory=dict)  # by the name of a stage of training
    against: Against | None = None


@dataclass(frozen=True)
class Task:
    """A stand-in as a section of the page."""

    anchor: str
    title: str
    answers: Answers
    chart: Chart
    sheet: Sheet | None


TITLES = {
    "atelier": "Atelier: drawn garments that were never trained on, one attribute changed",
    "atelier, caption": "Atelier under the published protocol “caption”",
    "atelier, replace": "Atelier under the protocol “replace”",
    "studio": "Studio shop, held out: main photo and colour to a main photo",
    "studio, all photos": "The same queries among all photos of the studio shop",
    "turned": "Studio shop: main photo to a back or detail view in another colour (its main photos left out)",
    "recoloured": "Clothing photos, held out, dyed and re-posed",
}


def render(evaluation: Evaluation, around: Surroundings) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("training"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["interval"] = interval
    page = environment.get_template("report.html")
    return page.render(
        evaluation=evaluation,
        around=around,
        tasks=[_task(each) for each in (evaluation.exam.answers, *evaluation.stand_ins)],
        published=[_task(each, pictures=False) for each in evaluation.exam.published],
        elsewhere=PUBLISHED,
        caption=CAPTION,
        ranks=RANKS,
        losses={name: loss_charts(log) for name, log in around.logs.items() if log.is_file()},
        logs_missing=[name for name, log in around.logs.items() if not log.is_file()],
        beside=_beside(evaluation, around.against) if around.against else [],
    )


def write_report(path: Path, evaluation: Evaluation, around: Surroundings) -> Path:
    """Write the page; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(evaluation, around), encoding="utf-8")
    return path


def interval(figure: Figure) -> str:
    """ "41.8 (38.5 to 45.1)"."""
    return f"{figure.mean:.1f} ({figure.low:.1f} to {figure.high:.1f})"


def _task(answers: Answers, pictures: bool = True) -> Task:
    name = answers.stand_in.name
    return Task(
        anchor=name.replace(", ", "-").replace(" ", "-"),
        title=TITLES.get(name, name),
        answers=answers,
        chart=recall_chart(f"Recall of {name} by the number of hits that are looked at", answers.curves),
        sheet=sheet(answers) if pictures else None,
    )


def _beside(evaluation: Evaluation, against: Against) -> list[tuple[str, float, float]]:
    """(figure, this pack's, the other's) wherever both have it; of the methods the composed query alone."""
    own = figures(evaluation)
    others = {f": {row.method}, R@" for row in evaluation.exam.answers.rows[:-1]}
    names = [name for name in own if name in against.figures and not any(each in name for each in others)]
    return [(name, own[name], against.figures[name]) for name in names]
