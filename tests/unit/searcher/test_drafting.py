"""A rulebook as it is edited, and two editors' changes put together."""

import pytest

from searcher.merchandising.drafting import changes, find, merged, moved, name_of, replaced

SALE = {"name": "Sale", "do": "boost", "what": {"category": ["Dresses"]}}
OURS = {"name": "Ours", "do": "boost", "what": {"brand": ["Acme"]}}
AWAY = {"name": "Away", "do": "hide", "what": {"sku": ["A-1"]}}
SHOES = ["Sneakers", "kicks"]


def test_a_rule_is_named_by_what_it_says() -> None:
    assert name_of(SALE) == name_of(dict(reversed(SALE.items()))) != name_of(OURS)
    assert find({"rules": [SALE, OURS]}, "rules", name_of(OURS)) == 1
    assert find({}, "rules", name_of(OURS)) is None


def test_rules_are_added_changed_and_taken_away() -> None:
    content = replaced({}, "rules", "", SALE)
    content = replaced(content, "synonyms", "", SHOES)
    assert content == {"rules": [SALE], "synonyms": [SHOES]}
    assert replaced(content, "rules", name_of(SALE), OURS) == {"rules": [OURS], "synonyms": [SHOES]}
    assert replaced(content, "rules", name_of(SALE), None) == {"synonyms": [SHOES]}
    with pytest.raises(LookupError):
        replaced(content, "rules", name_of(AWAY), None)
    assert content == {"rules": [SALE], "synonyms": [SHOES]}, "nothing is changed in place"


@pytest.mark.parametrize(
    ("by", "order"), [(-1, [OURS, SALE, AWAY]), (1, [SALE, AWAY, OURS]), (-9, [OURS, SALE, AWAY]), (0, None)]
)
def test_a_rule_moves(by: int, order: list[object] | None) -> None:
    content = {"rules": [SALE, OURS, AWAY]}
    assert moved(content, "rules", name_of(OURS), by)["rules"] == (order or content["rules"])


def test_changes_are_what_is_gone_and_what_is_new() -> None:
    later = {**SALE, "strength": 1}
    found = changes({"rules": [SALE, OURS]}, {"rules": [later, OURS], "synonyms": [SHOES]})
    assert [(each.part, each.said, each.added) for each in found] == [
        ("rules", SALE, False), ("rules", later, True), ("synonyms", SHOES, True)
    ]  # fmt: skip
    assert changes({"rules": [SALE, OURS]}, {"rules": [OURS, SALE]}) == []


def test_two_editors_changes_are_put_together() -> None:
    base = {"rules": [SALE, OURS], "synonyms": [SHOES]}
    mine = {"rules": [OURS, AWAY], "synonyms": [SHOES]}  # took the sale away, hid an item
    theirs = {"rules": [SALE, {**OURS, "strength": 1}]}  # made ours stronger, dropped the synonyms
    done = merged(base, mine, theirs)
    assert done.content == {"rules": [{**OURS, "strength": 1}, AWAY]} and done.both == ()


def test_what_both_have_changed_is_told() -> None:
    mine, theirs = {**SALE, "strength": 1}, {**SALE, "strength": 2}
    done = merged({"rules": [SALE]}, {"rules": [mine]}, {"rules": [theirs]})
    assert done.content == {"rules": [theirs, mine]} and done.both == (SALE,)
    same = merged({"rules": [SALE]}, {"rules": [mine]}, {"rules": [mine]})
    assert same.content == {"rules": [mine]}
