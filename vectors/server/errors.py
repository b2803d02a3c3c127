"""What the client raises, as our errors; and trying again what may pass."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import grpc  # type: ignore[import-untyped]  # it ships no types
import httpx
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from vectors.checks import collection_missing
from vectors.protocol import VectorsRefused, VectorStoreError, VectorStoreUnavailable

T = TypeVar("T")

TIMEOUT = "vectors-timeout"

PAUSES_S = (0.05, 0.2)  # before the second and the third try, each stretched by up to a half
_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
}


def attempt(name: str, call: Callable[[], T]) -> T:
    """The call's result; every call of the store may be repeated, so what may pass is tried three times."""
    for pause in (*PAUSES_S, None):
        try:
            return call()
        except Exception as error:
            ours = translate(name, error)
            if ours is None:
                raise
            if pause is None or not _passes(ours):
                raise ours from error
            time.sleep(pause * random.uniform(1.0, 1.5))
    raise AssertionError("the last try returns or raises")


def _passes(error: VectorStoreError) -> bool:
    return isinstance(error, VectorStoreUnavailable) and error.code != TIMEOUT  # that one was waited for


def translate(name: str, error: Exception) -> VectorStoreError | None:
    """Our error for one of the client's; None for what is a fault of this program."""
    if isinstance(error, UnexpectedResponse):
        return _from_status(name, error.status_code or 500, str(error))
    if isinstance(error, grpc.RpcError):
        return _from_grpc(name, error)
    if isinstance(error, ResponseHandlingException) and isinstance(error.source, httpx.TimeoutException):
        return _late()
    if isinstance(error, ResponseHandlingException | ResourceExhaustedResponse | ConnectionError):
        return _away(str(error))
    if isinstance(error, ValueError) and "not found" in str(error):  # the client's local mode
        return collection_missing(name)
    return None


def _from_status(name: str, status: int, message: str) -> VectorStoreError:
    if status == 404:
        return collection_missing(name)
    if status in (401, 403):
        return VectorStoreError(
            "vectors-forbidden", "The Qdrant server refuses this key.", "Set the server's API key."
        )
    return _away(message) if status == 429 or status >= 500 else _refused(message)


def _from_grpc(name: str, error: grpc.RpcError) -> VectorStoreError:
    code, message = error.code(), str(error.details())
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return _late()
    if code == grpc.StatusCode.NOT_FOUND:
        return collection_missing(name)
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return _from_status(name, 403, message)
    return _away(message) if code in _PASSING else _refused(message)


def _late() -> VectorStoreUnavailable:
    return VectorStoreUnavailable(
        TIMEOUT, "The Qdrant server did not answer in time.", "Look at its load, or allow it more time."
    )


def _away(message: str) -> VectorStoreUnavailable:
    return VectorStoreUnavailable(
        "vectors-away", f"The Qdrant server does not answer: {message}", "Start it, or check its address."
    )


def _refused(message: str) -> VectorsRefused:
    return VectorsRefused(
        "vectors-refused",
        f"The Qdrant server refuses: {message}",
        "Run a server of the client's minor version.",
    )
