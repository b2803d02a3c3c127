import threading
import time
from collections.abc import Iterator

import grpc
import httpx
import pytest
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from vectors.protocol import CollectionMissing, VectorsRefused, VectorStoreError, VectorStoreUnavailable
from vectors.server.connect import split_key
from vectors.server.crew import Crew, Late
from vectors.server.errors import translate
from vectors.server.patience import Breaker, Patience, Patient

SOON = Patience(answer_s=5.0, retry_s=2.0)


def answered(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "reason", b"content", httpx.Headers())


class Status(grpc.RpcError):
    """What a gRPC call raises."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__()
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "details"


@pytest.fixture
def patient() -> Iterator[Patient]:
    patient = Patient()
    yield patient
    patient.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VectorsRefused),
        (401, VectorStoreUnavailable),
        (403, VectorStoreUnavailable),
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


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, VectorStoreUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, VectorStoreUnavailable),
        (grpc.StatusCode.INTERNAL, VectorStoreUnavailable),
        (grpc.StatusCode.UNAUTHENTICATED, VectorStoreUnavailable),
        (grpc.StatusCode.NOT_FOUND, CollectionMissing),
        (grpc.StatusCode.INVALID_ARGUMENT, VectorsRefused),
        (grpc.StatusCode.UNIMPLEMENTED, VectorsRefused),
    ],
)
def test_grpc_statuses_become_our_errors(status: grpc.StatusCode, kind: type[VectorStoreError]) -> None:
    assert type(translate("images", Status(status))) is kind


def test_a_wrong_key_is_named_as_such_over_both() -> None:
    for error in (answered(401), Status(grpc.StatusCode.UNAUTHENTICATED)):
        ours = translate("images", error)
        assert ours is not None and ours.code == "vectors-forbidden" and "TWIRL_QDRANT_API_KEY" in ours.fix


def test_a_fault_of_this_program_is_not_hidden(patient: Patient) -> None:
    assert translate("images", TypeError("wrong argument")) is None
    with pytest.raises(TypeError):
        patient.call("images", lambda: (_ for _ in ()).throw(TypeError("wrong argument")), SOON)


def test_what_may_pass_is_tried_again(patient: Patient) -> None:
    calls = []

    def call() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise answered(503)
        return "done"

    assert patient.call("images", call, SOON) == "done"
    assert len(calls) == 3


@pytest.mark.parametrize(
    "error",
    [answered(404), answered(400), answered(401), ResponseHandlingException(httpx.ReadTimeout("late"))],
)
def test_what_cannot_pass_soon_is_tried_once(patient: Patient, error: Exception) -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise error

    with pytest.raises(VectorStoreError):
        patient.call("images", call, SOON)
    assert len(calls) == 1


def test_trying_ends_with_the_patience_for_it(patient: Patient) -> None:
    began = time.monotonic()
    with pytest.raises(VectorStoreUnavailable) as away:
        patient.call("images", lambda: (_ for _ in ()).throw(answered(503)), Patience(5.0, 0.5))
    assert away.value.code == "vectors-away"
    assert time.monotonic() - began < 2.0


def test_a_call_that_hangs_is_left_behind_and_another_takes_its_place() -> None:
    crew, release = Crew(size=2), threading.Event()
    for _ in range(5):  # more than the crew
        began = time.monotonic()
        with pytest.raises(Late):
            crew.run(release.wait, 0.05)
        assert time.monotonic() - began < 1.0
    assert crew.run(lambda: "still at work", 5.0) == "still at work"
    release.set()
    assert crew.run(lambda: 1, 5.0) == 1
    crew.close()


def test_a_timeout_of_the_work_itself_is_no_lateness() -> None:
    crew = Crew()

    def work() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        crew.run(work, 5.0)
    crew.close()


def test_many_callers_share_a_crew() -> None:
    crew, answers = Crew(size=4), []

    def ask(number: int) -> None:
        answers.append(crew.run(lambda: (time.sleep(0.01), number)[1], 10.0))

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    assert sorted(answers) == list(range(40))
    crew.close()


def test_while_the_server_is_away_one_call_looks_and_the_others_are_told_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "vectors.server")
    breaker, away = Breaker(failures=2, again_s=0.2), VectorStoreUnavailable("vectors-away", "gone", "wait")
    breaker.check()
    breaker.failed(away)
    breaker.check()
    breaker.failed(away)
    with pytest.raises(VectorStoreUnavailable, match="gone"):
        breaker.check()
    time.sleep(0.25)
    breaker.check()  # this one looks
    with pytest.raises(VectorStoreUnavailable):
        breaker.check()
    breaker.answered()
    breaker.answered()
    breaker.check()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["Qdrant is away, vectors-away: gone wait", "Qdrant answers again"], "once each"


def test_a_search_is_told_at_once_and_a_write_waits_while_the_server_is_away(patient: Patient) -> None:
    def away() -> None:
        raise answered(503)

    for _ in range(3):
        with pytest.raises(VectorStoreUnavailable):
            patient.call("images", away, Patience(1.0, 0.0))
    began = time.monotonic()
    with pytest.raises(VectorStoreUnavailable):
        patient.call("images", lambda: "not asked", SOON)
    assert time.monotonic() - began < 0.5
    assert patient.call("images", lambda: "back", Patience(10.0, 10.0, patient=True)) == "back"
    assert patient.call("images", lambda: "found", SOON) == "found"


@pytest.mark.parametrize(
    ("url", "address", "key"),
    [
        ("http://qdrant:6333", "http://qdrant:6333", None),
        ("http://qdrant:6333/", "http://qdrant:6333", None),
        ("https://s%2Fcret@cloud.example:6333", "https://cloud.example:6333", "s/cret"),
        ("http://:k3y@10.0.0.1:6333/prefix", "http://10.0.0.1:6333/prefix", "k3y"),
        ("http://user:k3y@[::1]:6333", "http://[::1]:6333", "k3y"),
    ],
)
def test_the_key_may_be_in_the_url(url: str, address: str, key: str | None) -> None:
    assert split_key(url) == (address, key)


@pytest.mark.parametrize("url", ["qdrant:6333", "tcp://qdrant:6333", "http://", "6333"])
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(VectorsRefused) as refused:
        split_key(url)
    assert "TWIRL_QDRANT_URL" in refused.value.fix and refused.value.code == "vectors-url"
