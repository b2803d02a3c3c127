"""What may go into a store and be asked of it: checked once, here, so both engines refuse the same things."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vectors.protocol import (
    Between,
    Collection,
    CollectionMissing,
    Equals,
    Every,
    Field,
    Filter,
    Not,
    Payload,
    Point,
    Sparse,
    Term,
    VectorsRefused,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INTEGERS = range(-(2**63), 2**63)


def check_name(name: str) -> None:
    """A name becomes a folder, so it is short and plain."""
    if not _NAME.fullmatch(name):
        raise VectorsRefused(
            "vectors-name",
            f"{name!r} cannot name a collection.",
            "Use up to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit.",
        )


def check_collection(collection: Collection) -> None:
    """Refuse a name, a dimension or fields that no engine could keep."""
    check_name(collection.name)
    if not 1 <= collection.dimension <= 65_536:
        raise VectorsRefused(
            "vectors-dimension",
            f"A dimension of {collection.dimension} is no vector.",
            "Use 1 to 65536, the width of the model's vectors.",
        )
    names = [field.name for field in collection.fields]
    if len(set(names)) < len(names):
        raise VectorsRefused("vectors-fields", f"A field occurs twice in {names}.", "Name each field once.")


def check_same(known: Collection, wanted: Collection) -> None:
    """`create` on an existing collection is accepted only when nothing differs."""
    if known.dimension != wanted.dimension:
        raise VectorsRefused(
            "vectors-dimension",
            f"{known.name} holds vectors of {known.dimension}, not {wanted.dimension}.",
            "Create a collection under another name, fill it, and point the alias at it.",
        )
    if set(known.fields) != set(wanted.fields):
        raise VectorsRefused(
            "vectors-fields",
            f"{known.name} was made with other payload fields.",
            "Create a collection under another name, fill it, and point the alias at it.",
        )


def check_ids(ids: Sequence[str], revs: Sequence[int] | None = None) -> None:
    """Ids are uuids in their usual spelling, because both engines give them back so; a rev each, if any."""
    if revs is not None and len(revs) != len(ids):
        raise VectorsRefused("vectors-revs", "There is not one rev for each id.", "Name as many of both.")
    for point_id in ids:
        if not isinstance(point_id, str) or not _UUID.fullmatch(point_id):
            raise VectorsRefused(
                "vectors-id", f"{point_id!r} is no point id.", "Use str(uuid): lower case, with dashes."
            )


def check_vector(collection: Collection, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """(D,) of any real type -> (D,) float32, contiguous, finite and not all zeros."""
    array = np.ascontiguousarray(vector, dtype=np.float32)
    check_width(collection, array.size if array.ndim == 1 else -1)
    square = float(np.dot(array, array))
    if not 0.0 < square < float("inf"):
        raise VectorsRefused(
            "vectors-not-finite",
            "A vector has a NaN, an infinity, or no direction at all.",
            "Look at the image or text it was encoded from, and encode it again.",
        )
    return array


def check_width(collection: Collection, width: int) -> None:
    """A vector is as wide as its collection; -1 stands for what is no single vector."""
    if width != collection.dimension:
        raise VectorsRefused(
            "vectors-dimension",
            f"{collection.name} holds vectors of {collection.dimension}; this is none ({width}).",
            "Encode with the model pack that the collection was made for, one vector a point.",
        )


def check_points(collection: Collection, points: Sequence[Point]) -> NDArray[np.float32]:
    """Points -> their vectors as (N, D) float32; refuses the whole call before anything is written."""
    check_ids([point.id for point in points])
    fields = {field.name: field for field in collection.fields}
    for point in points:
        _check_payload(fields, point.payload)
        if point.lexical is not None:
            check_sparse(point.lexical)
    rows = [check_vector(collection, point.vector) for point in points]
    return np.stack(rows) if rows else np.empty((0, collection.dimension), np.float32)


def check_sparse(sparse: Sparse) -> None:
    """Ids and weights pair up, no id twice, every weight finite."""
    indices, values = sparse.indices, sparse.values
    paired = indices.shape == values.shape and indices.ndim == 1
    if not paired or len(np.unique(indices)) < len(indices) or not np.isfinite(values).all():
        raise VectorsRefused(
            "vectors-sparse",
            "A sparse vector repeats an id, holds a NaN, or has not one weight for each id.",
            "Make it with vectors.lexical.",
        )


def check_filter(collection: Collection, where: Filter) -> None:
    """Every term names a field of the collection and values of its kind."""
    fields = {field.name: field for field in collection.fields}
    for term in where:
        _check_term(fields, term)


def check_query(collection: Collection, query: NDArray[np.float32] | Sparse) -> NDArray[np.float32] | Sparse:
    """A dense query as (D,) float32, or the sparse one as it is."""
    if isinstance(query, Sparse):
        check_sparse(query)
        return query
    return check_vector(collection, query)


def check_search(
    collection: Collection, query: NDArray[np.float32] | Sparse, where: Filter, group_by: str | None
) -> NDArray[np.float32] | Sparse:
    """A whole search; the query as `check_query` gives it."""
    check_filter(collection, where)
    if group_by is not None:
        check_facet(collection, group_by)
    return check_query(collection, query)


def check_facet(collection: Collection, name: str, where: Filter = ()) -> None:
    """Facets and groups are of keywords and integers."""
    check_filter(collection, where)
    if field_of(collection, name).kind == "float":
        raise VectorsRefused(
            "vectors-facet",
            f"{name!r} holds floats, which have no facets.",
            "Use a keyword or integer field.",
        )


def check_window(limit: int, offset: int = 0) -> None:
    """A page is bounded: 0 to 10,000 points, from 0 to 100,000 on."""
    if not (0 <= limit <= 10_000 and 0 <= offset <= 100_000):
        raise VectorsRefused(
            "vectors-window",
            f"A page of {limit} from {offset} on is out of bounds.",
            "Ask for at most 10000 from at most 100000 on.",
        )


def field_of(collection: Collection, name: str) -> Field:
    """The field of that name; refuses unknown ones, which no index would serve."""
    return _known({field.name: field for field in collection.fields}, name)


def collection_missing(name: str) -> CollectionMissing:
    """The one sentence for a name that nothing has."""
    return CollectionMissing(
        "vectors-collection-missing",
        f"There is no collection or alias {name!r}.",
        "Run `twirl reindex` to build the index.",
    )


def name_taken(name: str) -> VectorsRefused:
    """The one sentence for a name that is both an alias and a collection."""
    return VectorsRefused(
        "vectors-name-taken",
        f"{name!r} already names a collection or an alias.",
        "Use one name for an alias and another for a collection.",
    )


def _known(fields: dict[str, Field], name: str) -> Field:
    if name not in fields:
        raise VectorsRefused(
            "vectors-unknown-field",
            f"{name!r} is not a field of this collection.",
            f"Use one of: {', '.join(sorted(fields)) or 'none was declared'}.",
        )
    return fields[name]


def _check_term(fields: dict[str, Field], term: Term) -> None:
    if isinstance(term, Not):
        return _check_term(fields, term.term)
    if isinstance(term, Every):
        for each in term.terms:
            _check_term(fields, each)
        return None
    field = _known(fields, term.field)
    if isinstance(term, Between):
        bounds = [bound for bound in (term.low, term.high) if bound is not None]
        fits = field.kind != "keyword" and all(np.isfinite(bound) for bound in bounds)
    else:
        values = (term.value,) if isinstance(term, Equals) else term.values
        fits = field.kind != "float" and all(_fits(field, value) for value in values)
    if not fits:
        raise VectorsRefused(
            "vectors-filter",
            f"{term} does not fit a field of kind {field.kind}.",
            "Compare keywords with strings, integers with integers (flags 0 or 1), ranges with numbers.",
        )
    return None


def _check_payload(fields: dict[str, Field], payload: Payload) -> None:
    for name, value in payload.items():
        field = fields.get(name)
        fits = _fits(field, value) if field else _plain(value)
        if not fits:
            raise VectorsRefused(
                "vectors-payload",
                f"{name}={value!r} does not fit a {field.kind if field else 'payload'} field.",
                "Store strings, lists of strings, integers (flags as 0 or 1) or finite numbers.",
            )


def _fits(field: Field, value: object) -> bool:
    if field.kind == "keyword":
        return isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        )
    if isinstance(value, bool):  # an engine would store it as a kind of its own that no filter finds
        return False
    if field.kind == "integer":
        return isinstance(value, int) and value in _INTEGERS
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return False
    return isinstance(value, str | int) or (isinstance(value, float) and bool(np.isfinite(value)))
