"""The figures of a model card, from what the pack itself carries.

    python -m training.report_card packs/twirl-small

prints the table that stands in docs/model_card.md; a test holds the card to it.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

METHODS = ("photo alone", "words alone", "sum", "slerp", "product", "two-part", "composed")
TASKS = {
    "studio": "studio: men's half, first photos, “same but in COLOUR”; 372 queries, 196 photos",
    "studio, all photos": "the same among all its photos; 372, 319",
    "turned": "turned: to a back or detail view; 120, 319",
    "recoloured": "recoloured: clothing validation, dyed and re-posed; 1,304, 1,304",
    "atelier": "atelier: drawn, one attribute changed; 865, 1,015",
    "atelier, caption": "atelier under `caption`",
    "atelier, replace": "atelier under `replace`",
}
SHOWN = {
    "atelier: satisfied in the top 5": "asked change satisfied in the top 5, all else kept",
    "atelier: kept": "other attributes of the first hit kept",
    "atelier: without, violated in the top 10": "“without X”: X still in the top 10",
    "atelier: stable over wordings": "first hit stable over held-out wordings",
    "atelier: stable over wordings of strangers": "first hit stable over wordings of strangers",
    "words to the very photo, R@10": "words to the very photo among 1,019 held-out clothing photos, R@10",
    "photo to the same category, precision@10": "photo to the same of 17 categories, precision@10",
    "photo to the same piece from another side, R@1": "photo to the same piece from another side, R@1",
}


def figures_table(metrics: Mapping[str, float]) -> str:
    """Two tables in Markdown: R@1 / R@10 of every method, and the other figures."""
    return "\n".join([*_methods(metrics), "", *_others(metrics)])


def _methods(metrics: Mapping[str, float]) -> Iterator[str]:
    yield f"| R@1 / R@10, percent | {' | '.join(METHODS)} |"
    yield f"|---|{'---|' * len(METHODS)}"
    for name, said in TASKS.items():
        cells = []
        for method in METHODS:
            pair = [metrics.get(f"{name}: {method}, R@{k}") for k in (1, 10)]
            both = " / ".join("–" if each is None else f"{each:g}" for each in pair)
            cells.append(f"**{both}**" if method == "composed" else both)
        yield f"| {said} | {' | '.join(cells)} |"


def _others(metrics: Mapping[str, float]) -> Iterator[str]:
    yield "| percent | |"
    yield "|---|---|"
    for name, said in SHOWN.items():
        if name in metrics:
            yield f"| {said} | {metrics[name]:g} |"


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=Path, help="directory of the pack")
    asked = parser.parse_args()
    print(figures_table(json.loads((asked.pack / "pack.json").read_text(encoding="utf-8"))["metrics"]))


if __name__ == "__main__":
    main()
