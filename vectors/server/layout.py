"""How a collection lies on a Qdrant server: what it is made with, and what is read of it again."""

from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from vectors.protocol import Collection, Field, VectorsRefused

DENSE, LEXICAL = "image", "lexical"
# Up to so many KB of vectors under a filter are compared one by one, in int8, as on the embedded engine.
FULL_SCAN_KB = 20_000
_KINDS = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
}


@dataclass(frozen=True)
class Cluster:
    """How a new collection is spread over nodes: parts, copies of each, copies that acknowledge a write."""

    shards: int = 1
    replicas: int = 1
    write_consistency: int = 1


def arguments(collection: Collection, cluster: Cluster) -> dict[str, Any]:
    """What `create_collection` is called with.

    Vectors lie on disk; their int8 copies, which searches compare, are always in memory, and so are the graph
    and the payload indexes. The old flags say so to every server since 1.16; `memory` is for newer ones only.
    """
    int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
    dense = models.VectorParams(size=collection.dimension, distance=models.Distance.COSINE, on_disk=True)
    return {
        "vectors_config": {DENSE: dense},
        "sparse_vectors_config": {LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        "hnsw_config": models.HnswConfigDiff(m=16, ef_construct=128, full_scan_threshold=FULL_SCAN_KB),
        "quantization_config": models.ScalarQuantization(scalar=int8),
        "on_disk_payload": True,
        "shard_number": cluster.shards,
        "replication_factor": cluster.replicas,
        "write_consistency_factor": cluster.write_consistency,
        "metadata": {"fields": [[field.name, field.kind] for field in collection.fields]},
    }


def index_of(field: Field) -> Any:
    """The payload index of a field.

    Qdrant keeps a tenant's points side by side on disk. For keywords it calls that `is_tenant`, for integers
    `is_principal`; behind both names is one optimisation (`tenant_optimization` in its source).
    """
    if field.tenant and field.kind == "integer":
        return models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, is_principal=True)
    if field.tenant and field.kind == "keyword":
        return models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return _KINDS[field.kind]


def read(name: str, info: models.CollectionInfo) -> Collection:
    """What a collection was made as. Raises VectorsRefused for one that Twirl did not make."""
    vectors = info.config.params.vectors
    if not isinstance(vectors, dict) or DENSE not in vectors:
        raise VectorsRefused(
            "vectors-foreign", f"{name} was not made by Twirl.", "Use another collection name."
        )
    metadata = info.config.metadata or {}
    fields = tuple(Field(field, kind) for field, kind in metadata.get("fields", []))
    return Collection(name, vectors[DENSE].size, fields)
