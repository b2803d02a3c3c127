"""Small versions of two bars that have no other test: random edits with a kill, races of revisions."""

from pathlib import Path

import pytest

from benchmarks.trust import edits, races

pytestmark = pytest.mark.slow


def test_nothing_differs_after_random_edits_and_a_kill(tmp_path: Path) -> None:
    short = [str(bar) for bar in edits.run(tmp_path, 60, 1, 3) if not bar.ok]
    assert short == []


def test_of_two_revisions_the_newer_stays() -> None:
    short = [str(bar) for bar in races.bars(25, 2) if not bar.ok]
    assert short == []
