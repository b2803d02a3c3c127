"""Our filter terms as Qdrant Edge conditions."""

from typing import Any

import qdrant_edge as qe

from vectors.protocol import AnyOf, Between, Equals, Every, Filter, Not, Term, Value


def compile_filter(where: Filter, without: qe.Filter | None = None) -> qe.Filter | None:
    """Terms -> one filter that holds when all hold (and `without` does not); None when everything passes."""
    must = [_condition(term) for term in where if not isinstance(term, Not)]
    must_not = [_condition(term.term) for term in where if isinstance(term, Not)]
    if without is not None:
        must_not.append(without)
    return qe.Filter(must=must, must_not=must_not) if must or must_not else None


def seen_groups(field: str, seen: list[Value]) -> qe.Filter:
    """Points of these groups, and points of no group: what a further round of grouping leaves out."""
    return qe.Filter(should=[qe.IsEmptyCondition(field), _any(field, seen)])


def _condition(term: Term) -> Any:
    match term:
        case Equals(field, value):
            return qe.FieldCondition(field, match=qe.MatchValue(value))
        case AnyOf(field, values):
            return _any(field, list(values))
        case Between(field, low, high):
            return qe.FieldCondition(field, range=qe.RangeFloat(gte=low, lte=high))
        case Not(inner):
            return qe.Filter(must_not=[_condition(inner)])
        case Every(terms):
            return qe.Filter(must=[_condition(each) for each in terms])


def _any(field: str, values: list[Any]) -> Any:
    if not values:  # an engine takes an empty list for "no condition"; ours matches nothing
        return qe.Filter(must_not=[qe.Filter()])
    return qe.FieldCondition(field, match=qe.MatchAny(values))
