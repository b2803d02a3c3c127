"""Files of the engine that make no sense: it starts without them, keeps them, and what is lost is missing."""

import json
import os
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vectors import lexical
from vectors.edge import EdgeStore, EngineProcess, start_engine
from vectors.edge.damage import KEPT, PANICKED, UNREADABLE, Deaths, is_aside, set_aside
from vectors.edge.succession import copy_folder
from vectors.protocol import Collection, CollectionMissing, Field, Point, VectorStoreUnavailable

DIMENSION = 16
FIELDS = (Field("colour", "keyword"), Field("price", "integer"))


def points(count: int) -> list[Point]:
    rows = np.random.default_rng(0).standard_normal((count, DIMENSION)).astype(np.float32)
    return [point(n, row) for n, row in enumerate(rows, start=1)]


def point(number: int, row: np.ndarray) -> Point:
    words = lexical.document([f"dress {number}"])
    return Point(str(uuid.UUID(int=number)), row, {"colour": ["red"], "price": number}, words)


def start(folder: Path) -> tuple[EngineProcess, EdgeStore]:
    engine = start_engine(folder / "index", folder / "run" / "engine.sock")
    engine.wait_ready()
    return engine, EdgeStore(folder / "run" / "engine.sock", timeout_s=10.0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="twirl-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A stopped engine's folder with one collection, its graph built, and a few points beside the graph."""
    with tempfile.TemporaryDirectory(prefix="twirl-") as name:
        engine, store = start(Path(name))
        store.create(Collection("sound", DIMENSION, FIELDS))
        store.upsert("sound", points(2000))
        before = store.stats("sound")["generation"]
        store.optimize("sound")
        wait_for(lambda: store.stats("sound")["generation"] != before, 60)
        store.upsert("sound", points(50))
        store.point_alias("live", "sound")
        store.close()
        engine.stop()
        yield Path(name) / "index" / "collections" / "sound"


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def put(sound: Path, folder: Path, name: str) -> Path:
    """A copy of the sound collection under another name."""
    copied = folder / "index" / "collections" / name
    copy_folder(sound, copied)
    known = json.loads((copied / "collection.json").read_text())
    (copied / "collection.json").write_text(json.dumps(known | {"name": name}))
    return copied


def cut(path: Path, share: float = 0.5) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def one(collection: Path, pattern: str) -> Path:
    """A file of the generation that counts."""
    return sorted((collection / (collection / "current").read_text() / "shard").glob(pattern))[0]


def replace_text(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def shard_gone(collection: Path) -> None:
    shard = one(collection, "edge_config.json").parent
    shard.rename(collection.parent.parent / f"stolen-{collection.name}")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "no-description": lambda it: (it / "collection.json").unlink(),
    "half-a-description": lambda it: cut(it / "collection.json"),
    "empty-description": lambda it: cut(it / "collection.json", 0),
    "another-name": lambda it: replace_text(it / "collection.json", "another-name", "images"),
    "no-generation-named": lambda it: cut(it / "current", 0),
    "a-generation-that-is-not-there": lambda it: (it / "current").write_text("g000099"),
    "a-generation-outside": lambda it: (it / "current").write_text("../sound"),
    "no-shard": shard_gone,
    "half-a-config": lambda it: cut(one(it, "edge_config.json")),
    "half-a-segment": lambda it: cut(one(it, "segments/*/segment.json")),
    "no-payloads": lambda it: one(it, "segments/*/payload_storage/page_0.dat").unlink(),
    "flags-that-panic": lambda it: cut(one(it, "segments/*/vector_storage-image/deleted/status.dat"), 0),
}


def test_the_engine_starts_without_what_is_damaged_and_keeps_it(sound: Path, folder: Path) -> None:
    put(sound, folder, "sound")
    for name, damage in DAMAGE.items():
        damage(put(sound, folder, name))
    (folder / "index" / "collections" / "a file").write_text("of somebody else")
    cut(one(put(sound, folder, "no-graph-known"), "../built.json"), 0)  # harmless: it is built again
    engine, store = start(folder)
    try:
        assert store.collections() == ["no-graph-known", "sound"]
        assert store.count("sound") == 2000
        for name in DAMAGE:
            with pytest.raises(CollectionMissing):
                store.count(name)
            assert len(list((folder / "index" / "collections").glob(f"{name}.damaged-*"))) == 1, name
        store.create(Collection("half-a-config", DIMENSION, FIELDS))
        store.upsert("half-a-config", points(20))
        assert len(store.search("half-a-config", points(1)[0].vector)) == 10
    finally:
        store.close()
        engine.stop()
    engine, store = start(folder)
    assert store.collections() == ["half-a-config", "no-graph-known", "sound"]
    assert store.count("half-a-config") == 20
    store.close()
    engine.stop()


def test_an_alias_file_that_makes_no_sense_is_set_aside(sound: Path, folder: Path) -> None:
    put(sound, folder, "sound")
    (folder / "index" / "aliases.json").write_text('{"live": "sou')
    engine, store = start(folder)
    assert store.resolve("live") is None
    store.point_alias("live", "sound")
    assert store.count("live") == 2000
    assert len(list((folder / "index").glob("aliases.json.damaged-*"))) == 1
    store.close()
    engine.stop()


def test_what_cannot_be_read_while_it_serves_is_set_aside_too(sound: Path, folder: Path) -> None:
    cut(one(put(sound, folder, "sound"), "segments/*/vector_storage-image/vectors/chunk_0.mmap"), 0)
    engine, store = start(folder)
    with pytest.raises(VectorStoreUnavailable):
        store.search("sound", points(1)[0].vector)

    def missing() -> bool:
        try:
            store.search("sound", points(1)[0].vector)
        except VectorStoreUnavailable:
            return False
        except CollectionMissing:
            return True
        raise AssertionError("what makes no sense was read")

    wait_for(missing)
    assert engine.running and store.collections() == []
    store.close()
    engine.stop()


def test_only_deaths_that_speak_against_the_files_count() -> None:
    killed, outside = Deaths(), (-signal.SIGKILL, -signal.SIGTERM, 0, 1)
    assert not any(killed.note(status, 0.1) for status in outside * 9)
    unreadable = Deaths()
    assert [unreadable.note(UNREADABLE, 0.1) for _ in range(2)] == [False, True]
    for status in (PANICKED, -signal.SIGBUS, -signal.SIGSEGV):
        crashes = Deaths()
        assert [crashes.note(status, 0.1) for _ in range(3)] == [False, False, True]
    seldom = Deaths()
    assert not any(seldom.note(-signal.SIGBUS, 3600.0) for _ in range(9))


def test_only_the_newest_of_what_is_set_aside_is_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "number").write_text(str(number))
        assert is_aside(set_aside(tmp_path / "images"))
    kept = sorted(tmp_path.glob("images.damaged-*"))
    assert [(path / "number").read_text() for path in kept] == [str(KEPT), str(KEPT + 1)]
