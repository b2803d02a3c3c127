import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vectors.edge import shard_server
from vectors.edge.order import Order
from vectors.edge.shard_server import TAIL, ShardServer
from vectors.protocol import Collection


def test_a_successor_that_cannot_be_started_does_not_end_the_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shard_server, "LINGER_S", 0.0)
    away = tmp_path / "keeper.sock"
    order = Order(
        Collection("c", 8), tmp_path / "g000001", tmp_path / "s", away, tmp_path / "aliases.json", 1
    )
    server = ShardServer(order, cast(Any, SimpleNamespace(count=lambda: TAIL + 1)))
    keeping = threading.Thread(target=server.housekeep, daemon=True)
    keeping.start()
    deadline = time.monotonic() + 5
    while "no successor" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "no successor" in caplog.text and keeping.is_alive()
    server._moved = True
    keeping.join(3)
    assert not keeping.is_alive()
