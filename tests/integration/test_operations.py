"""`twirl web` as a real process with two listeners: health, metrics, the operators' page, logs, traces."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from bootstrap import Services
from catalog.identity import collection_name
from tests.support.otlp import Receiver, receiver
from web.metrics import EVERY

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-24-characters"  # noqa: S105 - of these tests


@dataclass
class Web:
    """A running web process."""

    shop: str
    ops: str
    log: Path
    traces: Receiver

    def metrics(self) -> dict[str, float]:
        """{sample with its labels: value}, as Prometheus reads them."""
        answer = requests.get(f"{self.ops}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        answer.raise_for_status()
        families = text_string_to_metric_families(answer.text)
        samples = [sample for family in families for sample in family.samples]
        return {"|".join((each.name, *labelled(each.labels))): each.value for each in samples}

    def lines(self) -> list[dict[str, Any]]:
        """The log, each line of which must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def labelled(labels: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(labels.items())]


@pytest.fixture(scope="module")
def web(shop: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    log = tmp_path_factory.mktemp("web") / "web.log"
    ports = free_ports()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWIRL_")}
    with receiver() as traces, log.open("wb") as out:
        chosen = {
            "TWIRL_DATA": str(shop.data), "TWIRL_PORT": str(ports[0]), "TWIRL_OPS_PORT": str(ports[1]),
            "TWIRL_OPS_TOKEN": TOKEN, "TWIRL_OTLP_ENDPOINT": traces.endpoint,
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "web"], cwd=ROOT, env={**kept, **chosen}, stderr=out, stdout=out
        )
        made = Web(f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", log, traces)
        try:
            wait(lambda: status(f"{made.shop}/readyz") == 200, 120)
            yield made
        finally:
            process.terminate()
            process.wait(30)


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def status(url: str) -> int:
    try:
        return requests.get(url, timeout=10).status_code
    except requests.ConnectionError:
        return 0


def wait(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_operators_pages_are_on_their_own_port_alone(web: Web) -> None:
    for path in ("/metrics", "/ops", "/ops/login"):
        assert status(f"{web.shop}{path}") == 404, path
    assert requests.get(f"{web.shop}/metrics", headers={"Host": web.ops[7:]}, timeout=10).status_code == 404
    assert status(f"{web.ops}/") == 200  # the login
    assert status(f"{web.ops}/p/x") == 401
    assert status(f"{web.ops}/metrics") == 401


def test_both_ports_say_that_the_process_lives_and_is_ready(web: Web) -> None:
    for base in (web.shop, web.ops):
        assert requests.get(f"{base}/healthz", timeout=10).json() == {"status": "ok"}
        ready = requests.get(f"{base}/readyz", timeout=10).json()
        assert ready["status"] == "ok"
        assert set(ready["dependencies"]) == {"database", "schema", "engine", "live-index", "model", "images"}


def test_metrics_hold_what_the_page_of_names_promises(web: Web, shop: Services) -> None:
    requests.get(f"{web.shop}/?q=red+shirt", timeout=20).raise_for_status()
    requests.post(f"{web.shop}/api/v1/search", json={"cursor": "broken"}, timeout=20)
    requests.get(f"{web.shop}/nowhere/at/all", timeout=20)
    found = web.metrics()
    families = {re.sub("_(bucket|sum|count)$", "", name.split("|")[0]) for name in found}
    # Those show only while there is something to show.
    at_times = ("broker_messages", "index_fill_images", "index_fill_done_images", "images_failed",
                "ops_refused_total", "search_errors_total", "search_degraded_total",
                "http_rate_refused_total")  # fmt: skip
    assert set(EVERY) - families <= {f"twirl_{name}" for name in at_times}
    assert {name for name in families if name.startswith("twirl_")} <= set(EVERY)
    assert found["twirl_http_request_duration_seconds_count|method=GET|route=/|status=200"] == 1
    assert found["twirl_http_request_duration_seconds_count|method=GET|route=none|status=404"] >= 1
    assert found["twirl_search_duration_seconds_count|mode=words"] == 1
    for stage in ("encode", "search", "hydrate", "facets"):
        assert found[f"twirl_search_stage_duration_seconds_count|stage={stage}"] >= 1, stage
    assert any(name.startswith("twirl_search_refused_total") and value == 1 for name, value in found.items())
    assert found["twirl_images|state=live"] > 30
    points = [value for name, value in found.items() if name.startswith("twirl_index_points")]
    assert points == [shop.store.count(collection_name(shop.fingerprint))]
    assert all(
        found[f"twirl_dependency_up|dependency={name}"] == 1 for name in ("database", "engine", "model")
    )
    assert found["twirl_http_threads"] == 8 and found["process_resident_memory_bytes"] > 1e8
    assert any(
        f"fingerprint={shop.fingerprint}" in name for name in found if name.startswith("twirl_model_info")
    )


def test_a_photo_is_timed_as_it_is_decoded(web: Web, shop: Services) -> None:
    sha256 = next(iter(shop.blobs))
    before = web.metrics()["twirl_search_stage_duration_seconds_count|stage=decode"]
    picture = shop.blobs.read(sha256, 480)
    requests.post(f"{web.shop}/api/v1/photos", files={"photo": picture}, timeout=20).raise_for_status()
    assert web.metrics()["twirl_search_stage_duration_seconds_count|stage=decode"] == before + 1


def test_a_scrape_may_ask_for_openmetrics(web: Web) -> None:
    asked = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/openmetrics-text; version=1.0.0"}
    answer = requests.get(f"{web.ops}/metrics", headers=asked, timeout=20)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_overview_of_a_healthy_shop(web: Web) -> None:
    answer = requests.get(f"{web.ops}/ops", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
    assert answer.status_code == 200
    assert "twirl-small" in answer.text and "No picture has failed." in answer.text


def test_every_line_of_the_log_is_json_and_finds_its_request(web: Web) -> None:
    sent = requests.get(f"{web.shop}/?q=blue", headers={"X-Request-ID": "from-a-proxy-1"}, timeout=20)
    assert sent.headers["X-Request-ID"] == "from-a-proxy-1"
    wait(lambda: any(line.get("request_id") == "from-a-proxy-1" for line in web.lines()), 10)
    line = next(line for line in web.lines() if line.get("request_id") == "from-a-proxy-1")
    assert (line["event"], line["process"], line["status"], line["path"]) == ("request", "web", 200, "/")
    assert "blue" not in json.dumps(line)  # what a shopper asks for is not the log's business
    assert TOKEN not in web.log.read_text()


def test_a_search_is_a_trace_with_its_stages(web: Web) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    requests.get(f"{web.shop}/?q=green+dress", headers={"traceparent": parent}, timeout=20).raise_for_status()
    stages = {"search.encode", "search.search", "search.hydrate", "search.facets"}

    def mine() -> set[str]:
        return {span.name for span in web.traces.spans if span.trace_id.hex() == parent[3:35]}

    wait(lambda: stages | {"GET /"} <= mine(), 30)
    assert any(name.startswith("sql ") for name in mine())
    assert web.traces.services == {"twirl-web"}
    assert "green" not in str([span for span in web.traces.spans if not span.name.startswith("sql")])
    wait(lambda: any(line.get("trace_id") == parent[3:35] for line in web.lines()), 10)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"TWIRL_OPS_HOST": "0.0.0.0"}, "set TWIRL_OPS_TOKEN"),  # noqa: S104 - what is refused
        ({"TWIRL_OPS_PORT": "PORT"}, "TWIRL_OPS_PORT="),
        ({"TWIRL_OPS_PORT": "TAKEN"}, "or choose another: TWIRL_OPS_PORT="),
    ],
)
def test_what_cannot_be_served_is_said_at_start(chosen: dict[str, str], said: str, tmp_path: Path) -> None:
    port, _ = free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        places = {"PORT": str(port), "TAKEN": str(other.getsockname()[1])}
        environ = {name: places.get(value, value) for name, value in chosen.items()}
        refused = subprocess.run(
            [sys.executable, "-m", "cli", "web"],
            cwd=ROOT,
            env={**os.environ, "TWIRL_DATA": str(tmp_path), "TWIRL_PORT": str(port), **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert refused.returncode == 1
    assert said in refused.stderr
