"""A merchant's picture host on loopback: answers conditional requests, says what it is told to, remembers."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class PictureHost:
    """`files` by path; `status` and `headers` are of an answer that is none of them, for a path."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    modified: dict[str, str] = field(default_factory=dict)  # Last-Modified, by path
    refusing: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    tags: bool = True  # whether it says ETags
    asked: list[tuple[str, int]] = field(default_factory=list)  # (path, status), as they came
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, data: bytes) -> str:
        """Serve these bytes; returns their address."""
        self.files[path] = data
        return self.url + path

    def statuses(self, path: str = "") -> list[int]:
        """What was answered, for one path or all."""
        return [status for asked, status in self.asked if path in ("", asked)]

    def answer(self, path: str, said: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if path in self.refusing:
            return (*self.refusing[path], b"")
        data = self.files.get(path)
        if data is None:
            return 404, {}, b""
        headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"'} if self.tags else {}  # noqa: S324
        if path in self.modified:
            headers["Last-Modified"] = self.modified[path]
        same = said.get("if-none-match") == headers.get("ETag", "-") or (
            "if-none-match" not in said and said.get("if-modified-since") == self.modified.get(path, "-")
        )
        return (304, headers, b"") if same else (200, headers, data)


@contextmanager
def picture_host() -> Iterator[PictureHost]:
    """One that answers while the block runs."""
    made = PictureHost()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = {name.lower(): value for name, value in self.headers.items()}
            status, headers, body = made.answer(self.path, said)
            with made.lock:
                made.asked.append((self.path, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
