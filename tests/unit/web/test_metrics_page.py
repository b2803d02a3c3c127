"""Names, alerts and runbook are held together: what is declared, what is documented, what rules ask for."""

import re
from pathlib import Path

from web.metrics import EVERY, PAGE, SEARCH_STAGES, sample_names, within

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = (ROOT / "docs" / "operations.md").read_text()


def test_the_page_lists_the_metrics_as_declared() -> None:
    page = PAGE.read_text()
    assert page == within(page), "run: python -m web.metrics"


def test_names_follow_the_conventions() -> None:
    for name, metric in EVERY.items():
        assert re.fullmatch(r"twirl_[a-z_]+", name)
        assert name.endswith("_total") == (metric.kind == "counter"), name
        assert name.endswith("_info") == (metric.kind == "info"), name
        if metric.kind == "histogram":
            assert name.endswith("_seconds")
        assert "milliseconds" not in name and metric.meaning.endswith("."), name
    assert len(set(SEARCH_STAGES)) == 7


def test_every_alert_of_the_page_is_in_the_runbook_and_asks_for_what_is_there() -> None:
    known = {sample for metric in EVERY.values() for sample in sample_names(metric)}
    rows = re.findall(r"^\| `(Twirl\w+)` \| (.*) \|$", PAGE.read_text(), re.M)
    assert len(rows) >= 19
    for alert, rest in rows:
        assert f"### {alert}\n" in RUNBOOK, alert
        assert set(re.findall(r"\btwirl_[a-z_]+", rest)) <= known, alert


def test_the_runbook_has_no_alert_that_is_not_on_the_page() -> None:
    assert set(re.findall(r"^### (Twirl\w+)$", RUNBOOK, re.M)) == set(
        re.findall(r"^\| `(Twirl\w+)`", PAGE.read_text(), re.M)
    )


def test_links_inside_the_runbook_lead_somewhere() -> None:
    there = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
             for title in re.findall(r"^#+ (.*)$", RUNBOOK, re.M)}  # fmt: skip
    for target in re.findall(r"\]\(#([\w-]+)\)", RUNBOOK):
        assert target in there, target
