"""A rulebook's JSON as an editor changes it, and two editors' changes put together.

Rules and groups of synonyms are told apart by what they say: each is named by a hash of its JSON.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PARTS = ("rules", "synonyms")
Content = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """What is in one rulebook and not in another, of rules or of synonyms."""

    part: str
    said: Any
    added: bool  # else taken away


def name_of(said: Any) -> str:
    """12 hex digits that are the same for the same rule, in whatever order its parts come."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def find(content: Mapping[str, Any], part: str, name: str) -> int | None:
    """Where in its list the rule or group of that name stands."""
    return next((at for at, said in enumerate(_list(content, part)) if name_of(said) == name), None)


def replaced(content: Mapping[str, Any], part: str, name: str, said: Any | None) -> Content:
    """The rulebook with this in place of what has that name; at the end where `name` is "", gone where None.

    Raises LookupError where nothing has that name.
    """
    those = [*_list(content, part)]
    if not name:
        those += [] if said is None else [said]
        return _with(content, part, those)
    at = find(content, part, name)
    if at is None:
        raise LookupError(name)
    those[at : at + 1] = [] if said is None else [said]
    return _with(content, part, those)


def moved(content: Mapping[str, Any], part: str, name: str, by: int) -> Content:
    """The rulebook with one rule some places further down; pins stand in the order of their rules.

    Raises LookupError where nothing has that name.
    """
    those = [*_list(content, part)]
    at = find(content, part, name)
    if at is None:
        raise LookupError(name)
    said = those.pop(at)
    those.insert(max(0, min(at + by, len(those))), said)
    return _with(content, part, those)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What was taken away, and what was added; a rule that was edited is both."""
    found = []
    for part in PARTS:
        old, new = _list(before, part), _list(after, part)
        found += [Change(part, said, False) for said in _without(old, new)]
        found += [Change(part, said, True) for said in _without(new, old)]
    return found


@dataclass(frozen=True)
class Merged:
    """Two editors' changes in one rulebook; `both` are rules that both of them have changed or taken away.

    Of those the rulebook has theirs, and mine besides.
    """

    content: Content
    both: tuple[Any, ...]


def merged(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Merged:
    """My changes of the base, made to theirs."""
    content: Content = dict(theirs)
    both: list[Any] = []
    for part in PARTS:
        old, own, others = _list(base, part), _list(mine, part), _list(theirs, part)
        gone = _without(old, own)
        both += _without(gone, others)  # theirs has not what I have changed
        kept = _without(others, gone)
        content = _with(content, part, [*kept, *_without(_without(own, old), kept)])
    return Merged(content, tuple(both))


def _without(those: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    names = {name_of(each) for each in others}
    return [each for each in those if name_of(each) not in names]


def _list(content: Mapping[str, Any], part: str) -> Sequence[Any]:
    found: Sequence[Any] = content.get(part, ())
    return found


def _with(content: Mapping[str, Any], part: str, those: list[Any]) -> Content:
    rest = {name: said for name, said in content.items() if name != part}
    return {**rest, part: those} if those else rest
