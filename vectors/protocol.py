"""Nearest neighbours in our own words: the store that both engines are, its points and its filters.

store.create(Collection("images-1f0c", 576, (Field("colour", "keyword"), Field("price", "integer"))))
store.upsert("images-1f0c", [Point(uuid, vector, {"colour": ["red"], "price": 4900, "rev": 3})])
store.search("images-1f0c", query, where=(AnyOf("colour", ("red", "pink")), Between("price", high=5000)))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Value = str | int
PayloadValue = int | float | str | list[str]
Payload = Mapping[str, PayloadValue]


@dataclass(frozen=True)
class Field:
    """A payload field that filters, facets and groups may name.

    Every search names one value of the `tenant`: an engine may keep the points of each value together.
    """

    name: str
    kind: Literal["keyword", "integer", "float"]
    tenant: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Collection:
    """What one index holds: a dense vector of `dimension` (cosine), a sparse "lexical" one, and `fields`."""

    name: str
    dimension: int
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, eq=False)
class Sparse:
    """Token ids with weights, both of shape (T,); an id occurs once."""

    indices: NDArray[np.uint32]
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Point:
    """One image: `id` is a uuid, `vector` is (D,) float32, payload flags are 0 or 1, never booleans."""

    id: str
    vector: NDArray[np.float32]
    payload: Payload
    lexical: Sparse | None = None


@dataclass(frozen=True)
class Equals:
    """The field holds this value (a list holds it among others)."""

    field: str
    value: Value


@dataclass(frozen=True)
class AnyOf:
    """The field holds one of these values; no values match nothing."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Between:
    """The number lies in [low, high]; None leaves that side open. An absent field is in no range."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Not:
    """The term does not hold; so an absent field passes."""

    term: "Term"


@dataclass(frozen=True)
class Every:
    """All of the terms hold; no terms always do. A filter says so at its top: this is for inside a Not."""

    terms: tuple["Term", ...]


Term = Equals | AnyOf | Between | Not | Every
Filter = tuple[Term, ...]  # all must hold; () lets everything pass


@dataclass(frozen=True)
class Hit:
    """A point found; `score` is the cosine (dense) or BM25 (lexical), `group` the value it stands for."""

    id: str
    score: float
    group: Value | None = None


class VectorStoreError(Exception):
    """What every failure of a store is: a stable `code`, what happened, and the sentence that mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


FORBIDDEN = "vectors-forbidden"  # the code of an engine that refuses our key: waiting mends nothing


class VectorStoreUnavailable(VectorStoreError):
    """The engine is away or too slow just now: the same call may work later."""


class CollectionMissing(VectorStoreError):
    """No collection or alias has this name."""


class VectorsRefused(VectorStoreError):
    """The call itself is wrong: dimension, NaN, unknown field, bad id. Repeating it cannot help."""


class VectorStore(Protocol):
    """One small store with two engines: `vectors.edge` (a process beside) and `vectors.server` (Qdrant).

    `name` is a collection or an alias. Every method may raise a `VectorStoreError`.
    """

    def create(self, collection: Collection) -> None:
        """Make it, or accept that it is there; refuse another dimension or other fields."""

    def collections(self) -> list[str]:
        """Names, sorted, without aliases."""

    def drop(self, name: str) -> None:
        """Remove a collection with its aliases; nothing happens when it is gone."""

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """Write whole points, durable on return; one whose payload "rev" is older than the stored is left."""

    def delete(self, name: str, ids: Sequence[str], revs: Sequence[int] | None = None) -> None:
        """Remove points; unknown ids are no error. With `revs`, one an id, what carries a newer one stays."""

    def search(
        self,
        name: str,
        query: NDArray[np.float32] | Sparse,
        *,
        where: Filter = (),
        limit: int = 10,
        offset: int = 0,
        group_by: str | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """Best first. With `group_by`, the best hit per value of that field; points without it stay out."""

    def facets(
        self, name: str, field: str, *, where: Filter = (), limit: int = 50
    ) -> list[tuple[Value, int]]:
        """Points for each value under the filter, most frequent first, equal counts by value."""

    def vectors(self, name: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Unit vectors of the ids that exist."""

    def scroll(
        self, name: str, *, after: str | None = None, limit: int = 1000
    ) -> list[tuple[str, dict[str, PayloadValue]]]:
        """Ids and payloads in id order, those after `after`."""

    def points(self, name: str, *, after: str | None = None, limit: int = 256) -> list[Point]:
        """Whole points in id order, those after `after`, with unit vectors: what a snapshot keeps."""

    def count(self, name: str, where: Filter = ()) -> int:
        """Points under the filter."""

    def point_alias(self, alias: str, name: str) -> None:
        """From now on `alias` means the collection `name`: one atomic switch."""

    def resolve(self, alias: str) -> str | None:
        """The collection that an alias means, or None."""

    def version(self) -> str:
        """Of the engine itself, such as "1.15.4"."""

    def close(self) -> None:
        """Give back connections; the store is not used after."""
