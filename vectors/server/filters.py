"""Our filter terms as Qdrant server conditions."""

from typing import Any

from qdrant_client import models

from vectors.protocol import AnyOf, Between, Equals, Every, Filter, Not, Term


def compile_filter(where: Filter) -> models.Filter | None:
    """Terms -> one filter that holds when all hold; None when everything passes."""
    must = [_condition(term) for term in where if not isinstance(term, Not)]
    must_not = [_condition(term.term) for term in where if isinstance(term, Not)]
    return models.Filter(must=must, must_not=must_not) if must or must_not else None


def not_newer_than(rev: int) -> models.Filter:
    """The fence: a stored point may be overwritten when its rev is not above this one, or is absent."""
    older = models.FieldCondition(key="rev", range=models.Range(lte=rev))
    return models.Filter(should=[older, models.IsEmptyCondition(is_empty=models.PayloadField(key="rev"))])


def _condition(term: Term) -> Any:
    match term:
        case Equals(field, value):
            return models.FieldCondition(key=field, match=models.MatchValue(value=value))
        case AnyOf(_, ()):  # a server takes an empty list for "no condition"; ours matches nothing
            return models.Filter(must_not=[models.Filter()])
        case AnyOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))  # type: ignore[arg-type]
        case Between(field, low, high):
            return models.FieldCondition(key=field, range=models.Range(gte=low, lte=high))
        case Not(inner):
            return models.Filter(must_not=[_condition(inner)])
        case Every(terms):
            return models.Filter(must=[_condition(each) for each in terms])
