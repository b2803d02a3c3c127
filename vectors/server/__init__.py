"""Qdrant server, or cluster, through its own client."""

from vectors.server.layout import Cluster
from vectors.server.store import ServerStore

__all__ = ["Cluster", "ServerStore"]
