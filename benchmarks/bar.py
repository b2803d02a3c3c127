"""The one shape of a bar: a measured figure, the target it is held to, and whether it is met."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@dataclass(frozen=True)
class Bar:
    """One measured figure.

    `target` is said in words ("<= 50 ms"); `ok` is the comparison that the benchmark made itself,
    so that the direction stands beside the code that measured it.
    """

    name: str
    figure: float
    target: str
    ok: bool
    unit: str = ""
    detail: str = ""


def show(bars: Iterable[Bar]) -> list[Bar]:
    """Print one line a bar as it arrives; return them all."""
    kept = []
    for bar in bars:
        verdict = "ok   " if bar.ok else "SHORT"
        figure = f"{bar.figure:.4g} {bar.unit}".strip()
        print(f"{verdict}  {bar.name:<58} {figure:>14}   target {bar.target}   {bar.detail}", flush=True)
        kept.append(bar)
    return kept


def machine() -> dict[str, str | int | float]:
    """What a figure needs beside it to be read later: date, commit, machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
        "cores": os.cpu_count() or 0,
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def record(bars: Iterable[Bar], path: Path) -> None:
    """Append each bar to a JSON-lines file with the date, the commit and the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    about = machine()
    with path.open("a") as lines:
        for bar in bars:
            lines.write(json.dumps({**asdict(bar), **about}) + "\n")
