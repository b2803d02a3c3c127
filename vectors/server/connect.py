"""Clients of a Qdrant server: one that hurries, for searches, and one that waits, for writes."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from qdrant_client import QdrantClient

from vectors.protocol import VectorsRefused
from vectors.server.patience import WRITE

# A channel that has lost its server looks for it again within a second, not after the usual two minutes; one
# that a machine vanished behind is given up by its pings.
_GRPC: dict[str, Any] = {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
}


@dataclass(frozen=True)
class Clients:
    """Two clients of one server, or twice the same in the client's local mode."""

    quick: QdrantClient
    patient: QdrantClient

    def close(self) -> None:
        """Give back connections."""
        self.quick.close()
        if self.patient is not self.quick:
            self.patient.close()


def connect(url: str, api_key: str | None, timeout_s: float, grpc_port: int) -> Clients:
    """Clients that connect when they are first used. The key may be in the URL: https://KEY@host:6333.

    Raises VectorsRefused for what is no URL.
    """
    address, key = split_key(url)
    given = api_key or key
    quick, patient = (_client(address, given, s, grpc_port) for s in (timeout_s, WRITE.answer_s))
    return Clients(quick, patient)


def local(path: Path | None) -> Clients:
    """The client's own mode without a server, in memory or in a folder."""
    if path is None:
        client = QdrantClient(":memory:")
    else:
        client = QdrantClient(path=str(path), force_disable_check_same_thread=True)
    return Clients(client, client)


def split_key(url: str) -> tuple[str, str | None]:
    """A URL without user information, and the API key that was there: the password, else the user's name."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise VectorsRefused(
            "vectors-url",
            "The address of the Qdrant server is no URL.",
            "Set TWIRL_QDRANT_URL to something like http://qdrant:6333.",
        )
    key = parts.password or parts.username
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    return urlunsplit(bare).rstrip("/"), unquote(key) if key else None


def _client(url: str, api_key: str | None, timeout_s: float, grpc_port: int) -> QdrantClient:
    with warnings.catch_warnings():  # a key without TLS: the network is private, and docs/deploy.md says so
        warnings.simplefilter("ignore", UserWarning)
        return QdrantClient(
            url=url,
            api_key=api_key,
            timeout=math.ceil(timeout_s),
            grpc_port=grpc_port or 6334,
            prefer_grpc=bool(grpc_port),
            grpc_options=dict(_GRPC),
            check_compatibility=False,  # it would call at start, when the server may still be starting
        )
