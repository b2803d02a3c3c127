"""What a page says of itself when it could not be made in full."""

from collections.abc import Sequence

_SAID = {
    "lexical": "There is much to do here right now: these were found by your words as they stand.",
    "facets": "The numbers beside the filters are those of a moment ago.",
}


def said(degraded: Sequence[str]) -> list[str]:
    """A line for each step that was left out; none as a rule."""
    return [_SAID[step] for step in degraded]
