"""Our own types as frames and back: points, queries and filter terms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectors.protocol import (
    AnyOf,
    Between,
    Collection,
    CollectionMissing,
    Equals,
    Every,
    Field,
    Filter,
    Not,
    Point,
    Sparse,
    Term,
    VectorsRefused,
    VectorStoreError,
    VectorStoreUnavailable,
)

Rows = NDArray[np.float32]
_ERRORS = {kind.__name__: kind for kind in (VectorStoreUnavailable, CollectionMissing, VectorsRefused)}


def pack_points(points: Sequence[Point], rows: Rows) -> tuple[dict[str, Any], bytes]:
    """Points and their checked (N, D) vectors -> header fields and body: rows | token ids | token weights."""
    sparse = [point.lexical for point in points if point.lexical is not None]
    parts = [rows.tobytes()]
    parts += [np.asarray(one.indices, "<u4").tobytes() for one in sparse]
    parts += [np.asarray(one.values, "<f4").tobytes() for one in sparse]
    header = {
        "dimension": rows.shape[1],
        "ids": [point.id for point in points],
        "payloads": [dict(point.payload) for point in points],
        "tokens": [None if point.lexical is None else len(point.lexical.indices) for point in points],
    }
    return header, b"".join(parts)


def unpack_points(header: dict[str, Any], body: bytes | bytearray, dimension: int) -> list[Point]:
    """The inverse of `pack_points`; the arrays are views of `body`."""
    ids, lengths = header["ids"], [n or 0 for n in header["tokens"]]
    rows = np.frombuffer(body, "<f4", len(ids) * dimension).reshape(len(ids), dimension)
    total = sum(lengths)
    indices = np.frombuffer(body, "<u4", total, rows.nbytes)
    values = np.frombuffer(body, "<f4", total, rows.nbytes + indices.nbytes)
    ends = np.cumsum(lengths)
    points = []
    for i, (point_id, payload, count) in enumerate(
        zip(ids, header["payloads"], header["tokens"], strict=True)
    ):
        span = slice(int(ends[i]) - lengths[i], int(ends[i]))
        lexical = None if count is None else Sparse(indices[span], values[span])
        points.append(Point(point_id, rows[i], payload, lexical))
    return points


def pack_query(query: Rows | Sparse) -> tuple[dict[str, Any], bytes]:
    """A (D,) vector or a sparse one -> header fields and body."""
    if isinstance(query, Sparse):
        body = np.asarray(query.indices, "<u4").tobytes() + np.asarray(query.values, "<f4").tobytes()
        return {"sparse": len(query.indices)}, body
    return {}, query.tobytes()


def unpack_query(header: dict[str, Any], body: bytes | bytearray) -> Rows | Sparse:
    """The inverse of `pack_query`."""
    count = header.get("sparse")
    if count is None:
        return np.frombuffer(body, "<f4")
    return Sparse(np.frombuffer(body, "<u4", count), np.frombuffer(body, "<f4", count, 4 * count))


def pack_filter(where: Filter) -> list[list[Any]]:
    """Terms -> JSON."""
    return [_pack_term(term) for term in where]


def unpack_filter(terms: list[list[Any]]) -> Filter:
    """The inverse of `pack_filter`."""
    return tuple(_unpack_term(term) for term in terms)


def pack_collection(collection: Collection) -> dict[str, Any]:
    """A collection -> JSON."""
    fields = [[field.name, field.kind] for field in collection.fields]
    return {"name": collection.name, "dimension": collection.dimension, "fields": fields}


def unpack_collection(packed: dict[str, Any]) -> Collection:
    """The inverse of `pack_collection`."""
    fields = tuple(Field(name, kind) for name, kind in packed["fields"])
    return Collection(packed["name"], packed["dimension"], fields)


def pack_error(error: VectorStoreError) -> dict[str, Any]:
    """An error -> the reply that carries it."""
    kind = type(error).__name__
    return {"error": {"kind": kind, "code": error.code, "message": error.message, "fix": error.fix}}


def unpack_error(packed: dict[str, str]) -> VectorStoreError:
    """The inverse of `pack_error`."""
    kind = _ERRORS.get(packed["kind"], VectorStoreError)
    return kind(packed["code"], packed["message"], packed["fix"])


def _pack_term(term: Term) -> list[Any]:
    match term:
        case Equals(field, value):
            return ["equals", field, value]
        case AnyOf(field, values):
            return ["any", field, list(values)]
        case Between(field, low, high):
            return ["between", field, low, high]
        case Not(inner):
            return ["not", _pack_term(inner)]
        case Every(terms):
            return ["every", [_pack_term(each) for each in terms]]


def _unpack_term(packed: list[Any]) -> Term:
    match packed:
        case ["equals", field, value]:
            return Equals(field, value)
        case ["any", field, values]:
            return AnyOf(field, tuple(values))
        case ["between", field, low, high]:
            return Between(field, low, high)
        case ["not", inner]:
            return Not(_unpack_term(inner))
        case ["every", terms]:
            return Every(tuple(_unpack_term(each) for each in terms))
    raise ValueError(f"no filter term: {packed}")
