"""Pages over rankings that hold, change and lose places; fusion worked by hand; cursors; photos."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searcher import cursor as cursors
from searcher.cursor import Cursor
from searcher.errors import QueryRefused
from searcher.pages import MAX_DEPTH, read_page
from searcher.photos import QueryPhotos
from searcher.ranked import Ranked, in_order
from searcher.ranking import fuse, merged


def places(*scores: float) -> list[Ranked]:
    return in_order([Ranked(f"1/G{number}", score) for number, score in enumerate(scores)])


def reader(gone: set[str]) -> Any:
    return lambda some: [each.group for each in some if each.group not in gone]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1, 1, width=16), max_size=60),
    st.integers(1, 9),
    st.sets(st.integers(0, 59), max_size=20),
)
def test_pages_give_every_living_place_once_in_order(scores: list[float], limit: int, gone: set[int]) -> None:
    ranked = places(*scores)
    dead = {f"1/G{number}" for number in gone}
    seen, after, shown = 0, None, []
    for _ in range(100):
        page = read_page(lambda wanted: ranked[:wanted], reader(dead), limit, seen, after)
        shown += page.hits
        seen, after = seen + len(page.hits), page.end
        if after is None:
            break
        assert len(page.hits) == limit
    assert shown == [each.group for each in ranked if each.group not in dead]


def test_pages_end_at_the_bounded_depth() -> None:
    ranked = places(*np.linspace(1, 0, 1500))
    assert (
        read_page(lambda wanted: ranked[:wanted], reader(set()), 24, MAX_DEPTH - 10, ranked[989].key).end
        is None
    )
    assert read_page(lambda wanted: ranked[:wanted], reader(set()), 24, MAX_DEPTH).hits == []


def test_a_place_that_comes_in_between_two_pages_repeats_nothing() -> None:
    ranked = places(0.9, 0.8, 0.7, 0.6)
    first = read_page(lambda wanted: ranked[:wanted], reader(set()), 2)
    grown = in_order([*ranked, Ranked("1/new", 0.95)])
    second = read_page(lambda wanted: grown[:wanted], reader(set()), 2, 2, first.end)
    assert second.hits == ["1/G2", "1/G3"]


def test_fusion_by_hand() -> None:
    lexical = [Ranked("a", 9.0, "p1"), Ranked("b", 8.0, "p2")]
    dense = [Ranked("b", 0.9, "p3"), Ranked("c", 0.8, "p4")]
    fused = {each.group: each for each in fuse({"words": lexical, "meaning": dense})}
    assert fused["a"].score == pytest.approx(1 / 61) and fused["c"].score == pytest.approx(1 / 62)
    assert fused["b"].score == pytest.approx(1 / 62 + 1 / 61) and fused["b"].point == "p2"
    assert [each.group for each in in_order(list(fused.values()))] == ["b", "a", "c"]


def test_the_earlier_list_has_the_say() -> None:
    assert [each.score for each in merged([Ranked("a", 3.0)], [Ranked("a", 1.0), Ranked("b", 0.5)])] == [
        3.0,
        0.5,
    ]


def test_a_cursor_comes_back_as_it_went() -> None:
    sent = Cursor("d" * 16, "f" * 16, 24, (1, -0.123456, "1/G/with/öddness"))
    assert cursors.decode(sent.encode(), "d" * 16) == sent
    with pytest.raises(QueryRefused) as refused:
        cursors.decode(sent.encode(), "e" * 16)
    assert refused.value.code == "cursor-of-another-search"


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_a_cursor(text: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        cursors.decode(text, "d" * 16)
    assert refused.value.field == "cursor"


@pytest.mark.parametrize("field", ["order", "name", "seen"])
def test_a_forged_cursor_is_refused(field: str) -> None:
    forged = {"order": (0, float("inf"), "x"), "name": (0, 0.0, 5), "seen": (0, 0.0, "x")}[field]
    cursor = dataclasses.replace(Cursor("d", "f", 0, forged), seen=-1 if field == "seen" else 0)  # type: ignore[arg-type]
    with pytest.raises(QueryRefused):
        cursors.decode(cursor.encode(), "d")


def test_photos_are_kept_for_a_while_under_names_nobody_guesses(tmp_path: Path) -> None:
    photos = QueryPhotos(tmp_path, ttl_s=0.3)
    image = np.full((30, 40, 3), (200, 30, 30), np.uint8)
    first, second = photos.put(image), photos.put(image)
    assert first != second and len(first) == 22
    back = QueryPhotos(tmp_path, ttl_s=0.3).get(first)  # as another process reads it
    assert back is not None and back.shape == image.shape and np.abs(back.astype(int) - image).max() < 12
    assert (photos.webp(first) or b"")[8:12] == b"WEBP"
    photos.delete(second)
    assert photos.get(second) is None
    time.sleep(0.35)
    assert photos.get(first) is None and photos.purge() == 1 and list(tmp_path.iterdir()) == []


def test_a_photo_put_just_now_is_at_hand_as_long_as_it_is_kept(tmp_path: Path) -> None:
    photos = QueryPhotos(tmp_path, ttl_s=60)
    image = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)
    first, *_, last = [photos.put(image) for _ in range(20)]
    assert photos.get(last) is image  # neither read nor decoded
    held = photos.get(first)
    assert held is not None and held is not image  # only the latest are held
    QueryPhotos(tmp_path, ttl_s=60).delete(last)  # by another process
    assert photos.get(last) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 22, "a/" * 11, "\0" * 22, "é" * 22])
def test_other_names_are_no_photos(tmp_path: Path, name: str) -> None:
    photos = QueryPhotos(tmp_path, ttl_s=60)
    assert photos.webp(name) is None
    photos.delete(name)
