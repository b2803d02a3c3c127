import socket
import threading
import uuid
from dataclasses import replace

import numpy as np
import pytest

from vectors import lexical
from vectors.edge import frames, wire
from vectors.edge.journal import Journal
from vectors.edge.order import Order, read_aliases, write_atomically
from vectors.protocol import (
    AnyOf,
    Between,
    Collection,
    CollectionMissing,
    Equals,
    Field,
    Not,
    Point,
    Sparse,
    VectorStoreError,
)


def points(count: int) -> list[Point]:
    rng = np.random.default_rng(0)
    return [
        Point(
            str(uuid.UUID(int=i)),
            rng.standard_normal(4).astype(np.float32),
            {"colour": ["grün", "👗"], "price": i, "weight": 0.5},
            None if i % 3 == 0 else lexical.document(["red dress"] if i % 3 == 1 else []),
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_points_come_back_as_they_went(count: int) -> None:
    sent = points(count)
    rows = np.stack([p.vector for p in sent]) if sent else np.empty((0, 4), np.float32)
    header, body = wire.pack_points(sent, rows)
    back = wire.unpack_points(*frames.decode(frames.encode(header, body)), 4)
    assert [(p.id, p.payload) for p in back] == [(p.id, p.payload) for p in sent]
    for left, right in zip(back, sent, strict=True):
        assert np.array_equal(left.vector, right.vector)
        assert (left.lexical is None) == (right.lexical is None)
        if left.lexical is not None and right.lexical is not None:
            assert np.array_equal(left.lexical.indices, right.lexical.indices)
            assert np.array_equal(left.lexical.values, right.lexical.values)


def test_queries_come_back_as_they_went() -> None:
    dense = np.arange(5, dtype=np.float32)
    assert np.array_equal(wire.unpack_query(*wire.pack_query(dense)), dense)
    sparse = wire.unpack_query(*wire.pack_query(lexical.query("red dress")))
    assert isinstance(sparse, Sparse)
    assert np.array_equal(sparse.indices, lexical.query("red dress").indices)


def test_filters_and_collections_come_back_as_they_went() -> None:
    where = (Equals("a", "x"), AnyOf("b", (1, 2)), Between("c", None, 2.5), Not(Not(Equals("d", 1))))
    header, _ = frames.decode(frames.encode({"where": wire.pack_filter(where)}))
    assert wire.unpack_filter(header["where"]) == where
    collection = Collection("images-1", 4, (Field("a", "keyword"), Field("c", "float")))
    assert wire.unpack_collection(wire.pack_collection(collection)) == collection


def test_errors_keep_their_kind() -> None:
    packed = wire.pack_error(CollectionMissing("some-code", "What happened.", "Mend it."))
    error = wire.unpack_error(packed["error"])
    assert isinstance(error, CollectionMissing)
    assert (error.code, error.message, error.fix) == ("some-code", "What happened.", "Mend it.")
    assert (
        type(wire.unpack_error({"kind": "New", "code": "c", "message": "m", "fix": "f"})) is VectorStoreError
    )


def test_a_frame_may_arrive_in_pieces() -> None:
    left, right = socket.socketpair()
    frame = frames.encode({"op": "x", "text": "é"}, b"\0" * 1000)

    def drip() -> None:
        for start in range(0, len(frame), 7):
            left.sendall(frame[start : start + 7])
        left.close()

    threading.Thread(target=drip).start()
    with right:
        assert frames.receive(right) == ({"op": "x", "text": "é"}, b"\0" * 1000)
        with pytest.raises(frames.Disconnected):
            frames.receive(right)


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\2\0\0\0\0\0\0\0[]", b"\1\0\0\0\0\0\0\0{"],
)
def test_what_is_no_frame_is_refused(garbage: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(garbage)
        left.shutdown(socket.SHUT_WR)
        with pytest.raises(ValueError):
            frames.receive(right)


def test_a_journal_gives_back_in_order_and_is_empty_then(tmp_path) -> None:
    journal = Journal(tmp_path)
    assert journal.pop() is None and len(journal) == 0
    journal.append({"op": "upsert", "n": 1}, b"one")
    journal.append({"op": "delete", "n": 2}, b"")
    assert journal.pop() == ({"op": "upsert", "n": 1}, b"one")
    journal.append({"op": "upsert", "n": 3}, b"three")
    assert len(journal) == 2
    assert [entry[0]["n"] for entry in iter(journal.pop, None)] == [2, 3]
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_an_order_survives_the_command_line(tmp_path) -> None:
    collection = Collection("images-1", 4, (Field("a", "keyword"),))
    order = Order(collection, tmp_path / "g1", tmp_path / "s", tmp_path / "k", tmp_path / "a", 42)
    assert Order.loads(order.dumps()) == order
    successor = replace(order, incumbent=tmp_path / "s", source=tmp_path / "g1")
    assert Order.loads(successor.dumps()) == successor


def test_aliases_are_seen_when_their_file_is_replaced(tmp_path) -> None:
    order = Order(Collection("one", 4), tmp_path, tmp_path, tmp_path, tmp_path / "aliases.json", 1)
    assert order.aliases_stamp() == 0 and order.read_aliases() == frozenset()
    write_atomically(order.aliases, '{"live": "one", "next": "two"}')
    first = order.aliases_stamp()
    assert order.read_aliases() == {"live"} and read_aliases(order.aliases) == {"live": "one", "next": "two"}
    write_atomically(order.aliases, '{"live": "two"}')
    assert order.aliases_stamp() != first and order.read_aliases() == frozenset()
