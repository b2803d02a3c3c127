"""Dashboards and alerts speak of metrics that there are, and each alert has its page of what to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.support.compose import ROOT, services

SERVICES = services()
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
METRICS = (ROOT / "docs" / "metrics.md").read_text()
# What others export: Prometheus itself, the Python client, celery-exporter, Qdrant.
FOREIGN = {
    "up": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_open_fds": set(),
    "memory_resident_bytes": set(),
    "celery_worker_up": {"hostname"},
    "celery_worker_tasks_active": {"hostname"},
    "celery_task_succeeded_total": {"name", "hostname"},
    "celery_task_failed_total": {"name", "hostname", "exception"},
    "celery_task_runtime_bucket": {"name", "hostname", "le"},
}
EVERYWHERE = {"instance", "job"}  # Prometheus puts these on every series


def documented() -> dict[str, set[str]]:
    """Each series that docs/metrics.md lists, with its labels; of a histogram, its three."""
    known = {}
    rows = re.findall(r"^\| `(twirl_\w+)` \| (\w+) \| (.*?) \|", METRICS, re.M)
    for name, kind, labels in rows:
        named = set(re.findall(r"`(\w+)`", labels))
        if kind == "histogram":
            known |= {f"{name}_bucket": named | {"le"}, f"{name}_sum": named, f"{name}_count": named}
        else:
            known[name] = named
    return known


KNOWN = documented() | FOREIGN


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def provisioned(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "grafana" / "provisioning" / name).read_text()))


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(path.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str, str]]:
    """(where it stands, PromQL, what its series are called)."""
    for rule in alerts():
        yield rule["alert"], rule["expr"], rule["annotations"]["summary"]
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "5m")
                yield f"{path.name}: {panel['title']}", query, target["legendFormat"]


def faults(query: str, legend: str) -> list[str]:
    """What an expression names that there is not."""
    wrong: list[str] = []
    used: set[str] = set()  # labels of the metrics that it names
    grouped: set[str] = set()

    def look(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            if node.name not in KNOWN:
                wrong.append(f"no metric {node.name}")
                return True
            labels = KNOWN[node.name] | EVERYWHERE
            used.update(labels)
            asked = {matcher.name for matcher in node.matchers.matchers}
            wrong.extend(f"{node.name} has no label {label}" for label in asked - labels)
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            grouped.update(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(query), look)
    shown = set(re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", legend))
    return wrong + [f"no label {label}" for label in (grouped | shown) - used]


def test_there_is_something_to_check() -> None:
    assert len(alerts()) >= 19
    assert {path.stem for path in DASHBOARDS} == {"shoppers", "indexing", "workers", "engine"}
    assert len(documented()) > 30


@pytest.mark.parametrize(("where", "query", "legend"), expressions(), ids=lambda value: None)
def test_it_names_metrics_and_labels_that_there_are(where: str, query: str, legend: str) -> None:
    assert faults(query, legend) == [], f"{where}: {query}"


def test_a_wrong_name_would_be_found() -> None:
    assert faults("rate(twirl_serach_total[5m])", "") == ["no metric twirl_serach_total"]
    assert faults('twirl_images{stat="live"}', "") == ["twirl_images has no label stat"]
    assert faults("sum by (shop) (twirl_images)", "{{shop}}") == ["no label shop"]
    assert faults("max(twirl_images)", "{{code}}") == ["no label code"]


def test_the_alerts_are_those_of_the_page_that_lists_them() -> None:
    said = {}
    for line in METRICS.split("## The alerts")[1].splitlines():
        row = re.match(r"\| `(Twirl\w+)` \| (.*) \| (\d+) m \| (\w+)", line)
        if row:
            said[row[1]] = (" or ".join(re.findall(r"`([^`]+)`", row[2])), int(row[3]), row[4])
    written = {
        rule["alert"]: (rule["expr"], int(rule.get("for", "0m")[:-1]), rule["labels"]["severity"])
        for rule in alerts()
    }
    assert written == said


def test_each_alert_says_what_to_do() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    anchors = {heading.strip("` ").lower() for heading in re.findall(r"^#+ (.*)$", page, re.M)}
    for rule in alerts():
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert path == "docs/operations.md"
        assert anchor == rule["alert"].lower()
        assert anchor in anchors, f"docs/operations.md has no heading {rule['alert']}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_shows_its_own_data_source_and_each_panel_once(path: Path) -> None:
    board = json.loads(path.read_text())
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    covered = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & covered, f"{panel['title']} lies on another panel"
        assert at["x"] + at["w"] <= 24
        covered |= cells
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_the_services_that_are_asked_are_there() -> None:
    """Prometheus asks, and Grafana reads, what docker-compose.yml starts, on networks that they share."""
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {each for job in jobs for target in job.get("dns_sd_configs", []) for each in target["names"]}
    for job in jobs:
        for target in job.get("static_configs", []):
            asked |= {address.split(":")[0] for address in target["targets"]} - {"127.0.0.1"}
    mine = set(SERVICES["prometheus"]["networks"])
    for name in asked:
        assert mine & set(SERVICES[name]["networks"]), name
    assert mine & set(SERVICES["grafana"]["networks"])
    web = next(job for job in jobs if job["job_name"] == "twirl-web")
    assert web["dns_sd_configs"][0]["port"] == 8001
    assert any(port.endswith(":8001") for port in SERVICES["web"]["ports"])


def test_the_dashboards_are_where_grafana_looks() -> None:
    (provider,) = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/twirl.yml").read_text())[
        "providers"
    ]
    grafana = SERVICES["grafana"]
    folder = provider["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana" / "dashboards" / Path(home).name).exists()
    assert Path(home).parent == Path(folder)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_itself_agrees() -> None:
    for words in (
        ["check", "rules", str(ALERTS)],
        ["test", "rules", str(ALERTS.with_name("alerts_test.yml"))],
    ):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
