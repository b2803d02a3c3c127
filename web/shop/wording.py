"""The sentences above the results, for eyes and for screen readers."""

from collections.abc import Sequence

from web.shop.pagestate import AS_LEARNED, PageState


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


def count(state: PageState, total: int, lacking: bool = False, weak: bool = False) -> str:
    """How many pieces, and, where a search ranks everything that passes the filters, that it does so.

    `lacking`: not one of them has all that was asked for; `weak`: nothing really matches. Both are said.
    """
    said = f"{total:,} {'piece' if total == 1 else 'pieces'}"
    ranked = (state.q or state.has_reference) and not state.sort
    if ranked and weak:
        return f"Nothing here is quite like that. {said}, closest first"
    if ranked and lacking:
        return f"Nothing has all of that. {said}, closest first" if total > 1 else f"{said}, not all of that"
    return f"{said}, closest first" if ranked and total > 1 else said


def balance(percent: str) -> str:
    """How far the words change the photo, for who does not see the slider."""
    words = int(percent or AS_LEARNED)
    if words == AS_LEARNED:
        return "balanced"
    return f"{words}% words" if words > AS_LEARNED else f"{100 - words}% photo"


def announcement(said: str, counted: str, found: bool) -> str:
    """What a screen reader says when a search is answered."""
    return f"{said}: {counted}." if found else f"{said}: nothing found. Ways on are listed."
