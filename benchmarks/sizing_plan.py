"""From bytes an image to a cluster: memory, disk, nodes and shards for so many images. Pure arithmetic."""

import math
from dataclasses import dataclass

GIB = 2**30
SPARE = (
    1.25  # of memory: for segments that are being built, queries under way, and growth until the next look
)
TWICE = 2.0  # of disk: an optimised segment is written beside the old one, and a snapshot lies beside both
SHARD_IMAGES = 20_000_000  # at most, so that a shard can be moved or built anew within hours


@dataclass(frozen=True)
class PerImage:
    """Bytes that one image takes in one copy of the index, and elsewhere."""

    pinned: float  # memory that it must have: int8 vectors, payload and word indexes, ids
    cached: float  # of the page cache, touched by most searches: the graph
    disk: float
    sql: float
    renditions: float


@dataclass(frozen=True)
class Node:
    """A machine of the cluster."""

    memory: float = 64 * GIB

    @property
    def usable(self) -> float:
        """What is left beside the system and the server itself."""
        return self.memory * 0.85


@dataclass(frozen=True)
class Plan:
    """What so many images take; memory and disk are of the whole cluster, in bytes."""

    images: int
    replicas: int
    shards: int
    nodes: int
    memory: float
    disk: float
    sql: float
    renditions: float

    @property
    def node_memory(self) -> float:
        """Of one node."""
        return self.memory / self.nodes

    @property
    def node_disk(self) -> float:
        """Of one node."""
        return self.disk / self.nodes


def plan(images: int, each: PerImage, node: Node, replicas: int = 2) -> Plan:
    """The smallest cluster of such nodes that holds every copy, each on a node of its own."""
    memory = images * (each.pinned + each.cached) * replicas * SPARE
    nodes = max(replicas, math.ceil(memory / node.usable))
    least = math.ceil(images / SHARD_IMAGES)
    shards = 1 if images <= SHARD_IMAGES / 4 else _spread(least, nodes, replicas)
    return Plan(
        images=images, replicas=replicas, shards=shards, nodes=nodes, memory=memory,
        disk=images * each.disk * replicas * TWICE, sql=images * each.sql,
        renditions=images * each.renditions,
    )  # fmt: skip


def _spread(least: int, nodes: int, replicas: int) -> int:
    """Shards such that each node has as many copies as any other, and at least two: nodes can be doubled."""
    shards = max(least, math.ceil(2 * nodes / replicas))
    while shards * replicas % nodes:
        shards += 1
    return shards


def show(plans: list[Plan]) -> list[str]:
    """A table in Markdown."""
    lines = [
        "| images | copies | shards | nodes | memory a node | disk a node | memory in all | disk in all "
        "| PostgreSQL | pictures |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in plans:
        cells = [
            f"{each.images:,}", str(each.replicas), str(each.shards), str(each.nodes),
            *(size(number) for number in (
                each.node_memory, each.node_disk, each.memory, each.disk, each.sql, each.renditions,
            )),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def size(number: float) -> str:
    """Bytes as a person says them."""
    for unit, factor in (("TiB", 2**40), ("GiB", GIB), ("MiB", 2**20)):
        if number >= factor:
            value = number / factor
            return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{number:,.0f} B"
