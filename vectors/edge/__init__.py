"""Qdrant Edge in a process of its own, and the store that talks to it."""

from vectors.edge.process import EngineProcess, start_engine
from vectors.edge.store import EdgeStore

__all__ = ["EdgeStore", "EngineProcess", "start_engine"]
