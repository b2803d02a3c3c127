"""The evaluation report in a real browser: axe-core, and no sideways scrolling at 320 px, dark and light."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from embedding.pack import load_pack
from training.report_evaluation import evaluate
from training.report_exam import sit
from training.report_page import Judged, Surroundings, write_report

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    pack = load_pack(ROOT / "packs" / "twirl-small")
    found = evaluate(pack, sit(pack, folder / "exam", bases=2), folder)
    log = folder / "heads.log"
    log.write_text('{"step": 0, "visual": 2}\n{"step": 50, "visual": 1}\n')
    bars = [Judged("R@1", "41 %", ">= 85", False), Judged("R@10", "99 %", ">= 98", True)]
    return write_report(folder / "report.html", found, Surroundings({"date": "today"}, bars, {"heads": log}))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_report_is_readable(
    chromium: Browser, report: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
