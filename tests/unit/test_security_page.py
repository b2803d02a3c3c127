"""What docs/security.md says is tested is tested, and by what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
_LINE = r"^\| (\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*) \| ([^|]+) \| ([^|]+) \|$"
ROWS = re.findall(_LINE, PAGE, re.M)


def test_every_row_names_tests_that_are_there() -> None:
    missing = []
    for numbers, _, tests in ROWS:
        for each in tests.split(","):
            path, _, name = each.strip().partition("::")
            there = (ROOT / path).is_file() and f"def {name}(" in (ROOT / path).read_text()
            missing += [] if name and there else [f"{numbers}: {each.strip()}"]
    assert missing == [] and len(ROWS) > 20


# Rows of levels 1 and 2 in each section of ASVS 5.0.0, numbered from 1; without chapters 9, 10 and 17.
LEVEL_2 = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4
5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2
8.2:3 8.3:1 8.4:1 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5
14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
"""


def test_every_row_of_level_2_is_on_one_of_the_two_pages() -> None:
    wanted = {
        f"{section}.{number}"
        for section, count in (each.split(":") for each in LEVEL_2.split())
        for number in range(1, int(count) + 1)
    }
    reasons = re.findall(_LINE, (ROOT / "docs" / "asvs.md").read_text(), re.M)
    by_reason = [number for row in reasons for number in row[0].split(", ")]
    by_test = {number for row in ROWS for number in row[0].split(", ")}
    assert len(wanted) == 210 and len(by_reason) == len(set(by_reason))
    assert {row[1].strip() for row in reasons} == {"holds", "partly", "no", "yours", "nothing of the kind"}
    assert wanted - by_test - set(by_reason) == set() and set(by_reason) <= wanted - by_test


def test_no_row_is_told_twice() -> None:
    numbers = [number for row in ROWS for number in row[0].split(", ")]
    assert len(numbers) == len(set(numbers))
    table = PAGE.split("## Rows of ASVS 5.0 that hold")[1].split("## What does not")[0]
    assert table.count("\n| ") - 1 == len(ROWS)  # the heading; every other line was understood


def test_who_reports_finds_the_way() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text() and "(../SECURITY.md)" in PAGE
