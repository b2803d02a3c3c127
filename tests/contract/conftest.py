"""The engines that the contract tests run on; a real Qdrant server joins where QDRANT_URL is set."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.qdrant_process import running_endpoint
from vectors.edge import EdgeStore, start_engine
from vectors.protocol import VectorStore
from vectors.server import ServerStore


def _edge() -> Iterator[VectorStore]:
    folder = Path(tempfile.mkdtemp(prefix="twirl-"))  # short: a socket's path has 108 bytes
    engine = start_engine(folder / "index", folder / "run" / "engine.sock")
    engine.wait_ready()
    store = EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)
    yield store
    store.close()
    engine.stop()
    shutil.rmtree(folder)


def _local() -> Iterator[VectorStore]:
    store = ServerStore.local()
    yield store
    store.close()


def _rest() -> Iterator[VectorStore]:
    with tempfile.TemporaryDirectory(prefix="twirl-") as name, running_endpoint(Path(name), "key") as there:
        store = ServerStore.connect(there.url, api_key="key", timeout_s=10.0, grpc_port=0)
        yield store
        store.close()


def _grpc() -> Iterator[VectorStore]:
    with tempfile.TemporaryDirectory(prefix="twirl-") as name, running_endpoint(Path(name), "key") as there:
        store = ServerStore.connect(there.url, api_key="key", timeout_s=10.0, grpc_port=there.grpc_port)
        yield store
        store.close()


def _server() -> Iterator[VectorStore]:
    store = ServerStore.connect(os.environ["QDRANT_URL"], api_key=os.environ.get("QDRANT_API_KEY"))
    for name in store.collections():
        if name.startswith("contract-"):
            store.drop(name)
    yield store
    store.close()


ENGINES: dict[str, Callable[[], Iterator[VectorStore]]] = {
    "edge": _edge,
    "rest": _rest,
    "grpc": _grpc,
    "local": _local,
}
if "QDRANT_URL" in os.environ:
    ENGINES["server"] = _server


@pytest.fixture(scope="module", params=list(ENGINES))
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    yield from ENGINES[request.param]()
