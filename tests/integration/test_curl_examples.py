"""Every `curl` of docs/api.md and the README's, typed into a real shell in front of the real application."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from PIL import Image
from werkzeug.serving import make_server

from bootstrap import Services
from tests.support.keyed import keyed

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = "http://127.0.0.1:8000"  # the address that the pages name
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def examples(page: str) -> list[str]:
    """The indented blocks of a page that call curl on the shop's port."""
    blocks = [match[0] for match in BLOCK.finditer((ROOT / page).read_text())]
    return [block for block in blocks if "curl " in block and WRITTEN in block]


EXAMPLES = [*examples("docs/api.md"), *examples("README.md")]


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


def test_the_examples_call_every_request_of_the_api() -> None:
    said = "".join(EXAMPLES)
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    unsaid = {
        path for path in paths
        if "/images/" not in path and not re.search(re.sub(r"{\w+}", r"[^/\\s]+", path) + r"(?![\w/])", said)
    }  # fmt: skip
    assert not unsaid and "url_480" in said  # a picture's address is taken from an answer


@pytest.fixture(scope="module")
def key(shop: Services) -> str:
    """What the pages leave out: a secret key, of a shop of its own."""
    return keyed(shop, "curl")[1]


@pytest.mark.parametrize("block", EXAMPLES)
def test_it_does_what_the_page_says(block: str, address: str, key: str, tmp_path: Path) -> None:
    for name in ("dress.jpg", "mine.jpg"):
        Image.new("RGB", (240, 300), (180, 30, 40)).save(tmp_path / name)
    typed = block.replace(WRITTEN, address).replace("curl ", "curl --fail-with-body --max-time 60 ")
    typed = typed.replace("twirl_secret_…", key)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed], cwd=tmp_path, capture_output=True, text=True, timeout=150,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    answers = list(decoded(done.stdout))
    assert answers and not any("code" in answer for answer in answers)
    assert all(answer["hits"] for answer in answers if "hits" in answer)
    for kept in tmp_path.glob("*.webp"):
        assert Image.open(kept).format == "WEBP"


def decoded(said: str) -> Iterator[dict[str, object]]:
    """The JSON objects that stand one after another."""
    while said := said.lstrip():
        answer, end = json.JSONDecoder().raw_decode(said)
        yield answer
        said = said[end:]
