"""Collections and aliases of the test endpoint: each collection is one Qdrant Edge shard on disk.

ROOT/aliases.json            alias -> collection
ROOT/NAME/collection.json    what `PUT /collections/NAME` said
ROOT/NAME/shard/             the shard, with its write-ahead log: a kill -9 loses nothing that was answered

The engine holds the GIL in every call and one lock stands around each, so calls come one after another.
Nothing is optimised: a graph would be built with the GIL held. Up to some ten thousand points are searched
one by one, which takes milliseconds.
"""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from tests.support.qdrant_terms import (
    BadRequest,
    Json,
    read_config,
    read_filter,
    read_index,
    read_params,
    read_point,
    read_query,
    show_point,
)


class NotFound(LookupError):
    """No such collection or alias."""


class Collection:
    """One open shard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: Json = json.loads((folder / "collection.json").read_text())
        self.shard = qe.EdgeShard.load(str(folder / "shard"), None)

    @staticmethod
    def make(folder: Path, config: Json) -> "Collection":
        """A new one; what is half made never gets the name that counts."""
        beside = folder.with_name(f".making-{folder.name}")
        shutil.rmtree(beside, ignore_errors=True)
        (beside / "shard").mkdir(parents=True)
        shard = qe.EdgeShard.create(str(beside / "shard"), read_config(config))
        shard.close()
        write_json(beside / "collection.json", config)
        beside.rename(folder)
        return Collection(folder)

    def info(self) -> Json:
        """What `GET /collections/NAME` answers."""
        info, config = self.shard.info(), self.config
        params = {
            "vectors": config["vectors"],
            "sparse_vectors": config.get("sparse_vectors") or {},
            "shard_number": config.get("shard_number") or 1,
            "replication_factor": config.get("replication_factor") or 1,
            "write_consistency_factor": config.get("write_consistency_factor") or 1,
            "on_disk_payload": config.get("on_disk_payload", True),
        }
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000} | (
            config.get("hnsw_config") or {}
        )
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0}
        optimizer |= {"flush_interval_sec": 5} | (config.get("optimizers_config") or {})
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "payload_schema": {
                name: {"data_type": self._type(name), "points": index.points}
                for name, index in info.payload_schema.items()
            },
            "config": {
                "params": params,
                "hnsw_config": hnsw,
                "optimizer_config": optimizer,
                "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
                "quantization_config": config.get("quantization_config"),
                "metadata": config.get("metadata"),
            },
        }

    def _type(self, field: str) -> str:
        given = self.config.get("indexes", {}).get(field, "keyword")
        return given if isinstance(given, str) else given["type"]

    def index(self, asked: Json) -> None:
        """Make a payload index."""
        name, schema = asked["field_name"], asked["field_schema"]
        self.shard.update(qe.UpdateOperation.create_field_index(name, read_index(schema)))
        self.config.setdefault("indexes", {})[name] = schema
        write_json(self.folder / "collection.json", self.config)

    def update(self, operation: Json) -> None:
        """One operation of a batch: upsert or delete."""
        match operation:
            case {"upsert": asked}:
                points = [read_point(point) for point in asked["points"]]
                fence = read_filter(asked.get("update_filter"))
                if points:
                    self.shard.update(qe.UpdateOperation.upsert_points(points, fence))
            case {"delete": asked}:
                self.delete(asked)
            case _:
                raise BadRequest(f"unknown operation: {list(operation)}")

    def delete(self, asked: Json) -> None:
        """Remove by ids or by a filter."""
        if "points" in asked:
            self.shard.update(qe.UpdateOperation.delete_points(asked["points"]))
        else:
            self.shard.update(qe.UpdateOperation.delete_points_by_filter(read_filter(asked["filter"])))

    def query(self, asked: Json) -> list[Json]:
        """Nearest points, best first."""
        return [show_point(point) for point in self._nearest(asked, asked.get("limit", 10), None)]

    def groups(self, asked: Json) -> list[Json]:
        """The best hits of each group: ask for more than wanted, then without the groups that are seen."""
        field, wanted, size = asked["group_by"], asked.get("limit", 10), asked.get("group_size", 3)
        groups: dict[Any, list[Json]] = {}
        depth, without = 3 * wanted * size, None
        while True:
            found = self._nearest(asked | {"with_payload": True}, depth, without)
            fresh = self._new_groups(found, field, size, groups)
            if len(groups) >= wanted or len(found) < depth or not fresh:
                return [{"id": key, "hits": hits} for key, hits in list(groups.items())[:wanted]]
            seen = qe.FieldCondition(field, match=qe.MatchAny(list(groups)))
            without = qe.Filter(should=[qe.IsEmptyCondition(field), seen])

    @staticmethod
    def _new_groups(found: list[Any], field: str, size: int, groups: dict[Any, list[Json]]) -> int:
        before = len(groups)
        for point in found:
            value = (point.payload or {}).get(field)
            for key in value if isinstance(value, list) else [value]:
                if key is not None and len(groups.setdefault(key, [])) < size:
                    groups[key].append(show_point(point) | {"payload": None})
        return len(groups) - before

    def _nearest(self, asked: Json, limit: int, without: qe.Filter | None) -> list[Any]:
        where = read_filter(asked.get("filter"))
        if without is not None:
            where = qe.Filter(must=[where] if where else [], must_not=[without])
        request = qe.QueryRequest(
            limit=limit,
            offset=asked.get("offset") or 0,
            query=read_query(asked["query"], asked["using"]),
            with_vector=asked.get("with_vector") or False,
            with_payload=asked.get("with_payload") or False,
            filter=where,
            params=read_params(asked.get("params")),
        )
        return self.shard.query(request)

    def facet(self, asked: Json) -> list[Json]:
        """Points for each value."""
        exact, where = bool(asked.get("exact")), read_filter(asked.get("filter"))
        found = self.shard.facet(qe.FacetRequest(asked["key"], asked.get("limit", 10), exact, where))
        return [{"value": hit.value, "count": hit.count} for hit in found.hits]

    def retrieve(self, asked: Json) -> list[Json]:
        """Points by id."""
        with_payload, with_vector = asked.get("with_payload", True), asked.get("with_vector") or False
        return [show_point(one) for one in self.shard.retrieve(asked["ids"], with_payload, with_vector)]

    def scroll(self, asked: Json) -> Json:
        """Points in id order."""
        request = qe.ScrollRequest(
            asked.get("offset"),
            asked.get("limit") or 10,
            read_filter(asked.get("filter")),
            asked.get("with_payload", True),
            asked.get("with_vector") or False,
            None,
        )
        records, following = self.shard.scroll(request)
        after = None if following is None else str(following)
        return {"points": [show_point(record) for record in records], "next_page_offset": after}

    def count(self, asked: Json) -> int:
        """Points under a filter."""
        return self.shard.count(
            qe.CountRequest(bool(asked.get("exact", True)), read_filter(asked.get("filter")))
        )


class Collections:
    """Every collection under one root, by name or alias."""

    def __init__(self, root: Path) -> None:
        self.turn = threading.RLock()
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        for left in root.glob(".*-*"):
            shutil.rmtree(left)
        folders = [path.parent for path in root.glob("*/collection.json")]
        self.open = {folder.name: Collection(folder) for folder in folders}

    @property
    def aliases(self) -> dict[str, str]:
        """Alias -> collection."""
        path = self._root / "aliases.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def has(self, name: str) -> bool:
        """Whether a collection or an alias is called so."""
        return self.aliases.get(name, name) in self.open

    def find(self, name: str) -> Collection:
        """By name or alias; raises NotFound."""
        found = self.open.get(self.aliases.get(name, name))
        if found is None:
            raise NotFound(f"Not found: Collection `{name}` doesn't exist!")
        return found

    def create(self, name: str, config: Json) -> bool:
        """Make a collection; raises FileExistsError."""
        if name in self.open or name in self.aliases:
            raise FileExistsError(f"Wrong input: Collection `{name}` already exists!")
        self.open[name] = Collection.make(self._root / name, config)
        return True

    def drop(self, name: str) -> bool:
        """Remove a collection and its aliases; False when there was none."""
        gone = self.open.pop(name, None)
        if gone is None:
            return False
        self._write_aliases({alias: of for alias, of in self.aliases.items() if of != name})
        gone.shard.close()
        beside = gone.folder.with_name(f".gone-{name}-{os.urandom(4).hex()}")
        gone.folder.rename(beside)
        shutil.rmtree(beside)
        return True

    def change_aliases(self, actions: list[Json]) -> bool:
        """All of the actions, or none."""
        aliases = self.aliases
        for action in actions:
            match action:
                case {"create_alias": {"collection_name": str(name), "alias_name": str(alias)}}:
                    if name not in self.open:
                        raise NotFound(f"Not found: Collection `{name}` doesn't exist!")
                    if alias in self.open:
                        raise FileExistsError(f"Wrong input: Collection `{alias}` already exists!")
                    aliases[alias] = name
                case {"delete_alias": {"alias_name": str(alias)}}:
                    aliases.pop(alias, None)
                case {"rename_alias": {"old_alias_name": str(old), "new_alias_name": str(new)}}:
                    aliases[new] = aliases.pop(old)
                case _:
                    raise BadRequest(f"unknown action: {action}")
        self._write_aliases(aliases)
        return True

    def close(self) -> None:
        """Flush everything."""
        for each in self.open.values():
            each.shard.close()

    def _write_aliases(self, aliases: dict[str, str]) -> None:
        write_json(self._root / "aliases.json", aliases)


def write_json(path: Path, value: Any) -> None:
    """The file holds the old value or the new one, whatever is killed; a power cut is not our matter."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(value))
    beside.replace(path)
