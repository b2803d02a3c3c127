"""Reading a rulebook: what is wrong is named with its place, and all of it at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searcher.merchandising.reading import RulesRefused, read_rulebook

PIN = {"do": "pin", "what": {"sku": ["A"]}}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ([], "the rulebook"),
        ({"rule": []}, "the rulebook.rule"),
        ({"rules": {}}, "rules"),
        ({"rules": [5]}, "rules[0]"),
        ({"rules": [PIN, {**PIN, "does": 1}]}, "rules[1].does"),
        ({"rules": [{"what": {"sku": ["A"]}}]}, "rules[0].do"),
        ({"rules": [{"do": "pin", "what": {"brand": ["A"]}}]}, "rules[0].what"),
        ({"rules": [{"do": "bury", "what": {}}]}, "rules[0].what"),
        ({"rules": [{"do": "bury", "what": {"brnd": ["A"]}}]}, "rules[0].what"),
        ({"rules": [{"do": "bury", "what": {"brand": 5}}]}, "rules[0].what"),
        ({"rules": [{"do": "bury", "what": {"sku": "A" * 201}}]}, "rules[0].what.sku"),
        ({"rules": [{**PIN, "name": "a\nb"}]}, "rules[0].name"),
        ({"rules": [{**PIN, "from": "soon"}]}, "rules[0].from"),
        ({"rules": [{**PIN, "until": 5}]}, "rules[0].until"),
        ({"rules": [{**PIN, "from": "2026-02-01", "until": "2026-01-01"}]}, "rules[0].until"),
        ({"rules": [{**PIN, "on": 1}]}, "rules[0].on"),
        ({"rules": [{**PIN, "strength": 3}]}, "rules[0].strength"),
        ({"rules": [{**PIN, "strength": float("nan")}]}, "rules[0].strength"),
        ({"rules": [{**PIN, "when": {"asked": ["sung"]}}]}, "rules[0].when.asked"),
        ({"rules": [{**PIN, "when": {"filters": {"price_max": 5}}}]}, "rules[0].when.filters"),
        ({"rules": [{**PIN, "when": {"filters": []}}]}, "rules[0].when.filters"),
        ({"rules": [{**PIN, "when": {"word": "a"}}]}, "rules[0].when.word"),
        ({"synonyms": [["one"]]}, "synonyms[0]"),
        ({"synonyms": ["one", "two"]}, "synonyms[0]"),
        ({"synonyms": [["a", ""]]}, "synonyms[0]"),
    ],
)
def test_what_is_wrong_is_named(content: Any, place: str) -> None:
    with pytest.raises(RulesRefused) as refused:
        read_rulebook(content)
    assert refused.value.mistakes[0].place == place and refused.value.fix


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(RulesRefused) as refused:
        read_rulebook({"rules": [{"do": "sing"}, PIN, {"do": "pin"}], "synonyms": [["a"]]})
    places = [each.place for each in refused.value.mistakes]
    assert places == ["rules[0].do", "rules[2].what", "synonyms[0]"] and "2 more" in str(refused.value)


def test_boosts_of_many_strengths_are_refused() -> None:
    boosts = [{"do": "boost", "what": {"sku": ["A"]}, "strength": each / 10} for each in range(1, 6)]
    assert len(read_rulebook({"rules": [*boosts[:4], *boosts[:4]]}).rules) == 8
    with pytest.raises(RulesRefused, match="too many strengths"):
        read_rulebook({"rules": boosts})


def test_a_name_is_made_where_there_is_none() -> None:
    assert read_rulebook({"rules": [PIN]}).rules[0].name == "pin rules[0]"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(
            st.sampled_from(("rules", "synonyms", "do", "what", "when", "sku", "brand", "words", "x")), each
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_no_json_does_worse_than_be_refused(content: Any) -> None:
    try:
        read_rulebook(content)
    except RulesRefused as refused:
        assert refused.mistakes
