"""Qdrant's JSON as objects of Qdrant Edge, for the test endpoint. What it does not know it refuses.

Only what `vectors.server` sends is here: match, range, is_empty, has_id and nested filters; dense and sparse
vectors; nearest queries; keyword, integer and float indexes; scalar int8 quantisation.
"""

from typing import Any

import qdrant_edge as qe

Json = dict[str, Any]

DISTANCES = {"Cosine": qe.Distance.Cosine, "Dot": qe.Distance.Dot, "Euclid": qe.Distance.Euclid}
FIELD_TYPES = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
    "float": qe.PayloadSchemaType.Float,
}


class BadRequest(ValueError):
    """The request is not one that a Qdrant server would take, or not one that is served here."""


def read_filter(packed: Json | None) -> qe.Filter | None:
    """A filter object -> the engine's; None stays None."""
    if packed is None:
        return None
    unknown = set(packed) - {"must", "must_not", "should"}
    if unknown:
        raise BadRequest(f"unknown clauses of a filter: {sorted(unknown)}")
    return qe.Filter(**{clause: [_condition(each) for each in _several(packed[clause])] for clause in packed})


def _several(conditions: Any) -> list[Json]:
    if conditions is None:
        return []
    return conditions if isinstance(conditions, list) else [conditions]


def _condition(packed: Json) -> Any:
    match packed:
        case {"key": str(key), "match": dict() as match}:
            return qe.FieldCondition(key, match=_match(match))
        case {"key": str(key), "range": dict() as bounds}:
            return qe.FieldCondition(key, range=qe.RangeFloat(**_only(bounds, "gte", "gt", "lte", "lt")))
        case {"is_empty": {"key": str(key)}}:
            return qe.IsEmptyCondition(key)
        case {"has_id": list(ids)}:
            return qe.HasIdCondition(set(ids))
        case _ if set(packed) <= {"must", "must_not", "should"}:
            return read_filter(packed)
    raise BadRequest(f"unknown condition: {packed}")


def _match(packed: Json) -> Any:
    match packed:
        case {"value": value}:
            return qe.MatchValue(value)
        case {"any": list(values)}:
            return qe.MatchAny(values)
        case {"except": list(values)}:
            return qe.MatchExcept(values)
    raise BadRequest(f"unknown match: {packed}")


def read_vector(packed: Any) -> Any:
    """A list of floats, or indices with values."""
    match packed:
        case {"indices": list(indices), "values": list(values)}:
            return qe.SparseVector(indices, values)
        case [float() | int(), *_]:
            return packed
    raise BadRequest("a vector is a list of numbers, or indices with values")


def read_point(packed: Json) -> qe.Point:
    """A point with named vectors."""
    vectors = packed["vector"]
    if not isinstance(vectors, dict):
        raise BadRequest("this endpoint keeps named vectors only")
    named = {name: read_vector(vector) for name, vector in vectors.items()}
    return qe.Point(packed["id"], named, packed.get("payload") or {})


def read_query(packed: Any, using: str) -> qe.Query:
    """A nearest query, in its long or its short form."""
    nearest = packed["nearest"] if isinstance(packed, dict) and "nearest" in packed else packed
    return qe.Query.Nearest(read_vector(nearest), using=using)


def read_params(packed: Json | None) -> qe.SearchParams | None:
    """How a search is done."""
    if packed is None:
        return None
    quantization = packed.get("quantization")
    return qe.SearchParams(
        hnsw_ef=packed.get("hnsw_ef"),
        exact=bool(packed.get("exact")),
        quantization=None
        if quantization is None
        else qe.QuantizationSearchParams(**_only(quantization, "ignore", "rescore", "oversampling")),
    )


def read_index(packed: Any) -> Any:
    """A payload index: the name of a type, or a type with parameters."""
    if isinstance(packed, str):
        return _field_type(packed)
    kind, given = packed.get("type"), {k: v for k, v in packed.items() if k != "type" and v is not None}
    match kind:
        case "keyword":
            return qe.KeywordIndexParams(**_only(given, "is_tenant", "on_disk", "enable_hnsw"))
        case "integer":
            known = ("lookup", "range", "is_principal", "on_disk", "enable_hnsw")
            return qe.IntegerIndexParams(**_only(given, *known))
        case "float":
            return qe.FloatIndexParams(**_only(given, "is_principal", "on_disk", "enable_hnsw"))
    raise BadRequest(f"unknown index: {packed}")


def _field_type(name: str) -> qe.PayloadSchemaType:
    if name not in FIELD_TYPES:
        raise BadRequest(f"unknown type of a field: {name}")
    return FIELD_TYPES[name]


def read_config(packed: Json) -> qe.EdgeConfig:
    """What `PUT /collections/NAME` says, as far as one shard can have it."""
    hnsw = packed.get("hnsw_config") or {}
    quantized = _quantization(packed.get("quantization_config"))
    return qe.EdgeConfig(
        vectors={name: _dense(each, quantized) for name, each in packed["vectors"].items()},
        sparse_vectors={name: _sparse(each) for name, each in (packed.get("sparse_vectors") or {}).items()},
        hnsw_config=qe.HnswIndexConfig(
            m=hnsw.get("m", 16),
            ef_construct=hnsw.get("ef_construct", 100),
            full_scan_threshold=hnsw.get("full_scan_threshold", 10_000),
            max_indexing_threads=1,
        ),
        max_search_threads=1,
        wal_enabled=True,
    )


def _dense(packed: Json, quantized: Any) -> qe.EdgeVectorParams:
    return qe.EdgeVectorParams(
        size=packed["size"],
        distance=DISTANCES[packed["distance"]],
        on_disk=packed.get("on_disk"),
        quantization_config=quantized,
    )


def _sparse(packed: Json) -> qe.EdgeSparseVectorParams:
    return qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf if packed.get("modifier") == "idf" else None)


def _quantization(packed: Json | None) -> Any:
    if packed is None:
        return None
    given = _only(packed["scalar"], "quantile", "always_ram", "type") | {"type": qe.ScalarType.Int8}
    return qe.ScalarQuantizationConfig(**given)


def _only(given: Json, *known: str) -> Json:
    unknown = set(given) - set(known)
    if unknown:
        raise BadRequest(f"unknown here: {sorted(unknown)}")
    return given


def show_point(found: Any) -> Json:
    """A record or a scored point as JSON."""
    shown: Json = {"id": str(found.id), "payload": found.payload}
    if isinstance(found, qe.ScoredPoint):
        shown |= {"version": found.version, "score": found.score}
    if found.vector is not None:
        shown["vector"] = {name: _show_vector(each) for name, each in found.vector.items()}
    return shown


def _show_vector(vector: Any) -> Any:
    if isinstance(vector, qe.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return vector
