"""Styles that hold from right to left as from left to right."""

import re
from pathlib import Path

import pytest

from web.assets import STATIC

BASE = (STATIC.parent / "templates" / "base.html").read_text()
SHEETS = re.findall(r'"(\w+)"', BASE.partition("for sheet in (")[2].partition(")")[0])
PHYSICAL = re.compile(
    r"(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)\b"
    r"|^\s*(?:left|right)\s*:|text-align:\s*(?:left|right)|float:\s*(?:left|right)"
    r"|(?:margin|padding|inset):\s*[^\s;,()]+ (?P<right>[^\s;,()]+) [^\s;,()]+ (?!(?P=right);)[^\s;,()]+;",
    re.MULTILINE,
)
A_PHOTO_HAS_SIDES = "crop"  # the box over a photo is drawn in the photo's own left and top


@pytest.mark.parametrize("sheet", SHEETS)
def test_styles_name_no_left_and_no_right(sheet: str) -> None:
    text = Path(STATIC / f"{sheet}.css").read_text()
    found = [match.group().strip() for match in PHYSICAL.finditer(text)]
    assert found == [] or sheet == A_PHOTO_HAS_SIDES


@pytest.mark.parametrize("wrong", ["  left: 1px;", "margin-right: 1px", "  padding: 1px 2px 3px 4px;"])
def test_physical_styles_are_found(wrong: str) -> None:
    assert PHYSICAL.search(wrong)
