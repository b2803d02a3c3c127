"""The test endpoint's gRPC: the requests that Twirl's client sends, turned into REST's JSON and back.

The client's own converters do the turning, and the same `Collections` answer as over REST.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc as rpc
from pydantic import BaseModel
from qdrant_client import grpc, models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from tests.support.qdrant_shards import Collection, Collections, NotFound
from tests.support.qdrant_terms import BadRequest, Json

log = logging.getLogger("qdrant-endpoint")

THREADS = 32
NO_LIMIT = -1
FIELD_TYPES = {
    grpc.FieldType.FieldTypeKeyword: "keyword",
    grpc.FieldType.FieldTypeInteger: "integer",
    grpc.FieldType.FieldTypeFloat: "float",
}
DONE = grpc.UpdateResult(operation_id=0, status=grpc.UpdateStatus.Completed)
Rpc = Callable[[Any], Any]
TITLE, VERSION = "qdrant - test endpoint", "1.17.0"  # whose ways it follows


def listen(collections: Collections, host: str, port: int, api_key: str) -> tuple[rpc.Server, int]:
    """A started server, and its port."""
    options = [("grpc.max_receive_message_length", NO_LIMIT), ("grpc.max_send_message_length", NO_LIMIT)]
    options += [("grpc.so_reuseport", 0)]
    server = rpc.server(ThreadPoolExecutor(THREADS), options=options)
    server.add_generic_rpc_handlers([_Handlers(collections, api_key)])
    port = server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server, port


class _Handlers(rpc.GenericRpcHandler):
    """Finds what answers a method, by the name of it; refuses a wrong key first, as the server does."""

    def __init__(self, collections: Collections, api_key: str) -> None:
        self._collections, self._api_key = collections, api_key
        self._known = {"Points": _points(collections), "Collections": _all(collections), "Qdrant": _itself()}

    def service(self, call: rpc.HandlerCallDetails) -> rpc.RpcMethodHandler | None:
        """A handler for `/qdrant.Points/Query` and the like; None where there is no such method."""
        service, method = call.method.removeprefix("/qdrant.").split("/")
        known = self._known.get(service, {}).get(method)
        if known is None:
            return None
        request, answer = known
        key = dict(call.invocation_metadata).get("api-key", "")
        return rpc.unary_unary_rpc_method_handler(
            lambda asked, context: self._answer(answer, asked, context, key),
            request_deserializer=request.FromString,
            response_serializer=lambda reply: reply.SerializeToString(),
        )

    def _answer(self, answer: Rpc, asked: Any, context: rpc.ServicerContext, key: str) -> Any:
        if self._api_key and key != self._api_key:
            context.abort(rpc.StatusCode.UNAUTHENTICATED, "Must provide an API key")
        try:
            with self._collections.turn:
                return answer(asked)
        except NotFound as error:
            context.abort(rpc.StatusCode.NOT_FOUND, str(error))
        except (BadRequest, FileExistsError, KeyError, TypeError, ValueError) as error:
            context.abort(rpc.StatusCode.INVALID_ARGUMENT, f"Wrong input: {error!r}")
        except Exception as error:  # the engine raises bare Exception
            log.exception("%s failed", type(asked).__name__)
            context.abort(rpc.StatusCode.INTERNAL, f"Service internal error: {error}")


def _itself() -> dict[str, tuple[Any, Rpc]]:
    """The same of the service that says what the server is."""
    said = grpc.HealthCheckReply(title=TITLE, version=VERSION)
    return {"HealthCheck": (grpc.HealthCheckRequest, lambda _: said)}


def _points(every: Collections) -> dict[str, tuple[Any, Rpc]]:
    """Method of the Points service -> its request's type and what answers it."""

    def of(answer: Callable[[Collection, Any], Any]) -> Rpc:
        return lambda asked: answer(every.find(asked.collection_name), asked)

    return {
        "UpdateBatch": (grpc.UpdateBatchPoints, of(_update_batch)),
        "Delete": (grpc.DeletePoints, of(_delete)),
        "CreateFieldIndex": (grpc.CreateFieldIndexCollection, of(_index)),
        "Query": (grpc.QueryPoints, of(_query)),
        "QueryGroups": (grpc.QueryPointGroups, of(_groups)),
        "Facet": (grpc.FacetCounts, of(_facet)),
        "Get": (grpc.GetPoints, of(_get)),
        "Scroll": (grpc.ScrollPoints, of(_scroll)),
        "Count": (grpc.CountPoints, of(_count)),
    }


def _all(every: Collections) -> dict[str, tuple[Any, Rpc]]:
    """The same of the Collections service."""

    def names(_: Any) -> Any:
        named = [grpc.CollectionDescription(name=name) for name in sorted(every.open)]
        return grpc.ListCollectionsResponse(collections=named)

    def exists(asked: Any) -> Any:
        found = grpc.CollectionExists(exists=every.has(asked.collection_name))
        return grpc.CollectionExistsResponse(result=found)

    def info(asked: Any) -> Any:
        shown = models.CollectionInfo.model_validate(every.find(asked.collection_name).info())
        return grpc.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(shown))

    def aliases(_: Any) -> Any:
        listed = [grpc.AliasDescription(alias_name=a, collection_name=of) for a, of in every.aliases.items()]
        return grpc.ListAliasesResponse(aliases=listed)

    def change(asked: Any) -> Any:
        actions = [_json(GrpcToRest.convert_alias_operations(action)) for action in asked.actions]
        return grpc.CollectionOperationResponse(result=every.change_aliases(actions))

    def create(asked: Any) -> Any:
        return grpc.CollectionOperationResponse(result=every.create(asked.collection_name, _config(asked)))

    def drop(asked: Any) -> Any:
        return grpc.CollectionOperationResponse(result=every.drop(asked.collection_name))

    return {
        "List": (grpc.ListCollectionsRequest, names),
        "CollectionExists": (grpc.CollectionExistsRequest, exists),
        "Get": (grpc.GetCollectionInfoRequest, info),
        "ListAliases": (grpc.ListAliasesRequest, aliases),
        "UpdateAliases": (grpc.ChangeAliases, change),
        "Create": (grpc.CreateCollection, create),
        "Delete": (grpc.DeleteCollection, drop),
    }


def _update_batch(one: Collection, asked: Any) -> Any:
    for operation in asked.operations:
        one.update(_json(GrpcToRest.convert_points_update_operation(operation)))
    return grpc.UpdateBatchResponse(result=[DONE for _ in asked.operations])


def _delete(one: Collection, asked: Any) -> Any:
    one.delete(_json(GrpcToRest.convert_points_selector(asked.points)))
    return grpc.PointsOperationResponse(result=DONE)


def _index(one: Collection, asked: Any) -> Any:
    given: Any = FIELD_TYPES[asked.field_type]
    if asked.HasField("field_index_params"):
        given = _json(GrpcToRest.convert_payload_schema_params(asked.field_index_params))
    one.index({"field_name": asked.field_name, "field_schema": given})
    return grpc.PointsOperationResponse(result=DONE)


def _query(one: Collection, asked: Any) -> Any:
    found = one.query(_nearest(asked) | {"offset": asked.offset})
    scored = [RestToGrpc.convert_scored_point(models.ScoredPoint.model_validate(each)) for each in found]
    return grpc.QueryResponse(result=scored)


def _groups(one: Collection, asked: Any) -> Any:
    found = one.groups(_nearest(asked) | {"group_by": asked.group_by, "group_size": asked.group_size})
    shown = models.GroupsResult.model_validate({"groups": found})
    return grpc.QueryGroupsResponse(result=RestToGrpc.convert_groups_result(shown))


def _nearest(asked: Any) -> Json:
    return {
        "query": _json(GrpcToRest.convert_query(asked.query)),
        "using": asked.using,
        "limit": asked.limit,
        "filter": _filter(asked),
        "params": _json(GrpcToRest.convert_search_params(asked.params)) if asked.HasField("params") else None,
    }


def _facet(one: Collection, asked: Any) -> Any:
    wanted = {"key": asked.key, "limit": asked.limit, "exact": asked.exact, "filter": _filter(asked)}
    hits = [models.FacetValueHit.model_validate(hit) for hit in one.facet(wanted)]
    return grpc.FacetResponse(hits=[RestToGrpc.convert_facet_value_hit(hit) for hit in hits])


def _get(one: Collection, asked: Any) -> Any:
    ids = [GrpcToRest.convert_point_id(each) for each in asked.ids]
    return grpc.GetResponse(result=_records(one.retrieve({"ids": ids} | _with(asked))))


def _scroll(one: Collection, asked: Any) -> Any:
    offset = GrpcToRest.convert_point_id(asked.offset) if asked.HasField("offset") else None
    found = one.scroll({"offset": offset, "limit": asked.limit, "filter": _filter(asked)} | _with(asked))
    return grpc.ScrollResponse(result=_records(found["points"]))


def _count(one: Collection, asked: Any) -> Any:
    counted = one.count({"exact": asked.exact, "filter": _filter(asked)})
    return grpc.CountResponse(result=grpc.CountResult(count=counted))


def _records(found: list[Json]) -> list[Any]:
    shown = [models.Record.model_validate(each | {"payload": each["payload"] or {}}) for each in found]
    return [RestToGrpc.convert_record(record) for record in shown]


def _with(asked: Any) -> Json:
    payload = GrpcToRest.convert_with_payload_selector(asked.with_payload)
    vectors = GrpcToRest.convert_with_vectors_selector(asked.with_vectors)
    return {"with_payload": payload, "with_vector": vectors}


def _filter(asked: Any) -> Json | None:
    return _json(GrpcToRest.convert_filter(asked.filter)) if asked.HasField("filter") else None


def _config(asked: Any) -> Json:
    sparse = GrpcToRest.convert_sparse_vector_config(asked.sparse_vectors_config)
    vectors: Any = GrpcToRest.convert_vectors_config(asked.vectors_config)
    return {
        "vectors": {name: _json(params) for name, params in vectors.items()},
        "sparse_vectors": {name: _json(params) for name, params in sparse.items()},
        "hnsw_config": _json(GrpcToRest.convert_hnsw_config_diff(asked.hnsw_config)),
        "quantization_config": _json(GrpcToRest.convert_quantization_config(asked.quantization_config)),
        "on_disk_payload": asked.on_disk_payload,
        "shard_number": asked.shard_number,
        "replication_factor": asked.replication_factor,
        "write_consistency_factor": asked.write_consistency_factor,
        "metadata": GrpcToRest.convert_payload(asked.metadata),
    }


def _json(model: BaseModel) -> Any:
    return model.model_dump(mode="json", exclude_none=True, by_alias=True)
