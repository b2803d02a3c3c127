"""A Qdrant endpoint for tests: its REST and gRPC, as far as Twirl speaks them, over real Qdrant Edge shards.

    python -m tests.support.qdrant_endpoint --port 6333 --grpc-port 6334 --root /tmp/qdrant [--api-key KEY]

It prints {"ready": true, "port": N, "grpc_port": M} once it listens; port 0 takes a free one. Data live in
ROOT and survive kill -9 (`qdrant_shards`). It is no Qdrant server: one process, one call at a time, no
graphs, no cluster; shard and replica numbers are kept and shown, and do nothing. It exists because no Qdrant
binary can be had where these tests run. The engine inside decides what filters, scores, fences and facets
mean; this file and `qdrant_grpc` only pass them on. The tests run unchanged against a real server where
QDRANT_URL is set.
"""

import argparse
import hmac
import json
import logging
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.qdrant_grpc import TITLE, VERSION, listen
from tests.support.qdrant_shards import Collection, Collections, NotFound
from tests.support.qdrant_terms import BadRequest, Json

log = logging.getLogger("qdrant-endpoint")

OPEN = {"/", "/healthz", "/readyz", "/livez"}  # answered without a key, as the server does
Answer = Callable[[Collections, str, Json], Any]

# Method, path, what answers it from one collection and the body.
OF_A_COLLECTION: list[tuple[str, str, Callable[[Collection, Json], Any]]] = [
    ("GET", "", lambda one, body: one.info()),
    ("PUT", "/index", lambda one, body: _done(one.index(body))),
    ("PUT", "/points", lambda one, body: _done(one.update({"upsert": body}))),
    ("POST", "/points/batch", lambda one, body: [_done(one.update(each)) for each in body["operations"]]),
    ("POST", "/points/delete", lambda one, body: _done(one.delete(body))),
    ("POST", "/points/query", lambda one, body: {"points": one.query(body)}),
    ("POST", "/points/query/groups", lambda one, body: {"groups": one.groups(body)}),
    ("POST", "/points/scroll", lambda one, body: one.scroll(body)),
    ("POST", "/points/count", lambda one, body: {"count": one.count(body)}),
    ("POST", "/points", lambda one, body: one.retrieve(body)),
    ("POST", "/facet", lambda one, body: {"hits": one.facet(body)}),
]
# The same for all collections; NAME is the part of the path in question.
OF_ALL: list[tuple[str, str, Answer]] = [
    (
        "GET",
        "/collections",
        lambda every, name, body: {"collections": [{"name": n} for n in sorted(every.open)]},
    ),
    ("GET", "/aliases", lambda every, name, body: _aliases(every, "")),
    ("POST", "/collections/aliases", lambda every, name, body: every.change_aliases(body["actions"])),
    ("GET", "/collections/NAME/exists", lambda every, name, body: {"exists": every.has(name)}),
    ("GET", "/collections/NAME/aliases", lambda every, name, body: _aliases(every, name)),
    ("PUT", "/collections/NAME", lambda every, name, body: every.create(name, body)),
    ("DELETE", "/collections/NAME", lambda every, name, body: every.drop(name)),
]


def routes() -> list[tuple[str, re.Pattern[str], Answer]]:
    """(method, pattern of a path, what answers it)."""
    table = list(OF_ALL)
    for method, path, answer in OF_A_COLLECTION:
        table.append((method, f"/collections/NAME{path}", _found(answer)))
    return [(method, re.compile(path.replace("NAME", "([^/]+)")), answer) for method, path, answer in table]


def _found(answer: Callable[[Collection, Json], Any]) -> Answer:
    return lambda every, name, body: answer(every.find(name), body)


def _done(_: None) -> Json:
    return {"operation_id": 0, "status": "completed"}


def _names(every: Collections) -> Json:
    return {"collections": [{"name": name} for name in sorted(every.open)]}


def _aliases(every: Collections, name: str) -> Json:
    chosen = [(alias, of) for alias, of in every.aliases.items() if not name or of == name]
    return {"aliases": [{"alias_name": alias, "collection_name": of} for alias, of in chosen]}


class Endpoint(ThreadingHTTPServer):
    """Listens; every request has a thread, the shards have one turn."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], collections: Collections, api_key: str) -> None:
        self.collections, self.api_key, self.routes = collections, api_key, routes()
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """Reads one request, answers in Qdrant's envelope."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def do(self) -> None:
        """Any method."""
        began = time.perf_counter()
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        path = unquote(urlsplit(self.path).path)
        if path in OPEN:
            return self._send(HTTPStatus.OK, {"title": TITLE, "version": VERSION})
        if not hmac.compare_digest(self.headers.get("api-key") or "", self.server.api_key):
            text = b"Must provide an API key or an Authorization bearer token"
            return self._send_bytes(HTTPStatus.UNAUTHORIZED, text, "text/plain")
        status, answer = self._answer(path, body)
        return self._send(status, answer | {"time": time.perf_counter() - began})

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do  # noqa: N815 - the names that the base class calls

    def _answer(self, path: str, body: bytes) -> tuple[int, Json]:
        try:
            result = self._route(path, json.loads(body) if body else {})
            return HTTPStatus.OK, {"result": result, "status": "ok"}
        except NotFound as error:
            return HTTPStatus.NOT_FOUND, _said(error)
        except FileExistsError as error:
            return HTTPStatus.CONFLICT, _said(error)
        except (BadRequest, KeyError, TypeError, ValueError) as error:
            return HTTPStatus.BAD_REQUEST, _said(f"Wrong input: {error!r}")
        except Exception as error:  # the engine raises bare Exception, for a wrong dimension too
            log.exception("%s %s failed", self.command, path)
            return HTTPStatus.INTERNAL_SERVER_ERROR, _said(f"Service internal error: {error}")

    def _route(self, path: str, body: Json) -> Any:
        for method, pattern, route in self.server.routes:
            found = pattern.fullmatch(path)
            if found and method == self.command:
                name = found.group(1) if pattern.groups else ""
                with self.server.collections.turn:
                    return route(self.server.collections, name, body)
        raise NotFound(f"{self.command} {path} is not served here")

    def _send(self, status: int, answer: Json) -> None:
        self._send_bytes(status, json.dumps(answer).encode(), "application/json")

    def _send_bytes(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """One line a request would bury what matters."""


def _said(error: object) -> Json:
    return {"status": {"error": str(error)}}


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--api-key", default="")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s qdrant-endpoint %(levelname)s %(message)s")
    collections = Collections(options.root)
    endpoint = Endpoint((options.host, options.port), collections, options.api_key)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=endpoint.shutdown).start())
    server, grpc_port = listen(collections, options.host, options.grpc_port, options.api_key)
    said = {"ready": True, "port": endpoint.server_port, "grpc_port": grpc_port}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    endpoint.serve_forever(poll_interval=0.1)
    server.stop(grace=1.0).wait()
    with collections.turn:
        collections.close()


if __name__ == "__main__":
    main()
