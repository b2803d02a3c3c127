"""The sums of docs/sizing.md: what they promise of a cluster, and that the page shows what they give."""

from pathlib import Path

import pytest

from benchmarks.sizing import sums
from benchmarks.sizing_plan import GIB, SHARD_IMAGES, Node, PerImage, plan, size

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sizing.md").read_text()
MEASURED = PerImage(pinned=1696, cached=144, disk=4385, sql=1123, renditions=150_000)  # as the page says


@pytest.mark.parametrize("images", [1, 1_000_000, 7_000_000, 123_456_789, 1_000_000_000])
@pytest.mark.parametrize("node", [16, 64, 256])
@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_cluster_holds_every_copy_on_a_node_of_its_own(images: int, node: int, replicas: int) -> None:
    found = plan(images, MEASURED, Node(node * GIB), replicas)
    assert found.nodes >= replicas and found.node_memory <= Node(node * GIB).usable
    assert found.shards == 1 or found.shards * replicas % found.nodes == 0, "as many copies on each node"
    assert found.shards == 1 or found.shards * replicas >= 2 * found.nodes
    assert images / found.shards <= SHARD_IMAGES
    if found.nodes > replicas:
        assert images * 1840 * replicas * 1.25 > (found.nodes - 1) * Node(node * GIB).usable, "none too many"


def test_the_page_shows_what_the_sums_give() -> None:
    for node in (64, 256):
        for line in list(sums(MEASURED, Node(node * GIB), 2))[0 if node == 64 else 4 :]:
            assert line.strip() in PAGE


def test_sizes_are_said_as_a_person_would() -> None:
    assert [size(n) for n in (12, 2**20, 15 * GIB, 1.5 * 2**40)] == ["12 B", "1.0 MiB", "15 GiB", "1.5 TiB"]
