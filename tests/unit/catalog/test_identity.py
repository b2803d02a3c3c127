from hypothesis import given
from hypothesis import strategies as st

from catalog.identity import group_id, group_key, keyword, point_id

text = st.text(max_size=20)


@given(st.lists(st.tuples(st.integers(1, 3), text, st.integers(0, 3)), unique=True))
def test_points_never_collide(keys: list[tuple[int, str, int]]) -> None:
    assert len({point_id(*key) for key in keys}) == len(keys)


def test_a_point_keeps_its_name_for_ever() -> None:
    assert point_id(1, "A-1", 0) == "0f4c7020-7ec1-51df-851b-c6b9095b7619"


@given(st.integers(1, 10**9), text)
def test_a_group_gives_its_id_back(merchant: int, item_group_id: str) -> None:
    assert group_id(group_key(merchant, item_group_id)) == item_group_id


@given(st.text())
def test_folding_twice_is_folding_once(value: str) -> None:
    assert keyword(keyword(value)) == keyword(value)
