"""Fetching an encoder: the hub's own client against a server that speaks the hub's protocol."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from embedding.adding import add_encoder
from embedding.dual_files import Origin, read_dual
from embedding.errors import PackRefused
from embedding.hub import encoder_source, fetch
from tests.support.encoders import clip

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """A hub with one model, `shop/clip`, at one commit."""

    folder: Path
    asked: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.server.asked.append(path)
        info, files = "/api/models/shop/clip", f"/shop/clip/resolve/{COMMIT}/"
        there = sorted(each.name for each in self.server.folder.iterdir())
        if path in (info, f"{info}/revision/{COMMIT}", f"{info}/revision/main"):
            siblings = [{"rfilename": name} for name in there]
            self.say(json.dumps({"id": "shop/clip", "sha": COMMIT, "siblings": siblings}).encode())
        elif path == f"{info}/tree/{COMMIT}":
            self.say(json.dumps([self.entry(name) for name in there]).encode())
        elif path.startswith(files) and path.removeprefix(files) in there:
            self.say((self.server.folder / path.removeprefix(files)).read_bytes())
        elif path.startswith(info):
            self.say(b"{}", 404, {"X-Error-Code": "RevisionNotFound"})
        elif "/gated" in path:
            self.say(b"{}", 403, {"X-Error-Code": "GatedRepo"})
        else:
            self.say(b"{}", 404, {"X-Error-Code": "RepoNotFound"})

    def entry(self, name: str) -> dict[str, object]:
        data = (self.server.folder / name).read_bytes()
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}  # noqa: S324

    def say(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        etag = hashlib.sha1(body).hexdigest()  # noqa: S324
        own = {"Content-Length": str(len(body)), "ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}
        for name, value in (own | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = clip(tmp_path_factory.mktemp("hub") / "clip")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "theirs.py").write_text("raise SystemExit")
    return folder


@pytest.fixture
def hub(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    server = Hub(("127.0.0.1", 0), Answers)
    server.folder, server.asked = published, []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def refusal(repository: str, revision: str, address: str) -> str:
    with pytest.raises(PackRefused) as caught:
        encoder_source(repository, revision, address)
    assert caught.value.fix.endswith(".")
    return caught.value.code


def test_the_newest_is_fetched_and_its_commit_pinned(hub: Hub, tmp_path: Path) -> None:
    folder, origin = fetch("shop/clip", "", hub.address)
    assert origin == Origin("shop/clip", COMMIT)
    names = {each.name for each in folder.iterdir()}
    assert "model.safetensors" in names and not names & {"pytorch_model.bin", "theirs.py"}
    assert not any(path.endswith((".bin", ".py")) for path in hub.asked)
    added = add_encoder(folder, tmp_path / "kept", "clip", origin)
    assert read_dual(added.folder).origin.revision == COMMIT
    assert not any(path.is_symlink() for path in added.folder.iterdir())


def test_a_commit_that_was_fetched_needs_no_network(hub: Hub) -> None:
    folder, _ = fetch("shop/clip", COMMIT, hub.address)
    before = len(hub.asked)
    again, origin = fetch("shop/clip", COMMIT, "http://127.0.0.1:9")
    assert (again, origin.revision, len(hub.asked)) == (folder, COMMIT, before)


def test_what_the_hub_has_not_is_said(hub: Hub) -> None:
    assert refusal("shop/clip", "f" * 40, hub.address) == "hub-revision"
    assert refusal("shop/none", "", hub.address) == "hub-unknown"
    assert refusal("shop/gated", "", hub.address) == "hub-gated"


def test_a_hub_that_is_away_is_said(hub: Hub) -> None:
    assert refusal("shop/clip", "", "http://127.0.0.1:9") == "hub-unreachable"


def test_what_only_unpickles_is_refused_before_it_is_fetched(
    hub: Hub, published: Path, tmp_path: Path
) -> None:
    hub.folder = tmp_path / "pickled"
    hub.folder.mkdir()
    (hub.folder / "config.json").write_text((published / "config.json").read_text())
    (hub.folder / "pytorch_model.bin").write_bytes(b"a pickle")
    assert refusal("shop/clip", "", hub.address) == "encoder-pickled"
    assert not any(path.endswith(".bin") for path in hub.asked)


def test_a_folder_has_no_revision_and_a_name_alone_is_no_hubs(published: Path) -> None:
    assert encoder_source(str(published)) == (published, Origin("clip"))
    assert refusal(str(published), COMMIT, "") == "encoder-revision"
    assert refusal("nothing-here", "", "") == "encoder-missing"
