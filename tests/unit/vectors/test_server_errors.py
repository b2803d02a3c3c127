import socket
import time

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse

from vectors.protocol import CollectionMissing, VectorsRefused, VectorStoreError, VectorStoreUnavailable
from vectors.server import ServerStore
from vectors.server.errors import attempt, translate


def answered(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "reason", b"content", httpx.Headers())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VectorsRefused),
        (401, VectorStoreError),
        (404, CollectionMissing),
        (422, VectorsRefused),
        (429, VectorStoreUnavailable),
        (500, VectorStoreUnavailable),
        (503, VectorStoreUnavailable),
    ],
)
def test_statuses_become_our_errors(status: int, kind: type[VectorStoreError]) -> None:
    error = translate("images", answered(status))
    assert type(error) is kind
    assert error.code and error.message and error.fix


def test_a_fault_of_this_program_is_not_hidden() -> None:
    assert translate("images", TypeError("wrong argument")) is None
    with pytest.raises(TypeError):
        attempt("images", lambda: (_ for _ in ()).throw(TypeError("wrong argument")))


def test_what_may_pass_is_tried_three_times_and_no_more() -> None:
    calls = []

    def call(failures: int) -> str:
        calls.append(time.monotonic())
        if len(calls) <= failures:
            raise answered(503)
        return "done"

    assert attempt("images", lambda: call(2)) == "done"
    assert len(calls) == 3 and calls[-1] - calls[0] >= 0.25
    calls.clear()
    with pytest.raises(VectorStoreUnavailable):
        attempt("images", lambda: call(3))
    assert len(calls) == 3


def test_what_cannot_pass_is_tried_once() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise answered(404)

    with pytest.raises(CollectionMissing):
        attempt("images", call)
    assert len(calls) == 1


def test_a_server_that_stays_silent_is_waited_for_once() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = QdrantClient(
            url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=1, check_compatibility=False
        )
        store, started = ServerStore(client), time.monotonic()
        with pytest.raises(VectorStoreUnavailable) as late:
            store.count("images")
    assert late.value.code == "vectors-timeout"
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:1/"])
def test_a_server_that_is_not_there_is_unavailable_soon(url: str) -> None:
    store = ServerStore.connect(url, timeout_s=1.0)
    started = time.monotonic()
    with pytest.raises(VectorStoreUnavailable) as away:
        store.count("images")
    assert away.value.code == "vectors-away"
    assert time.monotonic() - started < 5.0
    store.close()
