"""The engine's processes: start, stop, locks, who dies with whom, how one shard hands over to the next."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from vectors import lexical
from vectors.edge import EdgeStore, EngineProcess, start_engine
from vectors.edge.process import EngineProcess as Handle
from vectors.protocol import (
    AnyOf,
    Collection,
    CollectionMissing,
    Field,
    Point,
    VectorStoreError,
    VectorStoreUnavailable,
)

DIMENSION = 256
FIELDS = (Field("colour", "keyword"), Field("price", "integer"), Field("group", "keyword"))
COLLECTION = Collection("images", DIMENSION, FIELDS)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Short on purpose: a socket's path has 108 bytes at most, pytest's own folders are long.
    with tempfile.TemporaryDirectory(prefix="twirl-") as name:
        yield Path(name)


@pytest.fixture
def engine(folder: Path) -> Iterator[EngineProcess]:
    running = start(folder)
    yield running
    running.stop()


@pytest.fixture
def store(folder: Path, engine: EngineProcess) -> Iterator[EdgeStore]:
    client = EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)
    client.create(COLLECTION)
    yield client
    client.close()


def start(folder: Path) -> EngineProcess:
    running = start_engine(folder / "index", folder / "run" / "engine.sock")
    running.wait_ready()
    return running


def point(number: int, rev: int = 1, price: int | None = None) -> Point:
    kind = np.random.default_rng(number % 40).standard_normal(DIMENSION)  # garments lie in clusters
    vector = (kind + 0.7 * np.random.default_rng(1000 + number).standard_normal(DIMENSION)).astype(np.float32)
    payload = {
        "colour": ["red", "blue"][: 1 + number % 2],
        "price": number if price is None else price,
        "group": f"g{number // 2}",
        "rev": rev,
    }
    return Point(str(uuid.UUID(int=number)), vector, payload, lexical.document([f"dress number{number}"]))


def shard_processes(engine: EngineProcess) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(engine.pid)], capture_output=True, text=True)
    return [int(line) for line in listing.stdout.split()]


def wait_for(condition, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def taken(store: EdgeStore, each: Point) -> bool:
    """Whether the point is written; a shard that starts again says so, and to try again."""
    try:
        store.upsert("images", [each])
    except VectorStoreUnavailable:
        return False
    return True


def generation(store: EdgeStore) -> str:
    return str(store.stats("images")["generation"])


def optimized(store: EdgeStore) -> None:
    before = generation(store)
    store.optimize("images")
    wait_for(lambda: generation(store) != before, 60)


def test_the_socket_is_private(folder: Path, store: EdgeStore) -> None:
    run = folder / "run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    sockets = list(run.glob("engine.sock*"))
    assert len(sockets) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in sockets} == {0o600}


def test_a_second_engine_names_the_lock_and_its_fix(folder: Path, engine: EngineProcess) -> None:
    second = start_engine(folder / "index", folder / "run" / "other.sock")
    with pytest.raises(VectorStoreUnavailable) as locked:
        second.wait_ready()
    assert locked.value.code == "store-locked"
    assert str(engine.pid) in locked.value.fix
    second.stop()


def test_a_socket_path_that_is_too_long_is_refused(folder: Path) -> None:
    refused = start_engine(folder / "index", folder / ("x" * 90) / "engine.sock")
    with pytest.raises(VectorStoreError) as error:
        refused.wait_ready()
    assert error.value.code == "store-socket-path"
    refused.stop()


def test_a_socket_in_a_folder_of_all_users_is_refused(folder: Path) -> None:
    folder.chmod(0o1777)
    refused = start_engine(folder / "index", folder / "engine.sock")
    with pytest.raises(VectorStoreError) as error:
        refused.wait_ready()
    assert error.value.code == "store-socket-folder"
    refused.stop()


def test_a_store_without_an_engine_says_so_at_once(folder: Path) -> None:
    store = EdgeStore(folder / "engine.sock")
    started = time.monotonic()
    with pytest.raises(VectorStoreUnavailable) as away:
        store.count("images")
    assert away.value.code == "vectors-away" and away.value.fix
    assert time.monotonic() - started < 0.5


def test_a_silent_engine_is_a_timeout(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "engine.sock"))
        server.listen()
        store = EdgeStore(folder / "engine.sock", timeout_s=0.2)
        with pytest.raises(VectorStoreUnavailable) as late:
            store.collections()
    assert late.value.code == "vectors-timeout"


def test_stopping_is_clean_and_what_was_written_is_there_again(folder: Path, store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(100)])
    store.point_alias("live", "images")
    handle = start_new_after_stop(folder, store)
    try:
        assert store.resolve("live") == "images"
        assert store.count("live") == 100
        assert store.search("live", point(7).vector)[0].id == point(7).id
    finally:
        handle.stop()
    assert list((folder / "run").iterdir()) == []


def start_new_after_stop(folder: Path, store: EdgeStore) -> Handle:
    """Another engine in place of the fixture's; the same store goes on with it."""
    pid = int((folder / "index" / "engine.lock").read_text())
    os.kill(pid, signal.SIGTERM)
    with pytest.raises(VectorStoreUnavailable):
        for _ in range(1000):
            store.count("images")
            time.sleep(0.01)
    wait_for(lambda: gone(pid))
    return start(folder)


def test_the_engine_ends_with_its_parent(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from vectors.edge import start_engine\n"
        f"e = start_engine(Path({str(folder / 'index')!r}), Path({str(folder / 'run' / 'engine.sock')!r}))\n"
        "e.wait_ready(); print(e.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(pid))


def test_shards_end_with_a_killed_engine_and_the_next_one_opens_them(folder: Path, store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(50)])
    pid = int((folder / "index" / "engine.lock").read_text())
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    shards = [int(line) for line in children.stdout.split()]
    assert len(shards) == 1
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(gone(shard) for shard in shards))
    again = start(folder)
    assert store.count("images") == 50
    again.stop()


def test_a_collection_is_never_missing_while_the_engine_starts(folder: Path, store: EdgeStore) -> None:
    pid, asking, missing = int((folder / "index" / "engine.lock").read_text()), threading.Event(), []

    def ask() -> None:
        with contextlib.closing(EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)) as other:
            while not asking.is_set():
                try:
                    other._routes.clear()  # as a client that has just come
                    other.count("images")
                except VectorStoreUnavailable:
                    time.sleep(0.002)
                except CollectionMissing as error:
                    missing.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: gone(pid))
        engine = start(folder)
        pid = engine.pid
    asking.set()
    for thread in threads:
        thread.join()
    engine.stop()
    assert missing == []


def test_a_killed_shard_is_started_again(engine: EngineProcess, store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(50)])
    [shard] = shard_processes(engine)
    os.kill(shard, signal.SIGKILL)

    def back() -> bool:
        try:
            return store.count("images") == 50
        except VectorStoreUnavailable:
            return False

    wait_for(back)
    assert engine.running


def test_two_collections_are_served_by_two_processes(engine: EngineProcess, store: EdgeStore) -> None:
    store.create(Collection("images-2", 8))
    assert len(shard_processes(engine)) == 2
    store.upsert("images-2", [Point(str(uuid.UUID(int=1)), np.ones(8, np.float32), {})])
    assert (store.count("images"), store.count("images-2")) == (0, 1)
    store.drop("images-2")
    assert store.collections() == ["images"]
    wait_for(lambda: len(shard_processes(engine)) == 1)


def test_a_handover_keeps_every_write_and_every_answer(store: EdgeStore) -> None:
    store.point_alias("live", "images")
    store.upsert("images", [point(n) for n in range(4000)])
    store.delete("images", [point(n).id for n in range(100)])
    first = generation(store)
    store.optimize("images")
    changed = 0
    while generation(store) == first:  # writes go on while the successor builds
        number = 200 + changed
        store.upsert("live", [point(number, rev=2, price=9_000), point(4000 + changed)])
        store.delete("live", [point(1000 + changed).id])
        changed += 1
        time.sleep(0.01)
    assert changed > 10, "the handover was too quick to try anything"
    expected = {point(n).id for n in range(100, 4000 + changed)} - {
        point(1000 + n).id for n in range(changed)
    }
    rows = dict(store.scroll("live", limit=10_000))
    assert set(rows) == expected
    assert store.count("live") == len(expected)
    assert {rows[point(200 + n).id]["price"] for n in range(changed) if point(200 + n).id in rows} == {9_000}
    for number in (150, 200, 2500, 3999, 4000):
        hits = store.search("live", point(number).vector, limit=3)
        assert hits[0].id == point(number).id and hits[0].score == pytest.approx(1.0, abs=1e-4)
    assert store.search("live", lexical.query("number2500"))[0].id == point(2500).id


def test_answers_are_exact_over_graph_and_tail(store: EdgeStore) -> None:
    points = [point(n) for n in range(3000)]
    store.upsert("images", points)
    optimized(store)
    fresh = [point(n, rev=2) for n in range(2900, 3300)]
    store.upsert("images", fresh)
    everything = {p.id: p for p in points + fresh}
    rows = np.stack([p.vector / np.linalg.norm(p.vector) for p in everything.values()])
    ids, blue = list(everything), ["blue" in p.payload["colour"] for p in everything.values()]
    found = 0
    for seed in range(40):
        query = point(10_000 + seed).vector
        scores = rows @ query
        best = [ids[i] for i in np.argsort(-scores)[:10]]
        best_blue = [ids[i] for i in np.argsort(-np.where(blue, scores, -99.0))[:10]]
        found += len({hit.id for hit in store.search("images", query)} & set(best))
        where = (AnyOf("colour", ("blue",)),)
        found += len({hit.id for hit in store.search("images", query, where=where)} & set(best_blue))
        assert [hit.id for hit in store.search("images", query, exact=True)] == best
    assert found / 800 >= 0.99
    assert store.facets("images", "colour") == [("red", 3300), ("blue", 1650)]
    assert store.count("images", (AnyOf("colour", ("blue",)),)) == 1650


def test_a_killed_successor_costs_nothing(engine: EngineProcess, store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(2000)])
    for pause in (0.1, 0.5):
        wait_for(lambda: len(shard_processes(engine)) == 1)
        [serving] = shard_processes(engine)
        store.optimize("images")
        wait_for(lambda: len(shard_processes(engine)) == 2)
        [successor] = set(shard_processes(engine)) - {serving}
        time.sleep(pause)
        os.kill(successor, signal.SIGKILL)  # on a fast machine it serves already: then the shard restarts
        again = point(5000 + int(pause * 100))
        wait_for(lambda each=again: taken(store, each))
        wait_for(lambda pid=successor: gone(pid))
    assert store.count("images") == 2002
    optimized(store)
    assert store.count("images") == 2002


def test_dropping_ends_every_process_and_removes_every_file(
    folder: Path, engine: EngineProcess, store: EdgeStore
) -> None:
    for pause in (0.0, 0.2, 0.6, 1.5):  # before the copy, in it, in the building, about the handover
        store.create(COLLECTION)
        store.upsert("images", [point(n) for n in range(1500)])
        store.point_alias("live", "images")
        store.optimize("images")
        time.sleep(pause)
        before = shard_processes(engine)
        store.drop("images")
        assert all(gone(shard) for shard in before)
        assert store.collections() == [] and store.resolve("live") is None
        with pytest.raises(CollectionMissing):
            store.count("images")
        wait_for(lambda: not list((folder / "index" / "collections").iterdir()))
    time.sleep(0.5)
    assert shard_processes(engine) == []
    store.create(COLLECTION)
    assert store.count("images") == 0
    assert len(list((folder / "run").iterdir())) == 2, "the keeper's socket and the shard's"


def test_many_threads_share_a_store(store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(200)])
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 50):
            if store.search("images", point(number).vector, limit=1)[0].id != point(number).id:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_keep_no_connection_to_shards_that_were_succeeded(store: EdgeStore) -> None:
    store.upsert("images", [point(n) for n in range(1500)])
    with ThreadPoolExecutor(4) as threads:
        together = threading.Barrier(4)

        def ask(number: int) -> None:
            together.wait(10)  # so that each thread of the four takes one
            store.count("images")

        list(threads.map(ask, range(4)))
        before = psutil.Process().num_fds()
        for round_ in range(3):
            first = generation(store)
            store.upsert("images", [point(n, rev=2 + round_) for n in range(300)])
            store.optimize("images")
            while generation(store) == first:
                time.sleep(0.02)
            list(threads.map(ask, range(4)))
        assert psutil.Process().num_fds() <= before


def test_a_stranger_on_the_socket_does_no_harm(folder: Path, store: EdgeStore) -> None:
    for path in (folder / "run").glob("engine.sock*"):
        for bytes_sent in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\2\0\0\0\0\0\0\0[]"):
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.connect(str(path))
                stranger.sendall(bytes_sent)
    assert store.count("images") == 0


def test_a_stop_signal_to_the_whole_group_is_a_clean_end(folder: Path) -> None:
    command = [sys.executable, "-m", "vectors.edge", "--root", str(folder / "index")]
    command += ["--socket", str(folder / "run" / "engine.sock")]
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    assert engine.stdout is not None and b"ready" in engine.stdout.readline()
    store = EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)
    store.create(COLLECTION)
    store.upsert("images", [point(n) for n in range(300)])
    os.killpg(engine.pid, signal.SIGTERM)
    assert engine.wait(10) == 0
    assert "Traceback" not in (folder / "log").read_text()
    again = start(folder)
    assert store.count("images") == 300
    again.stop()
