import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bootstrap import Services
from launcher.embedded import Watch, web_answers
from launcher.preflight import StartRefused
from settings import Settings, Storage, Web


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok"}).encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def storefront(tmp_path: Path) -> Iterator[Services]:
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Services(Settings(storage=Storage(data=tmp_path), web=Web(port=server.server_port)))
        server.shutdown()


def test_the_storefront_is_asked_without_the_proxy_of_the_environment(
    storefront: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert web_answers(storefront)


def test_every_interface_is_asked_on_this_machine(storefront: Services) -> None:
    everywhere = replace(storefront.settings.web, host="0.0.0.0")  # noqa: S104 (where to ask)
    assert web_answers(Services(replace(storefront.settings, web=everywhere)))


def test_an_engine_may_restart_but_nobody_waits_for_one_that_is_gone() -> None:
    answers = [False, False, True, False]
    watch = Watch(lambda: answers.pop(0) if len(answers) > 1 else answers[0], patience_s=0.3)
    with pytest.raises(StartRefused, match="has ended"):
        for _ in range(100):
            time.sleep(0.02)
            watch.look()
    assert answers == [False]
