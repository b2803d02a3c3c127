"""What docs/security.md says is tested is tested, and by what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.M)


def test_every_row_names_tests_that_are_there() -> None:
    missing = []
    for numbers, _, tests in ROWS:
        for each in tests.split(","):
            path, _, name = each.strip().partition("::")
            there = (ROOT / path).is_file() and f"def {name}(" in (ROOT / path).read_text()
            missing += [] if name and there else [f"{numbers}: {each.strip()}"]
    assert missing == [] and len(ROWS) > 20


def test_no_row_is_told_twice() -> None:
    numbers = [number for row in ROWS for number in row[0].split(", ")]
    assert len(numbers) == len(set(numbers))
    table = PAGE.split("## Rows of ASVS 5.0 that hold")[1].split("## What does not")[0]
    assert table.count("\n| ") - 1 == len(ROWS)  # the heading; every other line was understood


def test_who_reports_finds_the_way() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text() and "(../SECURITY.md)" in PAGE
