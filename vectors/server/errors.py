"""What the client raises, as our errors."""

import grpc  # type: ignore[import-untyped]  # it ships no types
import httpx
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from vectors.checks import collection_missing
from vectors.protocol import FORBIDDEN, VectorsRefused, VectorStoreError, VectorStoreUnavailable

__all__ = ["FORBIDDEN", "TIMEOUT", "late", "translate"]
TIMEOUT = "vectors-timeout"

_PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}


def translate(name: str, error: Exception) -> VectorStoreError | None:
    """Our error for one of the client's; None for what is a fault of this program."""
    if isinstance(error, UnexpectedResponse):
        return _from_status(name, error.status_code or 500, str(error))
    if isinstance(error, grpc.RpcError):
        return _from_grpc(name, error)
    if isinstance(error, ResponseHandlingException) and isinstance(error.source, httpx.TimeoutException):
        return late()
    if isinstance(error, ResponseHandlingException | ResourceExhaustedResponse | ConnectionError):
        return _away(str(error))
    if isinstance(error, ValueError) and "not found" in str(error):  # the client's local mode
        return collection_missing(name)
    return None


def late() -> VectorStoreUnavailable:
    """No answer in time."""
    return VectorStoreUnavailable(
        TIMEOUT, "The Qdrant server did not answer in time.", "Look at its load, or allow it more time."
    )


def _from_status(name: str, status: int, message: str) -> VectorStoreError:
    if status == 404:
        return collection_missing(name)
    if status in (401, 403):
        return _forbidden()
    return _away(message) if status == 429 or status >= 500 else _refused(message)


def _from_grpc(name: str, error: grpc.RpcError) -> VectorStoreError:
    code, message = error.code(), str(error.details())
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return late()
    if code == grpc.StatusCode.NOT_FOUND:
        return collection_missing(name)
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return _forbidden()
    return _away(message) if code in _PASSING else _refused(message)


def _forbidden() -> VectorStoreUnavailable:
    """Work goes on once the key is put right, so it counts as an outage; trying again soon is no use."""
    return VectorStoreUnavailable(
        FORBIDDEN,
        "The Qdrant server refuses this API key.",
        "Set TWIRL_QDRANT_API_KEY to the key that the server was started with, and start again.",
    )


def _away(message: str) -> VectorStoreUnavailable:
    return VectorStoreUnavailable(
        "vectors-away",
        f"The Qdrant server does not answer: {message.strip()[:300].rstrip('.')}.",
        "Start it, or check its address: TWIRL_QDRANT_URL, TWIRL_QDRANT_GRPC_PORT.",
    )


def _refused(message: str) -> VectorsRefused:
    return VectorsRefused(
        "vectors-refused",
        f"The Qdrant server refuses: {message.strip()[:300].rstrip('.')}.",
        "Run a server of the client's minor version.",
    )
