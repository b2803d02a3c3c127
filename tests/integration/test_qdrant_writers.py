"""Two processes write to one Qdrant while a third searches: nothing is lost, the newest revision stays."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.qdrant_process import ROOT, running_endpoint
from vectors.protocol import Collection, Field
from vectors.server import ServerStore

NAME, COUNT, ROUNDS = "writers", 300, 4

# Each writes every point once a round, at revs that the other does not use: the larger one must stay.
WRITER = f"""
import sys, uuid
import numpy as np
from vectors.protocol import Point
from vectors.server import ServerStore
url, key, port, me = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = ServerStore.connect(url, api_key=key or None, timeout_s=10.0, grpc_port=port)
rows = np.random.default_rng(0).standard_normal(({COUNT}, 32)).astype(np.float32)
for round in range({ROUNDS}):
    rev = 2 * round + me
    said = {{"rev": rev, "writer": me}}
    points = [Point(str(uuid.UUID(int=n + 1)), row, said) for n, row in enumerate(rows)]
    for start in range(0, {COUNT}, 50):
        store.upsert({NAME!r}, points[start:start + 50])
store.close()
"""


@pytest.fixture
def where(tmp_path: Path) -> Iterator[tuple[str, str, int]]:
    if url := os.environ.get("QDRANT_URL"):
        yield url, os.environ.get("QDRANT_API_KEY", ""), 6334
        return
    with running_endpoint(tmp_path, "key") as endpoint:
        yield endpoint.url, "key", endpoint.grpc_port


def test_two_writers_and_a_reader(where: tuple[str, str, int]) -> None:
    url, key, port = where
    store = ServerStore.connect(url, api_key=key or None, timeout_s=10.0, grpc_port=port)
    store.drop(NAME)
    store.create(Collection(NAME, 32, (Field("writer", "integer"), Field("rev", "integer"))))
    command = [sys.executable, "-c", WRITER, url, key, str(port)]
    writers = [subprocess.Popen([*command, me], cwd=ROOT) for me in ("0", "1")]
    query, searches, until = np.ones(32, np.float32), 0, time.monotonic() + 120
    while any(writer.poll() is None for writer in writers):
        hits = store.search(NAME, query, limit=20)
        assert len({hit.id for hit in hits}) == len(hits)
        searches += 1
        assert time.monotonic() < until
    assert [writer.returncode for writer in writers] == [0, 0] and searches > 3
    rows = store.scroll(NAME, limit=2 * COUNT)
    assert len(rows) == COUNT == store.count(NAME)
    assert {payload["rev"] for _, payload in rows} == {2 * (ROUNDS - 1) + 1}, "the newest of both stays"
    store.drop(NAME)
    store.close()
