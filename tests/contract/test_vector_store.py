"""What a vector store promises, on every engine, against a plain reference."""

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.contract import reference
from vectors import lexical
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
    VectorsRefused,
    VectorStore,
)

# What the client's local mode says about itself: it has no indexes and no search parameters.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

DIMENSION = 16
FIELDS = (
    Field("colour", "keyword"),
    Field("brand", "keyword"),
    Field("price", "integer"),
    Field("weight", "float"),
    Field("group", "keyword"),
    Field("front", "integer"),
    Field("rev", "integer"),
)
COLOURS = ("red", "blue", "grün", "ivory / écru", "黒", "👗", 'a"b\\c\n')
BRANDS = ("Acme", "O'Neill", "")
WORDS = ("dress", "linen", "cotton", "sleeves", "floral", "midi", "Größe", "crème", "jean")


def identity(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def random_point(number: int, rng: np.random.Generator) -> Point:
    payload: dict[str, Any] = {"rev": 1, "front": int(rng.integers(2)), "label": f"n° {number}"}
    if rng.random() < 0.8:
        payload["colour"] = [str(c) for c in rng.choice(COLOURS, rng.integers(1, 4), replace=False)]
    if rng.random() < 0.9:
        payload["brand"] = str(rng.choice(BRANDS))
    if rng.random() < 0.9:
        payload["price"] = int(rng.integers(0, 50))
    if rng.random() < 0.5:
        payload["weight"] = float(np.round(rng.random() * 10, 1))
    if rng.random() < 0.9:
        payload["group"] = f"m/{rng.integers(0, 60)}"
    text = " ".join(str(word) for word in rng.choice(WORDS, rng.integers(0, 6)))
    vector = rng.standard_normal(DIMENSION).astype(np.float32)
    return Point(identity(number), vector, payload, lexical.document([text]))


POINTS = [random_point(number, np.random.default_rng(number)) for number in range(300)]


@pytest.fixture(scope="module")
def filled(store: VectorStore) -> Iterator[VectorStore]:
    store.drop("contract-filled")
    store.create(Collection("contract-filled", DIMENSION, FIELDS))
    store.upsert("contract-filled", POINTS)
    yield store
    store.drop("contract-filled")


@pytest.fixture(scope="module")
def emptied(store: VectorStore) -> Iterator[str]:
    """Made once: payload indexes take a server a second or two."""
    store.drop("contract-empty")
    store.create(Collection("contract-empty", DIMENSION, FIELDS))
    yield "contract-empty"
    store.drop("contract-empty")


@pytest.fixture
def empty(store: VectorStore, emptied: str) -> str:
    store.delete(emptied, [point_id for point_id, _ in store.scroll(emptied)])
    return emptied


def equals() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(Equals, st.just("colour"), st.sampled_from((*COLOURS, "absent"))),
        st.builds(Equals, st.just("brand"), st.sampled_from(BRANDS)),
        st.builds(Equals, st.just("price"), st.integers(-1, 51)),
        st.builds(Equals, st.just("front"), st.integers(0, 1)),
    )


def any_of() -> st.SearchStrategy[Any]:
    some = st.lists(st.sampled_from((*COLOURS, "absent")), max_size=4).map(tuple)
    numbers = st.lists(st.integers(0, 50), max_size=5).map(tuple)
    return st.one_of(st.builds(AnyOf, st.just("colour"), some), st.builds(AnyOf, st.just("price"), numbers))


def between() -> st.SearchStrategy[Any]:
    bound = st.one_of(st.none(), st.integers(-5, 55))
    fraction = st.one_of(st.none(), st.integers(0, 100).map(lambda n: n / 10))
    return st.one_of(
        st.builds(Between, st.just("price"), bound, bound),
        st.builds(Between, st.just("weight"), fraction, fraction),
    )


def filters() -> st.SearchStrategy[Filter]:
    plain = st.one_of(equals(), any_of(), between())
    several = st.lists(st.one_of(plain, st.builds(Not, plain)), max_size=3).map(tuple)
    term = st.one_of(plain, st.builds(Every, several))
    return st.lists(
        st.one_of(term, st.builds(Not, term), st.builds(Not, st.builds(Not, term))), max_size=3
    ).map(tuple)


RANDOMLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@RANDOMLY
@given(where=filters(), seed=st.integers(0, 1000), limit=st.integers(1, 30), offset=st.integers(0, 10))
def test_search_finds_what_the_reference_finds(
    filled: VectorStore, where: Filter, seed: int, limit: int, offset: int
) -> None:
    query = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    expected = reference.dense_scores(reference.passing(POINTS, where), query)
    for exact in (False, True):
        hits = filled.search("contract-filled", query, where=where, limit=limit, offset=offset, exact=exact)
        note(f"exact={exact} hits={hits}")
        assert_ranked(hits, expected, limit, offset)


@RANDOMLY
@given(where=filters(), words=st.lists(st.sampled_from((*WORDS, "unknown")), max_size=3))
def test_words_find_what_the_reference_finds(filled: VectorStore, where: Filter, words: list[str]) -> None:
    query = lexical.query(" ".join(words))
    expected = reference.lexical_scores(POINTS, where, query)
    assert_ranked(filled.search("contract-filled", query, where=where, limit=20), expected, 20, 0)


@RANDOMLY
@given(where=filters(), seed=st.integers(0, 1000), limit=st.integers(1, 70), offset=st.integers(0, 5))
def test_grouping_gives_the_best_of_each_group(
    filled: VectorStore, where: Filter, seed: int, limit: int, offset: int
) -> None:
    query = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    points = reference.passing(POINTS, where)
    scores = reference.dense_scores(points, query)
    hits = filled.search("contract-filled", query, where=where, limit=limit, offset=offset, group_by="group")
    expected = sorted(reference.groups(points, scores, "group").values(), reverse=True)
    assert [hit.score for hit in hits] == pytest.approx(expected[offset : offset + limit], abs=1e-5)
    assert len({hit.group for hit in hits}) == len(hits)
    groups = {point.id: point.payload.get("group") for point in points}
    assert all(groups[hit.id] == hit.group for hit in hits)


@RANDOMLY
@given(where=filters(), field=st.sampled_from(("colour", "brand", "price", "front")))
def test_facets_and_counts_agree_with_the_reference(filled: VectorStore, where: Filter, field: str) -> None:
    points = reference.passing(POINTS, where)
    counts = reference.facets(points, field)
    expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    assert filled.facets("contract-filled", field, where=where) == expected
    assert [n for _, n in filled.facets("contract-filled", field, where=where, limit=2)] == [
        n for _, n in expected[:2]
    ]
    assert filled.count("contract-filled", where) == len(points)


def test_scroll_walks_all_points_in_id_order(filled: VectorStore) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []
    while page := filled.scroll("contract-filled", after=seen[-1][0] if seen else None, limit=70):
        seen += page
    assert [point_id for point_id, _ in seen] == sorted(point.id for point in POINTS)
    assert dict(seen) == {point.id: point.payload for point in POINTS}


def test_whole_points_come_back_in_id_order(filled: VectorStore) -> None:
    seen: list[Point] = []
    while page := filled.points("contract-filled", after=seen[-1].id if seen else None, limit=70):
        seen += page
    written = {point.id: point for point in POINTS}
    assert [point.id for point in seen] == sorted(written)
    for point in seen:
        given = written[point.id]
        assert point.vector == pytest.approx(given.vector / np.linalg.norm(given.vector), abs=1e-6)
        assert point.vector.dtype == np.float32 and point.payload == given.payload
        assert weights(point) == weights(given)


def weights(point: Point) -> dict[int, float]:
    words = point.lexical
    return {} if words is None else dict(zip(words.indices.tolist(), words.values.tolist(), strict=True))


def test_vectors_come_back_as_unit_vectors(filled: VectorStore) -> None:
    found = filled.vectors("contract-filled", [POINTS[3].id, identity(-1), POINTS[7].id])
    assert set(found) == {POINTS[3].id, POINTS[7].id}
    for point in (POINTS[3], POINTS[7]):
        assert found[point.id].dtype == np.float32
        assert found[point.id] == pytest.approx(point.vector / np.linalg.norm(point.vector), abs=1e-6)


def test_an_empty_collection_answers_with_nothing(store: VectorStore, empty: str) -> None:
    query = np.ones(DIMENSION, np.float32)
    assert store.search(empty, query) == []
    assert store.search(empty, query, group_by="group") == []
    assert store.search(empty, lexical.query("red dress")) == []
    assert store.search(empty, lexical.query("")) == []
    assert store.facets(empty, "colour") == []
    assert store.scroll(empty) == []
    assert store.points(empty) == []
    assert store.count(empty) == 0
    assert store.vectors(empty, [identity(1)]) == {}
    store.upsert(empty, [])
    store.delete(empty, [])
    store.delete(empty, [identity(1)])


def test_an_older_rev_never_overwrites_a_newer_one(store: VectorStore, empty: str) -> None:
    def at(rev: int | None, brand: str) -> Point:
        payload = {"brand": brand} | ({} if rev is None else {"rev": rev})
        return Point(identity(1), np.ones(DIMENSION, np.float32), payload)

    def brand() -> Any:
        return store.scroll(empty)[0][1]["brand"]

    store.upsert(empty, [at(3, "third")])
    store.upsert(empty, [at(2, "second")])
    assert brand() == "third"
    store.upsert(empty, [at(3, "third again")])
    assert brand() == "third again"
    store.upsert(empty, [at(5, "fifth"), at(4, "fourth")])
    assert brand() == "fifth"
    store.upsert(empty, [at(None, "no rev")])
    assert brand() == "no rev"
    store.upsert(empty, [at(1, "first")])
    assert brand() == "first"


def test_an_upsert_replaces_the_whole_point(store: VectorStore, empty: str) -> None:
    first, second = np.eye(DIMENSION, dtype=np.float32)[:2]
    store.upsert(
        empty, [Point(identity(1), first, {"brand": "Acme", "price": 3}, lexical.document(["linen"]))]
    )
    store.upsert(empty, [Point(identity(1), second, {"price": 4})])
    assert store.scroll(empty) == [(identity(1), {"price": 4})]
    assert store.search(empty, second)[0].score == pytest.approx(1.0, abs=1e-5)
    assert store.search(empty, lexical.query("linen")) == []
    assert store.facets(empty, "brand") == []


def test_deleted_points_are_gone_from_every_answer(store: VectorStore, empty: str) -> None:
    store.upsert(empty, POINTS[:20])
    store.delete(empty, [point.id for point in POINTS[:10]] + [identity(-1)])
    left = {point.id for point in POINTS[10:20]}
    assert {point_id for point_id, _ in store.scroll(empty)} == left
    assert {hit.id for hit in store.search(empty, np.ones(DIMENSION, np.float32), limit=50)} == left
    assert store.count(empty) == 10
    assert sum(count for _, count in store.facets(empty, "front")) == 10


def test_a_late_delete_leaves_what_was_written_since(store: VectorStore, empty: str) -> None:
    vector = np.ones(DIMENSION, np.float32)
    revs: dict[int, int | None] = {1: 4, 2: 5, 3: 6, 4: None, 5: 2}
    for number, rev in revs.items():
        store.upsert(empty, [Point(identity(number), vector, {} if rev is None else {"rev": rev})])
    ids = [identity(number) for number in (1, 2, 3, 4, 5, 99)]
    store.delete(empty, ids, [5, 5, 5, 5, 1, 5])
    assert {point_id for point_id, _ in store.scroll(empty)} == {identity(3), identity(5)}
    store.delete(empty, [], [])
    store.delete(empty, [identity(3)], [6])
    assert [point_id for point_id, _ in store.scroll(empty)] == [identity(5)]
    with pytest.raises(VectorsRefused):
        store.delete(empty, [identity(5)], [2, 3])


def test_an_alias_means_one_collection_at_a_time(store: VectorStore, empty: str) -> None:
    store.drop("contract-other")
    store.create(Collection("contract-other", 3, (Field("brand", "keyword"),)))
    try:
        assert store.resolve("contract-live") is None
        store.upsert(empty, POINTS[:2])
        store.point_alias("contract-live", empty)
        assert store.resolve("contract-live") == empty
        assert store.count("contract-live") == 2
        assert len(store.search("contract-live", POINTS[0].vector)) == 2
        store.upsert("contract-other", [Point(identity(9), np.ones(3, np.float32), {"brand": "b"})])
        store.point_alias("contract-live", "contract-other")
        assert store.resolve("contract-live") == "contract-other"
        assert [hit.id for hit in store.search("contract-live", np.ones(3, np.float32))] == [identity(9)]
        assert [point_id for point_id, _ in store.scroll("contract-live")] == [identity(9)]
        with pytest.raises(CollectionMissing):
            store.point_alias("contract-live", "contract-unknown")
        assert "contract-live" not in store.collections()
        assert {"contract-other", empty} <= set(store.collections())
        store.drop("contract-other")
        assert store.resolve("contract-live") is None
        with pytest.raises(CollectionMissing):
            store.count("contract-live")
    finally:
        store.drop("contract-other")


def test_creating_again_is_accepted_when_nothing_differs(store: VectorStore, empty: str) -> None:
    store.upsert(empty, POINTS[:3])
    store.create(Collection(empty, DIMENSION, FIELDS))
    assert store.count(empty) == 3
    with pytest.raises(VectorsRefused, match="holds vectors of 16"):
        store.create(Collection(empty, DIMENSION + 1, FIELDS))
    with pytest.raises(VectorsRefused, match="other payload fields"):
        store.create(Collection(empty, DIMENSION, FIELDS[:2]))


@pytest.mark.parametrize(
    ("vector", "code"),
    [
        (np.ones(DIMENSION - 1, np.float32), "vectors-dimension"),
        (np.ones((1, DIMENSION), np.float32), "vectors-dimension"),
        (np.full(DIMENSION, np.nan, np.float32), "vectors-not-finite"),
        (np.full(DIMENSION, np.inf, np.float32), "vectors-not-finite"),
        (np.zeros(DIMENSION, np.float32), "vectors-not-finite"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(
    store: VectorStore, empty: str, vector: np.ndarray, code: str
) -> None:
    good = Point(identity(1), np.ones(DIMENSION, np.float32), {})
    with pytest.raises(VectorsRefused) as refused:
        store.upsert(empty, [good, Point(identity(2), vector, {})])
    assert refused.value.code == code and refused.value.fix
    assert store.count(empty) == 0, "a refused call writes nothing"
    with pytest.raises(VectorsRefused) as refused:
        store.search(empty, vector)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("payload", "point_id"),
    [
        ({"front": True}, identity(1)),
        ({"price": "12"}, identity(1)),
        ({"colour": 5}, identity(1)),
        ({"note": {"nested": 1}}, identity(1)),
        ({"weight": float("nan")}, identity(1)),
        ({"price": 2**63}, identity(1)),
        ({}, "not-a-uuid"),
        ({}, identity(1).upper()),
    ],
)
def test_points_that_no_filter_would_find_are_refused(
    store: VectorStore, empty: str, payload: dict[str, Any], point_id: str
) -> None:
    with pytest.raises(VectorsRefused):
        store.upsert(empty, [Point(point_id, np.ones(DIMENSION, np.float32), payload)])


@pytest.mark.parametrize(
    "where",
    [
        (Equals("unknown", "x"),),
        (Equals("price", "12"),),
        (Equals("front", True),),
        (Not(AnyOf("colour", ("red", 5))),),
        (Not(Every((Equals("colour", "red"), Equals("unknown", "x")))),),
        (Between("colour", 1, 2),),
        (Equals("weight", 1),),
    ],
)
def test_filters_that_cannot_hold_are_refused(filled: VectorStore, where: Filter) -> None:
    with pytest.raises(VectorsRefused):
        filled.search("contract-filled", np.ones(DIMENSION, np.float32), where=where)
    with pytest.raises(VectorsRefused):
        filled.count("contract-filled", where)


def test_grouping_and_facets_need_a_known_field(filled: VectorStore) -> None:
    with pytest.raises(VectorsRefused):
        filled.search("contract-filled", np.ones(DIMENSION, np.float32), group_by="label")
    with pytest.raises(VectorsRefused):
        filled.facets("contract-filled", "weight")


def test_sparse_vectors_with_a_repeated_token_are_refused(filled: VectorStore) -> None:
    with pytest.raises(VectorsRefused):
        filled.search("contract-filled", Sparse(np.array([1, 1], np.uint32), np.ones(2, np.float32)))


def test_an_unknown_collection_is_missing_not_empty(store: VectorStore) -> None:
    query = np.ones(DIMENSION, np.float32)
    for call in (
        lambda: store.search("contract-none", query),
        lambda: store.upsert("contract-none", POINTS[:1]),
        lambda: store.delete("contract-none", [identity(1)]),
        lambda: store.facets("contract-none", "colour"),
        lambda: store.vectors("contract-none", [identity(1)]),
        lambda: store.scroll("contract-none"),
        lambda: store.points("contract-none"),
        lambda: store.count("contract-none"),
    ):
        with pytest.raises(CollectionMissing) as missing:
            call()
        assert missing.value.code == "vectors-collection-missing" and missing.value.fix
    store.drop("contract-none")


@pytest.mark.parametrize("name", ["", ".", "../up", "a/b", "-x", "x" * 101, "é"])
def test_names_that_are_no_names_are_refused(store: VectorStore, name: str) -> None:
    with pytest.raises(VectorsRefused):
        store.create(Collection(name, DIMENSION))


def assert_ranked(hits: list[Any], expected: dict[str, float], limit: int, offset: int) -> None:
    """Every score is right, and no better point is left out; equal scores may come in any order."""
    best = sorted(expected.values(), reverse=True)[offset : offset + limit]
    assert [hit.score for hit in hits] == pytest.approx(best, abs=1e-4)
    assert len({hit.id for hit in hits}) == len(hits)
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.id], abs=1e-4)


def test_the_engine_says_its_version(store: VectorStore) -> None:
    assert store.version()[:1].isdigit()
