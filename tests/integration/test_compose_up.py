"""`docker compose up`, without Docker: every service of the file starts, gets healthy, and the shop works."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.support.compose import is_once
from tests.support.composed import Composed, composed, leaves, seconds
from tests.support.pictures import photo

ROWS = ["id,title,description,link,image_link,availability,price"]
ROWS += [
    f"shirt-{n},Red shirt {n},A shirt,https://shop.example/{n},red.jpg,in stock,9.00 EUR" for n in range(3)
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # seven services start, one after another
STRAIGHT = build_opener(ProxyHandler({}))


def ask(url: str, token: str = "", body: Any = None) -> tuple[int, str]:
    """(status, text) of a request."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    asked = Request(url, headers=headers, data=json.dumps(body).encode() if body is not None else None)
    try:
        with STRAIGHT.open(asked, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def up() -> Iterator[Composed]:
    with composed() as services:
        services.up("web", "worker", "beat")
        yield services


def web(up: Composed, path: str, inside: int = 8000) -> str:
    return f"http://127.0.0.1:{up.ports['web', inside]}{path}"


def total(up: Composed) -> int:
    status, text = ask(web(up, "/api/v1/search"), body={"words": "", "limit": 1})
    assert status == 200, text
    return int(json.loads(text)["total"])


def test_every_service_of_a_plain_up_is_healthy(up: Composed) -> None:
    plain = {name for name, service in up.services.items() if "profiles" not in service}
    assert set(up.started) == plain
    for name in plain:
        if not is_once(up.services[name]):
            assert up.healthy(name), up.said(name)


def test_a_proxy_of_the_environment_does_not_make_the_web_look_ill(up: Composed) -> None:
    up.services["web"]["environment"]["http_proxy"] = "http://127.0.0.1:9"  # Docker may put one there
    assert up.healthy("web"), up.said("web")
    del up.services["web"]["environment"]["http_proxy"]


def test_what_is_imported_in_the_web_container_is_indexed_by_the_worker(up: Composed) -> None:
    folder = up.mounts("web")["/data"] / "feed"
    folder.mkdir()
    (folder / "red.jpg").write_bytes(photo())
    (folder / "products.csv").write_text("\n".join(ROWS))
    up.run("web", "import", str(folder / "products.csv"), "--no-wait")
    deadline = time.monotonic() + 120
    while total(up) < 3:
        assert time.monotonic() < deadline, up.log("worker") + up.log("beat")
        time.sleep(0.5)
    assert "0 differences" in up.run("web", "doctor")


def test_the_operators_pages_ask_for_the_token_that_prometheus_is_given(up: Composed) -> None:
    token = (up.mounts("prometheus")["/run/secrets"] / "ops_token").read_text()
    assert ask(web(up, "/metrics", 8001))[0] == 401
    status, figures = ask(web(up, "/metrics", 8001), token)
    assert status == 200
    assert "twirl_build_info" in figures
    assert 'shape="deployed"' in figures
    assert ask(web(up, "/metrics"))[0] == 404  # the shop's own port does not know it


def test_each_service_keeps_strangers_out(up: Composed) -> None:
    """The passwords that were drawn are asked for: without one, no door opens."""
    nobody = up.run_words(
        "postgres", "psql", "-h", "127.0.0.1", "-U", "twirl", "-w", "-c", "select 1", "twirl"
    )
    assert nobody.returncode != 0
    assert "no password supplied" in nobody.stderr
    silent = up.run_words("redis", "redis-cli", "ping")
    assert "NOAUTH" in silent.stdout + silent.stderr
    assert ask(f"http://127.0.0.1:{up.ports['qdrant', 6333]}/collections")[0] in (401, 403)


def test_no_password_is_in_a_log_or_on_a_command_line(up: Composed) -> None:
    secrets = {
        path.read_text().strip()
        for path in (up.folder / "volumes").glob("secrets-*/*")
        if path.name in {"password", "ops_token", "qdrant_api_key"}
    }
    assert len(secrets) >= 5
    for log in (up.folder / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), log.name
    for name, process in up.started.items():
        if not is_once(up.services[name]) and name != "qdrant":  # the stand-in takes its key as a word
            line = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace")
            assert not any(secret in line for secret in secrets), name


def test_secrets_run_again_changes_nothing(up: Composed) -> None:
    before = {path: path.read_bytes() for path in (up.folder / "volumes").glob("secrets-*/*")}
    assert "Nothing to write" in up.run("secrets", *up.words("secrets"))
    assert {path: path.read_bytes() for path in (up.folder / "volumes").glob("secrets-*/*")} == before


def test_nothing_is_written_outside_the_volumes(up: Composed) -> None:
    """The root file system is read-only: where the program lies and where it runs, nothing may appear."""
    assert leaves(up.folder / "app") == set()
    assert leaves(up.packages) == up.installed


def test_a_service_that_is_told_to_stop_ends_in_its_grace_and_is_seen_to_have(up: Composed) -> None:
    """Last: it ends the services, each within its stop_grace_period and with a good status."""
    ends = up.down()
    assert set(ends) == {"web", "worker", "beat", "postgres", "redis", "qdrant"}
    for name, (status, took) in ends.items():
        assert took < seconds(up.services[name]["stop_grace_period"]), name
        assert status == 0, f"{name}: {status}\n{up.log(name)}"
    for name in ("web", "worker", "beat"):
        assert not up.healthy(name), name
