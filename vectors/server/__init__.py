"""Qdrant server, or cluster, through its own client."""

from vectors.server.store import ServerStore

__all__ = ["ServerStore"]
