"""The sentences above the results, for eyes and for screen readers."""

from collections.abc import Sequence

from web.pagestate import PageState


def heading(state: PageState, reference: str, chosen: Sequence[str]) -> str:
    """What is shown, in words: `reference` names the leading picture, `chosen` the filters' labels."""
    words = f"“{state.q}”" if state.q else ""
    if state.has_reference:
        like = "Like your photo" if state.photo and not state.like else f"Like {reference}"
        return f"{like}, {words}" if words else like
    if words:
        return words
    if chosen:
        return ", ".join(chosen[:3])
    return "New in" if state.sort == "newest" else "Everything"


def announcement(said: str, total: int, found: bool) -> str:
    """What a screen reader says when a search is answered."""
    if not found:
        return f"{said}: nothing found. Ways on are listed."
    return f"{said}: {total:,} {'piece' if total == 1 else 'pieces'}."
